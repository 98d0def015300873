/* JSON_VALUE and its kin, and JSON_TABLE. */
#include "pipeline/sql/parser.h"

/* [FORMAT JSON [ENCODING UTF8]] */
static int format_clause(struct pl_sql_parser *p)
{
    if (!pl_sql_accept(p, PL_SQL_K_FORMAT))
        return 0;
    if (pl_sql_expect(p, PL_SQL_K_JSON, "JSON after FORMAT") != 0)
        return -1;
    if (!pl_sql_accept(p, PL_SQL_K_ENCODING))
        return 0;
    if (p->kind != PL_SQL_K_UTF8 && p->kind != PL_SQL_K_UTF16 &&
        p->kind != PL_SQL_K_UTF32)
        return pl_sql_unexpected(p, "UTF8, UTF16 or UTF32");
    pl_sql_shift(p);
    return 0;
}

static int json_value(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    return pl_sql_expression(p, &o) != 0 ? -1 : format_clause(p);
}

/* json, 'lax $.path' [AS name] [PASSING x AS a, ...] */
static int path_invocation(struct pl_sql_parser *p)
{
    if (json_value(p) != 0 ||
        pl_sql_expect(p, PL_SQL_COMMA, "a comma and a path") != 0 ||
        pl_sql_string(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_AS) &&
        pl_sql_name(p, "the name of the path") != 0)
        return -1;
    if (!pl_sql_accept(p, PL_SQL_K_PASSING))
        return 0;
    do {
        if (json_value(p) != 0 ||
            pl_sql_expect(p, PL_SQL_K_AS, "AS and a name") != 0 ||
            pl_sql_name(p, "the name of an argument") != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return 0;
}

/* ERROR, NULL, DEFAULT x, EMPTY ARRAY: what is to be done, before ON. */
static int behavior(struct pl_sql_parser *p, bool is_query)
{
    struct pl_sql_operand o;

    if (pl_sql_accept(p, PL_SQL_K_ERROR) || pl_sql_accept(p, PL_SQL_K_NULL))
        return 0;
    if (!is_query) {
        pl_sql_shift(p); /* DEFAULT */
        return pl_sql_expression(p, &o);
    }
    pl_sql_shift(p); /* EMPTY */
    if (p->kind != PL_SQL_K_ARRAY && p->kind != PL_SQL_K_OBJECT)
        return pl_sql_unexpected(p, "ARRAY or OBJECT");
    pl_sql_shift(p);
    return 0;
}

/* [... ON EMPTY] [... ON ERROR] */
static int behaviors(struct pl_sql_parser *p, bool is_query)
{
    const enum pl_sql_kind third = is_query ? PL_SQL_K_EMPTY : PL_SQL_K_DEFAULT;
    bool had_empty = false;

    while (p->kind == PL_SQL_K_ERROR || p->kind == PL_SQL_K_NULL ||
           p->kind == third) {
        if (behavior(p, is_query) != 0 ||
            pl_sql_expect(p, PL_SQL_K_ON, "ON EMPTY or ON ERROR") != 0)
            return -1;
        if (pl_sql_accept(p, PL_SQL_K_ERROR))
            return 0;
        if (had_empty || p->kind != PL_SQL_K_EMPTY)
            return pl_sql_unexpected(p, "ERROR");
        pl_sql_shift(p);
        had_empty = true;
    }
    return 0;
}

/* [WITHOUT|WITH ... WRAPPER] [KEEP|OMIT QUOTES [ON SCALAR STRING]] */
static int wrapper_and_quotes(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_K_WITH || p->kind == PL_SQL_K_WITHOUT) {
        const bool is_with = p->kind == PL_SQL_K_WITH;

        pl_sql_shift(p);
        if (is_with && (p->kind == PL_SQL_K_CONDITIONAL ||
                        p->kind == PL_SQL_K_UNCONDITIONAL))
            pl_sql_shift(p);
        (void)pl_sql_accept(p, PL_SQL_K_ARRAY);
        if (pl_sql_expect(p, PL_SQL_K_WRAPPER, "WRAPPER") != 0)
            return -1;
    }
    if (p->kind != PL_SQL_K_KEEP && p->kind != PL_SQL_K_OMIT)
        return 0;
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_QUOTES, "QUOTES") != 0)
        return -1;
    if (p->kind != PL_SQL_K_ON)
        return 0;
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_SCALAR, "SCALAR STRING after ON") != 0)
        return -1;
    return pl_sql_expect(p, PL_SQL_K_STRING, "STRING after SCALAR");
}

