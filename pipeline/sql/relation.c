/* FROM: tables, subqueries, joins, samples, table functions. */
#include "pipeline/sql/parser.h"

static int relation(struct pl_sql_parser *p);
static int rest_of_relation(struct pl_sql_parser *p);

static bool is_sample(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    return p->kind == PL_SQL_K_TABLESAMPLE &&
           (next == PL_SQL_K_BERNOULLI || next == PL_SQL_K_SYSTEM) &&
           pl_sql_ahead(p, 2) == PL_SQL_LPAREN;
}

/* MATCH_RECOGNIZE as such; as an alias it can have names in brackets. */
static bool is_match_recognize(struct pl_sql_parser *p)
{
    enum pl_sql_kind third;

    if (p->kind != PL_SQL_K_MATCH_RECOGNIZE ||
        pl_sql_ahead(p, 1) != PL_SQL_LPAREN)
        return false;
    third = pl_sql_ahead(p, 3);
    return !pl_sql_is_name(pl_sql_ahead(p, 2)) ||
           (third != PL_SQL_COMMA && third != PL_SQL_RPAREN);
}

/* [AS] t [(a, b)] */
static int alias(struct pl_sql_parser *p)
{
    if (!pl_sql_accept(p, PL_SQL_K_AS) &&
        (!pl_sql_is_name(p->kind) || pl_sql_is_clause(p, 0) || is_sample(p) ||
         is_match_recognize(p)))
        return p->kind == PL_SQL_BACKQUOTED ? pl_sql_unexpected(p, "a name")
                                            : 0;
    if (pl_sql_name(p, "a name for the table") != 0)
        return -1;
    return p->kind == PL_SQL_LPAREN ? pl_sql_name_list(p) : 0;
}

static int sample(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;

    pl_sql_shift(p);
    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expression(p, &o) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

/* Alias, MATCH_RECOGNIZE and sample behind what gives rows. */
static int behind_rows(struct pl_sql_parser *p)
{
    if (alias(p) != 0)
        return -1;
    if (is_match_recognize(p) &&
        (pl_sql_match_recognize(p) != 0 || alias(p) != 0))
        return -1;
    return is_sample(p) ? sample(p) : 0;
}

/* Brackets around a query or around a relation; which, only their inside
 * tells. *is_query: a query that can be a branch of another. */
static int brackets(struct pl_sql_parser *p, bool *is_query)
{
    struct pl_sql_token open;
    bool is_inner_query = false;

    *is_query = false;
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (pl_sql_starts_query(p->kind) &&
        !(p->kind == PL_SQL_K_TABLE && pl_sql_ahead(p, 1) == PL_SQL_LPAREN)) {
        *is_query = p->kind != PL_SQL_K_WITH;
        if (pl_sql_query(p, false) != 0)
            return -1;
    } else if (p->kind != PL_SQL_LPAREN) {
        if (relation(p) != 0)
            return -1;
    } else {
        if (brackets(p, &is_inner_query) != 0)
            return -1;
        if (is_inner_query && pl_sql_continues_query(p)) {
            *is_query = true;
            if (pl_sql_query_rest(p) != 0)
                return -1;
        } else if (is_inner_query && p->kind == PL_SQL_RPAREN) {
            *is_query = true;
        } else if (rest_of_relation(p) != 0) {
            return -1;
        }
    }
    return pl_sql_close(p, &open);
}

static int unnest(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    size_t count;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expressions(p, &count) != 0 || pl_sql_close(p, &open) != 0)
        return -1;
    if (!pl_sql_accept(p, PL_SQL_K_WITH))
        return 0;
    return pl_sql_expect(p, PL_SQL_K_ORDINALITY, "ORDINALITY after WITH");
}

/* Does an alias of a table stand here, not a word of what follows? */
static bool is_argument_alias(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    if (p->kind == PL_SQL_K_PARTITION)
        return next != PL_SQL_K_BY;
    if (p->kind == PL_SQL_K_PRUNE || p->kind == PL_SQL_K_KEEP)
        return next != PL_SQL_K_WHEN;
    return pl_sql_is_name(p->kind);
}

