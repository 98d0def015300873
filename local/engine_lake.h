/*
 * engine_lake.h - the lake's folders and files as SQL views.
 */
#ifndef LOCAL_ENGINE_LAKE_H
#define LOCAL_ENGINE_LAKE_H

#include <jansson.h>
#include <stdint.h>

#include "local/duckdb_min.h"
#include "pipeline/base/buf.h"

/*
 * Appends the statements that make the schemas and views which sql needs. A
 * table is a folder of *.parquet, *.csv or *.json files, or one such file; it
 * is made in database and in every schema that sql names before it. Names
 * that begin with '_' or '.' are no data; <table>/_schema.json may give the
 * types of CSV columns: {"phone": "VARCHAR"}. Columns with numbers that no number
 * is written like ("+49...", "007") are texts without being told.
 */
int local_lake_views(duckdb_connection con, const char *lake,
                     const char *database, const char *sql, struct pl_buf *out,
                     uint64_t *bytes, struct pl_err *err) PL_MUST_CHECK;

/* Adds to types the columns of CSV files ("'a','b'") that are to stay texts. */
int local_csv_texts(duckdb_connection con, const char *files, json_t *types,
                    struct pl_err *err) PL_MUST_CHECK;

/* Appends text in quotes, those inside it doubled. */
int local_sql_quote(struct pl_buf *out, const char *text, char quote,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
