/*
 * sql_tokens.h - the words of a SQL text, for those who only need to find
 * their way in it. Pure; never fails: what is left open ends with the text.
 */
#ifndef LOCAL_SQL_TOKENS_H
#define LOCAL_SQL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"

enum local_token_kind {
    LOCAL_TOKEN_END,
    LOCAL_TOKEN_WORD,   /* an unquoted identifier or keyword */
    LOCAL_TOKEN_QUOTED, /* "x" or `x` */
    LOCAL_TOKEN_STRING, /* 'x' */
    LOCAL_TOKEN_NUMBER,
    LOCAL_TOKEN_SIGN /* one byte, or -> */
};

struct local_token {
    enum local_token_kind kind;
    const char *at;
    size_t len;
};

/* Steps over blanks and comments to the next token at or behind at. */
struct local_token local_token_at(const char *at);
struct local_token local_token_after(const struct local_token *token);
/* The word or sign, letters without case. */
bool local_token_is(const struct local_token *token, const char *text);
/* The ')' or ']' that closes the one at token; END when there is none. */
struct local_token local_token_close(const struct local_token *open);
/* Appends the token without its quotes, doubled ones made single. */
int local_token_text(const struct local_token *token, struct pl_buf *out,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
