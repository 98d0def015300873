/* Literals, and what Trino's parser looks for inside them. */
#include <string.h>

#include "pipeline/sql/parser.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static uint32_t hex_value(char c)
{
    return (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* One escape of U&'' behind its first character: four digits, or + and six.
 * Its length; 0: it is none. */
static size_t escape_length(const char *text, size_t len)
{
    const size_t from = len > 0 && text[0] == '+' ? 1 : 0;
    const size_t digits = from == 1 ? 6 : 4;
    uint32_t value = 0;

    if (len < from + digits)
        return 0;
    for (size_t i = from; i < from + digits; i++) {
        if (!is_hex(text[i]))
            return 0;
        value = value << 4 | hex_value(text[i]);
    }
    return value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)
               ? 0
               : from + digits;
}

/* Whether every escape between the quotes is whole. */
static bool has_good_escapes(const char *text, size_t len, char escape)
{
    for (size_t i = 0; i < len; i++) {
        size_t n;

        if (text[i] != escape)
            continue;
        if (i + 1 < len && text[i + 1] == escape) {
            i++;
            continue;
        }
        n = escape_length(text + i + 1, len - i - 1);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

/* The character of UESCAPE; NUL: it cannot be one. */
static char escape_character(const struct pl_sql_parser *p)
{
    const struct pl_sql_token *t = pl_sql_token(p);
    const char *text = p->lex.sql + t->offset;

    if (t->len != 3 || (unsigned char)text[1] <= ' ' ||
        (unsigned char)text[1] >= 0x7FU || is_hex(text[1]) ||
        strchr("\"+'", text[1]) != NULL)
        return '\0';
    return text[1];
}

/* U&'' [UESCAPE '!'] */
static int unicode_string(struct pl_sql_parser *p)
{
    const struct pl_sql_token t = *pl_sql_token(p);
    char escape = '\\';

    pl_sql_shift(p);
    if (pl_sql_accept(p, PL_SQL_K_UESCAPE)) {
        if (p->kind != PL_SQL_STRING)
            return pl_sql_unexpected(p, "a string of one character after "
                                        "UESCAPE");
        escape = escape_character(p);
        if (escape == '\0')
            return pl_sql_fail_at(p, pl_sql_token(p),
                                  "UESCAPE takes one character that is no "
                                  "hexadecimal digit, sign, quote or blank");
        pl_sql_shift(p);
    }
    if (has_good_escapes(p->lex.sql + t.offset + 3, t.len - 4, escape))
        return 0;
    return pl_sql_fail_at(p, &t,
                          "an escape in U&'' that is not whole; it takes four "
                          "hexadecimal digits, or + and six");
}

int pl_sql_string(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_UNICODE_STRING)
        return unicode_string(p);
    return pl_sql_expect(p, PL_SQL_STRING, "a string");
}

/* X'', with blanks between its digits. */
int pl_sql_binary(struct pl_sql_parser *p)
{
    const struct pl_sql_token t = *pl_sql_token(p);
    const char *text = p->lex.sql + t.offset;
    size_t digits = 0;

    for (size_t i = 2; i + 1 < t.len; i++) {
        if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
            continue;
        if (!is_hex(text[i]))
            return pl_sql_fail_at(p, &t, "X'' takes hexadecimal digits alone");
        digits++;
    }
    if (digits % 2 != 0)
        return pl_sql_fail_at(p, &t, "X'' takes two digits for each byte");
    pl_sql_shift(p);
    return 0;
}

/* The value of a whole number in any base; false when it is over most. */
static bool fits(const char *text, size_t len, uint64_t most)
{
    const char mark = len > 1 ? (char)(text[1] | 0x20) : '\0';
    const uint64_t base = mark == 'x'   ? 16
                          : mark == 'o' ? 8
                          : mark == 'b' ? 2
                                        : 10;
    uint64_t value = 0;

    for (size_t i = base == 10 ? 0 : 2; i < len; i++) {
        const uint64_t digit = text[i] == '_' ? 0 : hex_value(text[i]);

        if (text[i] == '_')
            continue;
        if (value > (most - digit) / base)
            return false;
        value = value * base + digit;
    }
    return true;
}

int pl_sql_number(struct pl_sql_parser *p)
{
    const bool is_negative = pl_sql_accept(p, PL_SQL_MINUS);
    const struct pl_sql_token t = *pl_sql_token(p);
    const char *text = p->lex.sql + t.offset;
    const bool is_whole = p->kind == PL_SQL_INTEGER;

    if (is_whole && t.len == 1) { /* as many are */
        pl_sql_shift(p);
        return 0;
    }
    if (is_whole && is_negative && t.len > 1 && !is_digit(text[1]) &&
        text[1] != '_')
        return pl_sql_fail_at(p, &t,
                              "a minus before a number in another base than "
                              "ten; put it in brackets");
    if (is_whole &&
        !fits(text, t.len, (uint64_t)INT64_MAX + (is_negative ? 1 : 0)))
        return pl_sql_fail_at(p, &t,
                              "a whole number that is too large; with a dot "
                              "it is a decimal");
    if (!is_whole && p->kind != PL_SQL_DECIMAL && p->kind != PL_SQL_REAL)
        return pl_sql_unexpected(p, "a number");
    pl_sql_shift(p);
    return 0;
}

/* Behind LIMIT, OFFSET and FETCH FIRST: a whole number, or ? */
int pl_sql_row_count(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_PARAM) {
        p->parameters++;
        pl_sql_shift(p);
        return 0;
    }
    if (p->kind != PL_SQL_INTEGER)
        return pl_sql_unexpected(p, "a whole number of rows, or ?");
    return pl_sql_number(p);
}

bool pl_sql_is_interval_unit(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_YEAR || kind == PL_SQL_K_MONTH ||
           kind == PL_SQL_K_DAY || kind == PL_SQL_K_HOUR ||
           kind == PL_SQL_K_MINUTE || kind == PL_SQL_K_SECOND;
}

/* INTERVAL [+|-] 'n' unit [TO unit] */
int pl_sql_interval(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (p->kind == PL_SQL_PLUS || p->kind == PL_SQL_MINUS)
        pl_sql_shift(p);
    if (pl_sql_string(p) != 0)
        return -1;
    if (!pl_sql_is_interval_unit(p->kind))
        return pl_sql_unexpected(p, "a unit (YEAR to SECOND) after the "
                                    "interval");
    pl_sql_shift(p);
    if (p->kind != PL_SQL_K_TO || !pl_sql_is_interval_unit(pl_sql_ahead(p, 1)))
        return 0;
    pl_sql_shift(p);
    pl_sql_shift(p);
    return 0;
}
