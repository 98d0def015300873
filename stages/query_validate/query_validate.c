#include "stages/query_validate/query_validate.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/sql/judge.h"
#include "pipeline/target/own_mapping.h"

#define SHOWN_BEFORE 60 /* characters of a long line before the mark */
#define SHOWN_MAX 110

static const char *first_of(const char *a, const char *b)
{
    return a != NULL ? a : b;
}

/* The target with the key that the job says; m NULL: options alone. */
static int choose_target(const struct query_validate_config *cfg,
                         const struct pl_manifest *m, struct pl_target *target,
                         struct pl_own_mapping *mapping, struct pl_err *err)
{
    struct pl_target_wish wish = {
        .name = cfg->target,
        .key_column = cfg->key_column,
        .key_field = cfg->key_field,
        .id_map = cfg->id_map,
    };
    const char *own;
    const char *import;

    if (m == NULL)
        return pl_target_choose(&wish, target, err);
    own = pl_manifest_str(m, "validate.target");
    import = pl_manifest_str(m, "import.destination");
    if (own != NULL && import != NULL && strcmp(own, import) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'validate.target' is '%s' but 'import.destination' is "
                       "'%s'",
                       own, import);
    wish.name = first_of(wish.name, first_of(own, import));
    wish.key_column =
        first_of(wish.key_column, pl_manifest_str(m, "import.key.column"));
    wish.key_field =
        first_of(wish.key_field, pl_manifest_str(m, "import.key.field"));
    wish.id_map = first_of(wish.id_map, pl_manifest_str(m, "import.id_map"));
    return pl_target_choose(&wish, target, err) != 0
               ? -1
               : pl_own_mapping_choose(mapping,
                                       pl_manifest_get(m, "import.mapping"),
                                       target, err);
}

