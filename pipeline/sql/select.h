/*
 * select.h - is this one read-only statement, and which columns does it give?
 *
 * Reads the tokens of lexer.h once, in linear time, with bounded memory: at
 * most PL_SQL_MAX_DEPTH open brackets and PL_SQL_MAX_COLUMNS columns. It is
 * not a full parser: what it refuses, Athena refuses too (or would give a
 * column without a name); what it accepts may still fail there. No I/O.
 */
#ifndef PL_SQL_SELECT_H
#define PL_SQL_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/sql/lexer.h"

#define PL_SQL_MAX_DEPTH 1000
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
    bool is_unknown;       /* a star: more columns than these, or others */
    bool has_semicolon;    /* a trailing one, outside sql_len */
    size_t sql_len;        /* the statement without trailing semicolons */
    size_t parameters;     /* count of ? */
    size_t strange_blanks; /* see lexer.h */
    struct pl_sql_place strange_at;
};

void pl_sql_select_release(struct pl_sql_select *select);

/*
 * Read a statement. select must be zeroed; the caller releases it.
 *
 * Fails with PL_QUERY_INVALID: text that is no Athena SQL, no statement, more
 * than one, one that is not a query, brackets that do not balance, a select
 * list that cannot be read, one of the limits above. *place then tells where,
 * and *select is unchanged. PL_HOST_ERROR: out of memory.
 */
int pl_sql_select_read(const char *sql, size_t len,
                       struct pl_sql_select *select, struct pl_sql_place *place,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
