/* An upload job at work: the file is read by its own reader, and each row
 * makes or changes a profile. */
#include "local/profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "local/csv.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define COLUMNS_MAX 25
#define SAVED_PROFILES_MAX 100000 /* more are saved at the end only */

struct column {
    size_t at; /* in the file */
    char target[300];
};

struct run {
    struct local *local;
    char domain[65];
    char id[65];
    char outcome[40]; /* that a test asked for, or "" */
    int fd;
    json_t *fields;
    char unique[300]; /* the target that tells profiles apart */
    json_int_t expiry_days;
    struct column columns[COLUMNS_MAX];
    size_t column_count;
    size_t width; /* of the header; 0: not read yet */
    int64_t created;
    int64_t updated;
    int64_t failed;
    bool is_stopped;
};

static void run_free(struct run *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    json_decref(r->fields);
    free(r);
}

/* Needs the lock. */
static json_t *shown_of(const struct run *r, struct local_domain **domain)
{
    *domain = local_profiles_find(r->local->profiles, r->domain);
    return *domain != NULL
               ? json_object_get(profiles_job(*domain, r->id), "shown")
               : NULL;
}

/* UniqueKey is taken as a field's name, its column or its target: what the
 * service means by it is not documented (sources 9.1). */
static bool find_unique(struct run *r, const char *unique)
{
    const char *name;
    const json_t *field;

    json_object_foreach(r->fields, name, field)
    {
        const char *source =
            json_string_value(json_object_get(field, "Source"));
        const char *target =
            json_string_value(json_object_get(field, "Target"));

        if (strcmp(unique, name) != 0 && strcmp(unique, source) != 0 &&
            strcmp(unique, target) != 0)
            continue;
        (void)snprintf(r->unique, sizeof(r->unique), "%.290s", target);
        return true;
    }
    return false;
}

static int take_header(struct run *r, const struct local_csv_row *row,
                       struct pl_err *err)
{
    const char *name;
    const json_t *field;

    for (size_t i = 0; i < row->count; i++)
        if (strchr(row->cells[i], '.') != NULL)
            return pl_fail(err, PL_DATA_INVALID, "a header has a dot");
    json_object_foreach(r->fields, name, field)
    {
        const char *source =
            json_string_value(json_object_get(field, "Source")) +
            strlen("_source.");
        struct column *c = &r->columns[r->column_count];

        c->at = 0;
        while (c->at < row->count && strcmp(row->cells[c->at], source) != 0)
            c->at++;
        if (c->at == row->count)
            return pl_fail(err, PL_DATA_INVALID, "the header is missing");
        (void)snprintf(c->target, sizeof(c->target), "%.290s",
                       json_string_value(json_object_get(field, "Target")));
        r->column_count++;
    }
    r->width = row->count;
    return 0;
}

/* The profile's fields as the row has them, or NULL. */
static json_t *read_row(const struct run *r, const struct local_csv_row *row,
                        const char **unique)
{
    json_t *fields = json_object();

    *unique = "";
    for (size_t i = 0; i < r->column_count && row->count == r->width; i++) {
        const struct column *c = &r->columns[i];
        const char *value = row->cells[c->at];

        if (row->lens[c->at] == 0)
            continue; /* sets nothing */
        if (strlen(value) != row->lens[c->at] ||
            profiles_set(fields, c->target, value) != NULL) {
            json_decref(fields);
            return NULL;
        }
        if (strcmp(c->target, r->unique) == 0)
            *unique = value;
    }
    if (**unique != '\0')
        return fields;
    json_decref(fields);
    return NULL;
}

