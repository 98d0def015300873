#include "pipeline/delta/advance.h"

#include <string.h>

#include "pipeline/base/log.h"

#define SECTION "validate.result.delta"
#define FILES_KEPT_MAX 10000

void pl_delta_import_release(struct pl_delta_import *d)
{
    pl_delta_job_release(&d->job);
}

static const char *own_id(const struct pl_delta_import *d)
{
    return pl_manifest_str(d->m, "run.id");
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *id_of(const json_t *entry)
{
    return json_string_value(json_object_get(entry, "run_id"));
}

/* Whether csv-validate knew of a run that is not settled. */
static bool was_seen(const struct pl_delta_import *d, const char *id)
{
    const json_t *seen = pl_manifest_get(d->m, SECTION ".open");
    const json_t *one;
    size_t i;

    json_array_foreach(seen, i, one)
    {
        if (is_same(json_string_value(one), id))
            return true;
    }
    return false;
}

/* Runs that began, but for this one and those that csv-validate knew of. */
static json_t *open_beside(const struct pl_delta_import *d)
{
    const json_t *open = json_object_get(d->job.state, "open");
    json_t *list = json_array();
    json_t *entry;
    size_t i;

    json_array_foreach(open, i, entry)
    {
        const char *id = id_of(entry);

        if (!is_same(id, own_id(d)) && !was_seen(d, id))
            (void)json_array_append(list, entry);
    }
    return list;
}

static bool has_moved(const struct pl_delta_import *d)
{
    json_t *beside = open_beside(d);
    const bool is_any = json_array_size(beside) > 0;

    json_decref(beside);
    return is_any || !is_same(pl_delta_job_last(&d->job),
                              pl_manifest_str(d->m, SECTION ".last.run_id"));
}

static bool is_changed(const struct pl_delta_import *d)
{
    return is_same(pl_manifest_str(d->m, SECTION ".mode"), "changed");
}

/* Rows that are the changes since a run are right after that one only. */
static int check_changes(const struct pl_delta_import *d, struct pl_err *err)
{
    const char *before =
        json_string_value(json_object_get(d->job.state, "destination"));

    if (!is_changed(d))
        return 0;
    if (has_moved(d))
        return pl_fail(err, PL_DATA_INVALID,
                       "another run of the job began to import since the "
                       "changes of this one were taken: run the job again");
    if (!is_same(before, d->destination))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the rows are the changes since a run that went into "
                       "%.200s, and this one goes into %.200s: run it with "
                       "'import.mode' full",
                       before != NULL ? before : "another place",
                       d->destination);
    return 0;
}

static json_t *or_null(const json_t *value)
{
    return value != NULL ? json_deep_copy(value) : json_null();
}

static void add_own_files(const struct pl_delta_import *d, json_t *files)
{
    for (size_t i = 0; i < pl_manifest_data_count(d->m); i++) {
        struct pl_err ignored = {0};
        struct pl_data data;

        if (pl_manifest_data_get(d->m, i, &data, &ignored) == 0 &&
            strcmp(data.role, "normalized") == 0 && data.rows > 0)
            (void)json_array_append_new(
                files, json_pack("{s:s, s:I}", "uri", data.uri, "rows",
                                 (json_int_t)data.rows));
    }
}

/* Its entry among those that are not settled; NULL: none. */
static json_t *own_entry(const struct pl_delta_import *d)
{
    const json_t *open = json_object_get(d->job.state, "open");
    json_t *entry;
    size_t i;

    json_array_foreach(open, i, entry)
    {
        if (is_same(id_of(entry), own_id(d)))
            return entry;
    }
    return NULL;
}

/* Puts this run among those that are not settled, beside the run that was the
 * last one then; 1: it is there. */
static int open_own(struct pl_delta_import *d, struct pl_err *err)
{
    json_t *files;
    json_t *open;
    json_t *entry;

    if (own_entry(d) != NULL)
        return 1;
    if (d->job.state == NULL)
        d->job.state = json_pack("{s:i, s:n}", "lakeseg_job", 1, "run_id");
    open = json_object_get(d->job.state, "open");
    if (open == NULL) {
        open = json_array();
        (void)json_object_set_new(d->job.state, "open", open);
    }
    files = json_array();
    add_own_files(d, files);
    entry = json_pack(
        "{s:s, s:o, s:o, s:o}", "run_id", own_id(d), "fingerprints",
        or_null(pl_manifest_get(d->m, SECTION ".fingerprints")), "files", files,
        "after", or_null(json_object_get(d->job.state, "run_id")));
    return entry != NULL && json_array_append_new(open, entry) == 0
               ? 0
               : pl_fail_memory(err);
}

static int begin(void *ctx, struct pl_err *err)
{
    struct pl_delta_import *d = ctx;

    d->is_done = is_same(pl_delta_job_last(&d->job), own_id(d));
    if (d->is_done)
        return 1;
    return check_changes(d, err) != 0 ? -1 : open_own(d, err);
}

int pl_delta_begin(struct pl_delta_import *d, const struct pl_manifest *m,
                   struct pl_aws *aws, const char *destination,
                   struct pl_err *err)
{
    const char *place = pl_manifest_str(m, SECTION ".place");

