/* The text as such: its bytes, places in it, and what has no place in it. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/sql/lexer.h"

int pl_sql_fail(struct pl_sql_place *place, const struct pl_sql_place *at,
                struct pl_err *err, const char *fmt, ...)
{
    char text[640];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    *place = *at;
    return pl_fail(err, PL_QUERY_INVALID, "line %u, column %u: %s", at->line,
                   at->column, text);
}

void pl_sql_show(const char *text, size_t len, char out[PL_SQL_SHOWN])
{
    const size_t most = 64;
    size_t kept = len < most ? len : most;

    if (kept < len) /* not in the middle of a character */
        while (kept > 0 && ((unsigned char)text[kept] & 0xC0U) == 0x80U)
            kept--;
    for (size_t i = 0; i < kept; i++) {
        const unsigned char c = (unsigned char)text[i];

        out[i] = c < 0x20U || c == 0x7FU ? '?' : text[i];
    }
    (void)snprintf(out + kept, PL_SQL_SHOWN - kept, "%s",
                   kept < len ? "..." : "");
}

void pl_sql_move_place(const char *sql, size_t len, size_t offset,
                       struct pl_sql_place *place)
{
    for (; place->offset < offset; place->offset++) {
        const char c = sql[place->offset];
        const bool is_crlf = c == '\r' && place->offset + 1 < len &&
                             sql[place->offset + 1] == '\n';

        if (c == '\n' || (c == '\r' && !is_crlf)) {
            place->line++;
            place->column = 1;
        } else if (((unsigned char)c & 0xC0U) != 0x80U) {
            place->column++;
        }
    }
}

struct pl_sql_place pl_sql_place_of(const char *sql, size_t len, size_t offset)
{
    struct pl_sql_place place = {.line = 1, .column = 1};

    pl_sql_move_place(sql, len, offset, &place);
    return place;
}

struct pl_sql_place pl_sql_place_of_token(const char *sql, size_t len,
                                          const struct pl_sql_token *token)
{
    struct pl_sql_place place = pl_sql_place_of(sql, len, token->offset);

    place.len = token->len;
    return place;
}

/* The character at the start of valid UTF-8; 0 and no bytes at the end. */
static uint32_t code_point(const char *text, size_t len, size_t *bytes)
{
    const unsigned char lead = len > 0 ? (unsigned char)text[0] : 0;
    const size_t n = lead < 0x80U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
    uint32_t cp = n == 1 ? lead : lead & (0xFFU >> (n + 1));

    *bytes = len < n ? len : n;
    for (size_t i = 1; i < *bytes; i++)
        cp = cp << 6 | ((unsigned char)text[i] & 0x3FU);
    return cp;
}

size_t pl_sql_strange_blank(const char *text, size_t len)
{
    size_t bytes = 0;
    const uint32_t cp = code_point(text, len, &bytes);
    const bool is_blank = cp == 0x85 || cp == 0xA0 || cp == 0xAD ||
                          cp == 0x1680 || cp == 0x180E ||
                          (cp >= 0x2000 && cp <= 0x200F) || cp == 0x2028 ||
                          cp == 0x2029 || cp == 0x202F || cp == 0x205F ||
                          cp == 0x2060 || cp == 0x3000 || cp == 0xFEFF;

    return is_blank ? bytes : 0;
}

static bool is_single_quote_like(uint32_t cp)
{
    return (cp >= 0x2018 && cp <= 0x201B) || cp == 0x2032 || cp == 0xB4 ||
           cp == 0xFF07;
}

static bool is_double_quote_like(uint32_t cp)
{
    return (cp >= 0x201C && cp <= 0x201F) || cp == 0x2033 || cp == 0xAB ||
           cp == 0xBB || cp == 0xFF02;
}

static bool is_dash_like(uint32_t cp)
{
    return (cp >= 0x2010 && cp <= 0x2015) || cp == 0x2212;
}

/* Names a character that has no place outside quotes; most of them come from
 * pasting out of mail, chat or a word processor. */
