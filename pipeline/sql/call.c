/* Calls of functions, with and without a syntax of their own. */
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/sql/parser.h"

/* What a call held, for the functions that the parser itself knows. */
struct call {
    size_t arguments;
    bool is_distinct;
    bool is_star;
    bool has_extra; /* FILTER, OVER, IGNORE NULLS, FINAL */
};

static int partition_by(struct pl_sql_parser *p)
{
    size_t count;

    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_BY, "BY after PARTITION") != 0)
        return -1;
    return pl_sql_expressions(p, &count);
}

/* UNBOUNDED PRECEDING, CURRENT ROW, 3 FOLLOWING */
static int frame_bound(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;

    if (p->kind == PL_SQL_K_CURRENT && pl_sql_ahead(p, 1) == PL_SQL_K_ROW) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        return 0;
    }
    if (pl_sql_expression(p, &o) != 0) /* UNBOUNDED reads as a name */
        return -1;
    if (p->kind != PL_SQL_K_PRECEDING && p->kind != PL_SQL_K_FOLLOWING)
        return pl_sql_unexpected(p, "PRECEDING or FOLLOWING");
    pl_sql_shift(p);
    return 0;
}

static bool is_frame(enum pl_sql_kind kind)
{
    return kind == PL_SQL_K_RANGE || kind == PL_SQL_K_ROWS ||
           kind == PL_SQL_K_GROUPS;
}

static int frame(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_K_MEASURES && pl_sql_measures(p) != 0)
        return -1;
    if (!is_frame(p->kind))
        return pl_sql_unexpected(p, "ROWS, RANGE or GROUPS");
    pl_sql_shift(p);
    if (pl_sql_accept(p, PL_SQL_K_BETWEEN)) {
        if (frame_bound(p) != 0 ||
            pl_sql_expect(p, PL_SQL_K_AND, "AND of BETWEEN") != 0)
            return -1;
    }
    if (frame_bound(p) != 0)
        return -1;
    return pl_sql_pattern_clauses(p, false);
}

/* Is the name that stands here one of another window? */
static bool is_window_name(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    enum pl_sql_kind after;

    if (!pl_sql_is_name(p->kind))
        return false;
    after = pl_sql_ahead(p, 2);
    if (p->kind == PL_SQL_K_PARTITION)
        return next != PL_SQL_K_BY;
    if (!is_frame(p->kind) && p->kind != PL_SQL_K_MEASURES)
        return true;
    if (is_frame(next) || next == PL_SQL_K_MEASURES) /* (rows ROWS 5 ...) */
        return after == PL_SQL_K_BETWEEN ||
               (pl_sql_starts_operand(after) && after != PL_SQL_LPAREN &&
                after != PL_SQL_K_PRECEDING && after != PL_SQL_K_FOLLOWING);
    return next == PL_SQL_RPAREN || next == PL_SQL_K_ORDER ||
           (next == PL_SQL_K_PARTITION && after == PL_SQL_K_BY);
}

int pl_sql_window(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (is_window_name(p) && pl_sql_name(p, "the name of a window") != 0)
        return -1;
    if (p->kind == PL_SQL_K_PARTITION && partition_by(p) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_ORDER) && pl_sql_sort_items(p) != 0)
        return -1;
    if ((is_frame(p->kind) || p->kind == PL_SQL_K_MEASURES) && frame(p) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

bool pl_sql_is_over(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);

    return p->kind == PL_SQL_K_OVER &&
           (next == PL_SQL_LPAREN ||
            (pl_sql_is_name(next) && !pl_sql_is_clause(p, 1)));
}

int pl_sql_over(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (p->kind == PL_SQL_LPAREN)
        return pl_sql_window(p);
    return pl_sql_name(p, "the name of a window");
}