    if (place == NULL)
        return 0;
    d->m = m;
    d->destination = destination;
    d->job.aws = aws;
    if (pl_buf_adds(&d->job.place, place, err) != 0)
        return -1;
    return pl_delta_job_change(&d->job, begin, d, err) == 0
               ? 0
               : pl_context(err, "what the job keeps of its runs");
}

static void add_files(const json_t *owner, json_t *files)
{
    json_t *more = json_object_get(owner, "files");

    if (json_is_array(more))
        (void)json_array_extend(files, more);
}

/* Of runs that were not settled, and are now: they may have sent what no other
 * did. */
static void add_settled_files(const struct pl_delta_import *d, json_t *files)
{
    const json_t *open = json_object_get(d->job.state, "open");
    const json_t *entry;
    size_t i;

    json_array_foreach(open, i, entry)
    {
        if (!is_same(id_of(entry), own_id(d)) && was_seen(d, id_of(entry)))
            add_files(entry, files);
    }
}

/* The files from which ids of rows can be had that will be gone one day: this
 * run's, behind those of the runs that it builds on. Rows that were kept stand
 * in none of its own. */
static json_t *files_now(const struct pl_delta_import *d)
{
    const bool has_kept = pl_manifest_int(d->m, SECTION ".rows_kept", 0) > 0;
    json_t *files = json_array();

    if (is_changed(d) || has_kept)
        add_files(d->job.state, files);
    if (has_kept)
        add_settled_files(d, files);
    if (!is_changed(d) && json_array_size(files) > FILES_KEPT_MAX) {
        pl_warn("the job's rows are in more than %d files: those of earlier "
                "runs are left, and rows that were rejected now cannot be "
                "named once they are gone",
                FILES_KEPT_MAX);
        (void)json_array_clear(files);
    }
    add_own_files(d, files);
    return files;
}

/* How many files there were after the last full run. */
static json_t *full_files(const struct pl_delta_import *d, const json_t *files)
{
    return is_changed(d) ? or_null(json_object_get(d->job.state, "full_files"))
                         : json_integer((json_int_t)json_array_size(files));
}

static json_t *state_now(const struct pl_delta_import *d)
{
    const json_t *prints = pl_manifest_get(d->m, SECTION ".fingerprints");
    json_t *files = files_now(d);

    return json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "lakeseg_job", 1,
        "run_id", own_id(d), "rows", or_null(json_object_get(prints, "rows")),
        "fingerprints", or_null(prints), "full_at",
        or_null(pl_manifest_get(d->m, SECTION ".full_at")), "destination",
        d->destination, "full_files", full_files(d, files), "files", files,
        "open", open_beside(d));
}

static void forget(struct pl_delta_import *d, const json_t *owner)
{
    const char *uri = json_string_value(
        json_object_get(json_object_get(owner, "fingerprints"), "uri"));

    if (uri != NULL)
        pl_delta_job_forget(&d->job, uri);
}

/* The fingerprints that before needed, and that nobody needs now. */
static void forget_old(struct pl_delta_import *d, const json_t *before)
{
    const json_t *open = json_object_get(before, "open");
    const json_t *entry;
    size_t i;

    forget(d, before);
    json_array_foreach(open, i, entry)
    {
        if (!is_same(id_of(entry), own_id(d)) && was_seen(d, id_of(entry)))
            forget(d, entry);
    }
}

/* Whether another run became the last one since this one began. */
static bool was_overtaken(const struct pl_delta_import *d)
{
    const json_t *entry = own_entry(d);
    const json_t *after = json_object_get(entry, "after");

    return entry == NULL ||
           (after != NULL &&
            !is_same(json_string_value(after), pl_delta_job_last(&d->job)));
}

struct ending {
    struct pl_delta_import *d;
    json_t *before; /* the state that was replaced */
};

static int end(void *ctx, struct pl_err *err)
{
    struct ending *e = ctx;
    struct pl_delta_import *d = e->d;

    json_decref(e->before);
    e->before = NULL;
    d->is_done = is_same(pl_delta_job_last(&d->job), own_id(d));
    if (d->is_done)
        return 1;
    if (!d->took_all || was_overtaken(d)) {
        if (d->took_all)
            pl_warn("another run of the job ended meanwhile, and nobody knows "
                    "whose rows came later: the next run sends all that "
                    "differs from either");
        return open_own(d, err);
    }
    e->before = d->job.state;
    d->job.state = state_now(d);
    return d->job.state != NULL ? 0 : pl_fail_memory(err);
}

int pl_delta_end(struct pl_delta_import *d, bool took_all, struct pl_err *err)
{
    struct ending e = {.d = d};
    int rc;

    if (d->m == NULL || d->is_done)
        return 0;
    if (pl_manifest_get(d->m, SECTION ".fingerprints") == NULL)
        return 0; /* rows of an older run, sent again */
    if (!took_all)
        pl_warn("rows failed, and the service does not say which: the next "
                "run sends all changed rows again");
    d->took_all = took_all;
    rc = pl_delta_job_change(&d->job, end, &e, err);
    if (rc == 0 && e.before != NULL) {
        forget_old(d, e.before);
        d->is_done = true;
    }
    json_decref(e.before);
    return rc == 0 ? 0 : pl_context(err, "what the job keeps of its runs");
}
