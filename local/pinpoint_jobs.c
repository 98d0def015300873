/* Import jobs: from CREATED through every state to COMPLETED or FAILED. */
#include "local/pinpoint_job.h"

#include <errno.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define FAILURES_MAX 100
#define FILES_MAX 10000
#define JOB_BYTES_MAX (INT64_C(1) << 30)

void local_job_free(struct local_job *j)
{
    free(j->prefix);
    json_decref(j->keys);
    json_decref(j->failures);
    free(j->members.ids);
    free(j);
}

/* Needs the lock. */
static json_t *find_job(const struct local_job *j)
{
    struct local_app *app = local_pinpoint_find(j->local->pinpoint, j->app);

    return app != NULL ? local_by_id(app->jobs, j->id) : NULL;
}

static void set_int(json_t *object, const char *name, uint64_t value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

/* Needs the lock. */
static void show_counts(const struct local_job *j, json_t *shown)
{
    set_int(shown, "TotalProcessed", j->processed);
    set_int(shown, "TotalFailures", j->failed);
    set_int(shown, "FailedPieces", j->failed_pieces);
    if (json_array_size(j->failures) > 0)
        (void)json_object_set_new(shown, "Failures",
                                  json_deep_copy(j->failures));
}

/* Waits, unless the program ends. Needs the lock. */
static void wait_for(struct local_pinpoint *p, int64_t ms)
{
    const int64_t until = pl_now_ms(&pl_clock_real) + ms;
    const struct timespec at = {(time_t)(until / 1000),
                                (long)(until % 1000) * 1000000};

    while (!p->is_closing && ms > 0 &&
           pthread_cond_timedwait(&p->changed, &p->lock, &at) != ETIMEDOUT)
        continue;
}

static void enter(const struct local_job *j, const char *status,
                  int64_t delay_ms)
{
    struct local_pinpoint *p = j->local->pinpoint;
    json_t *shown;

    (void)pthread_mutex_lock(&p->lock);
    shown = find_job(j);
    if (shown != NULL) {
        (void)json_object_set_new(shown, "JobStatus", json_string(status));
        show_counts(j, shown);
    }
    wait_for(p, delay_ms);
    (void)pthread_mutex_unlock(&p->lock);
}

static void note_failure(struct local_job *j, const char *text)
{
    if (json_array_size(j->failures) < FAILURES_MAX)
        (void)json_array_append_new(j->failures, json_string(text));
}

/* All objects under the prefix; their sizes count against the limit. */
static int list_pieces(struct local_job *j, struct pl_err *err)
{
    struct local_s3 *s3 = &j->local->s3;
    const struct local_s3_bucket *b;
    json_int_t bytes = 0;

    (void)pthread_mutex_lock(&s3->lock);
    b = local_s3_bucket(s3, j->bucket);
    for (size_t i = b != NULL ? local_s3_lower(b, j->prefix) : 0;
         b != NULL && i < b->count &&
         pl_starts_with(b->objects[i].key, j->prefix);
         i++) {
        bytes +=
            json_integer_value(json_object_get(b->objects[i].meta, "bytes"));
        (void)json_array_append_new(j->keys, json_string(b->objects[i].key));
    }
    (void)pthread_mutex_unlock(&s3->lock);
    if (b == NULL)
        return pl_fail(err, PL_IMPORT_FAILED, "the bucket '%s' does not exist",
                       j->bucket);
    if (json_array_size(j->keys) == 0)
        return pl_fail(err, PL_IMPORT_FAILED, "no objects under s3://%s/%s",
                       j->bucket, j->prefix);
    if (json_array_size(j->keys) > FILES_MAX || bytes > JOB_BYTES_MAX)
        return pl_fail(err, PL_IMPORT_FAILED,
                       "more than 10,000 files or 1 GB in one import job");
    return 0;
}

static int bad_record(void *ctx, uint64_t line, const char *why,
                      struct pl_err *err)
{
    struct local_job *j = ctx;
    char text[320];

    (void)err;
    j->processed++;
    j->failed++;
    (void)snprintf(text, sizeof(text), "line %llu: %.250s",
                   (unsigned long long)line, why);
    note_failure(j, text);
    return 0;
}

static int add_member(struct local_job *j, uint32_t id, int channel,
                      struct pl_err *err)
{
    struct local_members *list = &j->members;

    if (!j->is_defining)
        return 0;
    if (list->count == list->cap) {
        const size_t cap = list->cap * 2 + 64;
        uint32_t *ids = realloc(list->ids, cap * sizeof(*ids));

        if (ids == NULL)
            return pl_fail_memory(err);
        list->ids = ids;
        list->cap = cap;
    }
    list->ids[list->count++] = id;
    j->channels[channel]++;
    return 0;
}

/* A file of user ids picks the endpoints that these users have. */
static int add_user_members(struct local_job *j, const struct local_app *app,
                            const struct local_cell *cell, char why[160],
                            struct pl_err *err)
{
    const uint32_t n =
        local_endpoints_find_user(&app->endpoints, cell->value, cell->len);
    const struct local_user *u;

    if (n == LOCAL_NO_TEXT) {
        (void)snprintf(why, 160, "the user has no endpoints");
        return 1;
    }
    u = &app->endpoints.users[n];
    for (uint32_t i = 0; i < u->count; i++) {
        const struct local_endpoint *e = &app->endpoints.items[u->endpoints[i]];

        if (add_member(j, e->id, e->channel, err) != 0)
            return -1;
    }
    return 0;
}

/* 0, 1 with why, or -1. Needs the lock. */
static int apply(struct local_job *j, struct local_app *app,
                 const struct local_cell *cells, size_t count, char why[160],
                 struct pl_err *err)
{
    const struct local_endpoint *e;
    uint32_t number;
    uint32_t id;
    uint8_t channel;
    int rc;

    if (count == 1 && cells[0].kind == LOCAL_COL_USER_ID)
        return add_user_members(j, app, &cells[0], why, err);
    if (!j->is_registering) {
        rc = local_endpoints_judge(&app->endpoints, cells, count, &id, &channel,
                                   why, err);
        return rc != 0 ? rc : add_member(j, id, channel, err);
    }
    rc =
        local_endpoints_apply(&app->endpoints, cells, count, &number, why, err);
    if (rc != 0)
        return rc;
    e = &app->endpoints.items[number];
    return add_member(j, e->id, e->channel, err);
}

static int good_record(void *ctx, const struct local_cell *cells, size_t count,
                       uint64_t line, struct pl_err *err)
{
    struct local_job *j = ctx;
    struct local_pinpoint *p = j->local->pinpoint;
    struct local_app *app;
    char why[160] = "";
    bool is_closing;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    is_closing = p->is_closing;
    app = local_pinpoint_find(p, j->app);
    rc = is_closing || app == NULL ? pl_fail(err, PL_INTERRUPTED, "stopped")
                                   : apply(j, app, cells, count, why, err);
    (void)pthread_mutex_unlock(&p->lock);
    if (rc == 1)
        return bad_record(j, line, why, err);
    j->processed++;
    return rc;
}

static int import_piece(struct local_job *j, const char *key,
                        struct pl_err *err)
{
    const struct local_import_sink sink = {j, good_record, bad_record};
    json_t *meta = NULL;
    int fd = -1;
    struct pl_source source;
    int rc;

    if (local_s3_get(&j->local->s3, j->bucket, key, &fd, &meta) != NULL)
        return pl_fail(err, PL_IMPORT_FAILED, "cannot read the object");
    json_decref(meta);
    source = pl_fd_source(&fd);
    rc = j->is_csv ? local_import_csv(&source, &sink, err)
                   : local_import_json(&source, &sink, err);
    (void)close(fd);
    return rc;
}

static void import_pieces(struct local_job *j)
{
    struct local_pinpoint *p = j->local->pinpoint;

    for (size_t i = 0; i < json_array_size(j->keys); i++) {
        const char *key = json_string_value(json_array_get(j->keys, i));
        struct pl_err err = {0};
        json_t *shown;

        if (import_piece(j, key, &err) != 0) {
            j->failed_pieces++;
            note_failure(j, err.msg);
        }
        (void)pthread_mutex_lock(&p->lock);
        shown = find_job(j);
        if (shown != NULL) {
            set_int(shown, "CompletedPieces", i + 1 - j->failed_pieces);
            show_counts(j, shown);
        }
        (void)pthread_mutex_unlock(&p->lock);
    }
}

static json_t *channel_counts(const struct local_job *j)
{
    json_t *counts = json_object();

    for (int i = 0; i < LOCAL_CHANNELS_MAX; i++)
        if (j->channels[i] > 0)
            set_int(counts, local_channel_name(i), j->channels[i]);
    return counts;
}

static json_t *new_segment(const struct local_job *j, const char *app)
{
    char arn[300];
    char now[PL_TIME_LEN];

    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:mobiletargeting:%.40s:" LOCAL_ACCOUNT
                   ":apps/%.130s/segments/%.40s",
                   j->local->region, app, j->segment);
    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "ApplicationId", app, "Id",
                     j->segment, "CreationDate", now, "SegmentType", "IMPORT",
                     "Arn", arn, "Version", 0);
}

