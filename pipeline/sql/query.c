/* Queries: WITH, SELECT, VALUES, TABLE, set operations, ORDER BY and LIMIT. */
#include "pipeline/sql/parser.h"

/* Does the select list end here? */
static bool is_list_end(struct pl_sql_parser *p)
{
    switch ((int)p->kind) {
    case PL_SQL_END:
    case PL_SQL_SEMICOLON:
    case PL_SQL_RPAREN:
    case PL_SQL_K_FROM:
    case PL_SQL_K_WHERE:
    case PL_SQL_K_GROUP:
    case PL_SQL_K_HAVING:
    case PL_SQL_K_ORDER:
    case PL_SQL_K_UNION:
    case PL_SQL_K_INTERSECT:
    case PL_SQL_K_EXCEPT:
        return true;
    default:
        return pl_sql_is_clause(p, 0);
    }
}

/* Behind a column's name nothing may come but the next column. */
static int end_alias(struct pl_sql_parser *p, const struct pl_sql_token *alias)
{
    struct pl_sql_place at;

    if (p->kind == PL_SQL_COMMA || is_list_end(p))
        return 0;
    if (p->kind != PL_SQL_DOT && p->kind != PL_SQL_MINUS &&
        p->kind != PL_SQL_DOLLAR && p->kind != PL_SQL_COLON &&
        p->kind != PL_SQL_DECIMAL)
        return pl_sql_unexpected(p, "a comma or FROM after the column name");
    at = pl_sql_place_of_token(p->lex.sql, p->lex.len, alias);
    return pl_sql_fail(p->place, &at, p->err,
                       "a column name with '%c' in it needs double quotes",
                       p->lex.sql[pl_sql_token(p)->offset]);
}

/* [AS] name behind an expression; *has_alias tells whether there was one. */
static int alias(struct pl_sql_parser *p, struct pl_sql_token *name,
                 bool *has_alias)
{
    const bool has_as = pl_sql_accept(p, PL_SQL_K_AS);

    *has_alias = has_as || (pl_sql_is_name(p->kind) && !pl_sql_is_clause(p, 0));
    if (has_as && p->kind == PL_SQL_STRING)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "a column name in single quotes; use double "
                              "quotes");
    if (p->kind == PL_SQL_STRING)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "a string after an expression; a column name "
                              "needs double quotes");
    if (!*has_alias)
        return p->kind == PL_SQL_COMMA || is_list_end(p)
                   ? 0
                   : pl_sql_unexpected(p, "a comma, FROM or a column name");
    *name = *pl_sql_token(p);
    if (pl_sql_name(p, "a column name") != 0)
        return -1;
    return end_alias(p, name);
}

