/* MATCH_RECOGNIZE and the row patterns of windows. */
#include "pipeline/sql/parser.h"

/* MEASURES x AS a, ... */
int pl_sql_measures(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    do {
        if (pl_sql_expression(p, &o) != 0 ||
            pl_sql_expect(p, PL_SQL_K_AS, "AS and a name") != 0 ||
            pl_sql_name(p, "the name of a measure") != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* {n}, {n,}, {,m}, {n,m} */
static int range(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    bool has_least;

    if (pl_sql_open(p, PL_SQL_LBRACE, &open) != 0)
        return -1;
    has_least = pl_sql_accept(p, PL_SQL_INTEGER);
    if (pl_sql_accept(p, PL_SQL_COMMA))
        (void)pl_sql_accept(p, PL_SQL_INTEGER);
    else if (!has_least)
        return pl_sql_unexpected(p, "a number of rows");
    return pl_sql_close(p, &open);
}

static int quantifier(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_LBRACE) {
        if (range(p) != 0)
            return -1;
    } else if (p->kind == PL_SQL_STAR || p->kind == PL_SQL_PLUS ||
               p->kind == PL_SQL_PARAM) {
        pl_sql_shift(p);
    } else {
        return 0;
    }
    (void)pl_sql_accept(p, PL_SQL_PARAM); /* reluctant */
    return 0;
}

static int alternatives(struct pl_sql_parser *p);

/* ( ... ), {- ... -}, PERMUTE( ..., ... ), () */
static int group(struct pl_sql_parser *p, bool is_permutation)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, p->kind, &open) != 0)
        return -1;
    if (open.kind == PL_SQL_LPAREN && p->kind == PL_SQL_RPAREN &&
        !is_permutation)
        return pl_sql_close(p, &open);
    do {
        if (alternatives(p) != 0)
            return -1;
    } while (is_permutation && pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

static int primary(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_K_PERMUTE && pl_sql_ahead(p, 1) == PL_SQL_LPAREN) {
        pl_sql_shift(p);
        return group(p, true);
    }
    if (p->kind == PL_SQL_LPAREN || p->kind == PL_SQL_LEXCLUDE)
        return group(p, false);
    if (pl_sql_accept(p, PL_SQL_CARET) || pl_sql_accept(p, PL_SQL_DOLLAR))
        return 0;
    return pl_sql_name(p, "a row pattern");
}

static bool starts_primary(enum pl_sql_kind kind)
{
    return pl_sql_is_name(kind) || kind == PL_SQL_LPAREN ||
           kind == PL_SQL_LEXCLUDE || kind == PL_SQL_CARET ||
           kind == PL_SQL_DOLLAR;
}

/* a b+ | c {2,} */
static int alternatives(struct pl_sql_parser *p)
{
    do {
        do {
            if (primary(p) != 0 || quantifier(p) != 0)
                return -1;
        } while (starts_primary(p->kind));
    } while (pl_sql_accept(p, PL_SQL_BAR));
    return 0;
}

/* AFTER MATCH SKIP ... */
static int after_match(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_MATCH, "MATCH after AFTER") != 0 ||
        pl_sql_expect(p, PL_SQL_K_SKIP, "SKIP") != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_PAST)) {
        if (pl_sql_expect(p, PL_SQL_K_LAST, "LAST ROW") != 0)
            return -1;
        return pl_sql_expect(p, PL_SQL_K_ROW, "ROW after LAST");
    }
    if (pl_sql_expect(p, PL_SQL_K_TO, "PAST LAST ROW or TO") != 0)
        return -1;
    if (p->kind == PL_SQL_K_NEXT && pl_sql_ahead(p, 1) == PL_SQL_K_ROW) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        return 0;
    }
    if ((p->kind == PL_SQL_K_FIRST || p->kind == PL_SQL_K_LAST) &&
        pl_sql_is_name(pl_sql_ahead(p, 1)) &&
        !(pl_sql_ahead(p, 1) == PL_SQL_K_PATTERN &&
          pl_sql_ahead(p, 2) == PL_SQL_LPAREN))
        pl_sql_shift(p);
    return pl_sql_name(p, "a pattern variable");
}

