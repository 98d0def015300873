/*
 * report.h - what the columns of the rows written hold: how many are filled,
 * NULL or empty, the longest, how many different values, and of columns with
 * few the most frequent ones. One tally a thread, put together at the end; the
 * outcome does not depend on how rows were shared out.
 */
#ifndef PL_CSV_REPORT_H
#define PL_CSV_REPORT_H

#include "pipeline/csv/check.h"

/* Columns with more values than that are estimated. */
#define PL_CSV_FEW 256

struct pl_csv_tally {
    struct pl_csv_tally_column *columns;
    size_t count;
};

int pl_csv_tally_open(struct pl_csv_tally *tally,
                      const struct pl_csv_shape *shape,
                      struct pl_err *err) PL_MUST_CHECK;
void pl_csv_tally_release(struct pl_csv_tally *tally);
/* The rows of a chunk that are neither rejected nor dropped. */
int pl_csv_tally_add(struct pl_csv_tally *tally, struct pl_csv_work *work,
                     struct pl_err *err) PL_MUST_CHECK;
int pl_csv_tally_merge(struct pl_csv_tally *tally,
                       const struct pl_csv_tally *other,
                       struct pl_err *err) PL_MUST_CHECK;
/* Fills report's columns, dropped ones left out. */
int pl_csv_tally_finish(const struct pl_csv_tally *tally,
                        const struct pl_csv_shape *shape,
                        struct pl_csv_report *report,
                        struct pl_err *err) PL_MUST_CHECK;

/* Appends a record's cells for pl_csv_tally_add to read. */
int pl_csv_tally_keep(struct pl_buf *kept, const struct pl_csv_cell *cells,
                      size_t count, struct pl_err *err) PL_MUST_CHECK;

#endif