/* PARTITION BY x, PARTITION BY (x, y), PARTITION BY () */
static int argument_partition(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (pl_sql_expect(p, PL_SQL_K_BY, "BY after PARTITION") != 0)
        return -1;
    if (p->kind == PL_SQL_LPAREN && pl_sql_ahead(p, 1) == PL_SQL_RPAREN) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        return 0;
    }
    return pl_sql_expression(p, &o);
}

/* ORDER BY x, ORDER BY (x DESC, y) */
static int argument_order(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (pl_sql_expect(p, PL_SQL_K_BY, "BY after ORDER") != 0)
        return -1;
    if (p->kind != PL_SQL_LPAREN)
        return pl_sql_sort_item(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (pl_sql_sort_item(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* TABLE(t) or TABLE(query) among the arguments of a table function */
static int table_argument(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    bool has_as;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if ((pl_sql_starts_query(p->kind) || p->kind == PL_SQL_LPAREN
             ? pl_sql_query(p, false)
             : pl_sql_qualified_name(p, "a table or a query")) != 0 ||
        pl_sql_close(p, &open) != 0)
        return -1;
    if (p->kind == PL_SQL_K_COPARTITION)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "COPARTITION here could name the table; give it "
                              "a name with AS");
    has_as = pl_sql_accept(p, PL_SQL_K_AS);
    if ((has_as || is_argument_alias(p)) &&
        (pl_sql_name(p, "a name for the table") != 0 ||
         (p->kind == PL_SQL_LPAREN && pl_sql_name_list(p) != 0)))
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_PARTITION) && argument_partition(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_PRUNE || p->kind == PL_SQL_K_KEEP) {
        pl_sql_shift(p);
        if (pl_sql_expect(p, PL_SQL_K_WHEN, "WHEN EMPTY") != 0 ||
            pl_sql_expect(p, PL_SQL_K_EMPTY, "EMPTY after WHEN") != 0)
            return -1;
    }
    return pl_sql_accept(p, PL_SQL_K_ORDER) ? argument_order(p) : 0;
}

/* DESCRIPTOR(a, b bigint), CAST(NULL AS DESCRIPTOR) reads as a cast */
static int descriptor(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (pl_sql_name(p, "a field") != 0)
            return -1;
        if (p->kind != PL_SQL_COMMA && p->kind != PL_SQL_RPAREN &&
            pl_sql_type(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* [name =>] argument */
static int table_function_argument(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (pl_sql_is_name(p->kind) && pl_sql_ahead(p, 1) == PL_SQL_FAT_ARROW) {
        if (pl_sql_name(p, "the name of an argument") != 0)
            return -1;
        pl_sql_shift(p);
    }
    if (p->kind == PL_SQL_K_TABLE)
        return table_argument(p);
    if (p->kind == PL_SQL_K_DESCRIPTOR && pl_sql_ahead(p, 1) == PL_SQL_LPAREN)
        return descriptor(p);
    return pl_sql_expression(p, &o);
}

/* COPARTITION (a, b), ... */
static int copartitions(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    size_t count;

    pl_sql_shift(p);
    do {
        if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
            return -1;
        count = 0;
        do {
            if (pl_sql_qualified_name(p, "the name of a table") != 0)
                return -1;
            count++;
        } while (pl_sql_accept(p, PL_SQL_COMMA));
        if (count < 2)
            return pl_sql_unexpected(p, "a comma and another table");
        if (pl_sql_close(p, &open) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* TABLE(f(...)) */
static int table_function(struct pl_sql_parser *p)
{
    struct pl_sql_token outer;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &outer) != 0 ||
        pl_sql_qualified_name(p, "the name of a table function") != 0 ||
        pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (p->kind != PL_SQL_RPAREN && p->kind != PL_SQL_K_COPARTITION)
        do {
            if (table_function_argument(p) != 0)
                return -1;
        } while (pl_sql_accept(p, PL_SQL_COMMA));
    if (p->kind == PL_SQL_K_COPARTITION && copartitions(p) != 0)
        return -1;
    return pl_sql_close(p, &open) != 0 ? -1 : pl_sql_close(p, &outer);
}

/* t [FOR TIMESTAMP|VERSION AS OF x] */
static int table(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (pl_sql_qualified_name(p, "the name of a table") != 0)
        return -1;
    if (!pl_sql_accept(p, PL_SQL_K_FOR))
        return 0;
    if (p->kind != PL_SQL_K_TIMESTAMP && p->kind != PL_SQL_K_VERSION)
        return pl_sql_unexpected(p, "TIMESTAMP or VERSION after FOR");
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_AS, "AS OF") != 0 ||
        pl_sql_expect(p, PL_SQL_K_OF, "OF after AS") != 0)
        return -1;
    return pl_sql_value(p, &o);
}

static int rows(struct pl_sql_parser *p)
{
    bool is_query;

    if (p->kind == PL_SQL_LPAREN)
        return brackets(p, &is_query);
    if (p->kind == PL_SQL_K_UNNEST)
        return unnest(p);
    if (p->kind == PL_SQL_K_TABLE)
        return table_function(p);
    if (p->kind == PL_SQL_K_JSON_TABLE)
        return pl_sql_json_table(p);
    if (p->kind == PL_SQL_K_LATERAL && pl_sql_ahead(p, 1) == PL_SQL_LPAREN) {
        pl_sql_shift(p);
        return pl_sql_subquery(p);
    }
    return table(p);
}

static int sampled(struct pl_sql_parser *p)
{
    return rows(p) != 0 ? -1 : behind_rows(p);
}

static bool starts_join(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_JOIN || kind == PL_SQL_K_INNER ||
           kind == PL_SQL_K_LEFT || kind == PL_SQL_K_RIGHT ||
           kind == PL_SQL_K_FULL;
}

/* [INNER | LEFT|RIGHT|FULL [OUTER]] JOIN */
static int join_words(struct pl_sql_parser *p)
{
    if (!pl_sql_accept(p, PL_SQL_K_INNER) && p->kind != PL_SQL_K_JOIN) {
        if (!starts_join(p->kind))
            return pl_sql_unexpected(p, "JOIN");
        pl_sql_shift(p);
        (void)pl_sql_accept(p, PL_SQL_K_OUTER);
    }
    return pl_sql_expect(p, PL_SQL_K_JOIN, "JOIN");
}

static int criteria(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (pl_sql_accept(p, PL_SQL_K_USING))
        return pl_sql_name_list(p);
    if (pl_sql_expect(p, PL_SQL_K_ON, "ON or USING of the JOIN") != 0)
        return -1;
    return pl_sql_expression(p, &o);
}

static int joins(struct pl_sql_parser *p)
{
    for (;;) {
        if (pl_sql_accept(p, PL_SQL_K_CROSS)) {
            if (pl_sql_expect(p, PL_SQL_K_JOIN, "JOIN after CROSS") != 0 ||
                sampled(p) != 0)
                return -1;
        } else if (pl_sql_accept(p, PL_SQL_K_NATURAL)) {
            if (join_words(p) != 0 || sampled(p) != 0)
                return -1;
        } else if (starts_join(p->kind)) {
            if (pl_sql_enter(p) != 0 || join_words(p) != 0 ||
                relation(p) != 0 || criteria(p) != 0)
                return -1;
            pl_sql_leave(p);
        } else {
            return 0;
        }
    }
}

static int relation(struct pl_sql_parser *p)
{
    return sampled(p) != 0 ? -1 : joins(p);
}

static int rest_of_relation(struct pl_sql_parser *p)
{
    return behind_rows(p) != 0 ? -1 : joins(p);
}

int pl_sql_relations(struct pl_sql_parser *p)
{
    do {
        if (relation(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}
