/* Types: of CAST, of JSON functions, of descriptors. */
#include "pipeline/sql/parser.h"

/* (3), (10, 2), (varchar, bigint) */
static int parameters(struct pl_sql_parser *p, bool is_single)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (!pl_sql_accept(p, PL_SQL_INTEGER) && pl_sql_type(p) != 0)
            return -1;
    } while (!is_single && pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* Does a field's name stand here, before its type? */
static bool is_field_name(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    const enum pl_sql_kind after = pl_sql_ahead(p, 2);

    if (!pl_sql_is_name(p->kind) || !pl_sql_is_name(next))
        return false;
    if (p->kind == PL_SQL_K_DOUBLE && next == PL_SQL_K_PRECISION)
        return after == PL_SQL_LPAREN;
    if (p->kind == PL_SQL_K_INTERVAL && pl_sql_is_interval_unit(next))
        return after == PL_SQL_LPAREN;
    if ((p->kind == PL_SQL_K_TIME || p->kind == PL_SQL_K_TIMESTAMP) &&
        next == PL_SQL_K_WITHOUT)
        return after != PL_SQL_K_TIME;
    if (next == PL_SQL_K_ARRAY) /* "x ARRAY" is a type, "x ARRAY(y)" is not */
        return after == PL_SQL_LPAREN || after == PL_SQL_LT;
    return true;
}

static int row_type(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (is_field_name(p) && pl_sql_name(p, "a field") != 0)
            return -1;
        if (pl_sql_type(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* ARRAY<x>, MAP<x, y> */
static int legacy_type(struct pl_sql_parser *p)
{
    const bool is_map = p->kind == PL_SQL_K_MAP;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LT, &open) != 0 || pl_sql_type(p) != 0)
        return -1;
    if (is_map &&
        (pl_sql_expect(p, PL_SQL_COMMA, "a comma") != 0 || pl_sql_type(p) != 0))
        return -1;
    return pl_sql_close(p, &open);
}

/* TIME and TIMESTAMP [(3)] [WITH|WITHOUT TIME ZONE] */
static int time_type(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (p->kind == PL_SQL_LPAREN && parameters(p, true) != 0)
        return -1;
    if ((p->kind != PL_SQL_K_WITH && p->kind != PL_SQL_K_WITHOUT) ||
        pl_sql_ahead(p, 1) != PL_SQL_K_TIME)
        return 0;
    pl_sql_shift(p);
    pl_sql_shift(p);
    return pl_sql_expect(p, PL_SQL_K_ZONE, "ZONE");
}

static int interval_type(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    pl_sql_shift(p);
    if (!pl_sql_accept(p, PL_SQL_K_TO))
        return 0;
    if (!pl_sql_is_interval_unit(p->kind))
        return pl_sql_unexpected(p, "a unit (YEAR to SECOND)");
    pl_sql_shift(p);
    return 0;
}

static int base_type(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    if (p->kind == PL_SQL_K_ROW && next == PL_SQL_LPAREN)
        return row_type(p);
    if ((p->kind == PL_SQL_K_ARRAY || p->kind == PL_SQL_K_MAP) &&
        next == PL_SQL_LT)
        return legacy_type(p);
    if (p->kind == PL_SQL_K_TIME || p->kind == PL_SQL_K_TIMESTAMP)
        return time_type(p);
    if (p->kind == PL_SQL_K_INTERVAL && pl_sql_is_interval_unit(next))
        return interval_type(p);
    if (p->kind == PL_SQL_K_DOUBLE && next == PL_SQL_K_PRECISION)
        pl_sql_shift(p);
    if (pl_sql_name(p, "a type") != 0)
        return -1;
    return p->kind == PL_SQL_LPAREN ? parameters(p, false) : 0;
}

int pl_sql_type(struct pl_sql_parser *p)
{
    if (base_type(p) != 0)
        return -1;
    while (p->kind == PL_SQL_K_ARRAY) {
        pl_sql_shift(p);
        if (p->kind == PL_SQL_LBRACKET)
            return pl_sql_fail_at(p, pl_sql_token(p),
                                  "an array's type has no size");
    }
    return 0;
}
