/*
 * parser.h - what the files of the reader share; nothing outside includes it.
 *
 * A recursive descent over Trino's grammar of queries. It builds no tree: it
 * tells whether the text is a query, and passes the outermost select list to
 * select.c. Every function here returns -1 after a failure has been recorded.
 * One token is the current one; up to PL_SQL_AHEAD - 1 behind it can be
 * looked at where the grammar leaves a word open. Linear time: no token is
 * read twice.
 */
#ifndef PL_SQL_PARSER_H
#define PL_SQL_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/sql/lexer.h"
#include "pipeline/sql/select.h"

#define PL_SQL_AHEAD 16 /* a power of two */

struct pl_sql_parser {
    struct pl_sql_lexer lex;
    struct pl_sql_token ring[PL_SQL_AHEAD];
    unsigned head;         /* of the current token in ring */
    unsigned filled;       /* tokens in ring, at least 1 */
    enum pl_sql_kind kind; /* of the current token */
    unsigned depth;        /* brackets and the like that are open */
    size_t parameters;
    struct pl_sql_select *out;
    struct pl_sql_place *place; /* of a failure */
    struct pl_err *err;
};

/* What an expression turned out to be, for those who must tell. */
struct pl_sql_operand {
    bool has_name;   /* a, a.b.c, (a.b): it lends a column its name */
    bool is_word;    /* one name and nothing else, not even brackets */
    bool is_primary; /* no operator around it: .* can follow */
    bool is_query;   /* (SELECT ...): can also be a branch of a query */
    bool is_words;   /* (a, b): can also be what a lambda takes */
    struct pl_sql_token name;
    size_t fields; /* of a row, (a, b) or ROW(a, b); else 0 */
};

static inline const struct pl_sql_token *pl_sql_token(
    const struct pl_sql_parser *p)
{
    return &p->ring[p->head];
}

/* The kind of the token ahead places behind the current one. */
static inline enum pl_sql_kind pl_sql_ahead(struct pl_sql_parser *p,
                                            unsigned ahead)
{
    while (p->filled <= ahead)
        pl_sql_next(&p->lex, &p->ring[(p->head + p->filled++) % PL_SQL_AHEAD]);
    return p->ring[(p->head + ahead) % PL_SQL_AHEAD].kind;
}

/* Passes over the current token. */
static inline void pl_sql_shift(struct pl_sql_parser *p)
{
    p->head = (p->head + 1) % PL_SQL_AHEAD;
    if (--p->filled == 0) {
        pl_sql_next(&p->lex, &p->ring[p->head]);
        p->filled = 1;
    }
    p->kind = p->ring[p->head].kind;
}

static inline bool pl_sql_accept(struct pl_sql_parser *p, enum pl_sql_kind kind)
{
    if (p->kind != kind)
        return false;
    pl_sql_shift(p);
    return true;
}

/* Fails: wanted was expected, not the current token. */
int pl_sql_unexpected(struct pl_sql_parser *p, const char *wanted);
/* Fails at a token. */
int pl_sql_fail_at(struct pl_sql_parser *p, const struct pl_sql_token *at,
                   const char *what) PL_MUST_CHECK;
/* Passes over one token of this kind, or fails. */
int pl_sql_expect(struct pl_sql_parser *p, enum pl_sql_kind kind,
                  const char *wanted) PL_MUST_CHECK;
/* Passes over a name, or fails. */
int pl_sql_name(struct pl_sql_parser *p, const char *wanted) PL_MUST_CHECK;
/* a.b.c */
int pl_sql_qualified_name(struct pl_sql_parser *p,
                          const char *wanted) PL_MUST_CHECK;
/* '(' name, ... ')' */
int pl_sql_name_list(struct pl_sql_parser *p) PL_MUST_CHECK;
/* One level deeper; *at is the token that opens it. Fails at the limit. */
int pl_sql_enter(struct pl_sql_parser *p) PL_MUST_CHECK;
static inline void pl_sql_leave(struct pl_sql_parser *p)
{
    p->depth--;
}
/* Passes over an opening bracket, which must be there, and keeps it. */
int pl_sql_open(struct pl_sql_parser *p, enum pl_sql_kind kind,
                struct pl_sql_token *open) PL_MUST_CHECK;
/* Passes over the bracket that closes open, or fails and says why not. */
int pl_sql_close(struct pl_sql_parser *p,
                 const struct pl_sql_token *open) PL_MUST_CHECK;

