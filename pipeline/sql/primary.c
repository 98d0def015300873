/* Primaries: literals, names, brackets, CASE, and what hangs on them. */
#include "pipeline/sql/parser.h"

static int lambda(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    struct pl_sql_operand body;

    if (pl_sql_enter(p) != 0)
        return -1;
    pl_sql_shift(p); /* -> */
    if (pl_sql_expression(p, &body) != 0)
        return -1;
    pl_sql_leave(p);
    *o = (struct pl_sql_operand){0};
    return 0;
}

/* What stands in brackets up to a comma or their end. A query in brackets of
 * its own may go on as one: ((SELECT 1) UNION SELECT 2). */
static int bracketed(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (p->kind != PL_SQL_LPAREN)
        return pl_sql_expression(p, o);
    if (pl_sql_primary(p, o) != 0)
        return -1;
    if (o->is_query && pl_sql_continues_query(p))
        return pl_sql_query_rest(p);
    if (o->is_query && p->kind == PL_SQL_RPAREN)
        return 0;
    o->is_query = false;
    return pl_sql_after_primary(p, o);
}

/* A query in brackets, without them. WITH cannot begin a branch of another. */
static int bracketed_query(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    o->is_query = p->kind != PL_SQL_K_WITH;
    return pl_sql_query(p, false);
}

int pl_sql_brackets(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    struct pl_sql_operand first = {0};
    struct pl_sql_operand next;
    struct pl_sql_token open;
    bool is_words = true;
    size_t count = 1;

    *o = (struct pl_sql_operand){.is_primary = true};
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (p->kind == PL_SQL_RPAREN) {
        o->is_words = true;
        return pl_sql_close(p, &open);
    }
    if (pl_sql_starts_query(p->kind)) {
        if (bracketed_query(p, o) != 0)
            return -1;
        return pl_sql_close(p, &open);
    }
    if (bracketed(p, &first) != 0)
        return -1;
    is_words = first.is_word;
    while (pl_sql_accept(p, PL_SQL_COMMA)) {
        count++;
        if (pl_sql_expression(p, &next) != 0)
            return -1;
        is_words = is_words && next.is_word;
    }
    o->is_words = is_words;
    o->is_query = first.is_query && count == 1;
    o->has_name = first.has_name && count == 1;
    o->name = first.name;
    o->fields = count > 1 ? count : first.fields;
    return pl_sql_close(p, &open);
}

/* (a), (a, b), (SELECT 1), () -> x, (a, b) -> x */
static int brackets_or_lambda(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    const bool is_empty = pl_sql_ahead(p, 1) == PL_SQL_RPAREN;

    if (pl_sql_brackets(p, o) != 0)
        return -1;
    if (o->is_words && p->kind == PL_SQL_ARROW)
        return lambda(p, o);
    return is_empty ? pl_sql_unexpected(p, "-> after '()'") : 0;
}

static int when_clauses(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    do {
        if (pl_sql_expect(p, PL_SQL_K_WHEN, "WHEN") != 0 ||
            pl_sql_expression(p, &o) != 0 ||
            pl_sql_expect(p, PL_SQL_K_THEN,
                          "THEN after the condition of "
                          "WHEN") != 0 ||
            pl_sql_expression(p, &o) != 0)
            return -1;
    } while (p->kind == PL_SQL_K_WHEN);
    return 0;
}

static int case_of(struct pl_sql_parser *p)
{
    const struct pl_sql_token word = *pl_sql_token(p);
    struct pl_sql_operand o;

    if (pl_sql_enter(p) != 0)
        return -1;
    pl_sql_shift(p);
    if ((p->kind != PL_SQL_K_WHEN && pl_sql_expression(p, &o) != 0) ||
        when_clauses(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_ELSE) && pl_sql_expression(p, &o) != 0)
        return -1;
    pl_sql_leave(p);
    if (pl_sql_accept(p, PL_SQL_K_END))
        return 0;
    if (p->kind == PL_SQL_ERROR)
        return pl_sql_unexpected(p, "END");
    return pl_sql_fail_at(p, &word,
                          "the CASE that begins here has no END, or what "
                          "stands before it cannot be read");
}

