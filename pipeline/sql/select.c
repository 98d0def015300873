/* The statement as a whole, and the columns that it gives. */
#include "pipeline/sql/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/sql/parser.h"

void pl_sql_select_release(struct pl_sql_select *select)
{
    for (size_t i = 0; i < select->column_count; i++)
        free(select->columns[i].name);
    free(select->columns);
    *select = (struct pl_sql_select){0};
}

static char *unquote(const char *text, const struct pl_sql_token *token,
                     size_t *len)
{
    char *out = malloc(token->len + 1);
    size_t n = 0;

    if (out == NULL)
        return NULL;
    if (token->kind == PL_SQL_QUOTED) {
        for (size_t i = 1; i + 1 < token->len; i++) {
            out[n++] = text[i];
            if (text[i] == '"')
                i++; /* a quote inside is written twice */
        }
    } else {
        for (; n < token->len; n++) {
            const char c = text[n];

            out[n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
    }
    out[n] = '\0';
    *len = n;
    return out;
}

/* Makes room for a column and returns it zeroed; NULL on failure. */
static struct pl_sql_column *new_column(struct pl_sql_parser *p,
                                        const struct pl_sql_token *at)
{
    struct pl_sql_select *s = p->out;
    struct pl_sql_place place;

    if (s->column_count == PL_SQL_MAX_COLUMNS) {
        place = pl_sql_place_of_token(p->lex.sql, p->lex.len, at);
        (void)pl_sql_fail(p->place, &place, p->err, "more than %d columns",
                          PL_SQL_MAX_COLUMNS);
        return NULL;
    }
    if (s->column_count == s->column_cap) {
        const size_t cap = s->column_cap == 0 ? 16 : 2 * s->column_cap;
        struct pl_sql_column *grown = realloc(s->columns, cap * sizeof *grown);

        if (grown == NULL) {
            (void)pl_fail_memory(p->err);
            return NULL;
        }
        s->columns = grown;
        s->column_cap = cap;
    }
    s->columns[s->column_count] =
        (struct pl_sql_column){.place = {.offset = at->offset, .len = at->len}};
    return &s->columns[s->column_count];
}

int pl_sql_add_column(struct pl_sql_parser *p, const struct pl_sql_token *name)
{
    struct pl_sql_column *c = new_column(p, name);

    if (c == NULL)
        return -1;
    c->name = unquote(p->lex.sql + name->offset, name, &c->name_len);
    if (c->name == NULL)
        return pl_fail_memory(p->err);
    c->is_quoted = name->kind == PL_SQL_QUOTED;
    p->out->column_count++;
    return 0;
}

int pl_sql_add_nameless(struct pl_sql_parser *p, const struct pl_sql_token *at,
                        bool is_star)
{
    struct pl_sql_column *c = new_column(p, at);
    char name[32] = "*";

    if (c == NULL)
        return -1;
    if (!is_star)
        (void)snprintf(name, sizeof name, "_col%zu", p->out->column_count);
    c->name_len = strlen(name);
    c->name = malloc(c->name_len + 1);
    if (c->name == NULL)
        return pl_fail_memory(p->err);
    memcpy(c->name, name, c->name_len + 1);
    c->is_star = is_star;
    c->is_unnamed = !is_star;
    p->out->is_unknown = p->out->is_unknown || is_star;
    p->out->column_count++;
    return 0;
}

/* Lines and columns of all columns, which stand in the order of the text. */
static void place_columns(struct pl_sql_parser *p)
{
    struct pl_sql_place at = {.line = 1, .column = 1};

    for (size_t i = 0; i < p->out->column_count; i++) {
        struct pl_sql_column *c = &p->out->columns[i];

        pl_sql_move_place(p->lex.sql, p->lex.len, c->place.offset, &at);
        c->place.line = at.line;
        c->place.column = at.column;
    }
}

static bool is_over(const struct pl_sql_parser *p)
{
    return p->kind == PL_SQL_END || p->kind == PL_SQL_SEMICOLON;
}

int pl_sql_refuse_statement(struct pl_sql_parser *p)
{
    const struct pl_sql_token *t = pl_sql_token(p);
    const struct pl_sql_place at =
        pl_sql_place_of_token(p->lex.sql, p->lex.len, t);
    char name[PL_SQL_SHOWN] = "a string";

    if (p->kind == PL_SQL_ERROR)
        return pl_sql_unexpected(p, "a query");
    if (is_over(p))
        return pl_sql_fail(p->place, &at, p->err,
                           "there is no statement; a query begins with SELECT "
                           "or WITH");
    if (p->kind == PL_SQL_K_EXECUTE)
        return pl_sql_fail(p->place, &at, p->err,
                           "EXECUTE does not begin a read-only query; a "
                           "prepared statement is taken when query.prepared "
                           "is true");
    if (p->kind < PL_SQL_STRING || p->kind > PL_SQL_REAL)
        pl_sql_show(p->lex.sql + t->offset, t->len, name);
    else if (p->kind >= PL_SQL_INTEGER)
        (void)snprintf(name, sizeof name, "a number");
    return pl_sql_fail(p->place, &at, p->err,
                       "%s does not begin a read-only query; only SELECT, "
                       "WITH, VALUES and TABLE do",
                       name);
}

/* EXECUTE name [USING x, ...]: its columns only Athena knows. */
static int execute(struct pl_sql_parser *p)
{
    const struct pl_sql_token at = *pl_sql_token(p);
    size_t count;

    pl_sql_shift(p);
    if (p->kind == PL_SQL_K_IMMEDIATE &&
        (pl_sql_ahead(p, 1) == PL_SQL_STRING ||
         pl_sql_ahead(p, 1) == PL_SQL_UNICODE_STRING))
        return pl_sql_fail_at(p, &at,
                              "EXECUTE IMMEDIATE hides its statement in a "
                              "string; write the query itself");
    if (pl_sql_name(p, "the name of a prepared statement") != 0 ||
        pl_sql_add_nameless(p, &at, true) != 0)
        return -1;
    return pl_sql_accept(p, PL_SQL_K_USING) ? pl_sql_expressions(p, &count) : 0;
}

/* Behind the statement: nothing, or semicolons. */
static int end(struct pl_sql_parser *p)
{
    if (p->kind == PL_SQL_K_SELECT)
        return pl_sql_fail_at(p, pl_sql_token(p),
                              "a second SELECT begins here; join the two with "
                              "UNION ALL, or run one at a time");
    if (!is_over(p))
        return pl_sql_unexpected(p, "a clause (WHERE, GROUP BY, ORDER BY, "
                                    "LIMIT ...) or the end of the query");
    if (p->kind == PL_SQL_END)
        return 0;
    p->out->has_semicolon = true;
    p->out->sql_len = pl_sql_token(p)->offset;
    while (pl_sql_accept(p, PL_SQL_SEMICOLON))
        ;
    if (p->kind == PL_SQL_END)
        return 0;
    if (p->kind == PL_SQL_ERROR)
        return pl_sql_unexpected(p, "the end of the query");
    return pl_sql_fail_at(p, pl_sql_token(p),
                          "a second statement begins here; one query at a "
                          "time");
}

static int statement(struct pl_sql_parser *p, bool is_execute_allowed)
{
    if (is_execute_allowed && p->kind == PL_SQL_K_EXECUTE)
        return execute(p) != 0 ? -1 : end(p);
    if (!pl_sql_starts_query(p->kind) && p->kind != PL_SQL_LPAREN)
        return pl_sql_refuse_statement(p);
    return pl_sql_query(p, true) != 0 ? -1 : end(p);
}

int pl_sql_select_read(const char *sql, size_t len, bool is_execute_allowed,
                       struct pl_sql_select *select, struct pl_sql_place *place,
                       struct pl_err *err)
{
    PL_AUTO(pl_sql_select) out = {.sql_len = len};
    struct pl_sql_parser p;

    if (pl_sql_check_text(sql, len, place, err) != 0)
        return -1;
    p.head = 0;
    p.filled = 1;
    p.depth = 0;
    p.parameters = 0;
    p.out = &out;
    p.place = place;
    p.err = err;
    pl_sql_lexer_init(&p.lex, sql, len);
    pl_sql_next(&p.lex, &p.ring[0]);
    p.kind = p.ring[0].kind;
    if (statement(&p, is_execute_allowed) != 0)
        return -1;
    place_columns(&p);
    out.parameters = p.parameters;
    out.blanks = p.lex.blanks;
    out.first_blank = p.lex.first_blank;
    out.strange = p.lex.strange;
    out.first_strange = p.lex.first_strange;
    *select = out;
    out = (struct pl_sql_select){0};
    return 0;
}
