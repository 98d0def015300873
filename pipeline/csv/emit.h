/*
 * emit.h - a chunk's output put together: runs of rows as they stand, without
 * their quotes and with their patches, and between them the rows that were
 * written anew.
 */
#ifndef PL_CSV_EMIT_H
#define PL_CSV_EMIT_H

#include "pipeline/csv/check.h"

/* Fills work's out and rows_out; nothing where there is no output. */
int pl_csv_emit(const struct pl_csv_plan *plan, struct pl_csv_work *work,
                struct pl_err *err) PL_MUST_CHECK;

#endif
