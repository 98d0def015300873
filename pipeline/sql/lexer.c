#include "pipeline/sql/lexer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

/* Trino's reserved words, sorted for bsearch(). */
static const char *const reserved[] = {
    "ALTER",        "AND",
    "AS",           "BETWEEN",
    "BY",           "CASE",
    "CAST",         "CONSTRAINT",
    "CREATE",       "CROSS",
    "CUBE",         "CURRENT_CATALOG",
    "CURRENT_DATE", "CURRENT_PATH",
    "CURRENT_ROLE", "CURRENT_SCHEMA",
    "CURRENT_TIME", "CURRENT_TIMESTAMP",
    "CURRENT_USER", "DEALLOCATE",
    "DELETE",       "DESCRIBE",
    "DISTINCT",     "DROP",
    "ELSE",         "END",
    "ESCAPE",       "EXCEPT",
    "EXECUTE",      "EXISTS",
    "EXTRACT",      "FALSE",
    "FOR",          "FROM",
    "FULL",         "GROUP",
    "GROUPING",     "HAVING",
    "IN",           "INNER",
    "INSERT",       "INTERSECT",
    "INTO",         "IS",
    "JOIN",         "JSON_ARRAY",
    "JSON_EXISTS",  "JSON_OBJECT",
    "JSON_QUERY",   "JSON_TABLE",
    "JSON_VALUE",   "LEFT",
    "LIKE",         "LISTAGG",
    "LOCALTIME",    "LOCALTIMESTAMP",
    "NATURAL",      "NORMALIZE",
    "NOT",          "NULL",
    "ON",           "OR",
    "ORDER",        "OUTER",
    "PREPARE",      "RECURSIVE",
    "RIGHT",        "ROLLUP",
    "SELECT",       "SKIP",
    "TABLE",        "THEN",
    "TRIM",         "TRUE",
    "UESCAPE",      "UNION",
    "UNNEST",       "USING",
    "VALUES",       "WHEN",
    "WHERE",        "WITH",
};

#define WORD_MAX 24 /* longer than any keyword */

/* Longest first: "<>" is not "<" and ">". */
static const char long_operators[][3] = {
    "<>", "!=", "<=", ">=", "||", "->", "=>"};

