/*
 * trino_sql.h - Trino's SQL where DuckDB's is another: functions that take
 * lambdas, types, binary literals. What is not known passes as it is. Pure.
 */
#ifndef LOCAL_TRINO_SQL_H
#define LOCAL_TRINO_SQL_H

#include "pipeline/base/buf.h"

int local_trino_rewrite(const char *sql, struct pl_buf *out,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