static int array_of(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    size_t count;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LBRACKET, &open) != 0 ||
        (p->kind != PL_SQL_RBRACKET && pl_sql_expressions(p, &count) != 0))
        return -1;
    return pl_sql_close(p, &open);
}

/* CURRENT_TIME, CURRENT_TIME(3) */
static int time_of_day(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (p->kind != PL_SQL_LPAREN)
        return 0;
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expect(p, PL_SQL_INTEGER, "a number of digits") != 0)
        return -1;
    return pl_sql_close(p, &open);
}

static int exists(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    return pl_sql_subquery(p);
}

/* FINAL f(x), RUNNING a.f(x): of a row pattern. */
static bool has_mode(struct pl_sql_parser *p)
{
    unsigned at = 1;

    if (p->kind != PL_SQL_K_FINAL && p->kind != PL_SQL_K_RUNNING)
        return false;
    while (at + 2 < PL_SQL_AHEAD && pl_sql_is_name(pl_sql_ahead(p, at)) &&
           pl_sql_ahead(p, at + 1) == PL_SQL_DOT)
        at += 2;
    return pl_sql_ahead(p, at) != PL_SQL_K_PATTERN &&
           pl_sql_is_name(pl_sql_ahead(p, at)) &&
           pl_sql_ahead(p, at + 1) == PL_SQL_LPAREN;
}

/* X 'ff', with a blank between */
static bool is_far_x(const struct pl_sql_parser *p,
                     const struct pl_sql_token *name)
{
    const char *text = p->lex.sql + name->offset;

    return name->kind == PL_SQL_QUOTED
               ? name->len == 3 && (text[1] | 0x20) == 'x'
               : name->len == 1 && (text[0] | 0x20) == 'x';
}

/* A name, a call of a function, DATE '2026-01-01', x -> x + 1, m OVER w */
static int named(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    const bool is_mode = p->kind > PL_SQL_WORD && has_mode(p);
    bool is_qualified = false;

    if (is_mode)
        pl_sql_shift(p);
    *o = (struct pl_sql_operand){.has_name = true,
                                 .is_word = !is_mode,
                                 .is_primary = true,
                                 .name = *pl_sql_token(p)};
    if (pl_sql_name(p, "an expression") != 0)
        return -1;
    while (p->kind == PL_SQL_DOT && pl_sql_is_name(pl_sql_ahead(p, 1))) {
        is_qualified = true;
        o->is_word = false;
        pl_sql_shift(p);
        o->name = *pl_sql_token(p);
        if (pl_sql_name(p, "a name after '.'") != 0)
            return -1;
    }
    if (p->kind == PL_SQL_LPAREN)
        return pl_sql_call(p, is_qualified, is_mode, o);
    if (is_qualified || p->kind == PL_SQL_COMMA)
        return 0;
    if (p->kind == PL_SQL_ARROW)
        return lambda(p, o);
    if (p->kind == PL_SQL_STRING || p->kind == PL_SQL_UNICODE_STRING) {
        if (is_far_x(p, &o->name))
            return pl_sql_fail_at(p, &o->name,
                                  "X and the quote of a binary string stand "
                                  "together");
        o->has_name = o->is_word = false;
        return pl_sql_string(p);
    }
    if (p->kind == PL_SQL_K_OVER && pl_sql_is_over(p)) {
        o->has_name = o->is_word = false;
        return pl_sql_over(p);
    }
    return 0;
}

/* INTERVAL '1' DAY; or what is called interval. */
static bool is_interval(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    const enum pl_sql_kind after =
        next == PL_SQL_PLUS || next == PL_SQL_MINUS ? pl_sql_ahead(p, 2) : next;

    return after == PL_SQL_STRING || after == PL_SQL_UNICODE_STRING;
}

