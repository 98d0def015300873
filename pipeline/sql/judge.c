#include "pipeline/sql/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

/* The columns of an import file (aws-facts 1.1); until pipeline/target, which
 * will own them, is there. */
static const char *const fixed_names[] = {
    "Id",
    "ChannelType",
    "Address",
    "OptOut",
    "EffectiveDate",
    "RequestId",
    "User.UserId",
    "Location.City",
    "Location.Country",
    "Location.Region",
    "Location.PostalCode",
    "Location.Latitude",
    "Location.Longitude",
    "Demographic.AppVersion",
    "Demographic.Locale",
    "Demographic.Make",
    "Demographic.Model",
    "Demographic.ModelVersion",
    "Demographic.Platform",
    "Demographic.PlatformVersion",
    "Demographic.Timezone",
};

static const struct prefix {
    const char *text;
    bool is_multi; /* the same column may come twice */
} prefixes[] = {
    {"Attributes.", true},
    {"User.UserAttributes.", true},
    {"Metrics.", false},
};

#define NAME_MAX_CHARACTERS 50

void pl_sql_verdict_release(struct pl_sql_verdict *verdict)
{
    pl_sql_select_release(&verdict->select);
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

static const struct prefix *prefix_of(const struct pl_sql_column *c)
{
    for (size_t i = 0; i < PL_COUNT(prefixes); i++) {
        const size_t n = strlen(prefixes[i].text);

        if (c->name_len >= n && pl_ieqn(c->name, n, prefixes[i].text, n))
            return &prefixes[i];
    }
    return NULL;
}

static bool is_fixed(const struct pl_sql_column *c)
{
    for (size_t i = 0; i < PL_COUNT(fixed_names); i++)
        if (pl_ieq(c->name, fixed_names[i]))
            return true;
    return false;
}

/* The right name nearest to a wrong one, into out; "" when none is near. */
static void nearest_name(const struct pl_sql_column *c, char *out, size_t cap)
{
    const char *dot = strrchr(c->name, '.');
    unsigned best = 4; /* edits that still pass for a slip */
    char head[32];

    out[0] = '\0';
    for (size_t i = 0; i < PL_COUNT(fixed_names); i++) {
        const unsigned d = pl_edit_distance(c->name, fixed_names[i]);

        if (d < best && d < strlen(fixed_names[i])) {
            best = d;
            (void)snprintf(out, cap, "%s", fixed_names[i]);
        }
    }
    if (dot == NULL || dot[1] == '\0' ||
        (size_t)(dot + 1 - c->name) >= sizeof head)
        return;
    (void)snprintf(head, sizeof head, "%.*s", (int)(dot + 1 - c->name),
                   c->name);
    for (size_t i = 0; i < PL_COUNT(prefixes); i++) {
        const unsigned d = pl_edit_distance(head, prefixes[i].text);

        if (d < best) {
            best = d;
            (void)snprintf(out, cap, "%s%.50s", prefixes[i].text, dot + 1);
        }
    }
}

static int refuse_name(struct pl_sql_verdict *v, const struct pl_sql_column *c,
                       struct pl_err *err)
{
    char name[PL_SQL_SHOWN];
    char near[128];

    pl_sql_show(c->name, c->name_len, name);
    nearest_name(c, near, sizeof near);
    if (near[0] != '\0')
        return pl_sql_fail(&v->place, &c->place, err,
                           "the target has no place for column '%s'; did you "
                           "mean \"%s\"?",
                           name, near);
    return pl_sql_fail(&v->place, &c->place, err,
                       "the target has no place for column '%s'; values of "
                       "your own go to \"Attributes.%s\" or "
                       "\"User.UserAttributes.%s\"",
                       name, name, name);
}

static int check_own_name(struct pl_sql_verdict *v,
                          const struct pl_sql_column *c,
                          const struct prefix *prefix, struct pl_err *err)
{
    const char *own = c->name + strlen(prefix->text);
    const size_t own_len = c->name_len - strlen(prefix->text);
    char name[PL_SQL_SHOWN];

    pl_sql_show(own, own_len, name);
    if (own_len == 0)
        return pl_sql_fail(&v->place, &c->place, err,
                           "column '%s' has no name behind the dot",
                           prefix->text);
    if (pl_utf8_count(own, own_len) > NAME_MAX_CHARACTERS)
        return pl_sql_fail(&v->place, &c->place, err,
                           "the name '%s' is longer than %d characters", name,
                           NAME_MAX_CHARACTERS);
    if (strpbrk(own, "#:?\\/") != NULL)
        return add_note(v, err,
                        "line %u, column %u: the name '%s' holds one of "
                        "# : ? \\ /, which Pinpoint's console cannot show",
                        c->place.line, c->place.column, name);
    return 0;
}

static int check_column(struct pl_sql_verdict *v, const struct pl_sql_column *c,
                        struct pl_err *err)
{
    const struct prefix *prefix = NULL;

    if (c->is_star)
        return 0;
    if (c->is_unnamed)
        return pl_sql_fail(&v->place, &c->place, err,
                           "column %zu has no name; add AS and a column name",
                           (size_t)(c - v->select.columns) + 1);
    prefix = prefix_of(c);
    if (prefix != NULL)
        return check_own_name(v, c, prefix, err);
    return is_fixed(c) ? 0 : refuse_name(v, c, err);
}

/* Names of one's own differ by case, those of the target do not. */
static int compare_names(const struct pl_sql_column *a,
                         const struct pl_sql_column *b)
{
    const bool is_own = prefix_of(a) != NULL && prefix_of(b) != NULL;
    const size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
    const size_t dot_a = is_own ? strlen(prefix_of(a)->text) : n;

    for (size_t i = 0; i < n; i++) {
        int x = (unsigned char)a->name[i];
        int y = (unsigned char)b->name[i];

        if (i < dot_a) {
            x = x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x;
            y = y >= 'A' && y <= 'Z' ? y - 'A' + 'a' : y;
        }
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a->name_len < b->name_len ? -1 : a->name_len > b->name_len;
}

static int by_name(const void *a, const void *b)
{
    const struct pl_sql_column *const *x = a;
    const struct pl_sql_column *const *y = b;
    const int order = compare_names(*x, *y);

    if (order != 0)
        return order;
    return *x < *y ? -1 : *x > *y;
}

static int check_duplicates(struct pl_sql_verdict *v, struct pl_err *err)
{
    const size_t count = v->select.column_count;
    const struct pl_sql_column **sorted = calloc(count + 1, sizeof *sorted);
    const struct pl_sql_column *worst = NULL;
    char name[PL_SQL_SHOWN];

    if (sorted == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &v->select.columns[i];
    qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1; i < count; i++) {
        const struct prefix *prefix = prefix_of(sorted[i]);

        if (sorted[i]->is_star || (prefix != NULL && prefix->is_multi) ||
            compare_names(sorted[i - 1], sorted[i]) != 0)
            continue;
        if (worst == NULL || sorted[i] < worst) /* the first in the text */
            worst = sorted[i];
    }
    free(sorted);
    if (worst == NULL)
        return 0;
    pl_sql_show(worst->name, worst->name_len, name);
    return pl_sql_fail(&v->place, &worst->place, err,
                       "column '%s' comes twice; only Attributes and "
                       "User.UserAttributes hold several values",
                       name);
}

static bool has_column(const struct pl_sql_select *s, const char *name)
{
    for (size_t i = 0; i < s->column_count; i++)
        if (pl_ieq(s->columns[i].name, name))
            return true;
    return false;
}

static int check_key(struct pl_sql_verdict *v, struct pl_err *err)
{
    const struct pl_sql_select *s = &v->select;

    if (s->is_unknown || has_column(s, "Id") || has_column(s, "User.UserId") ||
        (has_column(s, "ChannelType") && has_column(s, "Address")))
        return 0;
    v->place = (struct pl_sql_place){0};
    return pl_fail(err, PL_QUERY_INVALID,
                   "no column tells whom a row is about; add AS Id, or "
                   "ChannelType and Address, or \"User.UserId\"");
}

static int add_notes(struct pl_sql_verdict *v, struct pl_err *err)
{
    const struct pl_sql_select *s = &v->select;

    if (s->has_semicolon && add_note(v, err,
                                     "the semicolon at the end is "
                                     "dropped") != 0)
        return -1;
    if (s->is_unknown &&
        add_note(v, err,
                 "the columns are known only when the query has run ('*' or "
                 "TABLE); the result's header is judged then") != 0)
        return -1;
    if (s->parameters > 0 &&
        add_note(v, err, "%zu parameters ('?') need values", s->parameters) !=
            0)
        return -1;
    if (s->strange_blanks > 0 &&
        add_note(v, err,
                 "line %u, column %u: an invisible character inside quotes; "
                 "%zu in all",
                 s->strange_at.line, s->strange_at.column,
                 s->strange_blanks) != 0)
        return -1;
    return 0;
}

static int judge(const char *sql, size_t len, struct pl_sql_verdict *v,
                 struct pl_err *err)
{
    if (pl_sql_select_read(sql, len, &v->select, &v->place, err) != 0 ||
        add_notes(v, err) != 0)
        return -1;
    for (size_t i = 0; i < v->select.column_count; i++)
        if (check_column(v, &v->select.columns[i], err) != 0)
            return -1;
    if (check_duplicates(v, err) != 0)
        return -1;
    return check_key(v, err);
}

int pl_sql_judge(const char *sql, size_t len, const struct pl_target *target,
                 struct pl_sql_verdict *verdict, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) v = {0};

    (void)target; /* both targets take the same names */
    if (judge(sql, len, &v, err) != 0) {
        verdict->place = v.place;
        return -1;
    }
    *verdict = v;
    v = (struct pl_sql_verdict){0};
    return 0;
}
