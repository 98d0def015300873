/*
 * cells.h - one row of CSV as the transformer writes it, cut into cells again:
 * minimal quoting, no line break inside a cell, nothing for NULL.
 */
#ifndef PL_PROFILE_CELLS_H
#define PL_PROFILE_CELLS_H

#include "pipeline/csv/reader.h"

struct pl_profile_cells {
    struct pl_csv_cell *list; /* valid until the next cut */
    size_t count;
    size_t cap;
    struct pl_buf text;
};

void pl_profile_cells_release(struct pl_profile_cells *cells);

/* row is without its LF. Cannot fail but for memory: what is no CSV is cut
 * somehow, and its cells are counted by the caller. */
int pl_profile_cut(struct pl_profile_cells *cells, const char *row, size_t len,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