static int filter(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expect(p, PL_SQL_K_WHERE, "WHERE after FILTER (") != 0 ||
        pl_sql_expression(p, &o) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

/* FILTER (WHERE ...), IGNORE NULLS, OVER behind the brackets */
static int behind_call(struct pl_sql_parser *p, struct call *c)
{
    if (p->kind == PL_SQL_K_FILTER && pl_sql_ahead(p, 1) == PL_SQL_LPAREN) {
        c->has_extra = true;
        if (filter(p) != 0)
            return -1;
    }
    if (!c->is_star &&
        (p->kind == PL_SQL_K_IGNORE || p->kind == PL_SQL_K_RESPECT) &&
        pl_sql_ahead(p, 1) == PL_SQL_K_NULLS &&
        pl_sql_ahead(p, 2) == PL_SQL_K_OVER) {
        pl_sql_shift(p);
        pl_sql_shift(p);
        c->has_extra = true;
        return pl_sql_over(p);
    }
    if (!pl_sql_is_over(p))
        return 0;
    c->has_extra = true;
    return pl_sql_over(p);
}

bool pl_sql_starts_operand(enum pl_sql_kind kind)
{
    switch ((int)kind) {
    case PL_SQL_STRING:
    case PL_SQL_UNICODE_STRING:
    case PL_SQL_BINARY:
    case PL_SQL_INTEGER:
    case PL_SQL_DECIMAL:
    case PL_SQL_REAL:
    case PL_SQL_PARAM:
    case PL_SQL_LPAREN:
    case PL_SQL_K_CASE:
    case PL_SQL_K_CAST:
    case PL_SQL_K_CURRENT_CATALOG:
    case PL_SQL_K_CURRENT_DATE:
    case PL_SQL_K_CURRENT_PATH:
    case PL_SQL_K_CURRENT_SCHEMA:
    case PL_SQL_K_CURRENT_TIME:
    case PL_SQL_K_CURRENT_TIMESTAMP:
    case PL_SQL_K_CURRENT_USER:
    case PL_SQL_K_EXISTS:
    case PL_SQL_K_EXTRACT:
    case PL_SQL_K_FALSE:
    case PL_SQL_K_GROUPING:
    case PL_SQL_K_JSON_ARRAY:
    case PL_SQL_K_JSON_EXISTS:
    case PL_SQL_K_JSON_OBJECT:
    case PL_SQL_K_JSON_QUERY:
    case PL_SQL_K_JSON_VALUE:
    case PL_SQL_K_LISTAGG:
    case PL_SQL_K_LOCALTIME:
    case PL_SQL_K_LOCALTIMESTAMP:
    case PL_SQL_K_NORMALIZE:
    case PL_SQL_K_NULL:
    case PL_SQL_K_TRIM:
    case PL_SQL_K_TRUE:
        return true;
    default:
        return pl_sql_is_name(kind);
    }
}

/* Does OVER or FILTER stand behind the brackets that begin ahead? Long ones
 * are not looked through. */
static bool is_windowed(struct pl_sql_parser *p, unsigned at)
{
    unsigned open = 0;

    for (; at + 2 < PL_SQL_AHEAD; at++) {
        const enum pl_sql_kind kind = pl_sql_ahead(p, at);

        open += kind == PL_SQL_LPAREN ? 1 : 0;
        if (kind == PL_SQL_END || kind == PL_SQL_ERROR)
            return false;
        if (kind == PL_SQL_RPAREN && --open == 0)
            return (pl_sql_ahead(p, at + 1) == PL_SQL_K_OVER ||
                    pl_sql_ahead(p, at + 1) == PL_SQL_K_FILTER) &&
                   pl_sql_ahead(p, at + 2) == PL_SQL_LPAREN;
    }
    return false;
}

/* ALL is a quantifier unless it can only be a name: f(all), f(all = 1). */
bool pl_sql_is_quantifier_all(struct pl_sql_parser *p)
{
    const enum pl_sql_kind next = pl_sql_ahead(p, 1);
    const enum pl_sql_kind after = pl_sql_ahead(p, 2);

    if (p->kind != PL_SQL_K_ALL)
        return false;
    if (next == PL_SQL_STRING || next == PL_SQL_UNICODE_STRING)
        return false; /* ALL 'x' reads well as a literal */
    if (next == PL_SQL_LPAREN && after == PL_SQL_RPAREN)
        return pl_sql_ahead(p, 3) == PL_SQL_ARROW;
    if (next == PL_SQL_LPAREN && is_windowed(p, 1))
        return false; /* all(x) OVER (...) */
    if (next == PL_SQL_K_AT && after == PL_SQL_K_TIME)
        return false;
    if (next == PL_SQL_K_OVER &&
        (after == PL_SQL_LPAREN || pl_sql_is_name(after)))
        return false;
    if (next == PL_SQL_K_NOT)
        return after != PL_SQL_K_IN && after != PL_SQL_K_LIKE &&
               after != PL_SQL_K_BETWEEN;
    return next == PL_SQL_PLUS || next == PL_SQL_MINUS ||
           pl_sql_starts_operand(next);
}

/* f(t.*) */
static bool is_label_star(struct pl_sql_parser *p)
{
    return pl_sql_is_name(p->kind) && pl_sql_ahead(p, 1) == PL_SQL_DOT &&
           pl_sql_ahead(p, 2) == PL_SQL_STAR &&
           pl_sql_ahead(p, 3) == PL_SQL_RPAREN;
}

/* What stands between the brackets of most functions. */
static int arguments(struct pl_sql_parser *p, struct call *c)
{
    if (pl_sql_accept(p, PL_SQL_STAR)) {
        c->is_star = true;
        return 0;
    }
    if (is_label_star(p)) {
        c->is_star = true;
        if (pl_sql_name(p, "a name") != 0)
            return -1;
        pl_sql_shift(p);
        pl_sql_shift(p);
        return 0;
    }
    c->is_distinct = p->kind == PL_SQL_K_DISTINCT;
    if (c->is_distinct || pl_sql_is_quantifier_all(p))
        pl_sql_shift(p);
    else if (p->kind == PL_SQL_RPAREN)
        return 0;
    if ((p->kind != PL_SQL_K_ORDER || c->is_distinct) &&
        pl_sql_expressions(p, &c->arguments) != 0)
        return -1;
    return pl_sql_accept(p, PL_SQL_K_ORDER) ? pl_sql_sort_items(p) : 0;
}

/* x IN y, x FROM y FOR z, x AS type, where a function has such a syntax: the
 * first argument has been read. *is_done: nothing more may follow. */
static int own_syntax(struct pl_sql_parser *p, enum pl_sql_kind name,
                      bool *is_done)
{
    struct pl_sql_operand o;

    *is_done = true;
    if (name == PL_SQL_K_POSITION && p->kind == PL_SQL_K_IN) {
        pl_sql_shift(p);
        return pl_sql_value(p, &o);
    }
    if (name == PL_SQL_K_SUBSTRING && p->kind == PL_SQL_K_FROM) {
        pl_sql_shift(p);
        if (pl_sql_value(p, &o) != 0)
            return -1;
        return pl_sql_accept(p, PL_SQL_K_FOR) ? pl_sql_value(p, &o) : 0;
    }
    *is_done = false;
    return 0;
}

/* POSITION(x IN y), SUBSTRING(x FROM y), TRY_CAST(x AS type); they are
 * ordinary functions as well. */
static int special_arguments(struct pl_sql_parser *p, enum pl_sql_kind name,
                             struct call *c)
{
    struct pl_sql_operand o;
    bool is_done = false;
    size_t more = 0;

    if (p->kind == PL_SQL_STAR || p->kind == PL_SQL_RPAREN ||
        p->kind == PL_SQL_K_DISTINCT || p->kind == PL_SQL_K_ORDER ||
        pl_sql_is_quantifier_all(p) || is_label_star(p))
        return arguments(p, c);
    if (p->kind == PL_SQL_K_NOT) {
        if (pl_sql_expression(p, &o) != 0)
            return -1;
    } else {
        if (pl_sql_value(p, &o) != 0 || own_syntax(p, name, &is_done) != 0)
            return -1;
        if (is_done)
            return 0;
        if (pl_sql_after_value(p, &o) != 0)
            return -1;
    }
    if (name == PL_SQL_K_TRY_CAST && pl_sql_accept(p, PL_SQL_K_AS))
        return pl_sql_type(p);
    c->arguments = 1;
    if (pl_sql_accept(p, PL_SQL_COMMA) && pl_sql_expressions(p, &more) != 0)
        return -1;
    c->arguments += more;
    return pl_sql_accept(p, PL_SQL_K_ORDER) ? pl_sql_sort_items(p) : 0;
}

/* Functions that are part of the language: how many arguments they take. */
static const struct {
    const char *name;
    size_t least;
    size_t most;
    const char *says;
} known[] = {
    {"if", 2, 3, "IF takes 2 or 3 values, and no DISTINCT, FILTER or OVER"},
    {"nullif", 2, 2, "NULLIF takes 2 values, and no DISTINCT, FILTER or OVER"},
    {"coalesce", 2, SIZE_MAX,
     "COALESCE takes 2 values or more, and no DISTINCT, FILTER or OVER"},
    {"try", 1, 1, "TRY takes 1 value, and no DISTINCT, FILTER or OVER"},
    {"format", 2, SIZE_MAX,
     "FORMAT takes 2 values or more, and no DISTINCT, FILTER or OVER"},
};

static int check_known(struct pl_sql_parser *p, const struct pl_sql_token *name,
                       const struct call *c)
{
    const size_t quote = name->kind == PL_SQL_QUOTED ? 1 : 0;
    const char *text = p->lex.sql + name->offset + quote;
    const size_t len = name->len - 2 * quote;

    if (len > sizeof("coalesce") - 1)
        return 0;
    for (size_t i = 0; i < PL_COUNT(known); i++) {
        if (!pl_ieqn(text, len, known[i].name, strlen(known[i].name)))
            continue;
        if (c->arguments < known[i].least || c->arguments > known[i].most ||
            c->is_distinct || c->has_extra)
            return pl_sql_fail_at(p, name, known[i].says);
    }
    return 0;
}

int pl_sql_call(struct pl_sql_parser *p, bool is_qualified, bool has_mode,
                struct pl_sql_operand *o)
{
    const struct pl_sql_token name = o->name;
    const bool is_special = !is_qualified && (name.kind == PL_SQL_K_POSITION ||
                                              name.kind == PL_SQL_K_SUBSTRING ||
                                              name.kind == PL_SQL_K_TRY_CAST);
    struct call c = {.has_extra = has_mode};
    struct pl_sql_token open;

    *o = (struct pl_sql_operand){.is_primary = true};
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if ((is_special ? special_arguments(p, name.kind, &c) : arguments(p, &c)) !=
            0 ||
        pl_sql_close(p, &open) != 0 || behind_call(p, &c) != 0)
        return -1;
    if (name.kind == PL_SQL_K_ROW && !is_qualified && !c.has_extra)
        o->fields = c.arguments;
    return is_qualified ? 0 : check_known(p, &name, &c);
}

/* TRIM([[LEADING|TRAILING|BOTH] [x] FROM] y), TRIM(x, y) */
int pl_sql_trim(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;
    bool has_side;
    bool is_odd = false; /* the side may as well be the name of a thing */

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    has_side = p->kind == PL_SQL_K_LEADING || p->kind == PL_SQL_K_TRAILING ||
               p->kind == PL_SQL_K_BOTH;
    if (has_side) {
        const enum pl_sql_kind next = pl_sql_ahead(p, 1);

        is_odd = next == PL_SQL_STRING || next == PL_SQL_UNICODE_STRING ||
                 next == PL_SQL_LPAREN;
        has_side = next == PL_SQL_K_FROM || pl_sql_starts_operand(next);
    }
    if (has_side)
        pl_sql_shift(p);
    if (has_side && pl_sql_accept(p, PL_SQL_K_FROM)) {
        if (pl_sql_value(p, &o) != 0)
            return -1;
        return pl_sql_close(p, &open);
    }
    if (pl_sql_value(p, &o) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_FROM)) {
        if (pl_sql_value(p, &o) != 0)
            return -1;
    } else if (has_side && !is_odd) {
        return pl_sql_unexpected(p, "FROM");
    } else if (pl_sql_accept(p, PL_SQL_COMMA) && pl_sql_value(p, &o) != 0) {
        return -1;
    }
    return pl_sql_close(p, &open);
}

