#include "pipeline/sql/lexer.h"

#include <string.h>

/* What a byte can begin or go on with. */
enum {
    START = 1, /* of a word */
    DIGIT = 2,
    HEX = 4, /* A to F */
    BLANK = 8
};

static const unsigned char classes[256] = {
    [' '] = BLANK,       ['\t'] = BLANK,      ['\r'] = BLANK,
    ['\n'] = BLANK,      ['0'] = DIGIT,       ['1'] = DIGIT,
    ['2'] = DIGIT,       ['3'] = DIGIT,       ['4'] = DIGIT,
    ['5'] = DIGIT,       ['6'] = DIGIT,       ['7'] = DIGIT,
    ['8'] = DIGIT,       ['9'] = DIGIT,       ['_'] = START,
    ['A'] = START | HEX, ['B'] = START | HEX, ['C'] = START | HEX,
    ['D'] = START | HEX, ['E'] = START | HEX, ['F'] = START | HEX,
    ['a'] = START | HEX, ['b'] = START | HEX, ['c'] = START | HEX,
    ['d'] = START | HEX, ['e'] = START | HEX, ['f'] = START | HEX,
    ['G'] = START,       ['H'] = START,       ['I'] = START,
    ['J'] = START,       ['K'] = START,       ['L'] = START,
    ['M'] = START,       ['N'] = START,       ['O'] = START,
    ['P'] = START,       ['Q'] = START,       ['R'] = START,
    ['S'] = START,       ['T'] = START,       ['U'] = START,
    ['V'] = START,       ['W'] = START,       ['X'] = START,
    ['Y'] = START,       ['Z'] = START,       ['g'] = START,
    ['h'] = START,       ['i'] = START,       ['j'] = START,
    ['k'] = START,       ['l'] = START,       ['m'] = START,
    ['n'] = START,       ['o'] = START,       ['p'] = START,
    ['q'] = START,       ['r'] = START,       ['s'] = START,
    ['t'] = START,       ['u'] = START,       ['v'] = START,
    ['w'] = START,       ['x'] = START,       ['y'] = START,
    ['z'] = START,
};

/* Operators of one byte; those of two are looked for first. */
static const unsigned char operators[128] = {
    ['?'] = PL_SQL_PARAM,     ['('] = PL_SQL_LPAREN,   [')'] = PL_SQL_RPAREN,
    ['['] = PL_SQL_LBRACKET,  [']'] = PL_SQL_RBRACKET, ['{'] = PL_SQL_LBRACE,
    ['}'] = PL_SQL_RBRACE,    [','] = PL_SQL_COMMA,    ['.'] = PL_SQL_DOT,
    [';'] = PL_SQL_SEMICOLON, [':'] = PL_SQL_COLON,    ['='] = PL_SQL_EQ,
    ['<'] = PL_SQL_LT,        ['>'] = PL_SQL_GT,       ['+'] = PL_SQL_PLUS,
    ['-'] = PL_SQL_MINUS,     ['*'] = PL_SQL_STAR,     ['/'] = PL_SQL_SLASH,
    ['%'] = PL_SQL_PERCENT,   ['|'] = PL_SQL_BAR,      ['^'] = PL_SQL_CARET,
    ['$'] = PL_SQL_DOLLAR,
};

static const struct {
    const char *text;
    unsigned len;
    enum pl_sql_kind kind;
} keywords[] = {
#define PLAIN(word) {#word, sizeof(#word) - 1, PL_SQL_K_##word},
#define RESERVED(word) {#word, sizeof(#word) - 1, PL_SQL_K_##word},
#include "pipeline/sql/keywords.h"
#undef PLAIN
#undef RESERVED
};

#define KEYWORD_MIN 2
#define KEYWORD_MAX 17

