/*
 * engine_result.h - the columns of a result, and its rows as UNLOAD writes
 * them.
 */
#ifndef LOCAL_ENGINE_RESULT_H
#define LOCAL_ENGINE_RESULT_H

#include "local/engine.h"
#include "local/engine_rows.h"

struct local_result {
    duckdb_prepared_statement statement;
    duckdb_result r;
    struct local_type *types;
    char (*names)[256];
    bool *is_named; /* else the name was made up: "_col0" */
    duckdb_vector *vectors;
    size_t count;
};

void local_result_release(struct local_result *result);
/* What UNLOAD does not take: columns without a name, names twice, types that
 * Hive does not have, partition columns that are not the last. Makes names
 * lower case. */
int local_unload_check(struct local_result *result, const json_t *partitions,
                       struct pl_err *err) PL_MUST_CHECK;
/* Appends one row of the current chunk, and to folder where it belongs. */
int local_unload_row(const struct local_result *result,
                     const struct local_rows_out *out, uint64_t row,
                     struct pl_buf *text, struct pl_buf *folder,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
