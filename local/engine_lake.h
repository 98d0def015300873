/*
 * engine_lake.h - the lake's folders and files as SQL views.
 */
#ifndef LOCAL_ENGINE_LAKE_H
#define LOCAL_ENGINE_LAKE_H

#include <stdint.h>

#include "pipeline/base/buf.h"

/*
 * Appends the statements that make the schemas and views which sql needs. A
 * table is a folder of *.parquet, *.csv or *.json files, or one such file; it
 * is made in database and in every schema that sql names before it. Names
 * that begin with '_' or '.' are no data; <table>/_schema.json may give the
 * types of CSV columns: {"phone": "VARCHAR"}.
 */
int local_lake_views(const char *lake, const char *database, const char *sql,
                     struct pl_buf *out, uint64_t *bytes,
                     struct pl_err *err) PL_MUST_CHECK;

/* Appends text in quotes, those inside it doubled. */
int local_sql_quote(struct pl_buf *out, const char *text, char quote,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