/* NORMALIZE(x [, NFC]) */
int pl_sql_normalize(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 || pl_sql_value(p, &o) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_COMMA)) {
        if (p->kind != PL_SQL_K_NFC && p->kind != PL_SQL_K_NFD &&
            p->kind != PL_SQL_K_NFKC && p->kind != PL_SQL_K_NFKD)
            return pl_sql_unexpected(p, "NFC, NFD, NFKC or NFKD");
        pl_sql_shift(p);
    }
    return pl_sql_close(p, &open);
}

static const char *const extract_fields[] = {
    "YEAR",         "QUARTER",      "MONTH",        "WEEK",
    "DAY",          "DAY_OF_MONTH", "DAY_OF_WEEK",  "DOW",
    "DAY_OF_YEAR",  "DOY",          "YEAR_OF_WEEK", "YOW",
    "HOUR",         "MINUTE",       "SECOND",       "TIMEZONE_MINUTE",
    "TIMEZONE_HOUR"};

/* EXTRACT(field FROM x) */
int pl_sql_extract(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;
    struct pl_sql_token field;
    bool is_known = false;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    field = *pl_sql_token(p);
    if (pl_sql_name(p, "a field such as YEAR") != 0)
        return -1;
    for (size_t i = 0; i < PL_COUNT(extract_fields); i++)
        is_known =
            is_known || pl_ieqn(p->lex.sql + field.offset, field.len,
                                extract_fields[i], strlen(extract_fields[i]));
    if (!is_known)
        return pl_sql_fail_at(p, &field,
                              "EXTRACT does not know this field; it takes "
                              "YEAR, QUARTER, MONTH, WEEK, DAY, HOUR and so "
                              "on");
    if (pl_sql_expect(p, PL_SQL_K_FROM, "FROM") != 0 ||
        pl_sql_value(p, &o) != 0)
        return -1;
    return pl_sql_close(p, &open);
}