static const char short_operators[] = "=<>+-*/%.,()[]{};:|^$";

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

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_word_part(char c)
{
    return is_word_start(c) || is_digit(c);
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool pl_sql_is_op(const struct pl_sql_token *token, const char *op)
{
    return token->kind == PL_SQL_OP && token->text[0] == op[0] &&
           strlen(op) == token->len && memcmp(op, token->text, token->len) == 0;
}

bool pl_sql_is_word(const struct pl_sql_token *token, const char *word)
{
    return token->kind == PL_SQL_WORD && upper(token->text[0]) == word[0] &&
           pl_ieqn(token->text, token->len, word, strlen(word));
}

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

bool pl_sql_is_reserved(const struct pl_sql_token *token)
{
    char word[WORD_MAX];

    if (token->kind != PL_SQL_WORD || token->len >= sizeof word)
        return false;
    for (size_t i = 0; i < token->len; i++)
        word[i] = upper(token->text[i]);
    word[token->len] = '\0';
    return bsearch(word, reserved, PL_COUNT(reserved), sizeof reserved[0],
                   by_text) != NULL;
}

bool pl_sql_is_name(const struct pl_sql_token *token)
{
    return token->kind == PL_SQL_QUOTED ||
           (token->kind == PL_SQL_WORD && !pl_sql_is_reserved(token));
}

void pl_sql_lexer_init(struct pl_sql_lexer *lex, const char *sql, size_t len)
{
    *lex = (struct pl_sql_lexer){
        .sql = sql, .len = len, .at = {.line = 1, .column = 1}};
}

/* The byte ahead, NUL behind the end: pl_sql_check_text() has seen to it
 * that the text itself holds none. */
static char peek(const struct pl_sql_lexer *lex, size_t ahead)
{
    const size_t i = lex->at.offset + ahead;

    return i < lex->len ? lex->sql[i] : '\0';
}

/* Moves over count bytes and counts lines and characters. */
static void advance(struct pl_sql_lexer *lex, size_t count)
{
    for (; count > 0; count--) {
        const char c = peek(lex, 0);

        if (c == '\n' || (c == '\r' && peek(lex, 1) != '\n')) {
            lex->at.line++;
            lex->at.column = 1;
        } else if (((unsigned char)c & 0xC0U) != 0x80U) {
            lex->at.column++;
        }
        lex->at.offset++;
    }
}

/* The character ahead; the text is known to be valid UTF-8. */
static uint32_t code_point(const struct pl_sql_lexer *lex, size_t ahead,
                           size_t *bytes)
{
    const unsigned char lead = (unsigned char)peek(lex, ahead);
    const size_t n = lead < 0x80U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
    uint32_t cp = n == 1 ? lead : lead & (0xFFU >> (n + 1));

    for (size_t i = 1; i < n; i++)
        cp = cp << 6 | ((unsigned char)peek(lex, ahead + i) & 0x3FU);
    *bytes = n;
    return cp;
}

static bool is_blank_like(uint32_t cp)
{
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || cp == 0x180E ||
           (cp >= 0x2000 && cp <= 0x200D) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x2060 || cp == 0x3000 ||
           cp == 0xFEFF;
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
static int strange(const struct pl_sql_lexer *lex, struct pl_sql_place *place,
                   struct pl_err *err)
{
    size_t bytes = 0;
    const uint32_t cp = code_point(lex, 0, &bytes);
    const uint32_t next = code_point(lex, bytes, &bytes);
    const unsigned number = (unsigned)cp;

    if (cp == 0xE2 && (next == 0x20AC || next == 0x80))
        return pl_sql_fail(place, &lex->at, err,
                           "the remains of a character that was read in the "
                           "wrong encoding (U+00E2 U+%04X); delete them",
                           (unsigned)next);
    if (is_blank_like(cp))
        return pl_sql_fail(place, &lex->at, err,
                           "the invisible character U+%04X outside a string; "
                           "replace it by a blank",
                           number);
    if (is_single_quote_like(cp))
        return pl_sql_fail(place, &lex->at, err,
                           "the typographic quote U+%04X; write '", number);
    if (is_double_quote_like(cp))
        return pl_sql_fail(place, &lex->at, err,
                           "the typographic quote U+%04X; write \"", number);
    if (is_dash_like(cp))
        return pl_sql_fail(place, &lex->at, err,
                           "the typographic dash U+%04X; write -", number);
    return pl_sql_fail(place, &lex->at, err,
                       "the character U+%04X outside a string; a name that "
                       "holds it needs double quotes",
                       number);
}

/* A single-byte character that no token begins with. */
static int odd(const struct pl_sql_lexer *lex, struct pl_sql_place *place,
               struct pl_err *err)
{
    const char c = peek(lex, 0);

    if (c == '\\' && peek(lex, 1) == '"')
        return pl_sql_fail(place, &lex->at, err,
                           "\\\" is how JSON writes a quote; outside JSON "
                           "write \" alone");
    if (c == '\\')
        return pl_sql_fail(place, &lex->at, err,
                           "a backslash outside a string; delete it");
    if ((unsigned char)c < 0x20U || c == 0x7F)
        return pl_sql_fail(place, &lex->at, err,
                           "the control character U+%04X; delete it",
                           (unsigned)(unsigned char)c);
    return pl_sql_fail(place, &lex->at, err,
                       "'%c' is no operator of Athena's SQL", c);
}

int pl_sql_check_text(const char *sql, size_t len, struct pl_sql_place *place,
                      struct pl_err *err)
{
    struct pl_sql_lexer lex;
    const char *nul = memchr(sql, '\0', len);
    size_t bad = 0;

    pl_sql_lexer_init(&lex, sql, len);
    if (len > PL_SQL_MAX_BYTES) {
        *place = (struct pl_sql_place){0}; /* the text as a whole */
        return pl_fail(err, PL_QUERY_INVALID,
                       "the query has %zu bytes; Athena takes %zu at most", len,
                       PL_SQL_MAX_BYTES);
    }
    bad = pl_utf8_valid_len(sql, len);
    if (nul != NULL && (size_t)(nul - sql) < bad) {
        advance(&lex, (size_t)(nul - sql));
        return pl_sql_fail(place, &lex.at, err,
                           "a NUL byte in the text; is the file UTF-16?");
    }
    if (bad < len) {
        advance(&lex, bad);
        return pl_sql_fail(place, &lex.at, err,
                           "a byte that is not UTF-8 (0x%02X)",
                           (unsigned)(unsigned char)sql[bad]);
    }
    return 0;
}

/* Passes over blanks and comments. */
static int skip_blanks(struct pl_sql_lexer *lex, struct pl_sql_place *place,
                       struct pl_err *err)
{
    for (;;) {
        const char c = peek(lex, 0);
        const struct pl_sql_place start = lex->at;

        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            advance(lex, 1);
        } else if (c == '-' && peek(lex, 1) == '-') {
            while (lex->at.offset < lex->len && peek(lex, 0) != '\n' &&
                   peek(lex, 0) != '\r')
                advance(lex, 1);
        } else if (c == '/' && peek(lex, 1) == '*') {
            advance(lex, 2);
            while (peek(lex, 0) != '*' || peek(lex, 1) != '/') {
                if (lex->at.offset >= lex->len)
                    return pl_sql_fail(place, &start, err,
                                       "the comment that begins here is not "
                                       "closed; add */");
                advance(lex, 1);
            }
            advance(lex, 2);
        } else {
            return 0;
        }
    }
}

static void finish(struct pl_sql_lexer *lex, enum pl_sql_kind kind,
                   const struct pl_sql_place *start, struct pl_sql_token *token)
{
    *token = (struct pl_sql_token){
        .kind = kind,
        .text = lex->sql + start->offset,
        .len = lex->at.offset - start->offset,
        .place = *start,
    };
}

/* Remembers invisible characters in data: they are legal there, but seldom
 * what was meant. */
static void note_strange(struct pl_sql_lexer *lex)
{
    size_t bytes = 0;

    if (((unsigned char)peek(lex, 0) & 0xC0U) != 0xC0U)
        return;
    if (!is_blank_like(code_point(lex, 0, &bytes)))
        return;
    if (lex->strange_blanks++ == 0)
        lex->strange_at = lex->at;
}

/* Reads to the closing quote; the opening one is skip bytes ahead. A quote
 * inside is written twice. */
static int read_quoted(struct pl_sql_lexer *lex, enum pl_sql_kind kind,
                       size_t skip, struct pl_sql_token *token,
                       struct pl_sql_place *place, struct pl_err *err)
{
    const struct pl_sql_place start = lex->at;
    const char quote = peek(lex, skip);

    advance(lex, skip + 1);
    for (;;) {
        if (lex->at.offset >= lex->len)
            return pl_sql_fail(place, &start, err,
                               "the %s that begins here is not closed; add %c",
                               kind == PL_SQL_STRING ? "string" : "quoted name",
                               quote);
        if (peek(lex, 0) == quote) {
            if (peek(lex, 1) != quote)
                break;
            advance(lex, 1);
        }
        note_strange(lex);
        advance(lex, 1);
    }
    advance(lex, 1);
    finish(lex, kind, &start, token);
    return 0;
}

/* Digits with single underscores between them; the count of bytes. */
static size_t digits_at(const struct pl_sql_lexer *lex, size_t from)
{
    size_t n = 0;

    while (is_digit(peek(lex, from + n)) ||
           (n > 0 && peek(lex, from + n) == '_' &&
            is_digit(peek(lex, from + n + 1))))
        n++;
    return n;
}

/* 0x, 0o and 0b; 0 when it is none of them. */
static size_t radix_at(const struct pl_sql_lexer *lex)
{
    const char mark = upper(peek(lex, 1));
    const char *allowed = mark == 'X'   ? "0123456789ABCDEF_"
                          : mark == 'O' ? "01234567_"
                          : mark == 'B' ? "01_"
                                        : NULL;
    size_t n = 2;

    if (peek(lex, 0) != '0' || allowed == NULL)
        return 0;
    while (peek(lex, n) != '\0' && strchr(allowed, upper(peek(lex, n))))
        n++;
    return n > 2 ? n : 0;
}

static int read_number(struct pl_sql_lexer *lex, struct pl_sql_token *token,
                       struct pl_sql_place *place, struct pl_err *err)
{
    const struct pl_sql_place start = lex->at;
    size_t n = radix_at(lex);
    size_t sign = 0;
    bool is_whole = true;

    if (n == 0) {
        n = digits_at(lex, 0);
        if (peek(lex, n) == '.') {
            is_whole = false;
            n += 1 + digits_at(lex, n + 1);
        }
        if (upper(peek(lex, n)) == 'E') {
            sign = peek(lex, n + 1) == '+' || peek(lex, n + 1) == '-';
            if (is_digit(peek(lex, n + 1 + sign))) {
                n += 1 + sign;
                while (is_digit(peek(lex, n)))
                    n++;
            }
        }
    }
    if (is_whole && is_word_part(peek(lex, n)))
        return pl_sql_fail(place, &start, err,
                           "a number glued to a word; put a blank between, or "
                           "double quotes around a name that begins with a "
                           "digit");
    advance(lex, n);
    finish(lex, PL_SQL_NUMBER, &start, token);
    return 0;
}

static int read_operator(struct pl_sql_lexer *lex, struct pl_sql_token *token,
                         struct pl_sql_place *place, struct pl_err *err)
{
    const struct pl_sql_place start = lex->at;
    const char *rest = lex->sql + lex->at.offset;
    const size_t left = lex->len - lex->at.offset;
    size_t n = 0;

    if (rest[0] == ':' && left > 1 && rest[1] == ':')
        return pl_sql_fail(place, &start, err,
                           "'::' is no operator of Athena's SQL; write "
                           "CAST(value AS type)");
    for (size_t i = 0; left > 1 && i < PL_COUNT(long_operators); i++)
        if (memcmp(rest, long_operators[i], 2) == 0)
            n = 2;
    if (n == 0 && strchr(short_operators, rest[0]) != NULL)
        n = 1;
    if (n == 0)
        return odd(lex, place, err);
    advance(lex, n);
    finish(lex, PL_SQL_OP, &start, token);
    return 0;
}

static void read_word(struct pl_sql_lexer *lex, struct pl_sql_token *token)
{
    const struct pl_sql_place start = lex->at;
    size_t n = 1;

    while (is_word_part(peek(lex, n)))
        n++;
    advance(lex, n);
    finish(lex, PL_SQL_WORD, &start, token);
}

int pl_sql_next(struct pl_sql_lexer *lex, struct pl_sql_token *token,
                struct pl_sql_place *place, struct pl_err *err)
{
    char c;

    if (skip_blanks(lex, place, err) != 0)
        return -1;
    c = peek(lex, 0);
    if (lex->at.offset >= lex->len)
        finish(lex, PL_SQL_END, &lex->at, token);
    else if (c == '\'')
        return read_quoted(lex, PL_SQL_STRING, 0, token, place, err);
    else if (c == '"')
        return read_quoted(lex, PL_SQL_QUOTED, 0, token, place, err);
    else if (c == '`')
        return read_quoted(lex, PL_SQL_BACKQUOTED, 0, token, place, err);
    else if (upper(c) == 'X' && peek(lex, 1) == '\'')
        return read_quoted(lex, PL_SQL_STRING, 1, token, place, err);
    else if (upper(c) == 'U' && peek(lex, 1) == '&' && peek(lex, 2) == '\'')
        return read_quoted(lex, PL_SQL_STRING, 2, token, place, err);
    else if (is_digit(c) || (c == '.' && is_digit(peek(lex, 1))))
        return read_number(lex, token, place, err);
    else if (is_word_start(c))
        read_word(lex, token);
    else if (c == '?') {
        const struct pl_sql_place start = lex->at;

        advance(lex, 1);
        finish(lex, PL_SQL_PARAM, &start, token);
    } else if ((unsigned char)c >= 0x80U)
        return strange(lex, place, err);
    else
        return read_operator(lex, token, place, err);
    return 0;
}
