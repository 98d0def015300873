#include "pipeline/manifest/schema.h"

#include <inttypes.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/text.h"

extern const char pl_manifest_schema_text[]; /* made of the file */

#define DEPTH_MAX 32

struct walk {
    json_t *defs;
    pl_schema_found *found; /* NULL: only count */
    void *ctx;
    size_t errors;
    int depth;
};

static int check(struct walk *w, json_t *schema, json_t *value,
                 const char *path, struct pl_err *err);

static int report(struct walk *w, const char *path, bool is_error,
                  struct pl_err *err, const char *format, ...) PL_PRINTF(5, 6);

static int report(struct walk *w, const char *path, bool is_error,
                  struct pl_err *err, const char *format, ...)
{
    char what[512];
    va_list ap;

    if (is_error)
        w->errors++;
    if (w->found == NULL)
        return 0;
    va_start(ap, format);
    (void)vsnprintf(what, sizeof(what), format, ap);
    va_end(ap);
    return w->found(w->ctx, path, what, is_error, err);
}

static bool is_of_type(json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type type;
    } types[] = {
        {"object", JSON_OBJECT}, {"array", JSON_ARRAY},
        {"string", JSON_STRING}, {"integer", JSON_INTEGER},
        {"number", JSON_REAL},   {"number", JSON_INTEGER},
        {"boolean", JSON_TRUE},  {"boolean", JSON_FALSE},
        {"null", JSON_NULL},
    };

    for (size_t i = 0; i < PL_COUNT(types); i++)
        if (json_typeof(value) == types[i].type &&
            strcmp(type, types[i].name) == 0)
            return true;
    return false;
}

/* Appends what may stand there, "a, b or c"; null is left out. */
static int add_words(struct pl_buf *all, json_t *words, struct pl_err *err)
{
    size_t left = 0;
    size_t done = 0;
    size_t i;
    json_t *word;

    json_array_foreach(words, i, word) left +=
        json_is_string(word) && strcmp(json_string_value(word), "null") != 0;
    json_array_foreach(words, i, word)
    {
        const char *text = json_string_value(word);

        if (text == NULL || strcmp(text, "null") == 0)
            continue;
        if (pl_buf_addf(all, err, "%s%s",
                        done == 0          ? ""
                        : done + 1 == left ? " or "
                                           : ", ",
                        text) != 0)
            return -1;
        done++;
    }
    return 0;
}

static int check_type(struct walk *w, json_t *schema, json_t *value,
                      const char *path, bool *is_right, struct pl_err *err)
{
    json_t *type = json_object_get(schema, "type");
    PL_AUTO(pl_buf) all = PL_BUF_INIT;
    size_t i;
    json_t *one;

    *is_right = true;
    if (type == NULL)
        return 0;
    if (json_is_string(type)) {
        *is_right = is_of_type(value, json_string_value(type));
        return *is_right ? 0
                         : report(w, path, true, err, "must be of type %s",
                                  json_string_value(type));
    }
    json_array_foreach(
        type, i, one) if (is_of_type(value, json_string_value(one))) return 0;
    *is_right = false;
    if (add_words(&all, type, err) != 0)
        return -1;
    return report(w, path, true, err, "must be of type %s", pl_buf_str(&all));
}

static int check_words(struct walk *w, json_t *schema, json_t *value,
                       const char *path, struct pl_err *err)
{
    json_t *words = json_object_get(schema, "enum");
    json_t *only = json_object_get(schema, "const");
    PL_AUTO(pl_buf) all = PL_BUF_INIT;
    size_t i;
    json_t *word;

    if (only != NULL && !json_equal(only, value))
        return report(w, path, true, err, "is another format");
    if (words == NULL)
        return 0;
    json_array_foreach(words, i, word) if (json_equal(word, value)) return 0;
    if (add_words(&all, words, err) != 0)
        return -1;
    return report(w, path, true, err, "must be %s", pl_buf_str(&all));
}

static int check_number(struct walk *w, json_t *schema, json_t *value,
                        const char *path, struct pl_err *err)
{
    json_t *least = json_object_get(schema, "minimum");
    json_t *most = json_object_get(schema, "maximum");
    const double v = json_number_value(value);

    if (!json_is_number(value))
        return 0;
    if (least != NULL && v < json_number_value(least))
        return report(w, path, true, err, "must be at least %g",
                      json_number_value(least));
    if (most != NULL && v > json_number_value(most))
        return report(w, path, true, err, "must be at most %.10g",
                      json_number_value(most));
    return 0;
}

static int check_pattern(struct walk *w, const char *pattern, const char *text,
                         const char *path, struct pl_err *err)
{
    regex_t compiled;
    int found;

    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return pl_fail(err, PL_INTERNAL_ERROR, "the schema has no pattern '%s'",
                       pattern);
    found = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return found == 0 ? 0
                      : report(w, path, true, err, "must be like %s", pattern);
}

static int check_string(struct walk *w, json_t *schema, json_t *value,
                        const char *path, struct pl_err *err)
{
    json_t *least = json_object_get(schema, "minLength");
    json_t *most = json_object_get(schema, "maxLength");
    json_t *pattern = json_object_get(schema, "pattern");
    const char *text = json_string_value(value);

    if (text == NULL)
        return 0;
    if (least != NULL && strlen(text) < (size_t)json_integer_value(least))
        return report(w, path, true, err, "must not be empty");
    if (most != NULL &&
        pl_utf8_count(text, strlen(text)) > (size_t)json_integer_value(most))
        return report(w, path, true, err,
                      "must have at most %" JSON_INTEGER_FORMAT " characters",
                      json_integer_value(most));
    return pattern != NULL
               ? check_pattern(w, json_string_value(pattern), text, path, err)
               : 0;
}

