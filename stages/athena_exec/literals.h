/*
 * literals.h - values as SQL literals, and literals kept out of messages.
 * Pure.
 */
#ifndef ATHENA_EXEC_LITERALS_H
#define ATHENA_EXEC_LITERALS_H

#include <jansson.h>

#include "pipeline/base/buf.h"

/*
 * Appends a JSON value as Athena's SQL has it: strings in single quotes, those
 * inside doubled; whole numbers; other numbers as they read back the same;
 * true, false, null. Negative numbers stand in brackets, since "a -?" would
 * else become a comment. PL_QUERY_INVALID for lists, objects, and what is
 * longer than Athena takes; number is the value's place, from 0.
 */
int athena_literal(const json_t *value, size_t number, struct pl_buf *out,
                   struct pl_err *err) PL_MUST_CHECK;

/* Appends sql with each ? replaced by its literal; there must be as many
 * (count) as ?. A ? within strings, names and comments is none. */
int athena_bind(const char *sql, size_t len, const char *const *literals,
                size_t count, struct pl_buf *out,
                struct pl_err *err) PL_MUST_CHECK;

/* Replaces what stands in single quotes in a message (of at most cap bytes
 * with its NUL) by '...', unless the SQL text has it as a name: columns and
 * tables may be shown, people's data not. */
void athena_mask(const char *sql, size_t len, char *message, size_t cap);

#endif
