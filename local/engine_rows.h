/*
 * engine_rows.h - DuckDB's vectors to Athena's CSV text.
 */
#ifndef LOCAL_ENGINE_ROWS_H
#define LOCAL_ENGINE_ROWS_H

#include "local/duckdb_min.h"
#include "pipeline/base/buf.h"

/* A type and what is needed of it for each value. */
struct local_type {
    int id;
    unsigned scale;
    int internal;            /* of a decimal or an enum */
    uint64_t size;           /* of an array */
    duckdb_logical_type own; /* of an enum: for its words; else NULL */
    char name[64];           /* of a struct's field; "" for unnamed ones */
    struct local_type *children;
    size_t count;
};

int local_type_open(struct local_type *type, duckdb_logical_type logical,
                    struct pl_err *err) PL_MUST_CHECK;
void local_type_release(struct local_type *type);
/* As Athena names it: "varchar", "timestamp with time zone". */
const char *local_type_name(const struct local_type *type);
/* The Precision that GetQueryResults tells; width: of a decimal. */
int local_type_precision(const struct local_type *type, unsigned width);
bool local_is_null(duckdb_vector v, uint64_t row);
/* Times of all kinds, numbers and booleans: short texts. */
void local_value_text(const struct local_type *t, const void *data,
                      uint64_t row, char text[64]);
/* Of a VARCHAR or a BLOB. */
const char *local_value_bytes(duckdb_vector v, uint64_t row, size_t *len);
/* Appends a value of any type as it stands in the CSV, without quotes. */
int local_rows_value(struct pl_buf *out, const struct local_type *type,
                     duckdb_vector v, uint64_t row,
                     struct pl_err *err) PL_MUST_CHECK;
/* Appends one row of a chunk with its line end. */
int local_rows_add(struct pl_buf *out, const struct local_type *types,
                   size_t count, const duckdb_vector *vectors, uint64_t row,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
