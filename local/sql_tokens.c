#include "local/sql_tokens.h"

#include <string.h>

#include "pipeline/base/text.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (pl_starts_with(at, "--")) {
            at += strcspn(at, "\n");
        } else if (pl_starts_with(at, "/*")) {
            const char *end = strstr(at + 2, "*/");

            at = end != NULL ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* Behind the closing quote; doubled ones belong to the text. */
static const char *skip_quoted(const char *at)
{
    const char quote = *at++;

    while (*at != '\0' && (*at != quote || at[1] == quote))
        at += *at == quote ? 2 : 1;
    return *at != '\0' ? at + 1 : at;
}

/* 1, 1.5, .5, 1e-10 */
static const char *skip_number(const char *at)
{
    while (is_digit(*at) || *at == '.')
        at++;
    if (*at == 'e' || *at == 'E') {
        const char *digits = at + 1 + (at[1] == '-' || at[1] == '+');

        if (is_digit(*digits))
            for (at = digits; is_digit(*at);)
                at++;
    }
    return at;
}

struct local_token local_token_at(const char *at)
{
    struct local_token t = {LOCAL_TOKEN_SIGN, skip_blanks(at), 1};
    const char *end = t.at;

    if (*t.at == '\0')
        return (struct local_token){LOCAL_TOKEN_END, t.at, 0};
    if (is_letter(*t.at)) {
        t.kind = LOCAL_TOKEN_WORD;
        while (is_letter(*end) || is_digit(*end) || *end == '$')
            end++;
    } else if (is_digit(*t.at) || (*t.at == '.' && is_digit(t.at[1]))) {
        t.kind = LOCAL_TOKEN_NUMBER;
        end = skip_number(t.at);
    } else if (*t.at == '\'') {
        t.kind = LOCAL_TOKEN_STRING;
        end = skip_quoted(t.at);
    } else if (*t.at == '"' || *t.at == '`') {
        t.kind = LOCAL_TOKEN_QUOTED;
        end = skip_quoted(t.at);
    } else {
        end += pl_starts_with(t.at, "->") ? 2 : 1;
    }
    t.len = (size_t)(end - t.at);
    return t;
}

struct local_token local_token_after(const struct local_token *token)
{
    return local_token_at(token->at + token->len);
}

bool local_token_is(const struct local_token *token, const char *text)
{
    return (token->kind == LOCAL_TOKEN_WORD ||
            token->kind == LOCAL_TOKEN_SIGN) &&
           pl_ieqn(token->at, token->len, text, strlen(text));
}

struct local_token local_token_close(const struct local_token *open)
{
    struct local_token t = *open;
    size_t depth = 0;

    for (; t.kind != LOCAL_TOKEN_END; t = local_token_after(&t)) {
        if (t.kind != LOCAL_TOKEN_SIGN)
            continue;
        if (*t.at == '(' || *t.at == '[')
            depth++;
        else if ((*t.at == ')' || *t.at == ']') && --depth == 0)
            break;
    }
    return t;
}

int local_token_text(const struct local_token *token, struct pl_buf *out,
                     struct pl_err *err)
{
    const bool is_quoted =
        token->kind == LOCAL_TOKEN_STRING || token->kind == LOCAL_TOKEN_QUOTED;
    const char quote = token->at[0];
    size_t end = token->len;

    if (!is_quoted)
        return pl_buf_add(out, token->at, token->len, err);
    if (end > 1 && token->at[end - 1] == quote)
        end--;
    for (size_t i = 1; i < end; i++) {
        if (pl_buf_addc(out, token->at[i], err) != 0)
            return -1;
        i += token->at[i] == quote;
    }
    return 0;
}