/* GROUPING(a, t.b) */
int pl_sql_grouping(struct pl_sql_parser *p)
{
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    do {
        if (pl_sql_qualified_name(p, "a column name") != 0)
            return -1;
    } while (pl_sql_accept(p, PL_SQL_COMMA));
    return pl_sql_close(p, &open);
}

/* ON OVERFLOW ERROR, ON OVERFLOW TRUNCATE ['...'] WITH|WITHOUT COUNT */
static int overflow(struct pl_sql_parser *p)
{
    pl_sql_shift(p);
    if (pl_sql_expect(p, PL_SQL_K_OVERFLOW, "OVERFLOW after ON") != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_K_ERROR))
        return 0;
    if (pl_sql_expect(p, PL_SQL_K_TRUNCATE, "ERROR or TRUNCATE") != 0)
        return -1;
    if ((p->kind == PL_SQL_STRING || p->kind == PL_SQL_UNICODE_STRING) &&
        pl_sql_string(p) != 0)
        return -1;
    if (p->kind != PL_SQL_K_WITH && p->kind != PL_SQL_K_WITHOUT)
        return pl_sql_unexpected(p, "WITH COUNT or WITHOUT COUNT");
    pl_sql_shift(p);
    return pl_sql_expect(p, PL_SQL_K_COUNT, "COUNT");
}

