/*
 * lexer.h - the words of Athena's SQL (engine 3, the grammar of Trino).
 *
 * Reads one token at a time from borrowed text; allocates nothing, does no
 * I/O, runs in linear time. Messages never quote the text of a string
 * literal.
 */
#ifndef PL_SQL_LEXER_H
#define PL_SQL_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

/* The longest statement that Athena takes. */
#define PL_SQL_MAX_BYTES ((size_t)262144)

enum pl_sql_kind {
    PL_SQL_END,   /* the text is over; length 0 */
    PL_SQL_ERROR, /* text that no token begins with: pl_sql_explain() */

    PL_SQL_STRING,         /* '' */
    PL_SQL_UNICODE_STRING, /* U&'' */
    PL_SQL_BINARY,         /* X'' */
    PL_SQL_INTEGER,
    PL_SQL_DECIMAL,
    PL_SQL_REAL, /* with an exponent */

    PL_SQL_PARAM, /* ? */
    PL_SQL_LPAREN,
    PL_SQL_RPAREN,
    PL_SQL_LBRACKET,
    PL_SQL_RBRACKET,
    PL_SQL_LBRACE,
    PL_SQL_RBRACE,
    PL_SQL_LEXCLUDE, /* {- */
    PL_SQL_REXCLUDE, /* -} */
    PL_SQL_COMMA,
    PL_SQL_DOT,
    PL_SQL_SEMICOLON,
    PL_SQL_COLON,
    PL_SQL_ARROW,     /* -> */
    PL_SQL_FAT_ARROW, /* => */
    PL_SQL_EQ,
    PL_SQL_NEQ,
    PL_SQL_LT,
    PL_SQL_LTE,
    PL_SQL_GT,
    PL_SQL_GTE,
    PL_SQL_PLUS,
    PL_SQL_MINUS,
    PL_SQL_STAR,
    PL_SQL_SLASH,
    PL_SQL_PERCENT,
    PL_SQL_CONCAT, /* || */
    PL_SQL_BAR,
    PL_SQL_CARET,
    PL_SQL_DOLLAR,

    PL_SQL_BACKQUOTED, /* `identifier`: read, but Trino refuses it */
    PL_SQL_QUOTED,     /* "identifier" */
    PL_SQL_WORD,       /* an identifier that is no keyword */
#define PLAIN(word) PL_SQL_K_##word,
#define RESERVED(word)
#include "pipeline/sql/keywords.h"
#undef PLAIN
#undef RESERVED
    PL_SQL_FIRST_RESERVED,
#define PLAIN(word)
#define RESERVED(word) PL_SQL_K_##word,
#include "pipeline/sql/keywords.h"
#undef PLAIN
#undef RESERVED
    PL_SQL_KINDS
};

struct pl_sql_place {
    size_t offset;   /* bytes from the start of the text */
    unsigned line;   /* 1 is the first; 0: the text as a whole */
    unsigned column; /* in characters; 1 is the first */
    size_t len;      /* bytes of what is meant; 0: the place alone */
};

struct pl_sql_token {
    enum pl_sql_kind kind;
    uint32_t offset; /* bytes from the start of the text */
    uint32_t len;
};

#define PL_SQL_WORD_SLOTS 512

struct pl_sql_lexer {
    const char *sql;
    size_t len;
    size_t at;
    size_t blanks; /* U+2028 and its kind outside strings, read as blanks */
    size_t first_blank;   /* offset of the first of them */
    size_t strange;       /* U+2028 and its kind inside strings and names */
    size_t first_strange; /* offset of the first of them */
    const char *trouble;  /* of the token ERROR; NULL: look at the text */
    uint16_t words[PL_SQL_WORD_SLOTS]; /* hash table of keywords */
};

/*
 * Look once at the whole text: size, NUL bytes, UTF-8. Must have succeeded
 * before pl_sql_lexer_init(). On failure *place tells where.
 */
int pl_sql_check_text(const char *sql, size_t len, struct pl_sql_place *place,
                      struct pl_err *err) PL_MUST_CHECK;

/* sql is borrowed as long as the lexer is used. */
void pl_sql_lexer_init(struct pl_sql_lexer *lex, const char *sql, size_t len);

/* Read the next token; comments and blanks are passed over. At the end, and
 * ever after, it is PL_SQL_END; after PL_SQL_ERROR it is that same token. */
void pl_sql_next(struct pl_sql_lexer *lex, struct pl_sql_token *token);

/* Fails with what is wrong where a token PL_SQL_ERROR stands, and what to do.
 * Always returns -1. */
int pl_sql_explain(const struct pl_sql_lexer *lex,
                   const struct pl_sql_token *token, struct pl_sql_place *place,
                   struct pl_err *err);

/* Does Trino reserve the word (never a name unless quoted)? */
static inline bool pl_sql_is_reserved(enum pl_sql_kind kind)
{
    return kind > PL_SQL_FIRST_RESERVED;
}

/* Can the token stand as a name: a quoted or an unreserved word? */
static inline bool pl_sql_is_name(enum pl_sql_kind kind)
{
    return kind >= PL_SQL_QUOTED && kind < PL_SQL_FIRST_RESERVED;
}

/* Line and column of an offset, counted on from *place, which must not be
 * behind it; {.line = 1, .column = 1} is the start of the text. */
void pl_sql_move_place(const char *sql, size_t len, size_t offset,
                       struct pl_sql_place *place);
struct pl_sql_place pl_sql_place_of(const char *sql, size_t len, size_t offset);
struct pl_sql_place pl_sql_place_of_token(const char *sql, size_t len,
                                          const struct pl_sql_token *token);

/* The length in bytes of the blank that is none for Trino at the start of
 * text (U+00A0, U+2028, a byte-order mark ...); 0: none stands there. */
size_t pl_sql_strange_blank(const char *text, size_t len);

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
