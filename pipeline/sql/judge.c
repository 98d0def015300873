#include "pipeline/sql/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/target/mapping.h"
#include "pipeline/target/target.h"

void pl_sql_verdict_release(struct pl_sql_verdict *verdict)
{
    pl_sql_select_release(&verdict->select);
    free(verdict->sql);
    for (size_t i = 0; i < verdict->note_count; i++)
        free(verdict->notes[i]);
    *verdict = (struct pl_sql_verdict){0};
}

static int add_note(struct pl_sql_verdict *v, struct pl_err *err,
                    const char *fmt, ...) PL_PRINTF(3, 4);

static int add_note(struct pl_sql_verdict *v, struct pl_err *err,
                    const char *fmt, ...)
{
    char text[512];
    va_list args;
    size_t len = 0;

    if (v->note_count == PL_SQL_MAX_NOTES)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    len = strlen(text);
    v->notes[v->note_count] = malloc(len + 1);
    if (v->notes[v->note_count] == NULL)
        return pl_fail_memory(err);
    memcpy(v->notes[v->note_count], text, len + 1);
    v->note_count++;
    return 0;
}

/* What a person should know of a column that the target takes. */
static int note_column(struct pl_sql_verdict *v, const struct pl_target *target,
                       const struct pl_sql_column *c,
                       const struct pl_column *column, struct pl_err *err)
{
    if (target->is_profiles && column->kind != PL_COLUMN_ID &&
        column->kind != PL_COLUMN_CHANNEL &&
        column->kind != PL_COLUMN_OPT_OUT && /* of use without a place */
        !pl_mapping_has_place(target->mapping, target, column))
        return add_note(v, err,
                        "line %u, column %u: '%s' is dropped: a profile has no "
                        "place for it",
                        c->place.line, c->place.column, column->name);
    if (column->kind == PL_COLUMN_EFFECTIVE_DATE)
        return add_note(v, err,
                        "line %u, column %u: 'EffectiveDate' is refused by the "
                        "transformer unless validate.rules.effective_date is "
                        "keep",
                        c->place.line, c->place.column);
    if (column->is_odd && !target->is_profiles)
        return add_note(v, err,
                        "line %u, column %u: '%s' holds one of # : ? \\ /, "
                        "which Pinpoint's console cannot show",
                        c->place.line, c->place.column, column->name);
    return 0;
}

/* What the target says of a column, with its place in the text. */
static int check_column(struct pl_sql_verdict *v,
                        const struct pl_target *target,
                        const struct pl_sql_column *c, struct pl_column *column,
                        struct pl_err *err)
{
    struct pl_err why = {0};

    if (c->is_unnamed)
        return pl_sql_fail(&v->place, &c->place, err,
                           "column %zu has no name; add AS and a column name",
                           (size_t)(c - v->select.columns) + 1);
    if (pl_target_column(target, c->name, c->name_len, column, &why) != 0)
        return pl_sql_fail(&v->place, &c->place, err, "%s", why.msg);
    return note_column(v, target, c, column, err);
}

/* A column of the text beside what the target takes it for. */
struct known {
    struct pl_column column;
    const struct pl_sql_column *source;
};

static int by_name(const void *a, const void *b)
{
    const struct known *x = a;
    const struct known *y = b;
    const int order = strcmp(x->column.name, y->column.name);

    if (order != 0)
        return order;
    return x->source < y->source ? -1 : x->source > y->source;
}

static int check_duplicates(struct pl_sql_verdict *v, struct known *known,
                            size_t count, struct pl_err *err)
{
    const struct known *worst = NULL;

    qsort(known, count, sizeof(*known), by_name);
    for (size_t i = 1; i < count; i++) {
        if (known[i].column.is_multi ||
            strcmp(known[i - 1].column.name, known[i].column.name) != 0)
            continue;
        if (worst == NULL || known[i].source < worst->source)
            worst = &known[i]; /* the first in the text */
    }
    if (worst == NULL)
        return 0;
    return pl_sql_fail(&v->place, &worst->source->place, err,
                       "column '%s' comes twice; only Attributes and "
                       "User.UserAttributes hold several values",
                       worst->column.name);
}

/* The columns as a whole: the key, how many, how often. With a star among
 * them only the result's header can tell. */
static int check_set(struct pl_sql_verdict *v, const struct pl_target *target,
                     const struct known *known, size_t count,
                     struct pl_err *err)
{
    struct pl_column *columns = calloc(count + 1, sizeof(*columns));
    struct pl_err why = {0};
    int rc;

