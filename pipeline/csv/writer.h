/*
 * writer.h - how a row and a reject are worded.
 */
#ifndef PL_CSV_WRITER_H
#define PL_CSV_WRITER_H

#include "pipeline/csv/kernel.h"
#include "pipeline/csv/rules.h"

/* The order in which JSON wants the columns: what belongs into one object
 * side by side. */
struct pl_csv_json_plan {
    struct pl_csv_json_column *columns;
    size_t count;
};
int pl_csv_json_plan(const struct pl_csv_shape *shape,
                     struct pl_csv_json_plan *plan,
                     struct pl_err *err) PL_MUST_CHECK;
void pl_csv_json_plan_release(struct pl_csv_json_plan *plan);

/*
 * Appends one row, with a LF. CSV: minimal quoting, NULL as nothing, "" for
 * the empty string; dropped columns are left out. JSON: the target's nested
 * names, values of attributes as arrays, what is NULL left out.
 */
int pl_csv_write_row(const struct pl_csv_config *cfg,
                     const struct pl_csv_shape *shape,
                     const struct pl_csv_json_plan *plan,
                     const struct pl_csv_record *record, struct pl_buf *out,
                     struct pl_err *err) PL_MUST_CHECK;
/* Appends one cell as CSV has it. */
int pl_csv_write_cell(const struct pl_csv_cell *cell, struct pl_buf *out,
                      struct pl_err *err) PL_MUST_CHECK;
/* Appends the header; JSON has none. */
int pl_csv_write_header(const struct pl_csv_config *cfg,
                        const struct pl_csv_shape *shape, struct pl_buf *out,
                        struct pl_err *err) PL_MUST_CHECK;

struct pl_csv_place {
    uint64_t number;
    const char *source; /* the file, where there are several; or NULL */
    uint64_t line;      /* of its first byte, from 1 */
    uint64_t offset;    /* of its first byte; without a source */
};

/* Appends one JSON object, or one CSV record, and a line end. */
int pl_csv_write_reject(const struct pl_csv_config *cfg,
                        const struct pl_csv_kernel *kernel,
                        const struct pl_csv_shape *shape,
                        const struct pl_csv_place *place,
                        const struct pl_csv_record *record,
                        const struct pl_csv_verdict *verdict,
                        struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
/* Appends whose row was rejected (pl_csv_config.rejected), or nothing. */
int pl_csv_write_whose(const struct pl_csv_config *cfg,
                       const struct pl_csv_shape *shape,
                       struct pl_csv_record *record, struct pl_buf *out,
                       struct pl_err *err) PL_MUST_CHECK;
/* What a file of rejects begins with: the header of CSV, nothing of JSON. */
int pl_csv_write_reject_header(const struct pl_csv_config *cfg,
                               struct pl_buf *out,
                               struct pl_err *err) PL_MUST_CHECK;

#endif