static json_t *strings(char *const *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < count; i++)
        if (json_array_append_new(array, json_string(list[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *column_names(const struct pl_sql_select *s)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < s->column_count; i++)
        if (json_array_append_new(array, json_string(s->columns[i].name)) !=
            0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* NULL: out of memory. */
static json_t *good_verdict(const struct pl_sql_verdict *v,
                            const struct pl_target *target)
{
    return json_pack("{s:b, s:s, s:o, s:b, s:o}", "valid", 1, "target",
                     target->name, "columns", column_names(&v->select),
                     "columns_known", !v->select.is_unknown, "notes",
                     strings(v->notes, v->note_count));
}

/* What is wrong stands before the first "; " of a message, what to do behind
 * it. NULL: there is no such part. */
static const char *hint_of(const struct pl_err *why)
{
    const char *end = strstr(why->msg, "; ");

    return end != NULL ? end + 2 : NULL;
}

static json_t *bad_verdict(const struct pl_sql_verdict *v,
                           const struct pl_target *target,
                           const struct pl_err *why)
{
    const struct pl_sql_place *at = &v->place;
    const char *hint = hint_of(why);
    json_t *root = json_pack("{s:b, s:s, s:s}", "valid", 0, "target",
                             target->name, "message", why->msg);
    int rc = root == NULL ? -1 : 0;

    if (rc == 0 && hint != NULL)
        rc = json_object_set_new(root, "hint", json_string(hint));
    if (rc == 0 && at->line > 0)
        rc = json_object_update_new(
            root,
            json_pack("{s:I, s:I, s:I, s:I}", "line", (json_int_t)at->line,
                      "column", (json_int_t)at->column, "offset",
                      (json_int_t)at->offset, "length", (json_int_t)at->len));
    if (rc == 0)
        return root;
    json_decref(root);
    return NULL;
}

/* Was the query looked at, and is it what failed? */
static bool is_verdict(const struct pl_err *why)
{
    return why->code == PL_QUERY_INVALID || why->code == PL_CONFIG_INVALID;
}

int query_validate_run(const struct query_validate_config *cfg,
                       struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    PL_AUTO(pl_own_mapping) mapping = {0};
    struct pl_target target = {0};
    const char *sql = pl_manifest_str(m, "query.sql");
    struct pl_err lost = {0};

    if (choose_target(cfg, m, &target, &mapping, err) != 0)
        return -1;
    if (sql == NULL)
        return pl_fail(err, PL_QUERY_INVALID,
                       "no query: 'query.sql' is missing");
    v.takes_execute =
        cfg->takes_prepared || pl_manifest_bool(m, "query.prepared", false);
    if (pl_sql_judge(sql, strlen(sql), &target, &v, err) != 0) {
        if (is_verdict(err) &&
            pl_manifest_set_new(m, "query.verdict",
                                bad_verdict(&v, &target, err), &lost) != 0)
            pl_warn("the verdict is not in the manifest: %s", lost.msg);
        return -1;
    }
    for (size_t i = 0; i < v.note_count; i++)
        pl_warn("query: %s", v.notes[i]);
    pl_info("query: valid for %s, %zu columns", target.name,
            v.select.column_count);
    return pl_manifest_set_new(m, "query.verdict", good_verdict(&v, &target),
                               err);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static size_t next_character(const char *text, size_t at, size_t len)
{
    do {
        at++;
    } while (at < len && ((unsigned char)text[at] & 0xC0U) == 0x80U);
    return at;
}

/* "^" below the place, and "~" below the rest of what is meant. */
static int add_mark(struct pl_buf *out, const char *sql, size_t at, size_t end,
                    struct pl_err *err)
{
    size_t i = next_character(sql, at, end);

    if (pl_buf_addc(out, '^', err) != 0)
        return -1;
    for (; i < end; i = next_character(sql, i, end))
        if (pl_buf_addc(out, '~', err) != 0)
            return -1;
    return pl_buf_addc(out, '\n', err);
}

/* The line that holds the place and a mark below it. Control characters and
 * what is not UTF-8 are shown as '?': a terminal would obey them. */
static int mark(struct pl_buf *out, const char *sql, size_t len,
                const struct pl_sql_place *place, struct pl_err *err)
{
    const size_t at = place->offset < len ? place->offset : len;
    size_t from = at;
    size_t to = at;
    size_t valid = 0;

    for (unsigned n = 0; n < SHOWN_BEFORE && from > 0; n++) {
        size_t back = from - 1;

        while (back > 0 && ((unsigned char)sql[back] & 0xC0U) == 0x80U)
            back--;
        if (is_line_end(sql[back]))
            break;
        from = back;
    }
    for (unsigned n = 0; n < SHOWN_MAX && to < len && !is_line_end(sql[to]);
         n++)
        to = next_character(sql, to, len);
    if (from == to)
        return 0; /* an empty line shows nothing */
    valid = from + pl_utf8_valid_len(sql + from, to - from);
    if (pl_buf_adds(out, "  ", err) != 0)
        return -1;
    for (size_t i = from; i < to; i++) {
        const unsigned char c = (unsigned char)sql[i];
        const bool is_odd =
            (c < 0x20U && c != '\t') || c == 0x7FU || (i >= valid && c > 0x7F);

        if (pl_buf_addc(out, is_odd ? '?' : sql[i], err) != 0)
            return -1;
    }
    if (pl_buf_adds(out, "\n  ", err) != 0)
        return -1;
    for (size_t i = from; i < at; i = next_character(sql, i, len))
        if (pl_buf_addc(out, sql[i] == '\t' ? '\t' : ' ', err) != 0)
            return -1;
    return add_mark(out, sql, at, at + place->len < to ? at + place->len : to,
                    err);
}

static int print_good(struct pl_buf *out, const char *name,
                      const struct pl_sql_verdict *v, struct pl_err *err)
{
    if (pl_buf_addf(out, err, "%s: valid\n  columns:", name) != 0)
        return -1;
    for (size_t i = 0; i < v->select.column_count; i++)
        if (pl_buf_adds(out, i > 0 ? ", " : " ", err) != 0 ||
            pl_buf_adds(out, v->select.columns[i].name, err) != 0)
            return -1;
    if (pl_buf_addc(out, '\n', err) != 0)
        return -1;
    for (size_t i = 0; i < v->note_count; i++)
        if (pl_buf_addf(out, err, "  note: %s\n", v->notes[i]) != 0)
            return -1;
    return 0;
}

/* Takes root over. */
static int print_json(struct pl_buf *out, json_t *root, struct pl_err *err)
{
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    int rc = 0;

    json_decref(root);
    if (text == NULL)
        return pl_fail_memory(err);
    rc = pl_buf_adds(out, text, err) != 0 || pl_buf_addc(out, '\n', err) != 0;
    free(text);
    return rc != 0 ? -1 : 0;
}

int query_validate_text(const struct query_validate_config *cfg,
                        const char *name, const char *sql, size_t len,
                        bool is_json, struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) v = {.takes_execute = cfg->takes_prepared};
    struct pl_err why = {0};
    struct pl_target target = {0};

    if (choose_target(cfg, NULL, &target, NULL, err) != 0)
        return -1;
    if (pl_sql_judge(sql, len, &target, &v, &why) == 0)
        return is_json ? print_json(out, good_verdict(&v, &target), err)
                       : print_good(out, name, &v, err);
    if (is_verdict(&why)) {
        if (is_json &&
            print_json(out, bad_verdict(&v, &target, &why), err) != 0)
            return -1;
        if (!is_json &&
            (pl_buf_addf(out, err, "%s: %s\n", name, why.msg) != 0 ||
             (v.place.line > 0 && mark(out, sql, len, &v.place, err) != 0)))
            return -1;
    }
    *err = why;
    return -1;
}