/* t.* AS (a, b): the star's columns get names after all. */
static int star_names(struct pl_sql_parser *p, bool is_head)
{
    struct pl_sql_token open;

    pl_sql_shift(p); /* AS */
    if (p->kind != PL_SQL_LPAREN)
        return pl_sql_unexpected(p, "'(' and column names after '.* AS'");
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        const struct pl_sql_token name = *pl_sql_token(p);

        if (pl_sql_name(p, "a column name") != 0 ||
            (is_head && pl_sql_add_column(p, &name) != 0))
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* *, and t.* when its dot stands here */
static int star(struct pl_sql_parser *p, bool is_head)
{
    const bool is_bare = p->kind == PL_SQL_STAR;
    struct pl_sql_token at;

    if (!is_bare)
        pl_sql_shift(p);
    at = *pl_sql_token(p);
    pl_sql_shift(p);
    if (!is_bare && p->kind == PL_SQL_K_AS) {
        if (star_names(p, is_head) != 0)
            return -1;
    } else if (is_head && pl_sql_add_nameless(p, &at, true) != 0) {
        return -1;
    }
    return p->kind == PL_SQL_COMMA || is_list_end(p)
               ? 0
               : pl_sql_unexpected(p, "a comma or FROM after '*'");
}

static int select_item(struct pl_sql_parser *p, bool is_head)
{
    const struct pl_sql_token start = *pl_sql_token(p);
    struct pl_sql_token name;
    struct pl_sql_operand o;
    bool has_alias = false;

    if (p->kind == PL_SQL_STAR)
        return star(p, is_head);
    if (pl_sql_expression(p, &o) != 0)
        return -1;
    if (p->kind == PL_SQL_DOT && o.is_primary)
        return star(p, is_head);
    if (p->kind != PL_SQL_COMMA && alias(p, &name, &has_alias) != 0)
        return -1;
    if (!is_head)
        return 0;
    if (has_alias || o.has_name)
        return pl_sql_add_column(p, has_alias ? &name : &o.name);
    return pl_sql_add_nameless(p, &start, false);
}

/* SELECT ALL *, but not SELECT all * 2; SELECT ALL over x, with an alias. */
static bool is_select_all(struct pl_sql_parser *p)
{
    if (p->kind != PL_SQL_K_ALL)
        return false;
    if (pl_sql_ahead(p, 1) == PL_SQL_K_OVER &&
        pl_sql_is_name(pl_sql_ahead(p, 2)))
        return true;
    if (pl_sql_ahead(p, 1) != PL_SQL_STAR)
        return pl_sql_is_quantifier_all(p);
    return pl_sql_is_clause(p, 2) || !pl_sql_starts_operand(pl_sql_ahead(p, 2));
}

static int select_list(struct pl_sql_parser *p, bool is_head)
{
    if (p->kind == PL_SQL_K_DISTINCT || is_select_all(p))
        pl_sql_shift(p);
    do {
        if (select_item(p, is_head) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* (), (a, b), a */
static int grouping_set(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (p->kind == PL_SQL_LPAREN && pl_sql_ahead(p, 1) == PL_SQL_RPAREN &&
        pl_sql_ahead(p, 2) != PL_SQL_ARROW) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        return 0;
    }
    return pl_sql_expression(p, &o);
}

static int grouping_sets(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (grouping_set(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

static bool starts_set(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_ROLLUP || kind == PL_SQL_K_CUBE ||
           kind == PL_SQL_K_GROUPING;
}

static int group_by(struct pl_sql_parser *p)
{
    if (pl_sql_expect(p, PL_SQL_K_BY, "BY after GROUP") != 0)
        return -1;
    if (p->kind == PL_SQL_K_DISTINCT ||
        (pl_sql_is_quantifier_all(p) && !pl_sql_is_clause(p, 1)) ||
        (p->kind == PL_SQL_K_ALL && starts_set(pl_sql_ahead(p, 1))))
        pl_sql_shift(p);
    do {
        int rc;

        if (starts_set(p->kind) && p->kind != PL_SQL_K_GROUPING) {
            pl_sql_shift(p);
            rc = grouping_sets(p);
        } else if (p->kind == PL_SQL_K_GROUPING &&
                   pl_sql_ahead(p, 1) == PL_SQL_K_SETS) {
            pl_sql_shift(p);
            pl_sql_shift(p);
            rc = grouping_sets(p);
        } else {
            rc = grouping_set(p);
        }
        if (rc != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* w AS (...), ... */
static int windows(struct pl_sql_parser *p)
{
    do {
        if (pl_sql_name(p, "the name of a window") != 0 ||
            pl_sql_expect(p, PL_SQL_K_AS,
                          "AS ( after the name of a "
                          "window") != 0 ||
            pl_sql_window(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

static int condition(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    return pl_sql_expression(p, &o);
}

static int select(struct pl_sql_parser *p, bool is_head)
{
    pl_sql_shift(p);
    if (select_list(p, is_head) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_FROM) && pl_sql_relations(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_WHERE) && condition(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_GROUP) && group_by(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_HAVING) && condition(p) != 0)
        return -1;
    return pl_sql_accept(p, PL_SQL_K_WINDOW) ? windows(p) : 0;
}

/* VALUES (1, 2), (3, 4): as many columns as the first row, none with a name. */
static int values(struct pl_sql_parser *p, bool is_head)
{
    struct pl_sql_token at;
    struct pl_sql_operand o;
    size_t columns;

    pl_sql_shift(p);
    at = *pl_sql_token(p);
    if (pl_sql_expression(p, &o) != 0)
        return -1;
    for (columns = o.fields > 0 ? o.fields : 1; is_head && columns > 0;
         columns--)
        if (pl_sql_add_nameless(p, &at, false) != 0)
            return -1;
    while (pl_sql_accept(p, PL_SQL_COMMA))
        if (pl_sql_expression(p, &o) != 0)
            return -1;
    return 0;
}

static int table(struct pl_sql_parser *p, bool is_head)
{
    const struct pl_sql_token at = *pl_sql_token(p);

    pl_sql_shift(p);
    if (pl_sql_qualified_name(p, "the name of a table") != 0)
        return -1;
    return is_head ? pl_sql_add_nameless(p, &at, true) : 0;
}

static int branches(struct pl_sql_parser *p, bool is_head);

/* '(' query ')' as a branch */
static int branch_in_brackets(struct pl_sql_parser *p, bool is_head)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (p->kind == PL_SQL_K_WITH)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "WITH inside the outermost brackets; remove "
                              "these brackets");
    if (branches(p, is_head) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

static int branch(struct pl_sql_parser *p, bool is_head)
{
    if (p->kind == PL_SQL_K_SELECT)
        return select(p, is_head);
    if (p->kind == PL_SQL_K_VALUES)
        return values(p, is_head);
    if (p->kind == PL_SQL_K_TABLE)
        return table(p, is_head);
    if (p->kind == PL_SQL_LPAREN)
        return branch_in_brackets(p, is_head);
    return pl_sql_refuse_statement(p);
}

/* LIMIT 5, FETCH FIRST 5 ROWS ONLY */
static int limit(struct pl_sql_parser *p)
{
    if (pl_sql_accept(p, PL_SQL_K_LIMIT))
        return pl_sql_accept(p, PL_SQL_K_ALL) ? 0 : pl_sql_row_count(p);
    pl_sql_shift(p); /* FETCH */
    pl_sql_shift(p); /* FIRST, NEXT */
    if (p->kind != PL_SQL_K_ROW && p->kind != PL_SQL_K_ROWS &&
        pl_sql_row_count(p) != 0)
        return -1;
    if (p->kind != PL_SQL_K_ROW && p->kind != PL_SQL_K_ROWS)
        return pl_sql_unexpected(p, "ROW or ROWS");
    pl_sql_shift(p);
    if (pl_sql_accept(p, PL_SQL_K_ONLY))
        return 0;
    if (pl_sql_expect(p, PL_SQL_K_WITH, "ONLY or WITH TIES") != 0)
        return -1;
    return pl_sql_expect(p, PL_SQL_K_TIES, "TIES after WITH");
}

int pl_sql_query_rest(struct pl_sql_parser *p)
{
    while (p->kind == PL_SQL_K_UNION || p->kind == PL_SQL_K_INTERSECT ||
           p->kind == PL_SQL_K_EXCEPT) {
        pl_sql_shift(p);
        if (p->kind == PL_SQL_K_ALL || p->kind == PL_SQL_K_DISTINCT)
            pl_sql_shift(p);
        if (branch(p, false) != 0)
            return -1;
    }
    if (pl_sql_accept(p, PL_SQL_K_ORDER) && pl_sql_sort_items(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_OFFSET)) {
        if (pl_sql_row_count(p) != 0)
            return -1;
        if (p->kind == PL_SQL_K_ROW || p->kind == PL_SQL_K_ROWS)
            pl_sql_shift(p);
    }
    return p->kind == PL_SQL_K_LIMIT ||
                   (p->kind == PL_SQL_K_FETCH && pl_sql_is_clause(p, 0))
               ? limit(p)
               : 0;
}

static int branches(struct pl_sql_parser *p, bool is_head)
{
    return branch(p, is_head) != 0 ? -1 : pl_sql_query_rest(p);
}

/* WITH [RECURSIVE] a [(x, y)] AS (...), ... */
static int with(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (p->kind == PL_SQL_K_FUNCTION && pl_sql_ahead(p, 1) != PL_SQL_K_AS &&
        pl_sql_ahead(p, 1) != PL_SQL_LPAREN)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "WITH FUNCTION defines a function, which is "
                              "not taken here");
    (void)pl_sql_accept(p, PL_SQL_K_RECURSIVE);
    do {
        if (pl_sql_name(p, "the name of a query after WITH") != 0)
            return -1;
        if (p->kind == PL_SQL_LPAREN && pl_sql_starts_query(pl_sql_ahead(p, 1)))
            return pl_sql_unexpected(p, "AS before the query");
        if (p->kind == PL_SQL_LPAREN && pl_sql_name_list(p) != 0)
            return -1;
        if (p->kind != PL_SQL_K_AS || pl_sql_ahead(p, 1) != PL_SQL_LPAREN)
            return pl_sql_unexpected(p, "AS ( after the name of a query in "
                                        "WITH");
        pl_sql_shift(p);
        if (pl_sql_subquery(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

int pl_sql_query(struct pl_sql_parser *p, bool is_head)
{
    if (p->kind == PL_SQL_K_WITH && with(p) != 0)
        return -1;
    return branches(p, is_head);
}

int pl_sql_subquery(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_query(p, false) != 0)
        return -1;
    return pl_sql_close(p, &open);
}
