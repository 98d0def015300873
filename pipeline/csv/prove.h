/*
 * prove.h - what can be said of many rows at once: column by column a kernel
 * proves cells right, and what it cannot prove it doubts. Cells that only need
 * another form are patched beforehand (patch.c). Either way the row is left
 * where it stands.
 */
#ifndef PL_CSV_PROVE_H
#define PL_CSV_PROVE_H

#include "pipeline/csv/check.h"

/* Of a row that is looked at after all: what was known of it is forgotten. */
#define PL_CSV_LOOK_ANEW (PL_CSV_LOOK | PL_CSV_CONTROLS | PL_CSV_TEXT)

/* Leaves the states of rows that are right at 0, of the others at PL_CSV_LOOK
 * and more, and makes the hashes of the former. */
int pl_csv_prove(const struct pl_csv_plan *plan, struct pl_csv_work *work,
                 struct pl_err *err) PL_MUST_CHECK;

/* Fills work's patches; a row that is patched all over has state 0. */
int pl_csv_patch_rows(const struct pl_csv_plan *plan, struct pl_csv_work *work,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
