/*
 * select.h - is this one read-only statement, and which columns does it give?
 *
 * Reads the whole statement by Trino's grammar of queries, once, in linear
 * time and with bounded depth. What it accepts is a query for Athena's parser
 * too; whether tables, columns and types fit only Athena can tell. No I/O.
 */
#ifndef PL_SQL_SELECT_H
#define PL_SQL_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/sql/lexer.h"

#define PL_SQL_MAX_DEPTH 1000 /* brackets, CASE, joins inside each other */
#define PL_SQL_MAX_COLUMNS 4096

struct pl_sql_column {
    char *name; /* without quotes, unquoted ones in lower case; "*" for a
                        star, "_colN" for an expression without a name */
    size_t name_len;
    bool is_quoted;            /* the name was in double quotes */
    bool is_star;              /* any number of columns, names unknown */
    bool is_unnamed;           /* an expression that got no name */
    struct pl_sql_place place; /* of the name; of the expression if unnamed */
};

struct pl_sql_select {
    struct pl_sql_column *columns;
    size_t column_count;
    size_t column_cap;
    bool is_unknown;    /* a star: more columns than these, or others */
    bool has_semicolon; /* a trailing one, outside sql_len */
    size_t sql_len;     /* the statement without trailing semicolons */
    size_t parameters;  /* count of ? */
    size_t blanks;      /* see lexer.h: to be replaced before it is sent */
    size_t first_blank;
    size_t strange;
    size_t first_strange;
};

void pl_sql_select_release(struct pl_sql_select *select);

/*
 * Read a statement. select must be zeroed; the caller releases it.
 * is_execute_allowed: EXECUTE of a prepared statement passes too.
 *
 * Fails with PL_QUERY_INVALID: text that is no Athena SQL, no statement, more
 * than one, one that is not a query, one of the limits above. *place then
 * tells where, and *select is unchanged. PL_HOST_ERROR: out of memory.
 */
int pl_sql_select_read(const char *sql, size_t len, bool is_execute_allowed,
                       struct pl_sql_select *select, struct pl_sql_place *place,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