/* [RETURNING type [FORMAT JSON]] */
static int returning(struct pl_sql_parser *p, bool has_format)
{
    if (!pl_sql_accept(p, PL_SQL_K_RETURNING))
        return 0;
    if (pl_sql_type(p) != 0)
        return -1;
    return has_format ? format_clause(p) : 0;
}

/* [TRUE|FALSE|UNKNOWN|ERROR ON ERROR] */
static int exists_behavior(struct pl_sql_parser *p)
{
    if (p->kind != PL_SQL_K_TRUE && p->kind != PL_SQL_K_FALSE &&
        p->kind != PL_SQL_K_UNKNOWN && p->kind != PL_SQL_K_ERROR)
        return 0;
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_ON, "ON ERROR") != 0)
        return -1;
    return pl_sql_expect(p, PL_SQL_K_ERROR, "ERROR after ON");
}

static bool starts_value(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_NOT || kind == PL_SQL_PLUS ||
           kind == PL_SQL_MINUS || pl_sql_starts_operand(kind);
}

/* Does KEY stand for itself here, or is something called key? */
static bool is_key_word(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    const enum pl_sql_kind after = pl_sql_ahead(p, 2);

    if (p->kind != PL_SQL_K_KEY)
        return false;
    if (next != PL_SQL_K_VALUE)
        return starts_value(next);
    return after == PL_SQL_K_VALUE ? starts_value(pl_sql_ahead(p, 3))
                                   : !starts_value(after);
}

/* [KEY] key VALUE value, key : value */
static int object_member(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    const bool has_key = is_key_word(p);
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    /* KEY (a), KEY 'a' and KEY -1 are values of things called key, too */
    const bool is_open = !has_key || next == PL_SQL_STRING ||
                         next == PL_SQL_LPAREN || next == PL_SQL_PLUS ||
                         next == PL_SQL_MINUS || next == PL_SQL_UNICODE_STRING;

    if (has_key)
        pl_sql_shift(p);
    if (pl_sql_expression(p, &o) != 0)
        return -1;
    if (is_open && pl_sql_accept(p, PL_SQL_COLON))
        return json_value(p);
    if (pl_sql_expect(p, PL_SQL_K_VALUE, "VALUE or ':' after the key") != 0)
        return -1;
    return json_value(p);
}

/* [NULL|ABSENT ON NULL] */
static int on_null(struct pl_sql_parser *p)
{
    if (p->kind != PL_SQL_K_NULL && p->kind != PL_SQL_K_ABSENT)
        return 0;
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_ON, "ON NULL") != 0)
        return -1;
    return pl_sql_expect(p, PL_SQL_K_NULL, "NULL after ON");
}

/* No members: nothing, or RETURNING as a word and no thing of that name. */
static bool is_empty(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    const enum pl_sql_kind after = pl_sql_ahead(p, 2);

    if (p->kind != PL_SQL_K_RETURNING)
        return p->kind == PL_SQL_RPAREN;
    if (next == PL_SQL_K_VALUE && after != PL_SQL_LPAREN)
        return after == PL_SQL_RPAREN;
    if (next == PL_SQL_K_ABSENT && after == PL_SQL_K_ON)
        return false;
    if (next == PL_SQL_K_FORMAT && after == PL_SQL_K_JSON)
        return false;
    return pl_sql_is_name(next);
}

