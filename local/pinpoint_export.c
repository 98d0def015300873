/* Export jobs: endpoints as JSON lines, in gzip. What Pinpoint named its files is
 * not documented; here it is the prefix, the job's id and ".gz". */
#include "local/gzip.h"
#include "local/pinpoint_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define BATCH 1000 /* endpoints under one lock */

struct export
{
    struct local *local;
    char app[132];
    char id[40];
    char bucket[64];
    char *key;
    json_t *members; /* of the segment; NULL: all endpoints */
    struct local_s3_file file;
    uint64_t count;
};

static void export_free(struct export *x)
{
    local_s3_file_release(&x->file);
    json_decref(x->members);
    free(x->key);
    free(x);
}

/* The number of the endpoint at place i of what is exported. Needs the lock. */
static uint32_t number_at(const struct export *x, const struct local_app *app,
                          size_t i)
{
    const json_t *id;

    if (x->members == NULL)
        return app->endpoints.items[i].is_deleted ? LOCAL_NO_TEXT : (uint32_t)i;
    id = json_array_get(x->members, i);
    return local_endpoints_find(&app->endpoints, json_string_value(id),
                                json_string_length(id));
}

/* Words some endpoints from *at on; false: there are no more. */
static bool word_batch(struct export *x, size_t *at, struct pl_buf *out,
                       struct pl_err *err)
{
    struct local_pinpoint *p = x->local->pinpoint;
    const struct local_app *app;
    size_t end = 0;
    size_t i = *at;

    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, x->app);
    if (app != NULL && !p->is_closing)
        end = x->members != NULL ? json_array_size(x->members)
                                 : app->endpoints.count;
    for (; i < end && i < *at + BATCH && err->code == PL_OK; i++) {
        const uint32_t number = number_at(x, app, i);
        json_t *one;
        char *text;

        if (number == LOCAL_NO_TEXT)
            continue;
        one = local_endpoints_json(&app->endpoints, app->id, number);
        text = json_dumps(one, JSON_COMPACT);
        json_decref(one);
        if (text == NULL)
            (void)pl_fail_memory(err);
        else if (pl_buf_addf(out, err, "%s\n", text) == 0)
            x->count++;
        free(text);
    }
    (void)pthread_mutex_unlock(&p->lock);
    *at = i;
    return err->code == PL_OK && i < end;
}

static int to_file(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    return local_s3_file_write(ctx, data, len, err);
}

static int write_all(struct export *x, struct local_gzip *gz,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    bool has_more = true;

    for (size_t at = 0; has_more;) {
        pl_buf_reset(&out);
        has_more = word_batch(x, &at, &out, err);
        if (err->code != PL_OK ||
            local_gzip_add(gz, pl_buf_str(&out), out.len, err) != 0)
            return -1;
    }
    return local_gzip_end(gz, err);
}

static int write_object(struct export *x, struct pl_err *err)
{
    const struct pl_sink sink = {.ctx = &x->file, .write = to_file};
    const struct local_s3_put put = {.bucket = x->bucket, .key = x->key};
    struct local_gzip gz = {.impl = NULL};
    const char *code;
    int rc;

    if (local_s3_file_open(&x->file, &x->local->s3, err) != 0 ||
        local_gzip_open(&gz, &sink, err) != 0)
        return -1;
    rc = write_all(x, &gz, err);
    local_gzip_release(&gz);
    if (rc != 0 || local_s3_file_end(&x->file, err) != 0)
        return -1;
    code = local_s3_commit(&x->local->s3, &put, &x->file);
    return code == NULL
               ? 0
               : pl_fail(err, PL_SERVICE_REFUSED, "cannot write s3://%s/%s: %s",
                         x->bucket, x->key, code);
}

static void show_end(const struct export *x, const struct pl_err *err)
{
    struct local_pinpoint *p = x->local->pinpoint;
    struct local_app *app;
    json_t *shown;
    char now[PL_TIME_LEN];

    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, x->app);
    shown = app != NULL ? local_by_id(app->exports, x->id) : NULL;
    if (shown != NULL) {
        const bool is_good = err->code == PL_OK;

        (void)json_object_set_new(shown, "CompletionDate", json_string(now));
        (void)json_object_set_new(shown, "TotalProcessed",
                                  json_integer((json_int_t)x->count));
        (void)json_object_set_new(shown, "CompletedPieces",
                                  json_integer(is_good));
        (void)json_object_set_new(shown, "FailedPieces",
                                  json_integer(!is_good));
        if (!is_good)
            (void)json_object_set_new(shown, "Failures",
                                      json_pack("[s]", err->msg));
        (void)json_object_set_new(
            shown, "JobStatus", json_string(is_good ? "COMPLETED" : "FAILED"));
        app->is_changed = true;
    }
    p->threads--;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}