/* SUBSET u = (a, b), ... */
static int subsets(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    do {
        if (pl_sql_name(p, "the name of a subset") != 0 ||
            pl_sql_expect(p, PL_SQL_EQ, "=") != 0 || pl_sql_name_list(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* DEFINE a AS x > 1, ... */
static int definitions(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    pl_sql_shift(p);
    do {
        if (pl_sql_name(p, "a pattern variable") != 0 ||
            pl_sql_expect(p, PL_SQL_K_AS, "AS and a condition") != 0 ||
            pl_sql_expression(p, &o) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* AFTER MATCH to DEFINE. A whole pattern needs PATTERN and DEFINE; behind the
 * frame of a window each may be left out. */
int pl_sql_pattern_clauses(struct pl_sql_parser *p, bool is_whole)
{
    struct pl_sql_token open;

    if (p->kind == PL_SQL_K_AFTER && after_match(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_INITIAL || p->kind == PL_SQL_K_SEEK)
        pl_sql_shift(p);
    if (p->kind == PL_SQL_K_PATTERN) {
        pl_sql_shift(p);
        if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 || alternatives(p) != 0 ||
            pl_sql_close(p, &open) != 0)
            return -1;
    } else if (is_whole) {
        return pl_sql_unexpected(p, "PATTERN");
    }
    if (p->kind == PL_SQL_K_SUBSET && subsets(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_DEFINE)
        return definitions(p);
    return is_whole ? pl_sql_unexpected(p, "DEFINE") : 0;
}

/* [SHOW EMPTY MATCHES | OMIT EMPTY MATCHES | WITH UNMATCHED ROWS] */
static int empty_matches(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_K_SHOW || p->kind == PL_SQL_K_OMIT) {
        pl_sql_shift(p);
        if (pl_sql_expect(p, PL_SQL_K_EMPTY, "EMPTY MATCHES") != 0)
            return -1;
        return pl_sql_expect(p, PL_SQL_K_MATCHES, "MATCHES after EMPTY");
    }
    if (!pl_sql_accept(p, PL_SQL_K_WITH))
        return 0;
    if (pl_sql_expect(p, PL_SQL_K_UNMATCHED, "UNMATCHED ROWS") != 0)
        return -1;
    return pl_sql_expect(p, PL_SQL_K_ROWS, "ROWS after UNMATCHED");
}

/* [ONE ROW PER MATCH | ALL ROWS PER MATCH ...] */
static int rows_per_match(struct pl_sql_parser *p)
{
    const bool is_all = p->kind == PL_SQL_K_ALL;

    if (!is_all && p->kind != PL_SQL_K_ONE)
        return 0;
    pl_sql_shift(p);
    if (pl_sql_expect(p, is_all ? PL_SQL_K_ROWS : PL_SQL_K_ROW,
                      is_all ? "ROWS after ALL" : "ROW after ONE") != 0 ||
        pl_sql_expect(p, PL_SQL_K_PER, "PER MATCH") != 0 ||
        pl_sql_expect(p, PL_SQL_K_MATCH, "MATCH after PER") != 0)
        return -1;
    return is_all ? empty_matches(p) : 0;
}

int pl_sql_match_recognize(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    size_t count;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_PARTITION) &&
        (pl_sql_expect(p, PL_SQL_K_BY, "BY after PARTITION") != 0 ||
         pl_sql_expressions(p, &count) != 0))
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_ORDER) && pl_sql_sort_items(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_MEASURES && pl_sql_measures(p) != 0)
        return -1;
    if (rows_per_match(p) != 0 || pl_sql_pattern_clauses(p, true) != 0)
        return -1;
    return pl_sql_close(p, &open);
}