/* Needs the lock. */
static int store_row(struct run *r, struct local_domain *d, json_t *fields,
                     const char *unique, struct pl_err *err)
{
    const char *key = profiles_key_of(r->unique);
    json_t *found = profiles_by_key(d, key, unique);
    const int64_t until = local_profiles_now_ms(r->local) / 1000 +
                          (int64_t)r->expiry_days * LOCAL_DAY_S;
    json_t *profile;
    char id[33];

    if (found == NULL) {
        if (profiles_add(d, until, id, &profile, err) != 0)
            return -1;
        r->created++;
    } else {
        (void)snprintf(id, sizeof(id), "%.32s",
                       json_object_iter_key(json_object_iter(found)));
        profile = json_object_get(d->profiles, id);
        profiles_keep_until(d, profile, until);
        r->updated++;
    }
    if (profiles_merge(json_object_get(profile, "shown"), fields, false) !=
        NULL)
        return pl_fail(err, PL_INTERNAL_ERROR, "a row that was good is bad");
    if (strcmp(key, r->unique) == 0) /* no standard key finds it */
        (void)json_object_set_new(json_object_get(profile, "keys"), key,
                                  json_pack("[s]", unique));
    profiles_index(d, id, profile);
    return 0;
}

static int take_row(void *ctx, const struct local_csv_row *row,
                    struct pl_err *err)
{
    struct run *r = ctx;
    struct local_profiles *p = r->local->profiles;
    struct local_domain *d;
    const char *unique;
    const json_t *shown;
    json_t *fields;
    int rc = 0;

    if (r->width == 0)
        return take_header(r, row, err);
    fields = read_row(r, row, &unique);
    if (fields == NULL) {
        r->failed++;
        return 0;
    }
    (void)pthread_mutex_lock(&p->lock);
    shown = shown_of(r, &d);
    if (p->is_closing || shown == NULL ||
        strcmp(json_string_value(json_object_get(shown, "Status")),
               "IN_PROGRESS") != 0) {
        r->is_stopped = true;
        rc = pl_fail(err, PL_INTERRUPTED, "stopped");
    } else {
        rc = store_row(r, d, fields, unique, err);
    }
    (void)pthread_mutex_unlock(&p->lock);
    json_decref(fields);
    return rc;
}

/* Waits unless the program ends or the job is stopped. */
static void wait_for(const struct run *r, int64_t ms)
{
    struct local_profiles *p = r->local->profiles;
    const int64_t until = pl_now_ms(&pl_clock_real) + ms;
    const struct timespec at = {(time_t)(until / 1000),
                                (long)(until % 1000) * 1000000};
    struct local_domain *d;
    const json_t *shown;

    (void)pthread_mutex_lock(&p->lock);
    do {
        shown = shown_of(r, &d);
    } while (!p->is_closing && ms > 0 && shown != NULL &&
             strcmp(json_string_value(json_object_get(shown, "Status")),
                    "IN_PROGRESS") == 0 &&
             pthread_cond_timedwait(&p->changed, &p->lock, &at) != ETIMEDOUT);
    (void)pthread_mutex_unlock(&p->lock);
}

static void end_run(struct run *r, const char *status, const char *reason)
{
    struct local_profiles *p = r->local->profiles;
    struct local_domain *d;
    struct pl_err err = {0};
    json_t *shown;

    (void)pthread_mutex_lock(&p->lock);
    shown = shown_of(r, &d);
    if (shown != NULL) {
        const bool is_stopped =
            strcmp(json_string_value(json_object_get(shown, "Status")),
                   "IN_PROGRESS") != 0;

        (void)json_object_set_new(
            shown, "ResultsSummary",
            json_pack("{s:I,s:I,s:I}", "UpdatedRecords", (json_int_t)r->updated,
                      "CreatedRecords", (json_int_t)r->created, "FailedRecords",
                      (json_int_t)r->failed));
        (void)json_object_set_new(
            shown, "CompletedAt",
            json_real((double)local_profiles_now_ms(r->local) / 1000));
        if (reason != NULL && !is_stopped)
            (void)json_object_set_new(shown, "StatusReason",
                                      json_string(reason));
        if (!is_stopped)
            (void)json_object_set_new(shown, "Status", json_string(status));
        d->is_changed = true;
        if (!r->local->is_temporary &&
            json_object_size(d->profiles) < SAVED_PROFILES_MAX &&
            profiles_save(r->local, d, &err) != 0)
            pl_warn("profiles: %s", err.msg);
    }
    (void)pthread_mutex_unlock(&p->lock);
    pl_info("upload job %s %s: %lld created, %lld updated, %lld failed", r->id,
            status, (long long)r->created, (long long)r->updated,
            (long long)r->failed);
}