static int explain_character(const char *text, size_t len,
                             const struct pl_sql_place *at,
                             struct pl_sql_place *place, struct pl_err *err)
{
    size_t bytes = 0;
    const uint32_t cp = code_point(text, len, &bytes);
    const uint32_t next = code_point(text + bytes, len - bytes, &bytes);
    const unsigned number = (unsigned)cp;

    if (cp == 0xE2 && (next == 0x20AC || next == 0x80))
        return pl_sql_fail(place, at, err,
                           "the remains of a character that was read in the "
                           "wrong encoding (U+00E2 U+%04X); delete them",
                           (unsigned)next);
    if (cp == 0xFFFD)
        return pl_sql_fail(place, at, err,
                           "U+FFFD, which stands for a character that was "
                           "lost in an encoding; delete it or put back what "
                           "stood here");
    if (is_single_quote_like(cp))
        return pl_sql_fail(place, at, err,
                           "the typographic quote U+%04X; write '", number);
    if (is_double_quote_like(cp))
        return pl_sql_fail(place, at, err,
                           "the typographic quote U+%04X; write \"", number);
    if (is_dash_like(cp))
        return pl_sql_fail(place, at, err,
                           "the typographic dash U+%04X; write -", number);
    return pl_sql_fail(place, at, err,
                       "the character U+%04X outside a string; a name that "
                       "holds it needs double quotes",
                       number);
}

int pl_sql_explain(const struct pl_sql_lexer *lex,
                   const struct pl_sql_token *token, struct pl_sql_place *place,
                   struct pl_err *err)
{
    const struct pl_sql_place at =
        pl_sql_place_of(lex->sql, lex->len, token->offset);
    const char *text = lex->sql + token->offset;
    const size_t len = lex->len - token->offset;
    const char next = len > 1 ? text[1] : '\0';

    if (lex->trouble != NULL)
        return pl_sql_fail(place, &at, err, "%s", lex->trouble);
    if ((unsigned char)text[0] >= 0x80U)
        return explain_character(text, len, &at, place, err);
    if (text[0] == ':' && next == ':')
        return pl_sql_fail(place, &at, err,
                           "'::' is no operator of Athena's SQL; write "
                           "CAST(value AS type)");
    if (text[0] == '\\' && next == '"')
        return pl_sql_fail(place, &at, err,
                           "\\\" is how JSON writes a quote; outside JSON "
                           "write \" alone");
    if (text[0] == '\\')
        return pl_sql_fail(place, &at, err,
                           "a backslash outside a string; delete it");
    if ((unsigned char)text[0] < 0x20U || text[0] == 0x7F)
        return pl_sql_fail(place, &at, err,
                           "the control character U+%04X; delete it",
                           (unsigned)(unsigned char)text[0]);
    return pl_sql_fail(place, &at, err, "'%c' is no operator of Athena's SQL",
                       text[0]);
}

int pl_sql_check_text(const char *sql, size_t len, struct pl_sql_place *place,
                      struct pl_err *err)
{
    const char *nul = len > 0 ? memchr(sql, '\0', len) : NULL;
    struct pl_sql_place at;
    size_t bad;

    if (len > PL_SQL_MAX_BYTES) {
        *place = (struct pl_sql_place){0}; /* the text as a whole */
        return pl_fail(err, PL_QUERY_INVALID,
                       "the query has %zu bytes; Athena takes %zu at most", len,
                       PL_SQL_MAX_BYTES);
    }
    bad = pl_utf8_valid_len(sql, len);
    if (nul != NULL && (size_t)(nul - sql) < bad) {
        at = pl_sql_place_of(sql, len, (size_t)(nul - sql));
        return pl_sql_fail(place, &at, err,
                           "a NUL byte in the text; is the file UTF-16?");
    }
    if (bad < len) {
        at = pl_sql_place_of(sql, len, bad);
        return pl_sql_fail(place, &at, err,
                           "a byte that is not UTF-8 (0x%02X)%s",
                           (unsigned)(unsigned char)sql[bad],
                           (unsigned char)sql[bad] == 0xE2
                               ? ", the rest of a character such as U+2028; "
                                 "delete it"
                               : "");
    }
    return 0;
}
