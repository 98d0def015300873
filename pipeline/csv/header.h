/*
 * header.h - the first record: which columns there are, whether the target
 * takes them, and what follows for the rows.
 */
#ifndef PL_CSV_HEADER_H
#define PL_CSV_HEADER_H

#include "pipeline/csv/check.h"

/* Fills plan's shape and what depends on it, report's odd names, and head with
 * the header as it is written. PL_DATA_INVALID, naming the column. */
int pl_csv_take_header(const struct pl_csv_record *record,
                       struct pl_csv_plan *plan, struct pl_csv_report *report,
                       struct pl_buf *head, struct pl_err *err) PL_MUST_CHECK;

#endif
