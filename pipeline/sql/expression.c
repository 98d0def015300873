/* Expressions: operators and predicates between primaries. */
#include "pipeline/sql/parser.h"

/* AT TIME ZONE 'x', AT TIME ZONE INTERVAL '1' HOUR */
static int time_zone(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_ZONE, "ZONE") != 0)
        return -1;
    return p->kind == PL_SQL_K_INTERVAL ? pl_sql_interval(p) : pl_sql_string(p);
}

static int time_zones(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    while (p->kind == PL_SQL_K_AT && pl_sql_ahead(p, 1) == PL_SQL_K_TIME) {
        *o = (struct pl_sql_operand){0};
        if (time_zone(p) != 0)
            return -1;
    }
    return 0;
}

/* Is the minus that stands here one of a literal? */
static bool is_negative(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    return next == PL_SQL_INTEGER || next == PL_SQL_DECIMAL ||
           next == PL_SQL_REAL;
}

int pl_sql_operand(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    bool has_sign = false;

    while (p->kind == PL_SQL_PLUS ||
           (p->kind == PL_SQL_MINUS && !is_negative(p))) {
        has_sign = true;
        pl_sql_shift(p);
    }
    if (pl_sql_primary(p, o) != 0)
        return -1;
    if (has_sign)
        *o = (struct pl_sql_operand){0};
    return p->kind == PL_SQL_K_AT ? time_zones(p, o) : 0;
}

static bool is_arithmetic(enum pl_sql_kind kind)
{
    return kind >= PL_SQL_PLUS && kind <= PL_SQL_CONCAT;
}

/* + b * c || d behind an operand */
static int more_operands(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    struct pl_sql_operand right;

    while (is_arithmetic(p->kind)) {
        *o = (struct pl_sql_operand){0};
        pl_sql_shift(p);
        if (pl_sql_operand(p, &right) != 0)
            return -1;
    }
    return 0;
}

int pl_sql_value(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    return pl_sql_operand(p, o) != 0 ? -1 : more_operands(p, o);
}

/* ALL (SELECT ...), or what calls functions of that name */
static int quantified(struct pl_sql_parser *p)
{
    const enum pl_sql_kind inside = pl_sql_ahead(p, 2);
    struct pl_sql_operand o = {0};

    if (pl_sql_ahead(p, 1) != PL_SQL_LPAREN ||
        (!pl_sql_starts_query(inside) && inside != PL_SQL_LPAREN))
        return pl_sql_value(p, &o);
    pl_sql_shift(p);
    if (inside != PL_SQL_LPAREN)
        return pl_sql_subquery(p);
    if (pl_sql_brackets(p, &o) != 0)
        return -1;
    if (o.is_query)
        return 0;
    o = (struct pl_sql_operand){0}; /* it called a function after all */
    return time_zones(p, &o) != 0 ? -1 : more_operands(p, &o);
}

/* IN (SELECT ...), IN (1, 2) */
static int in_list(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    if (p->kind != PL_SQL_LPAREN)
        return pl_sql_unexpected(p, "'('");
    if (pl_sql_ahead(p, 1) == PL_SQL_RPAREN)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "an empty list after IN; nothing is in it");
    if (pl_sql_starts_query(pl_sql_ahead(p, 1)))
        return pl_sql_subquery(p);
    return pl_sql_brackets(p, &o);
}

static int between(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    if (pl_sql_value(p, &o) != 0 ||
        pl_sql_expect(p, PL_SQL_K_AND, "AND of BETWEEN") != 0)
        return -1;
    return pl_sql_value(p, &o);
}

static int like(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    if (pl_sql_value(p, &o) != 0)
        return -1;
    return pl_sql_accept(p, PL_SQL_K_ESCAPE) ? pl_sql_value(p, &o) : 0;
}