static bool is_class(char c, unsigned class)
{
    return (classes[(unsigned char)c] & class) != 0;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Of a word of two bytes or more, in any case. */
static unsigned slot_of(const char *word, size_t len)
{
    const unsigned first = (unsigned char)word[0] | 0x20U;
    const unsigned second = (unsigned char)word[1] | 0x20U;
    const unsigned middle = (unsigned char)word[len / 2] | 0x20U;
    const unsigned last = (unsigned char)word[len - 1] | 0x20U;

    return (first * 37U + second * 3U + middle * 71U + last * 11U +
            (unsigned)len * 5U) %
           PL_SQL_WORD_SLOTS;
}

void pl_sql_lexer_init(struct pl_sql_lexer *lex, const char *sql, size_t len)
{
    *lex = (struct pl_sql_lexer){.sql = sql, .len = len};
    for (size_t i = 0; i < PL_COUNT(keywords); i++) {
        unsigned slot = slot_of(keywords[i].text, keywords[i].len);

        while (lex->words[slot] != 0)
            slot = (slot + 1) % PL_SQL_WORD_SLOTS;
        lex->words[slot] = (uint16_t)(i + 1);
    }
}

static enum pl_sql_kind kind_of_word(const struct pl_sql_lexer *lex,
                                     const char *word, size_t len)
{
    unsigned slot;

    if (len < KEYWORD_MIN || len > KEYWORD_MAX)
        return PL_SQL_WORD;
    for (slot = slot_of(word, len); lex->words[slot] != 0;
         slot = (slot + 1) % PL_SQL_WORD_SLOTS) {
        const size_t i = lex->words[slot] - 1U;
        size_t n = 0;

        if (keywords[i].len != len)
            continue;
        while (n < len && upper(word[n]) == keywords[i].text[n])
            n++;
        if (n == len)
            return keywords[i].kind;
    }
    return PL_SQL_WORD;
}

/* The byte at an offset, NUL behind the end: pl_sql_check_text() has seen to
 * it that the text itself holds none. */
static char byte_at(const struct pl_sql_lexer *lex, size_t at)
{
    return at < lex->len ? lex->sql[at] : '\0';
}

static size_t end_of_line(const struct pl_sql_lexer *lex, size_t at)
{
    while (at < lex->len && lex->sql[at] != '\n' && lex->sql[at] != '\r')
        at++;
    return at;
}

/* Behind the comment that begins at; 0 when it is not closed. */
static size_t end_of_comment(const struct pl_sql_lexer *lex, size_t at)
{
    at += 2;
    while (at + 1 < lex->len) {
        const char *star = memchr(lex->sql + at, '*', lex->len - 1 - at);

        if (star == NULL)
            return 0;
        at = (size_t)(star - lex->sql) + 1;
        if (lex->sql[at] == '/')
            return at + 1;
    }
    return 0;
}

/* Passes over blanks and comments; false at a comment that is not closed. */
static bool skip_blanks(struct pl_sql_lexer *lex)
{
    for (;;) {
        const char c = byte_at(lex, lex->at);
        size_t n;

        if (is_class(c, BLANK)) {
            lex->at++;
        } else if (c == '-' && byte_at(lex, lex->at + 1) == '-') {
            lex->at = end_of_line(lex, lex->at);
        } else if (c == '/' && byte_at(lex, lex->at + 1) == '*') {
            n = end_of_comment(lex, lex->at);
            if (n == 0)
                return false;
            lex->at = n;
        } else if ((unsigned char)c >= 0x80U) {
            n = pl_sql_strange_blank(lex->sql + lex->at, lex->len - lex->at);
            if (n == 0)
                return true;
            if (lex->blanks++ == 0)
                lex->first_blank = lex->at;
            lex->at += n;
        } else {
            return true;
        }
    }
}

/* Remembers invisible characters in data: they are legal there, but seldom
 * what was meant. */
static void note_strange(struct pl_sql_lexer *lex, size_t from, size_t to)
{
    for (size_t at = from; at < to; at++) {
        if ((unsigned char)lex->sql[at] < 0xC0U ||
            pl_sql_strange_blank(lex->sql + at, to - at) == 0)
            continue;
        if (lex->strange++ == 0)
            lex->first_strange = at;
    }
}

static enum pl_sql_kind trouble(struct pl_sql_lexer *lex, const char *what)
{
    lex->trouble = what;
    return PL_SQL_ERROR;
}

/* Reads to the closing quote; the opening one is skip bytes ahead. A quote
 * inside is written twice, but for X'', which ends at the first. */
static enum pl_sql_kind read_quoted(struct pl_sql_lexer *lex,
                                    enum pl_sql_kind kind, size_t skip)
{
    const size_t from = lex->at + skip + 1;
    const char quote = lex->sql[lex->at + skip];
    size_t at = from;
    bool has_more = true;

    while (has_more) {
        const char *end =
            at < lex->len ? memchr(lex->sql + at, quote, lex->len - at) : NULL;

        if (end == NULL)
            return trouble(lex, quote == '\'' ? "the string that begins here "
                                                "is not closed; add '"
                                : quote == '"'
                                    ? "the quoted name that begins here "
                                      "is not closed; add \""
                                    : "the quoted name that begins here "
                                      "is not closed; add `");
        at = (size_t)(end - lex->sql) + 1;
        has_more = kind != PL_SQL_BINARY && byte_at(lex, at) == quote;
        at += has_more ? 1 : 0;
    }
    note_strange(lex, from, at);
    lex->at = at;
    return kind;
}

/* Digits of a class with single underscores between them: where they end. */
static size_t digits(const struct pl_sql_lexer *lex, size_t at, unsigned class)
{
    const size_t from = at;

    while (is_class(byte_at(lex, at), class) ||
           (at > from && byte_at(lex, at) == '_' &&
            is_class(byte_at(lex, at + 1), class)))
        at++;
    return at;
}

/* Behind a number in hexadecimal, octal or binary; at itself: it is none. */
static size_t radix_number(const struct pl_sql_lexer *lex, size_t at)
{
    const char mark = upper(byte_at(lex, at + 1));
    size_t n = at + 2;

    if (byte_at(lex, at) != '0' || (mark != 'X' && mark != 'O' && mark != 'B'))
        return at;
    for (;;) {
        const size_t digit = byte_at(lex, n) == '_' ? n + 1 : n;
        const char c = byte_at(lex, digit);

        if (mark == 'X'   ? !is_class(c, DIGIT | HEX)
            : mark == 'O' ? c < '0' || c > '7'
                          : c != '0' && c != '1')
            break;
        n = digit + 1;
    }
    return n > at + 2 ? n : at;
}

/* Behind an exponent; at itself: there is none. */
static size_t exponent(const struct pl_sql_lexer *lex, size_t at)
{
    size_t n = at + 1;

    if (upper(byte_at(lex, at)) != 'E')
        return at;
    if (byte_at(lex, n) == '+' || byte_at(lex, n) == '-')
        n++;
    if (!is_class(byte_at(lex, n), DIGIT))
        return at;
    while (is_class(byte_at(lex, n), DIGIT))
        n++;
    return n;
}

/* Where plain digits end, unless there is more to the number. */
static size_t plain_digits(const struct pl_sql_lexer *lex)
{
    size_t at = lex->at;

    while (is_class(byte_at(lex, at), DIGIT))
        at++;
    return is_class(byte_at(lex, at), START) || byte_at(lex, at) == '.'
               ? lex->at
               : at;
}

/* A number, by the longest way to read it; a word that begins with a digit is
 * longer than the number in it, and nothing. */
static enum pl_sql_kind read_number(struct pl_sql_lexer *lex)
{
    enum pl_sql_kind kind = PL_SQL_INTEGER;
    const size_t from = lex->at;
    size_t plain = from;
    size_t end;
    size_t word = plain_digits(lex);
    size_t real;

    if (word > from) { /* as most are */
        lex->at = word;
        return PL_SQL_INTEGER;
    }

    end = radix_number(lex, from);
    if (end == from) {
        end = digits(lex, from, DIGIT);
        if (byte_at(lex, end) == '.') {
            kind = PL_SQL_DECIMAL;
            end = digits(lex, end + 1, DIGIT);
        }
    }
    while (is_class(byte_at(lex, plain), DIGIT)) /* no underscores here */
        plain++;
    if (byte_at(lex, plain) == '.')
        for (plain++; is_class(byte_at(lex, plain), DIGIT);)
            plain++;
    real = exponent(lex, plain);
    if (real > plain && real > end) {
        kind = PL_SQL_REAL;
        end = real;
    }
    while (is_class(byte_at(lex, word), START | DIGIT))
        word++;
    if (word > end)
        return trouble(lex, "a number glued to a word; put a blank between, "
                            "or double quotes around a name that begins with "
                            "a digit");
    lex->at = end;
    return kind;
}

static enum pl_sql_kind pair(char first, char second)
{
    switch (first) {
    case '<':
        return second == '=' ? PL_SQL_LTE : second == '>' ? PL_SQL_NEQ : 0;
    case '>':
        return second == '=' ? PL_SQL_GTE : 0;
    case '!':
        return second == '=' ? PL_SQL_NEQ : 0;
    case '=':
        return second == '>' ? PL_SQL_FAT_ARROW : 0;
    case '|':
        return second == '|' ? PL_SQL_CONCAT : 0;
    case '-':
        return second == '>'   ? PL_SQL_ARROW
               : second == '}' ? PL_SQL_REXCLUDE
                               : 0;
    case '{':
        return second == '-' ? PL_SQL_LEXCLUDE : 0;
    default:
        return 0;
    }
}

static enum pl_sql_kind read_operator(struct pl_sql_lexer *lex)
{
    const char c = lex->sql[lex->at];
    enum pl_sql_kind kind = pair(c, byte_at(lex, lex->at + 1));

    if (kind != 0) {
        lex->at += 2;
        return kind;
    }
    kind = (unsigned char)c < 128 ? operators[(unsigned char)c] : 0;
    if (kind == 0 || (c == ':' && byte_at(lex, lex->at + 1) == ':'))
        return trouble(lex, NULL);
    lex->at++;
    return kind;
}

static enum pl_sql_kind read_word(struct pl_sql_lexer *lex)
{
    const size_t from = lex->at;
    size_t at = from + 1;

    while (at < lex->len && is_class(lex->sql[at], START | DIGIT))
        at++;
    lex->at = at;
    return kind_of_word(lex, lex->sql + from, at - from);
}

static enum pl_sql_kind read_token(struct pl_sql_lexer *lex)
{
    const char c = lex->sql[lex->at];

    if (is_class(c, START)) {
        if ((c == 'X' || c == 'x') && byte_at(lex, lex->at + 1) == '\'')
            return read_quoted(lex, PL_SQL_BINARY, 1);
        if ((c == 'U' || c == 'u') && byte_at(lex, lex->at + 1) == '&' &&
            byte_at(lex, lex->at + 2) == '\'')
            return read_quoted(lex, PL_SQL_UNICODE_STRING, 2);
        return read_word(lex);
    }
    if (is_class(c, DIGIT) ||
        (c == '.' && is_class(byte_at(lex, lex->at + 1), DIGIT)))
        return read_number(lex);
    if (c == '\'')
        return read_quoted(lex, PL_SQL_STRING, 0);
    if (c == '"')
        return read_quoted(lex, PL_SQL_QUOTED, 0);
    if (c == '`')
        return read_quoted(lex, PL_SQL_BACKQUOTED, 0);
    return read_operator(lex);
}

void pl_sql_next(struct pl_sql_lexer *lex, struct pl_sql_token *token)
{
    size_t from;

    if (!skip_blanks(lex)) {
        from = lex->at;
        token->kind = trouble(lex, "the comment that begins here is not "
                                   "closed; add */");
    } else {
        from = lex->at;
        token->kind = from < lex->len ? read_token(lex) : PL_SQL_END;
    }
    token->offset = (uint32_t)from;
    token->len = (uint32_t)(lex->at - from);
}