/* Names that can be the first word of more. */
static int special_name(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (p->kind == PL_SQL_K_INTERVAL && is_interval(p))
        return pl_sql_interval(p);
    if (p->kind == PL_SQL_K_ARRAY && pl_sql_ahead(p, 1) == PL_SQL_LBRACKET)
        return array_of(p);
    if (p->kind == PL_SQL_K_DOUBLE &&
        pl_sql_ahead(p, 1) == PL_SQL_K_PRECISION &&
        (pl_sql_ahead(p, 2) == PL_SQL_STRING ||
         pl_sql_ahead(p, 2) == PL_SQL_UNICODE_STRING)) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        return pl_sql_string(p);
    }
    return named(p, o);
}

/* Words that are no names, and the calls that have a syntax of their own. */
static int reserved(struct pl_sql_parser *p)
{
    switch ((int)p->kind) {
    case PL_SQL_K_NULL:
    case PL_SQL_K_TRUE:
    case PL_SQL_K_FALSE:
    case PL_SQL_K_CURRENT_DATE:
    case PL_SQL_K_CURRENT_USER:
    case PL_SQL_K_CURRENT_CATALOG:
    case PL_SQL_K_CURRENT_SCHEMA:
    case PL_SQL_K_CURRENT_PATH:
        pl_sql_shift(p);
        return 0;
    case PL_SQL_K_CURRENT_TIME:
    case PL_SQL_K_CURRENT_TIMESTAMP:
    case PL_SQL_K_LOCALTIME:
    case PL_SQL_K_LOCALTIMESTAMP:
        return time_of_day(p);
    case PL_SQL_K_CASE:
        return case_of(p);
    case PL_SQL_K_CAST:
        return pl_sql_cast(p);
    case PL_SQL_K_EXISTS:
        return exists(p);
    case PL_SQL_K_EXTRACT:
        return pl_sql_extract(p);
    case PL_SQL_K_TRIM:
        return pl_sql_trim(p);
    case PL_SQL_K_NORMALIZE:
        return pl_sql_normalize(p);
    case PL_SQL_K_GROUPING:
        return pl_sql_grouping(p);
    case PL_SQL_K_LISTAGG:
        return pl_sql_listagg(p);
    case PL_SQL_K_JSON_ARRAY:
    case PL_SQL_K_JSON_EXISTS:
    case PL_SQL_K_JSON_OBJECT:
    case PL_SQL_K_JSON_QUERY:
    case PL_SQL_K_JSON_VALUE:
        return pl_sql_json_call(p);
    default:
        return pl_sql_unexpected(p, "an expression");
    }
}

static int first_part(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (p->kind == PL_SQL_WORD)
        return named(p, o);
    *o = (struct pl_sql_operand){.is_primary = true};
    if (pl_sql_is_name(p->kind))
        return p->kind == PL_SQL_QUOTED ? named(p, o) : special_name(p, o);
    switch ((int)p->kind) {
    case PL_SQL_LPAREN:
        return brackets_or_lambda(p, o);
    case PL_SQL_INTEGER:
    case PL_SQL_DECIMAL:
    case PL_SQL_REAL:
    case PL_SQL_MINUS:
        return pl_sql_number(p);
    case PL_SQL_STRING:
    case PL_SQL_UNICODE_STRING:
        return pl_sql_string(p);
    case PL_SQL_BINARY:
        return pl_sql_binary(p);
    case PL_SQL_PARAM:
        p->parameters++;
        pl_sql_shift(p);
        return 0;
    default:
        return reserved(p);
    }
}

static int subscript(struct pl_sql_parser *p)
{
    struct pl_sql_operand index;
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LBRACKET, &open) != 0 ||
        pl_sql_value(p, &index) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

int pl_sql_primary(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (first_part(p, o) != 0)
        return -1;
    while (p->kind == PL_SQL_LBRACKET || p->kind == PL_SQL_DOT) {
        if (p->kind == PL_SQL_LBRACKET) {
            *o = (struct pl_sql_operand){.is_primary = true};
            if (subscript(p) != 0)
                return -1;
        } else if (pl_sql_ahead(p, 1) == PL_SQL_STAR) {
            return 0; /* of a select list */
        } else {
            pl_sql_shift(p);
            o->name = *pl_sql_token(p);
            o->is_word = o->is_query = o->is_words = false;
            o->fields = 0;
            if (pl_sql_name(p, "a name after '.'") != 0)
                return -1;
        }
    }
    return 0;
}
