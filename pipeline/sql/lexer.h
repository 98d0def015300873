/*
 * lexer.h - the words of Athena's SQL (engine 3, the grammar of Trino).
 *
 * Reads one token at a time from borrowed text; allocates nothing, does no
 * I/O, runs in linear time. A failure is PL_QUERY_INVALID with the place in
 * the message ("line 2, column 5: ...") and in struct pl_sql_place; messages
 * never quote the text of a string literal.
 */
#ifndef PL_SQL_LEXER_H
#define PL_SQL_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

/* The longest statement that Athena takes. */
#define PL_SQL_MAX_BYTES ((size_t)262144)

enum pl_sql_kind {
    PL_SQL_END,        /* the text is over; length 0 */
    PL_SQL_WORD,       /* identifier or keyword */
    PL_SQL_QUOTED,     /* "identifier" */
    PL_SQL_BACKQUOTED, /* `identifier`: lexed, but Trino refuses it */
    PL_SQL_STRING,     /* '', U&'' or X'' */
    PL_SQL_NUMBER,
    PL_SQL_PARAM, /* ? */
    PL_SQL_OP     /* operators, brackets, comma, dot, semicolon */
};

struct pl_sql_place {
    size_t offset;   /* bytes from the start of the text */
    unsigned line;   /* 1 is the first; 0: the text as a whole */
    unsigned column; /* in characters; 1 is the first */
};

struct pl_sql_token {
    enum pl_sql_kind kind;
    const char *text; /* within the text given to init */
    size_t len;
    struct pl_sql_place place;
};

struct pl_sql_lexer {
    const char *sql;
    size_t len;
    struct pl_sql_place at;
    size_t strange_blanks;          /* U+2028 and its kind inside strings */
    struct pl_sql_place strange_at; /* the first of them */
};

/* sql is borrowed as long as the lexer and its tokens are used. */
void pl_sql_lexer_init(struct pl_sql_lexer *lex, const char *sql, size_t len);

/*
 * Look once at the whole text: size, NUL bytes, UTF-8. Must have succeeded
 * before the first pl_sql_next(). On failure *place tells where.
 */
int pl_sql_check_text(const char *sql, size_t len, struct pl_sql_place *place,
                      struct pl_err *err) PL_MUST_CHECK;

/*
 * Read the next token; comments and blanks are passed over. At the end, and
 * ever after, the kind is PL_SQL_END. On failure *token is unchanged, *place
 * tells where the trouble begins, and the lexer must not be used again.
 */
int pl_sql_next(struct pl_sql_lexer *lex, struct pl_sql_token *token,
                struct pl_sql_place *place, struct pl_err *err) PL_MUST_CHECK;

/* Is the token this operator, exactly? */
bool pl_sql_is_op(const struct pl_sql_token *token, const char *op);
/* Is the token this unquoted word, without case? word in capitals. */
bool pl_sql_is_word(const struct pl_sql_token *token, const char *word);
/* Is the token a word that Trino reserves (never a name unless quoted)? */
bool pl_sql_is_reserved(const struct pl_sql_token *token);
/* Can the token stand as a name: a quoted or an unreserved word? */
bool pl_sql_is_name(const struct pl_sql_token *token);

/* Room for a name clipped for a message, with its NUL. */
#define PL_SQL_SHOWN 72

/* Copies a name for a message: at most 64 bytes and whole characters, "..."
 * behind a cut, control characters as '?'. */
void pl_sql_show(const char *text, size_t len, char out[PL_SQL_SHOWN]);

/* Fails with "line L, column C: " and the message, and sets *place. Always
 * returns -1. */
int pl_sql_fail(struct pl_sql_place *place, const struct pl_sql_place *at,
                struct pl_err *err, const char *fmt, ...) PL_PRINTF(4, 5);

#endif
