#include "stages/lakeseg_report/fold.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/model.h"

#define TEXT_CHARACTERS 2000
#define LINE 76
#define DEPTH_MAX 64

/* Manifests hold no secrets; fields of the user's own may. */
static const char *const secret_words[] = {
    "secret", "password", "passwd", "token",   "credential",
    "apikey", "api_key",  "bearer", "private", "authorization"};
static const char *const secret_texts[] = {
    "X-Amz-Signature=", "X-Amz-Security-Token=", "X-Amz-Credential="};

static bool contains_word(const char *text, const char *word)
{
    const size_t len = strlen(text);
    const size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++)
        if (pl_ieqn(text + i, n, word, n))
            return true;
    return false;
}

static bool is_secret(const char *key, const json_t *value)
{
    const char *text = json_string_value(value);

    for (size_t i = 0; i < PL_COUNT(secret_words); i++)
        if (contains_word(key, secret_words[i]))
            return json_is_string(value) || json_is_array(value) ||
                   json_is_object(value);
    for (size_t i = 0; text != NULL && i < PL_COUNT(secret_texts); i++)
        if (strstr(text, secret_texts[i]) != NULL)
            return true;
    return false;
}

/* A text of at most TEXT_CHARACTERS. */
static json_t *cut(const json_t *value)
{
    const char *text = json_string_value(value);
    const size_t len = json_string_length(value);
    const size_t end = glyph_cut(text, len, TEXT_CHARACTERS);

    if (end == len)
        return NULL;
    return json_sprintf("%.*s ... (%zu characters)", (int)end, text,
                        glyph_count(text, len));
}

static int mask_texts(json_t *at, unsigned depth, struct pl_err *err);

static int mask_member(json_t *object, const char *key, json_t *value,
                       unsigned depth, struct pl_err *err)
{
    json_t *instead = NULL;

    if (is_secret(key, value))
        instead = json_string("masked");
    else if (json_is_string(value))
        instead = cut(value);
    else
        return mask_texts(value, depth + 1, err);
    if (instead != NULL && json_object_set_new(object, key, instead) != 0)
        return pl_fail_memory(err);
    return 0;
}

static int mask_texts(json_t *at, unsigned depth, struct pl_err *err)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;

    if (depth > DEPTH_MAX) {
        if (json_is_object(at))
            (void)json_object_clear(at);
        else if (json_is_array(at))
            (void)json_array_clear(at);
        return 0;
    }
    json_object_foreach_safe(at, next, key, value)
    {
        if (mask_member(at, key, value, depth, err) != 0)
            return -1;
    }
    json_array_foreach(at, i, value)
    {
        json_t *shorter = NULL;

        if (!json_is_string(value)) {
            if (mask_texts(value, depth + 1, err) != 0)
                return -1;
            continue;
        }
        shorter = is_secret("", value) ? json_string("masked") : cut(value);
        if (shorter != NULL && json_array_set_new(at, i, shorter) != 0)
            return pl_fail_memory(err);
    }
    return 0;
}

static int mask_list(json_t *list, const char *key, struct pl_err *err)
{
    json_t *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (key == NULL
                ? json_array_set_new(list, i, json_string("masked")) != 0
                : json_object_get(entry, key) != NULL &&
                      json_object_set_new(entry, key, json_string("masked")) !=
                          0)
            return pl_fail_memory(err);
    }
    return 0;
}

static int mask_message(const struct pl_manifest *m, struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "error.name");
    const char *message = pl_manifest_str(m, "error.message");
    PL_AUTO(pl_buf) masked = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 4);

    if (message == NULL || name == NULL || !report_may_quote(name))
        return 0;
    if (report_mask(message, pl_manifest_str(m, "query.sql"), &masked, err) !=
        0)
        return -1;
    return json_object_set_new(pl_manifest_get(m, "error"), "message",
                               json_string(pl_buf_str(&masked))) == 0
               ? 0
               : pl_fail_memory(err);
}

/* What holds, or may quote, people's values. */
static int mask_values(const struct pl_manifest *m, struct pl_err *err)
{
    json_t *columns = pl_manifest_get(m, "validate.result.columns");
    json_t *jobs = pl_manifest_get(m, "import.result.jobs");
    json_t *entry;
    size_t i;

    /* whole rows, with their values when they were asked for */
    (void)json_object_del(pl_manifest_get(m, "validate.result"), "preview");
    json_array_foreach(columns, i, entry)
    {
        if (mask_list(json_object_get(entry, "top"), "value", err) != 0)
            return -1;
    }
    json_array_foreach(jobs, i, entry)
    {
        if (mask_list(json_object_get(entry, "failures"), NULL, err) != 0)
            return -1;
    }
    return mask_list(jobs, "reason", err) == 0 ? mask_message(m, err) : -1;
}

/* Takes LINE bytes, then stops whoever writes. */
struct line {
    char text[LINE];
    size_t len;
};

static int take(const char *data, size_t len, void *ctx)
{
    struct line *line = ctx;

    if (len > sizeof(line->text) - line->len)
        return -1;
    memcpy(line->text + line->len, data, len);
    line->len += len;
    return 0;
}

static int print(const json_t *v, size_t depth, struct pl_buf *out,
                 struct pl_err *err);

static int print_key(const char *key, struct pl_buf *out, struct pl_err *err)
{
    return pl_json_quote(out, key, strlen(key), err) == 0
               ? pl_buf_adds(out, ": ", err)
               : -1;
}

static int new_line(size_t depth, bool is_first, struct pl_buf *out,
                    struct pl_err *err)
{
    return pl_buf_addf(out, err, "%s\n%*s", is_first ? "" : ",",
                       (int)(2 * depth), "");
}

static int print_members(const json_t *v, size_t depth, struct pl_buf *out,
                         struct pl_err *err)
{
    const char *key;
    json_t *member;
    bool is_first = true;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)v, key, member)
    {
        if (new_line(depth + 1, is_first, out, err) != 0 ||
            print_key(key, out, err) != 0 ||
            print(member, depth + 1, out, err) != 0)
            return -1;
        is_first = false;
    }
    json_array_foreach(v, i, member)
    {
        if (new_line(depth + 1, is_first, out, err) != 0 ||
            print(member, depth + 1, out, err) != 0)
            return -1;
        is_first = false;
    }
    return new_line(depth, true, out, err);
}

static int print(const json_t *v, size_t depth, struct pl_buf *out,
                 struct pl_err *err)
{
    struct line line = {.len = 0};
    const bool is_object = json_is_object(v);

    if (out->len > FOLD_BYTES)
        return 0; /* nobody will see it */
    if (json_dump_callback(v, take, &line, JSON_ENCODE_ANY) == 0)
        return pl_buf_add(out, line.text, line.len, err);
    if (json_is_string(v))
        return pl_json_quote(out, json_string_value(v), json_string_length(v),
                             err);
    if (pl_buf_addc(out, is_object ? '{' : '[', err) != 0 ||
        print_members(v, depth, out, err) != 0)
        return -1;
    return pl_buf_addc(out, is_object ? '}' : ']', err);
}

int fold_manifest(const struct pl_manifest *m, bool show_values,
                  struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(pl_manifest) copy = {.root = json_deep_copy(m->root)};

    if (copy.root == NULL)
        return pl_fail_memory(err);
    if ((!show_values && mask_values(&copy, err) != 0) ||
        mask_texts(copy.root, 0, err) != 0 ||
        print(copy.root, 0, out, err) != 0)
        return -1;
    if (out->len > FOLD_BYTES)
        pl_buf_reset(out);
    return 0;
}