/* A name that the schema does not have: a slip, or the user's own. */
static int unknown_name(struct walk *w, json_t *known, const char *name,
                        const char *path, struct pl_err *err)
{
    const char *nearest = NULL;
    unsigned best = 3;
    const char *key;
    json_t *ignored;

    json_object_foreach(known, key, ignored)
    {
        const unsigned d = pl_edit_distance(name, key);

        if (d < best && d < strlen(key)) {
            best = d;
            nearest = key;
        }
    }
    if (nearest != NULL)
        return report(w, path, false, err, "is unknown; did you mean '%s'?",
                      nearest);
    return report(w, path, false, err, "is unknown to lakeseg, and passed on");
}

static int check_members(struct walk *w, json_t *schema, json_t *value,
                         const char *path, struct pl_err *err)
{
    json_t *known = json_object_get(schema, "properties");
    json_t *others = json_object_get(schema, "additionalProperties");
    json_t *required = json_object_get(schema, "required");
    const char *name;
    json_t *member;
    size_t i;

    json_array_foreach(
        required, i,
        member) if (json_object_get(value, json_string_value(member)) == NULL)
    {
        if (report(w, path, true, err, "lacks '%s'",
                   json_string_value(member)) != 0)
            return -1;
    }
    json_object_foreach(value, name, member)
    {
        json_t *rule = json_object_get(known, name);
        PL_AUTO(pl_buf) place = PL_BUF_INIT;
        int rc = 0;

        if (pl_buf_addf(&place, err, "%s%s%s", path, *path != '\0' ? "." : "",
                        name) != 0)
            return -1;
        if (rule == NULL)
            rule = others;
        if (rule != NULL)
            rc = check(w, rule, member, place.data, err);
        else if (known != NULL)
            rc = unknown_name(w, known, name, place.data, err);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static int check_items(struct walk *w, json_t *schema, json_t *value,
                       const char *path, struct pl_err *err)
{
    json_t *rule = json_object_get(schema, "items");
    json_t *most = json_object_get(schema, "maxItems");
    size_t i;
    json_t *item;

    if (most != NULL &&
        json_array_size(value) > (size_t)json_integer_value(most))
        return report(w, path, true, err,
                      "must have at most %" JSON_INTEGER_FORMAT " entries",
                      json_integer_value(most));
    if (rule == NULL)
        return 0;
    json_array_foreach(value, i, item)
    {
        PL_AUTO(pl_buf) place = PL_BUF_INIT;

        if (pl_buf_addf(&place, err, "%s[%zu]", path, i) != 0 ||
            check(w, rule, item, place.data, err) != 0)
            return -1;
    }
    return 0;
}

/* One of several: when none fits, what the first says is told. */
static int check_choices(struct walk *w, json_t *choices, json_t *value,
                         const char *path, struct pl_err *err)
{
    size_t i;
    json_t *choice;

    json_array_foreach(choices, i, choice)
    {
        struct walk trial = {.defs = w->defs, .depth = w->depth};

        if (check(&trial, choice, value, path, err) != 0)
            return -1;
        if (trial.errors == 0)
            return 0;
    }
    return check(w, json_array_get(choices, 0), value, path, err);
}

static int check_value(struct walk *w, json_t *schema, json_t *value,
                       const char *path, struct pl_err *err)
{
    json_t *choices = json_object_get(schema, "oneOf");
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    bool is_right;

    if (ref != NULL && pl_starts_with(ref, "#/$defs/"))
        return check(w, json_object_get(w->defs, ref + 8), value, path, err);
    if (choices != NULL)
        return check_choices(w, choices, value, path, err);
    if (check_type(w, schema, value, path, &is_right, err) != 0)
        return -1;
    if (!is_right)
        return 0;
    if (check_words(w, schema, value, path, err) != 0 ||
        check_number(w, schema, value, path, err) != 0 ||
        check_string(w, schema, value, path, err) != 0)
        return -1;
    if (json_is_object(value))
        return check_members(w, schema, value, path, err);
    return json_is_array(value) ? check_items(w, schema, value, path, err) : 0;
}

static int check(struct walk *w, json_t *schema, json_t *value,
                 const char *path, struct pl_err *err)
{
    int rc;

    if (w->depth == DEPTH_MAX)
        return pl_fail(err, PL_INTERNAL_ERROR, "the schema goes in circles");
    w->depth++;
    rc = check_value(w, schema, value, path, err);
    w->depth--;
    return rc;
}

int pl_schema_check(json_t *document, pl_schema_found *found, void *ctx,
                    struct pl_err *err)
{
    json_t *schema = json_loads(pl_manifest_schema_text, 0, NULL);
    struct walk w = {.found = found, .ctx = ctx};
    int rc;

    if (schema == NULL)
        return pl_fail(err, PL_INTERNAL_ERROR, "the schema is no JSON");
    w.defs = json_object_get(schema, "$defs");
    rc = check(&w, schema, document, "", err);
    json_decref(schema);
    return rc;
}