/* The imported segment appears, or gets its new members, when the job is done.
 * Whether those before stay is not documented: here they go. Needs the lock. */
static void define_segment(struct local_job *j, struct local_app *app,
                           const json_t *shown)
{
    const json_t *def = json_object_get(shown, "Definition");
    json_t *segment = local_by_id(app->segments, j->segment);
    struct local_members *list = local_pinpoint_members(app, j->segment, true);
    json_t *import = json_pack(
        "{s:O,s:O,s:O,s:s,s:I,s:o}", "Format", json_object_get(def, "Format"),
        "RoleArn", json_object_get(def, "RoleArn"), "S3Url",
        json_object_get(def, "S3Url"), "ExternalId", "", "Size",
        (json_int_t)j->members.count, "ChannelCounts", channel_counts(j));

    if (list != NULL) {
        free(list->ids);
        list->ids = j->members.ids;
        list->count = j->members.count;
        list->cap = j->members.cap;
        j->members = (struct local_members){.count = 0};
    }
    if (segment == NULL) {
        segment = new_segment(j, app->id);
        (void)json_array_append_new(app->segments, segment);
    }
    (void)json_object_set_new(segment, "ImportDefinition", import);
    if (json_object_get(def, "SegmentName") != NULL)
        (void)json_object_set(segment, "Name",
                              json_object_get(def, "SegmentName"));
    local_segment_changed(app, segment);
}