static void run_job(struct run *r)
{
    const struct pl_source source = pl_fd_source(&r->fd);
    const struct local_csv_sink sink = {r, take_row};
    struct pl_err err = {0};

    wait_for(r, r->local->job_delay_ms);
    if (strcmp(r->outcome, "FAILED") == 0) {
        end_run(r, "FAILED", "INTERNAL_FAILURE");
        return;
    }
    if (r->fd < 0)
        (void)pl_fail(&err, PL_DATA_INVALID, "no file was uploaded");
    else if (local_csv_read(&source, &sink, &err) == 0 && r->width == 0)
        (void)pl_fail(&err, PL_DATA_INVALID, "the header is missing");
    if (err.code != PL_OK && !r->is_stopped)
        pl_info("upload job %s: %s", r->id, err.msg);
    if (err.code != PL_OK)
        end_run(r, "FAILED", r->is_stopped ? NULL : "VALIDATION_FAILURE");
    else if (r->outcome[0] != '\0')
        end_run(r, r->outcome, NULL);
    else
        end_run(r, r->failed > 0 ? "PARTIALLY_SUCCEEDED" : "SUCCEEDED", NULL);
}

static void *work(void *ctx)
{
    struct run *r = ctx;
    struct local_profiles *p = r->local->profiles;

    run_job(r);
    run_free(r);
    (void)pthread_mutex_lock(&p->lock);
    p->threads--;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int start_thread(struct run *r, struct pl_err *err)
{
    struct local_profiles *p = r->local->profiles;
    pthread_attr_t attributes;
    pthread_t thread;
    int rc;

    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    rc = pthread_create(&thread, &attributes, work, r);
    (void)pthread_attr_destroy(&attributes);
    if (rc != 0)
        return pl_fail(err, PL_HOST_ERROR, "cannot start a thread");
    p->threads++;
    return 0;
}

int profiles_start(struct profiles_call *c, json_t *job, struct pl_err *err)
{
    json_t *shown = json_object_get(job, "shown");
    const char *file = json_string_value(json_object_get(job, "file"));
    struct run *r = calloc(1, sizeof(*r));
    struct local_fault fault;

    if (r == NULL)
        return pl_fail_memory(err);
    r->local = c->local;
    r->fd = -1;
    (void)snprintf(r->domain, sizeof(r->domain), "%s", c->domain->name);
    (void)snprintf(r->id, sizeof(r->id), "%.64s", c->parts[2]);
    r->fields = json_deep_copy(json_object_get(shown, "Fields"));
    r->expiry_days = json_integer_value(json_object_get(shown, "DataExpiry"));
    if (local_faults_take(&c->local->faults, "profiles", "UploadJob", &fault))
        (void)snprintf(r->outcome, sizeof(r->outcome), "%s", fault.outcome);
    if (!find_unique(r,
                     json_string_value(json_object_get(shown, "UniqueKey")))) {
        run_free(r);
        return profiles_bad(c, "UniqueKey is none of the fields");
    }
    if (file != NULL) {
        r->fd = open(file, O_RDONLY | O_CLOEXEC);
        (void)unlink(file);
        (void)json_object_del(job, "file");
    }
    (void)json_object_set_new(shown, "Status", json_string("IN_PROGRESS"));
    c->domain->is_changed = true;
    if (start_thread(r, err) != 0) {
        run_free(r);
        return -1;
    }
    return profiles_answer(c, json_object(), err);
}