/* Does the token ahead begin LIMIT, OFFSET, FETCH or WINDOW as a clause, not
 * as a name? */
bool pl_sql_is_clause(struct pl_sql_parser *p, unsigned ahead);
bool pl_sql_starts_query(enum pl_sql_kind kind); /* SELECT and its like */
/* UNION and whatever else goes on behind a query in brackets. */
bool pl_sql_continues_query(struct pl_sql_parser *p);

/* expression.c */
int pl_sql_expression(struct pl_sql_parser *p,
                      struct pl_sql_operand *o) PL_MUST_CHECK;
int pl_sql_value(struct pl_sql_parser *p,
                 struct pl_sql_operand *o) PL_MUST_CHECK;
/* On with an expression whose first primary, or first value, has been read. */
int pl_sql_after_primary(struct pl_sql_parser *p,
                         struct pl_sql_operand *o) PL_MUST_CHECK;
int pl_sql_after_value(struct pl_sql_parser *p,
                       struct pl_sql_operand *o) PL_MUST_CHECK;
int pl_sql_expressions(struct pl_sql_parser *p, size_t *count) PL_MUST_CHECK;
int pl_sql_sort_item(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_sort_items(struct pl_sql_parser *p) PL_MUST_CHECK; /* BY ... */
int pl_sql_operand(struct pl_sql_parser *p,
                   struct pl_sql_operand *o) PL_MUST_CHECK;

/* primary.c */
int pl_sql_primary(struct pl_sql_parser *p,
                   struct pl_sql_operand *o) PL_MUST_CHECK;
int pl_sql_brackets(struct pl_sql_parser *p,
                    struct pl_sql_operand *o) PL_MUST_CHECK;

/* literal.c */
int pl_sql_string(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_number(struct pl_sql_parser *p) PL_MUST_CHECK; /* - and digits */
int pl_sql_binary(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_interval(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_row_count(struct pl_sql_parser *p) PL_MUST_CHECK;
bool pl_sql_is_interval_unit(enum pl_sql_kind kind);

/* call.c: behind the name of a function */
int pl_sql_call(struct pl_sql_parser *p, bool is_qualified, bool has_mode,
                struct pl_sql_operand *o) PL_MUST_CHECK; /* o->name is its */
bool pl_sql_is_quantifier_all(struct pl_sql_parser *p);  /* and no name */
int pl_sql_over(struct pl_sql_parser *p) PL_MUST_CHECK;
bool pl_sql_starts_operand(enum pl_sql_kind kind);        /* - and + apart */
bool pl_sql_is_over(struct pl_sql_parser *p);             /* and no alias */
int pl_sql_window(struct pl_sql_parser *p) PL_MUST_CHECK; /* in its brackets */
int pl_sql_trim(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_normalize(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_extract(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_grouping(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_listagg(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_cast(struct pl_sql_parser *p) PL_MUST_CHECK;

/* json.c */
int pl_sql_json_call(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_json_table(struct pl_sql_parser *p) PL_MUST_CHECK;

/* type.c */
int pl_sql_type(struct pl_sql_parser *p) PL_MUST_CHECK;

/* relation.c */
int pl_sql_relations(struct pl_sql_parser *p) PL_MUST_CHECK;

/* pattern.c */
int pl_sql_match_recognize(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_measures(struct pl_sql_parser *p) PL_MUST_CHECK;
int pl_sql_pattern_clauses(struct pl_sql_parser *p,
                           bool is_whole) PL_MUST_CHECK;

/* query.c; is_head: it names the columns of the statement */
int pl_sql_query(struct pl_sql_parser *p, bool is_head) PL_MUST_CHECK;
int pl_sql_query_rest(struct pl_sql_parser *p) PL_MUST_CHECK;
/* Fails: what stands here begins no query. */
int pl_sql_refuse_statement(struct pl_sql_parser *p) PL_MUST_CHECK;
/* '(' query ')' */
int pl_sql_subquery(struct pl_sql_parser *p) PL_MUST_CHECK;

/* select.c: the columns of the statement, as they are read */
int pl_sql_add_column(struct pl_sql_parser *p,
                      const struct pl_sql_token *name) PL_MUST_CHECK;
int pl_sql_add_nameless(struct pl_sql_parser *p, const struct pl_sql_token *at,
                        bool is_star) PL_MUST_CHECK;

#endif