static void *work(void *ctx)
{
    struct export *x = ctx;
    struct pl_err err = {0};

    if (write_object(x, &err) == 0)
        pl_info("pinpoint export %s: %llu endpoints", x->id,
                (unsigned long long)x->count);
    show_end(x, &err);
    export_free(x);
    return NULL;
}

static const char *text_of(const json_t *in, const char *name)
{
    return json_string_value(json_object_get(in, name));
}

/* What follows s3:// in the request's prefix, with at least a bucket; NULL when
 * it is none. */
static const char *place_of(const json_t *in)
{
    const char *url = text_of(in, "S3UrlPrefix");
    size_t bucket;

    if (url == NULL || !pl_starts_with(url, "s3://"))
        return NULL;
    url += strlen("s3://");
    bucket = strcspn(url, "/");
    return bucket > 0 && bucket < 64 ? url : NULL;
}

static struct export *make_export(const struct local_pinpoint_call *c,
                                  const char *place, struct pl_err *err)
{
    const size_t bucket = strcspn(place, "/");
    const char *prefix = place[bucket] == '/' ? place + bucket + 1 : "";
    const char *slash = *prefix == '\0' || pl_ends_with(prefix, "/") ? "" : "/";
    struct export *x = calloc(1, sizeof(*x));
    PL_AUTO(pl_buf) key = PL_BUF_INIT;

    if (x == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    x->file.fd = -1;
    x->local = c->local;
    (void)snprintf(x->app, sizeof(x->app), "%s", c->app->id);
    (void)snprintf(x->bucket, sizeof(x->bucket), "%.*s", (int)bucket, place);
    if (local_uuid(x->id, err) != 0 ||
        pl_buf_addf(&key, err, "%s%s%s.gz", prefix, slash, x->id) != 0) {
        export_free(x);
        return NULL;
    }
    x->key = pl_buf_take(&key);
    return x;
}

static json_t *show(const struct local_pinpoint_call *c, const struct export *x)
{
    static const char *const taken[] = {"RoleArn", "S3UrlPrefix", "SegmentId",
                                        "SegmentVersion"};
    json_t *def = json_object();
    char now[PL_TIME_LEN];

    for (size_t i = 0; i < PL_COUNT(taken); i++)
        if (json_object_get(c->in, taken[i]) != NULL)
            (void)json_object_set(def, taken[i],
                                  json_object_get(c->in, taken[i]));
    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    return json_pack("{s:s,s:s,s:o,s:s,s:s,s:s,s:i}", "ApplicationId",
                     c->app->id, "CreationDate", now, "Definition", def, "Id",
                     x->id, "JobStatus", "PROCESSING", "Type", "EXPORT",
                     "TotalPieces", 1);
}

int local_pinpoint_create_export(struct local_pinpoint_call *c,
                                 struct pl_err *err)
{
    const char *place = place_of(c->in);
    const char *role = text_of(c->in, "RoleArn");
    const char *id = text_of(c->in, "SegmentId");
    const json_t *segment =
        id != NULL ? local_by_id(c->app->segments, id) : NULL;
    struct export *x;
    pthread_t thread;
    json_t *shown;

    if (role == NULL || !pl_starts_with(role, "arn:"))
        return local_pinpoint_bad(c, "RoleArn must be the ARN of a role");
    if (place == NULL)
        return local_pinpoint_bad(c, "S3UrlPrefix must be s3://bucket/prefix");
    if (id != NULL && segment == NULL)
        return local_pinpoint_missing(c, "Segment not found");
    x = make_export(c, place, err);
    if (x == NULL)
        return -1;
    if (segment != NULL) {
        x->members = local_segment_members(c->app, segment, SIZE_MAX, err);
        if (x->members == NULL) {
            export_free(x);
            return -1;
        }
    }
    shown = show(c, x);
    if (json_array_append_new(c->app->exports, json_deep_copy(shown)) != 0 ||
        pthread_create(&thread, NULL, work, x) != 0) {
        export_free(x);
        json_decref(shown);
        return pl_fail(err, PL_HOST_ERROR, "cannot start an export job");
    }
    (void)pthread_detach(thread);
    c->local->pinpoint->threads++;
    return local_answer_json(c->resp, 202, shown, err);
}

int local_pinpoint_get_exports(struct local_pinpoint_call *c,
                               struct pl_err *err)
{
    return local_pinpoint_page(c, c->app->exports, err);
}

int local_pinpoint_get_export(struct local_pinpoint_call *c, struct pl_err *err)
{
    const json_t *job = local_by_id(c->app->exports, c->parts[3]);

    if (job == NULL)
        return local_pinpoint_missing(c, "Job not found");
    return local_answer_json(c->resp, 200, json_deep_copy(job), err);
}
