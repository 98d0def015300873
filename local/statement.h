/*
 * statement.h - what kind of statement a query is, and the parts of an
 * UNLOAD. Pure.
 */
#ifndef LOCAL_STATEMENT_H
#define LOCAL_STATEMENT_H

#include <jansson.h>

#include "pipeline/base/buf.h"

enum local_statement_kind {
    LOCAL_STATEMENT_SELECT,
    LOCAL_STATEMENT_UNLOAD,
    LOCAL_STATEMENT_VALIDATE, /* EXPLAIN (TYPE VALIDATE) */
    LOCAL_STATEMENT_OTHER     /* nothing that is run here */
};

struct local_statement {
    enum local_statement_kind kind;
    const char *type;    /* "DML", "DDL", "UTILITY" */
    char subtype[24];    /* "SELECT", "UNLOAD", "CREATE" */
    struct pl_buf query; /* the SELECT in it */
    struct pl_buf to;    /* "s3://..." */
    char format[16];     /* upper case */
    char compression[16];
    char delimiter;
    json_t *partitions; /* an array of names, or NULL */
};

/* Of a statement that cannot be told: PL_QUERY_FAILED, in Athena's words. What
 * it is (type, subtype) is known even then. */
int local_statement_read(const char *sql, struct local_statement *out,
                         struct pl_err *err) PL_MUST_CHECK;
void local_statement_release(struct local_statement *statement);

#endif