/* LISTAGG([DISTINCT] x [, ','] [ON OVERFLOW ...]) WITHIN GROUP (ORDER BY y) */
int pl_sql_listagg(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;
    struct call c = {.is_star = true}; /* no IGNORE NULLS */

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0)
        return -1;
    if (p->kind == PL_SQL_K_DISTINCT || pl_sql_is_quantifier_all(p))
        pl_sql_shift(p);
    if (pl_sql_expression(p, &o) != 0)
        return -1;
    if (pl_sql_accept(p, PL_SQL_COMMA) && pl_sql_string(p) != 0)
        return -1;
    if (p->kind == PL_SQL_K_ON && overflow(p) != 0)
        return -1;
    if (pl_sql_close(p, &open) != 0 ||
        pl_sql_expect(p, PL_SQL_K_WITHIN, "WITHIN GROUP after LISTAGG") != 0 ||
        pl_sql_expect(p, PL_SQL_K_GROUP, "GROUP after WITHIN") != 0 ||
        pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expect(p, PL_SQL_K_ORDER, "ORDER BY") != 0 ||
        pl_sql_sort_items(p) != 0 || pl_sql_close(p, &open) != 0)
        return -1;
    return p->kind == PL_SQL_K_FILTER && pl_sql_ahead(p, 1) == PL_SQL_LPAREN
               ? behind_call(p, &c)
               : 0;
}

/* CAST(x AS type) */
int pl_sql_cast(struct pl_sql_parser *p)
{
    struct pl_sql_operand o;
    struct pl_sql_token open;

    pl_sql_shift(p);
    if (pl_sql_open(p, PL_SQL_LPAREN, &open) != 0 ||
        pl_sql_expression(p, &o) != 0 ||
        pl_sql_expect(p, PL_SQL_K_AS, "AS and a type") != 0 ||
        pl_sql_type(p) != 0)
        return -1;
    return pl_sql_close(p, &open);
}
