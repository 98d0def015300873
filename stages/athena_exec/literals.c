#include "stages/athena_exec/literals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/aws/athena.h"
#include "pipeline/base/text.h"
#include "pipeline/sql/lexer.h"

static int add_string(const char *text, struct pl_buf *out, struct pl_err *err)
{
    if (pl_buf_addc(out, '\'', err) != 0)
        return -1;
    for (const char *p = text; *p != '\0'; p++)
        if ((*p == '\'' && pl_buf_addc(out, '\'', err) != 0) ||
            pl_buf_addc(out, *p, err) != 0)
            return -1;
    return pl_buf_addc(out, '\'', err);
}

/* The shortest of the forms that read back as the same number; "5.0" stays a
 * decimal, so that it divides as one. */
static int add_real(double value, struct pl_buf *out, struct pl_err *err)
{
    char text[40] = "";

    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*G", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return pl_buf_addf(out, err, "%s%s", text,
                       strpbrk(text, ".E") == NULL ? ".0" : "");
}

static int add_value(const json_t *value, size_t number, struct pl_buf *out,
                     struct pl_err *err)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return add_string(json_string_value(value), out, err);
    case JSON_INTEGER:
        return pl_buf_addf(out, err, "%" JSON_INTEGER_FORMAT,
                           json_integer_value(value));
    case JSON_REAL:
        return add_real(json_real_value(value), out, err);
    case JSON_TRUE:
        return pl_buf_adds(out, "true", err);
    case JSON_FALSE:
        return pl_buf_adds(out, "false", err);
    case JSON_NULL:
        return pl_buf_adds(out, "null", err);
    case JSON_OBJECT:
    case JSON_ARRAY:
    default:
        return pl_fail(
            err, PL_QUERY_INVALID,
            "query.parameters[%zu] must be a string, a number, true, "
            "false or null",
            number);
    }
}

int athena_literal(const json_t *value, size_t number, struct pl_buf *out,
                   struct pl_err *err)
{
    const size_t from = out->len;
    const bool is_negative =
        json_is_number(value) && json_number_value(value) < 0;

    if ((is_negative && pl_buf_addc(out, '(', err) != 0) ||
        add_value(value, number, out, err) != 0 ||
        (is_negative && pl_buf_addc(out, ')', err) != 0))
        return -1;
    if (pl_utf8_count(out->data + from, out->len - from) >
        PL_ATHENA_PARAMETER_MAX)
        return pl_fail(err, PL_QUERY_INVALID,
                       "query.parameters[%zu] has more than the %d characters "
                       "that Athena takes, its quotes among them",
                       number, PL_ATHENA_PARAMETER_MAX);
    return 0;
}

int athena_bind(const char *sql, size_t len, const char *const *literals,
                size_t count, struct pl_buf *out, struct pl_err *err)
{
    struct pl_sql_lexer lex;
    struct pl_sql_token token;
    size_t from = 0;
    size_t used = 0;

    pl_sql_lexer_init(&lex, sql, len);
    do {
        pl_sql_next(&lex, &token);
        if (token.kind == PL_SQL_ERROR)
            return pl_fail(err, PL_INTERNAL_ERROR,
                           "a query that was judged cannot be read");
        if (token.kind != PL_SQL_PARAM)
            continue;
        if (used == count)
            return pl_fail(err, PL_INTERNAL_ERROR, "more ? than literals");
        if (pl_buf_add(out, sql + from, token.offset - from, err) != 0 ||
            pl_buf_adds(out, literals[used++], err) != 0)
            return -1;
        from = (size_t)token.offset + token.len;
    } while (token.kind != PL_SQL_END);
    return pl_buf_add(out, sql + from, len - from, err);
}

/* Whether the SQL has the last part of "catalog.schema.name" as a name. */
static bool is_name(const char *sql, size_t sql_len, const char *text,
                    size_t len)
{
    struct pl_sql_lexer lex;
    struct pl_sql_token token;

    for (size_t i = len; i > 0; i--)
        if (text[i - 1] == '.') {
            text += i;
            len -= i;
            break;
        }
    pl_sql_lexer_init(&lex, sql, sql_len);
    for (pl_sql_next(&lex, &token);
         len > 0 && token.kind != PL_SQL_END && token.kind != PL_SQL_ERROR;
         pl_sql_next(&lex, &token)) {
        const size_t quote = token.kind == PL_SQL_QUOTED ? 1 : 0;

        if (pl_sql_is_name(token.kind) &&
            pl_ieqn(sql + token.offset + quote, token.len - 2 * quote, text,
                    len))
            return true;
    }
    return false;
}

static bool has_quote_in_string(const char *sql, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (sql[i - 1] == '\'' && sql[i] == '\'')
            return true;
    return false;
}

static int masked(const char *sql, size_t len, const char *message,
                  struct pl_buf *out, struct pl_err *err)
{
    /* a quote within a string makes it unclear which quotes are a pair */
    const bool is_unclear = has_quote_in_string(sql, len);
    const char *at = message;

    for (const char *open; (open = strchr(at, '\'')) != NULL;) {
        const char *end = strchr(open + 1, '\'');
        const bool is_shown = end != NULL && is_name(sql, len, open + 1,
                                                     (size_t)(end - open) - 1);

        if (pl_buf_add(out, at, (size_t)(open - at), err) != 0)
            return -1;
        if (!is_shown && (is_unclear || end == NULL))
            end = strrchr(open, '\'');
        if (is_shown ? pl_buf_add(out, open, (size_t)(end + 1 - open), err)
                     : pl_buf_adds(out, "'...'", err))
            return -1;
        at = end == open ? open + strlen(open) : end + 1;
    }
    return pl_buf_adds(out, at, err);
}

void athena_mask(const char *sql, size_t len, char *message, size_t cap)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    if (masked(sql, len, message, &out, &err) != 0)
        pl_buf_reset(&out); /* rather nothing than too much */
    (void)snprintf(message, cap, "%s", pl_buf_str(&out));
}
