/* A preview in words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/manifest/outcome.h"
#include "stages/lakeseg_preview/lakeseg_preview.h"

#define DELTA "validate.result.delta"
#define PREVIEW "validate.result.preview"

static int add_count(const struct pl_manifest *m, const char *what,
                     const char *path, struct pl_buf *text, struct pl_err *err)
{
    const int64_t count = pl_manifest_int(m, path, -1);

    return count < 0
               ? pl_buf_addf(text, err, "  %-10s %12s\n", what, "?")
               : pl_buf_addf(text, err, "  %-10s %12" PRId64 "\n", what, count);
}

static int add_counts(const struct pl_manifest *m, struct pl_buf *text,
                      struct pl_err *err)
{
    static const struct {
        const char *what;
        const char *path;
    } counts[] = {{"new", DELTA ".rows_new"},
                  {"changed", DELTA ".rows_changed"},
                  {"unchanged", DELTA ".rows_unchanged"},
                  {"gone", DELTA ".rows_gone"}};
    const char *last = pl_manifest_str(m, DELTA ".last.run_id");

    if (pl_buf_addf(text, err,
                    "rows in %" PRId64 ", rejected %" PRId64
                    ", dropped %" PRId64 ", merged %" PRId64 "\n",
                    pl_manifest_int(m, "validate.result.rows_in", 0),
                    pl_manifest_int(m, "validate.result.rows_rejected", 0),
                    pl_manifest_int(m, "validate.result.rows_dropped", 0),
                    pl_manifest_int(m, "validate.result.rows_merged", 0)) != 0)
        return -1;
    if (pl_manifest_get(m, DELTA) == NULL)
        return 0;
    if (last == NULL
            ? pl_buf_adds(text, "no earlier run of the job to compare with\n",
                          err) != 0
            : pl_buf_addf(text, err, "against run %s, %" PRId64 " rows\n", last,
                          pl_manifest_int(m, DELTA ".last.rows", 0)) != 0)
        return -1;
    for (size_t i = 0; i < PL_COUNT(counts); i++)
        if (add_count(m, counts[i].what, counts[i].path, text, err) != 0)
            return -1;
    return 0;
}

static int add_sent(const struct pl_manifest *m, struct pl_buf *text,
                    struct pl_err *err)
{
    const char *mode = pl_manifest_str(m, DELTA ".mode");
    const char *why = pl_manifest_str(m, DELTA ".why_full");

    if (mode == NULL || pl_manifest_is_failed(m))
        return 0;
    return pl_buf_addf(text, err,
                       "a run would send %" PRId64 " rows (%s%s%s)\n",
                       pl_manifest_int(m, "validate.result.rows_out", 0),
                       strcmp(mode, "full") == 0 ? "all of them" : "changes",
                       why != NULL ? ": " : "", why != NULL ? why : "");
}

struct column {
    const char *name;
    int64_t count;
};

static int by_count(const void *va, const void *vb)
{
    const struct column *a = va;
    const struct column *b = vb;

    return a->count != b->count ? (a->count < b->count) - (a->count > b->count)
                                : strcmp(a->name, b->name);
}

static int add_columns(const struct pl_manifest *m, struct pl_buf *text,
                       struct pl_err *err)
{
    json_t *all = pl_manifest_get(m, PREVIEW ".columns");
    const size_t size = json_object_size(all);
    struct column *list = calloc(size + 1, sizeof(*list));
    const char *name;
    json_t *count;
    size_t n = 0;
    int rc = 0;

    if (list == NULL)
        return pl_fail_memory(err);
    json_object_foreach(all, name, count) list[n++] =
        (struct column){name, (int64_t)json_integer_value(count)};
    qsort(list, n, sizeof(*list), by_count);
    if (n > 0)
        rc = pl_buf_adds(text, "changed rows, by column\n", err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = pl_buf_addf(text, err, "  %-32s %12" PRId64 "\n", list[i].name,
                         list[i].count);
    free(list);
    if (rc == 0 && pl_manifest_int(m, PREVIEW ".files_missing", 0) > 0)
        rc = pl_buf_adds(
            text, "  (of rows whose earlier files are still there)\n", err);
    return rc;
}

static int add_value(const json_t *value, struct pl_buf *text,
                     struct pl_err *err)
{
    const char *word = json_string_value(value);

    return pl_buf_adds(text, word != NULL ? word : "(nothing)", err);
}

static int add_cell(const char *name, const json_t *cell, struct pl_buf *text,
                    struct pl_err *err)
{
    if (pl_buf_addf(text, err, "  %s=", name) != 0)
        return -1;
    if (!json_is_array(cell))
        return add_value(cell, text, err);
    return add_value(json_array_get(cell, 0), text, err) != 0 ||
                   pl_buf_adds(text, " -> ", err) != 0
               ? -1
               : add_value(json_array_get(cell, 1), text, err);
}

static int add_samples(const struct pl_manifest *m, const char *what,
                       struct pl_buf *text, struct pl_err *err)
{
    char path[64];
    json_t *row;
    size_t i;

    (void)snprintf(path, sizeof(path), PREVIEW ".%s", what);
    json_array_foreach(pl_manifest_get(m, path), i, row)
    {
        const char *name;
        json_t *cell;

        if (pl_buf_addf(text, err, "  %-8s", what) != 0)
            return -1;
        json_object_foreach(row, name, cell)
        {
            if (add_cell(name, cell, text, err) != 0)
                return -1;
        }
        if (pl_buf_addc(text, '\n', err) != 0)
            return -1;
    }
    return 0;
}

static bool has_samples(const struct pl_manifest *m)
{
    return json_array_size(pl_manifest_get(m, PREVIEW ".new")) +
               json_array_size(pl_manifest_get(m, PREVIEW ".changed")) +
               json_array_size(pl_manifest_get(m, PREVIEW ".gone")) >
           0;
}

int lakeseg_preview_text(const struct pl_manifest *m, struct pl_buf *text,
                         struct pl_err *err)
{
    const char *name = pl_manifest_str(m, "run.name");
    const char *error = pl_manifest_str(m, "error.name");
    const char *whole = pl_manifest_str(m, "error.message");
    char message[PL_OUTCOME_MESSAGE_LEN];

    if (pl_buf_addf(text, err, "job %s: nothing is imported\n",
                    name != NULL ? name : "?") != 0 ||
        (pl_manifest_get(m, "validate.result") != NULL &&
         (add_counts(m, text, err) != 0 || add_sent(m, text, err) != 0)) ||
        add_columns(m, text, err) != 0)
        return -1;
    if (has_samples(m) &&
        (pl_buf_adds(text,
                     pl_manifest_bool(m, PREVIEW ".has_values", false)
                         ? "some rows\n"
                         : "some rows, masked (--show-values shows them)\n",
                     err) != 0 ||
         add_samples(m, "new", text, err) != 0 ||
         add_samples(m, "changed", text, err) != 0 ||
         add_samples(m, "gone", text, err) != 0))
        return -1;
    if (!pl_manifest_is_failed(m))
        return 0;
    pl_outcome_message(m, message);
    return pl_buf_addf(text, err, "a run would stop: %s: %s\n",
                       error != NULL ? error : "failed",
                       whole != NULL &&
                               pl_manifest_bool(m, PREVIEW ".has_values", false)
                           ? whole
                           : message);
}