static int object(struct pl_sql_parser *p)
{
    if (is_empty(p))
        return returning(p, true);
    do {
        if (object_member(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    if (on_null(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_WITH || p->kind == PL_SQL_K_WITHOUT) {
        pl_sql_shift(p);
        if (pl_sql_expect(p, PL_SQL_K_UNIQUE, "UNIQUE KEYS") != 0)
            return -1;
        (void)pl_sql_accept(p, PL_SQL_K_KEYS);
    }
    return returning(p, true);
}

static int array(struct pl_sql_parser *p)
{
    if (is_empty(p))
        return returning(p, true);
    do {
        if (json_value(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    if (on_null(p) != 0)
        return -1;
    return returning(p, true);
}

static int inside_call(struct pl_sql_parser *p, enum pl_sql_kind name)
{
    if (name == PL_SQL_K_JSON_OBJECT)
        return object(p);
    if (name == PL_SQL_K_JSON_ARRAY)
        return array(p);
    if (path_invocation(p) != 0)
        return -1;
    if (name == PL_SQL_K_JSON_EXISTS)
        return exists_behavior(p);
    if (name == PL_SQL_K_JSON_VALUE)
        return returning(p, false) != 0 ? -1 : behaviors(p, false);
    if (returning(p, true) != 0 || wrapper_and_quotes(p) != 0)
        return -1;
    return behaviors(p, true);
}

int pl_sql_json_call(struct pl_sql_parser *p)
{
    const enum pl_sql_kind name = p->kind;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 || inside_call(p, name) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

static int columns(struct pl_sql_parser *p);

/* NESTED [PATH] 'path' [AS name] COLUMNS (...) */
static int nested_columns(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    (void)pl_sql_accept(p, PL_SQL_K_PATH);
    if (pl_sql_string(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_AS) &&
        pl_sql_name(p, "the name of the path") != 0)
        return -1;
    return columns(p);
}

static bool is_nested(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    if (p->kind != PL_SQL_K_NESTED)
        return false;
    return next == PL_SQL_STRING || next == PL_SQL_UNICODE_STRING ||
           (next == PL_SQL_K_PATH &&
            (pl_sql_ahead(p, 2) == PL_SQL_STRING ||
             pl_sql_ahead(p, 2) == PL_SQL_UNICODE_STRING));
}

/* name type [FORMAT JSON] [PATH 'path'] ..., name FOR ORDINALITY */
static int column(struct pl_sql_parser *p)
{
    bool is_query;

    if (is_nested(p))
        return nested_columns(p);
    if (pl_sql_name(p, "a column name") != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_FOR))
        return pl_sql_expect(p, PL_SQL_K_ORDINALITY, "ORDINALITY after FOR");
    if (pl_sql_type(p) != 0)
        return -1;
    is_query = p->kind == PL_SQL_K_FORMAT;
    if (format_clause(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_PATH) && pl_sql_string(p) != 0)
        return -1;
    if (is_query && wrapper_and_quotes(p) != 0)
        return -1;
    return behaviors(p, is_query);
}

static int columns(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (pl_sql_expect(p, PL_SQL_K_COLUMNS, "COLUMNS") != 0 ||
        pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (column(p) != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

static int plan(struct pl_sql_parser *p);

static int plan_primary(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (p->kind != PL_SQL_LPAREN)
        return pl_sql_name(p, "the name of a path");
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 || plan(p) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

static int plan(struct pl_sql_parser *p)
{
    const bool is_name = p->kind != PL_SQL_LPAREN;
    enum pl_sql_kind join;

    if (plan_primary(p) != 0)
        return -1;
    join = p->kind;
    if (is_name && (join == PL_SQL_K_OUTER || join == PL_SQL_K_INNER)) {
        pl_sql_shift(p);
        return plan_primary(p);
    }
    if (join != PL_SQL_K_UNION && join != PL_SQL_K_CROSS)
        return is_name ? 0 : pl_sql_unexpected(p, "UNION or CROSS");
    while (pl_sql_accept(p, join))
        if (plan_primary(p) != 0)
            return -1;
    return 0;
}

static bool is_parent_child(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_OUTER || kind == PL_SQL_K_INNER;
}

static bool is_sibling(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_UNION || kind == PL_SQL_K_CROSS;
}

/* OUTER|INNER, UNION|CROSS in either order, one of them at least */
static int default_plan(struct pl_sql_parser *p)
{
    const bool is_parent_first = is_parent_child(p->kind);

    if (!is_parent_first && !is_sibling(p->kind))
        return pl_sql_unexpected(p, "OUTER, INNER, UNION or CROSS");
    pl_sql_shift(p);
    if (!pl_sql_accept(p, PL_SQL_COMMA))
        return 0;
    if (is_parent_first ? !is_sibling(p->kind) : !is_parent_child(p->kind))
        return pl_sql_unexpected(p, is_parent_first ? "UNION or CROSS"
                                                    : "OUTER or INNER");
    pl_sql_shift(p);
    return 0;
}

static int plan_clause(struct pl_sql_parser *p)
{
    struct pl_sql_token open;
    bool is_default;

    pl_sql_shift(p);
    is_default = pl_sql_accept(p, PL_SQL_K_DEFAULT);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        (is_default ? default_plan(p) : plan(p)) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

/* JSON_TABLE(json, 'path' COLUMNS (...) [PLAN ...] [ERROR|EMPTY ON ERROR]) */
int pl_sql_json_table(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 || path_invocation(p) != 0 ||
        columns(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_PLAN && plan_clause(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_ERROR || p->kind == PL_SQL_K_EMPTY) {
        pl_sql_shift(p);
        if (pl_sql_expect(p, PL_SQL_K_ON, "ON ERROR") != 0 ||
            pl_sql_expect(p, PL_SQL_K_ERROR, "ERROR after ON") != 0)
            return -1;
    }
    return pl_sql_close(p, &open);
}
