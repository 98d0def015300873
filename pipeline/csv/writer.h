/*
 * writer.h - how a row and a reject are worded.
 */
#ifndef PL_CSV_WRITER_H
#define PL_CSV_WRITER_H

#include "pipeline/csv/rules.h"

/* Appends one row: minimal quoting, NULL as nothing, "" for the empty string,
 * LF. Dropped columns are left out. */
int pl_csv_write_row(const struct pl_csv_shape *shape,
                     const struct pl_csv_cell *cells, struct pl_buf *out,
                     struct pl_err *err) PL_MUST_CHECK;
/* Appends the header. */
int pl_csv_write_header(const struct pl_csv_shape *shape, struct pl_buf *out,
                        struct pl_err *err) PL_MUST_CHECK;
/* Appends one JSON object and a line end. key: NULL when there is none. */
int pl_csv_write_reject(const struct pl_csv_shape *shape,
                        const struct pl_csv_record *record,
                        const struct pl_csv_verdict *verdict,
                        const struct pl_csv_cell *key, bool has_raw,
                        struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