static void end_job(struct local_job *j, const char *status)
{
    struct local_pinpoint *p = j->local->pinpoint;
    struct local_app *app;
    struct pl_err err = {0};
    json_t *shown;
    char now[PL_TIME_LEN];

    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, j->app);
    shown = find_job(j);
    if (app != NULL && shown != NULL) {
        if (j->is_defining && strcmp(status, "COMPLETED") == 0)
            define_segment(j, app, shown);
        pl_time_iso(pl_now_ms(&pl_clock_real), now);
        (void)json_object_set_new(shown, "CompletionDate", json_string(now));
        show_counts(j, shown);
        app->is_changed = true;
        if (!j->local->is_temporary && app->endpoints.count < 200000 &&
            local_pinpoint_save(j->local, app, &err) != 0)
            pl_warn("pinpoint: %s", err.msg);
        (void)json_object_set_new(shown, "JobStatus", json_string(status));
    }
    p->running--;
    (void)pthread_mutex_unlock(&p->lock);
    pl_info("pinpoint import %s %s: %llu processed, %llu failed", j->id, status,
            (unsigned long long)j->processed, (unsigned long long)j->failed);
}

/* What a fault says about the job: that it fails, or a word to show for a
 * while in place of PROCESSING. False: it fails. */
static bool take_fault(struct local_job *j, int64_t pause)
{
    struct local_fault fault;

    if (!local_faults_take(&j->local->faults, "pinpoint", "ImportJob", &fault))
        return true;
    if (fault.kind == LOCAL_FAULT_OUTCOME &&
        strcmp(fault.outcome, "FAILED") != 0) {
        enter(j, fault.outcome, fault.delay_ms > 0 ? fault.delay_ms : pause);
        return true;
    }
    note_failure(j, "injected fault");
    return false;
}

static void run_job(struct local_job *j)
{
    const int64_t pause = j->local->job_delay_ms / 6;
    struct local_pinpoint *p = j->local->pinpoint;
    struct pl_err err = {0};
    json_t *shown;
    bool is_good;

    enter(j, "CREATED", pause);
    enter(j, "PREPARING_FOR_INITIALIZATION", pause);
    enter(j, "INITIALIZING", pause);
    is_good = list_pieces(j, &err) == 0;
    if (!is_good)
        note_failure(j, err.msg);
    (void)pthread_mutex_lock(&p->lock);
    shown = find_job(j);
    if (shown != NULL)
        set_int(shown, "TotalPieces", json_array_size(j->keys));
    (void)pthread_mutex_unlock(&p->lock);
    enter(j, "PENDING_JOB", pause);
    is_good = is_good && take_fault(j, pause);
    if (is_good) {
        enter(j, "PROCESSING", pause);
        import_pieces(j);
        is_good = j->failed_pieces == 0;
    }
    enter(j, is_good ? "COMPLETING" : "FAILING", pause);
    end_job(j, is_good ? "COMPLETED" : "FAILED");
}

void *local_job_work(void *ctx)
{
    struct local_job *j = ctx;
    struct local_pinpoint *p = j->local->pinpoint;

    run_job(j);
    local_job_free(j);
    (void)pthread_mutex_lock(&p->lock);
    p->threads--;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}