    if (columns == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        columns[i] = known[i].column;
    rc = v->select.is_unknown ? 0
                              : pl_target_check(target, columns, count, &why);
    free(columns);
    if (rc == 0)
        return 0;
    v->place = (struct pl_sql_place){0};
    return pl_fail(err,
                   why.code == PL_DATA_INVALID ? PL_QUERY_INVALID : why.code,
                   "%s", why.msg);
}

static int check_columns(struct pl_sql_verdict *v,
                         const struct pl_target *target, struct pl_err *err)
{
    struct known *known = calloc(v->select.column_count + 1, sizeof(*known));
    size_t count = 0;
    int rc = 0;

    if (known == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; rc == 0 && i < v->select.column_count; i++) {
        const struct pl_sql_column *c = &v->select.columns[i];

        if (c->is_star)
            continue;
        known[count].source = c;
        rc = check_column(v, target, c, &known[count++].column, err);
    }
    if (rc == 0)
        rc = check_duplicates(v, known, count, err);
    if (rc == 0)
        rc = check_set(v, target, known, count, err);
    free(known);
    return rc;
}

/* Notes invisible characters: how many, and where the first stands. */
static int note_invisible(struct pl_sql_verdict *v, const char *sql, size_t len,
                          size_t first, size_t count, const char *what,
                          struct pl_err *err)
{
    const struct pl_sql_place at = pl_sql_place_of(sql, len, first);

    if (count == 0)
        return 0;
    return add_note(v, err,
                    "line %u, column %u: an invisible character %s; "
                    "%zu in all",
                    at.line, at.column, what, count);
}

static int add_notes(struct pl_sql_verdict *v, const char *sql, size_t len,
                     struct pl_err *err)
{
    const struct pl_sql_select *s = &v->select;

    if (s->has_semicolon && add_note(v, err,
                                     "the semicolon at the end is "
                                     "dropped") != 0)
        return -1;
    if (s->is_unknown &&
        add_note(v, err,
                 "the columns are known only when the query has run ('*', "
                 "TABLE or EXECUTE); the result's header is judged then") != 0)
        return -1;
    if (s->parameters > 0 &&
        add_note(v, err, "%zu parameters ('?') need values", s->parameters) !=
            0)
        return -1;
    if (note_invisible(v, sql, len, s->first_blank, s->blanks,
                       "is replaced by a blank", err) != 0)
        return -1;
    return note_invisible(v, sql, len, s->first_strange, s->strange,
                          "inside quotes", err);
}

/* Copies what lies between two tokens, with a blank for each character that
 * is none for Athena. */
static size_t copy_gap(const char *sql, size_t from, size_t to, char *out)
{
    size_t n = 0;

    while (from < to) {
        const size_t strange =
            (unsigned char)sql[from] < 0x80U
                ? 0
                : pl_sql_strange_blank(sql + from, to - from);

        out[n++] = strange > 0 ? ' ' : sql[from];
        from += strange > 0 ? strange : 1;
    }
    return n;
}

/* The text to send; see judge.h. */
static int write_sql(struct pl_sql_verdict *v, const char *sql,
                     struct pl_err *err)
{
    const size_t len = v->select.sql_len;
    struct pl_sql_lexer lex;
    struct pl_sql_token t;
    size_t done = 0;

    v->sql = malloc(len + 1);
    if (v->sql == NULL)
        return pl_fail_memory(err);
    pl_sql_lexer_init(&lex, sql, len);
    while (v->select.blanks > 0) {
        pl_sql_next(&lex, &t);
        v->sql_len += copy_gap(sql, done, t.offset, v->sql + v->sql_len);
        memcpy(v->sql + v->sql_len, sql + t.offset, t.len);
        v->sql_len += t.len;
        done = t.offset + t.len;
        if (t.kind == PL_SQL_END || t.kind == PL_SQL_ERROR)
            break;
    }
    memcpy(v->sql + v->sql_len, sql + done, len - done);
    v->sql_len += len - done;
    v->sql[v->sql_len] = '\0';
    return 0;
}

static int judge(const char *sql, size_t len, const struct pl_target *target,
                 struct pl_sql_verdict *v, struct pl_err *err)
{
    if (pl_sql_select_read(sql, len, v->takes_execute, &v->select, &v->place,
                           err) != 0 ||
        add_notes(v, sql, len, err) != 0 || check_columns(v, target, err) != 0)
        return -1;
    return write_sql(v, sql, err);
}

int pl_sql_judge(const char *sql, size_t len, const struct pl_target *target,
                 struct pl_sql_verdict *verdict, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) v = {.takes_execute = verdict->takes_execute};

    if (judge(sql, len, target, &v, err) != 0) {
        verdict->place = v.place;
        return -1;
    }
    *verdict = v;
    v = (struct pl_sql_verdict){0};
    return 0;
}