/* IS [NOT] NULL, IS [NOT] DISTINCT FROM x */
static int is(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    (void)pl_sql_accept(p, PL_SQL_K_NOT);
    if (pl_sql_accept(p, PL_SQL_K_NULL))
        return 0;
    if (pl_sql_expect(p, PL_SQL_K_DISTINCT, "NULL or DISTINCT FROM after IS") !=
            0 ||
        pl_sql_expect(p, PL_SQL_K_FROM, "FROM after DISTINCT") != 0)
        return -1;
    return pl_sql_value(p, &o);
}

static int comparison(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    if (p->kind == PL_SQL_K_ALL || p->kind == PL_SQL_K_SOME ||
        p->kind == PL_SQL_K_ANY)
        return quantified(p);
    return pl_sql_value(p, &o);
}

/* What compares the value before it, if anything does. */
static int predicate(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (p->kind < PL_SQL_EQ ||
        (p->kind > PL_SQL_GTE && p->kind < PL_SQL_FIRST_RESERVED))
        return 0;
    if (p->kind <= PL_SQL_GTE) {
        *o = (struct pl_sql_operand){0};
        return comparison(p);
    }
    if (p->kind == PL_SQL_K_NOT) {
        const enum pl_sql_kind next = pl_sql_ahead(p, 1);

        if (next != PL_SQL_K_BETWEEN && next != PL_SQL_K_IN &&
            next != PL_SQL_K_LIKE)
            return 0;
        pl_sql_shift(p);
    }
    switch ((int)p->kind) {
    case PL_SQL_K_BETWEEN:
        *o = (struct pl_sql_operand){0};
        return between(p);
    case PL_SQL_K_IN:
        *o = (struct pl_sql_operand){0};
        return in_list(p);
    case PL_SQL_K_LIKE:
        *o = (struct pl_sql_operand){0};
        return like(p);
    case PL_SQL_K_IS:
        *o = (struct pl_sql_operand){0};
        return is(p);
    default:
        return 0;
    }
}

int pl_sql_after_value(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    struct pl_sql_operand right;

    if (predicate(p, o) != 0)
        return -1;
    while (p->kind == PL_SQL_K_AND || p->kind == PL_SQL_K_OR) {
        *o = (struct pl_sql_operand){0};
        pl_sql_shift(p);
        while (pl_sql_accept(p, PL_SQL_K_NOT))
            ;
        if (pl_sql_value(p, &right) != 0 || predicate(p, &right) != 0)
            return -1;
    }
    return 0;
}

int pl_sql_after_primary(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    if (time_zones(p, o) != 0 || more_operands(p, o) != 0)
        return -1;
    return pl_sql_after_value(p, o);
}

int pl_sql_expression(struct pl_sql_parser *p, struct pl_sql_operand *o)
{
    const bool is_negated = p->kind == PL_SQL_K_NOT;

    while (pl_sql_accept(p, PL_SQL_K_NOT))
        ;
    if (pl_sql_value(p, o) != 0)
        return -1;
    if (is_negated)
        *o = (struct pl_sql_operand){0};
    return pl_sql_after_value(p, o);
}

int pl_sql_expressions(struct pl_sql_parser *p, size_t *count)
{
    struct pl_sql_operand o;

    *count = 0;
    do {
        if (pl_sql_expression(p, &o) != 0)
            return -1;
        (*count)++;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* a DESC NULLS LAST */
int pl_sql_sort_item(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (pl_sql_expression(p, &o) != 0)
        return -1;
    if (p->kind == PL_SQL_K_ASC || p->kind == PL_SQL_K_DESC)
        pl_sql_shift(p);
    if (!pl_sql_accept(p, PL_SQL_K_NULLS))
        return 0;
    if (p->kind != PL_SQL_K_FIRST && p->kind != PL_SQL_K_LAST)
        return pl_sql_unexpected(p, "FIRST or LAST after NULLS");
    pl_sql_shift(p);
    return 0;
}

/* Behind ORDER: BY a, b DESC, ... */
int pl_sql_sort_items(struct pl_sql_parser *p)
{
    if (pl_sql_expect(p, PL_SQL_K_BY, "BY after ORDER") != 0)
        return -1;
    do {
        if (pl_sql_sort_item(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}
