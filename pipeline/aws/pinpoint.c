#include "pipeline/aws/pinpoint.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/call.h"
#include "pipeline/base/text.h"

#define PAGE "100"
#define PAGES_MAX 10000

void pl_pinpoint_job_release(struct pl_pinpoint_job *job)
{
    for (size_t i = 0; i < job->failure_count; i++)
        free(job->failure[i]);
    job->failure_count = 0;
}

/* "/v1/apps/<app><below>[/<last>]", the parts percent-encoded. */
static int make_path(const char *app, const char *below, const char *last,
                     struct pl_buf *path, struct pl_err *err)
{
    if (pl_buf_adds(path, "/v1/apps/", err) != 0 ||
        pl_uri_encode(path, app, strlen(app), false, err) != 0 ||
        pl_buf_adds(path, below, err) != 0)
        return -1;
    if (last == NULL)
        return 0;
    if (pl_buf_addc(path, '/', err) != 0)
        return -1;
    return pl_uri_encode(path, last, strlen(last), false, err);
}

static int call_pinpoint(struct pl_aws *aws, const char *operation,
                         const char *region, const char *path,
                         const char *query, json_t *body,
                         struct pl_json *answer, struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_PINPOINT,
                                     .protocol = PL_AWS_REST_JSON,
                                     .operation = operation,
                                     .region = region,
                                     .is_idempotent = body == NULL,
                                     .is_single = body != NULL};
    PL_AUTO(pl_http_request) req = {.method = "GET"};

    if (pl_call_begin(aws, PL_AWS_PINPOINT, region,
                      body != NULL ? "POST" : "GET", path, &req, err) != 0 ||
        (query != NULL && pl_buf_adds(&req.query, query, err) != 0)) {
        json_decref(body);
        return -1;
    }
    return pl_call_json(aws, &call, &req, body, "application/json", answer,
                        err);
}

static int add_failures(const json_t *list, struct pl_pinpoint_job *job,
                        struct pl_err *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);

        if (text == NULL || job->failure_count == PL_PINPOINT_FAILURES_MAX)
            continue;
        job->failure[job->failure_count] = strdup(text);
        if (job->failure[job->failure_count] == NULL)
            return pl_fail_memory(err);
        job->failure_count++;
    }
    return 0;
}

static int read_job(const json_t *body, struct pl_pinpoint_job *job,
                    struct pl_err *err)
{
    memset(job, 0, sizeof(*job));
    pl_json_text(body, "Id", job->id, sizeof(job->id));
    pl_json_text(body, "JobStatus", job->status, sizeof(job->status));
    if (job->id[0] == '\0' || job->status[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "an import job without id or status");
    job->is_failed = strcmp(job->status, "FAILED") == 0;
    job->is_final = job->is_failed || strcmp(job->status, "COMPLETED") == 0;
    pl_json_text(json_object_get(body, "Definition"), "SegmentId",
                 job->segment_id, sizeof(job->segment_id));
    job->pieces_done = pl_json_int(body, "CompletedPieces", -1);
    job->pieces_failed = pl_json_int(body, "FailedPieces", -1);
    job->pieces_total = pl_json_int(body, "TotalPieces", -1);
    job->processed = pl_json_int(body, "TotalProcessed", -1);
    job->failures = pl_json_int(body, "TotalFailures", -1);
    return add_failures(json_object_get(body, "Failures"), job, err);
}

json_t *pl_pinpoint_import_body(const struct pl_pinpoint_import *import)
{
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:b, s:b}", "Format", import->format,
                  "RoleArn", import->role_arn, "S3Url", import->s3_url,
                  "DefineSegment", import->define_segment, "RegisterEndpoints",
                  import->register_endpoints);

    if ((import->segment_id != NULL &&
         json_object_set_new(body, "SegmentId",
                             json_string(import->segment_id)) != 0) ||
        (import->segment_name != NULL &&
         json_object_set_new(body, "SegmentName",
                             json_string(import->segment_name)) != 0)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

int pl_pinpoint_create_import(struct pl_aws *aws, const char *region,
                              const struct pl_pinpoint_import *import,
                              struct pl_pinpoint_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_json) answer = {0};
    json_t *body;

    if (make_path(import->application_id, "/jobs/import", NULL, &path, err) !=
        0)
        return -1;
    body = pl_pinpoint_import_body(import);
    if (body == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a text of the import is not UTF-8");
    if (call_pinpoint(aws, "CreateImportJob", region, path.data, NULL, body,
                      &answer, err) != 0)
        return -1;
    return read_job(answer.value, job, err);
}

int pl_pinpoint_get_import(struct pl_aws *aws, const char *region,
                           const char *application_id, const char *job_id,
                           struct pl_pinpoint_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_json) answer = {0};

    if (make_path(application_id, "/jobs/import", job_id, &path, err) != 0 ||
        call_pinpoint(aws, "GetImportJob", region, path.data, NULL, NULL,
                      &answer, err) != 0)
        return -1;
    return read_job(answer.value, job, err);
}

/* One list operation: all of its pages, item by item. */
struct walk {
    struct pl_aws *aws;
    const char *operation;
    const char *region;
    const char *path;
    int (*each)(void *ctx, const json_t *item, struct pl_err *err);
    void *ctx;
};

static int walk_page(const struct walk *w, char *token, size_t cap,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) query = PL_BUF_INIT;
    PL_AUTO(pl_json) answer = {0};
    const json_t *items;
    const json_t *item;
    size_t i;

    if (pl_buf_adds(&query, "page-size=" PAGE, err) != 0 ||
        (token[0] != '\0' &&
         (pl_buf_adds(&query, "&token=", err) != 0 ||
          pl_uri_encode(&query, token, strlen(token), false, err) != 0)) ||
        call_pinpoint(w->aws, w->operation, w->region, w->path, query.data,
                      NULL, &answer, err) != 0)
        return -1;
    items = json_object_get(answer.value, "Item");
    if (!json_is_array(items)) /* an empty page has an empty list */
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "the answer to %s has no list of items", w->operation);
    json_array_foreach(items, i, item)
    {
        if (w->each(w->ctx, item, err) != 0)
            return -1;
    }
    pl_json_text(answer.value, "NextToken", token, cap);
    return 0;
}

static int walk(const struct walk *w, struct pl_err *err)
{
    char token[2048] = "";
    char asked[2048];
    int pages = 0;

    do {
        memcpy(asked, token, sizeof(asked));
        if (pages++ == PAGES_MAX)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "%s does not end after %d pages", w->operation,
                           PAGES_MAX);
        if (walk_page(w, token, sizeof(token), err) != 0)
            return -1;
        if (token[0] != '\0' && strcmp(token, asked) == 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "%s answers with the same page again", w->operation);
    } while (token[0] != '\0');
    return 0;
}

/* The newest job with this S3Url: the latest CreationDate seen so far, which is
 * ISO 8601 and sorts as text. */
struct job_search {
    const char *s3_url;
    char newest[64];
    bool *found;
    struct pl_pinpoint_job *job;
};

static int see_job(void *ctx, const json_t *item, struct pl_err *err)
{
    struct job_search *s = ctx;
    const char *url = json_string_value(
        json_object_get(json_object_get(item, "Definition"), "S3Url"));
    char created[64];

    pl_json_text(item, "CreationDate", created, sizeof(created));
    if (url == NULL || strcmp(url, s->s3_url) != 0 ||
        (*s->found && strcmp(created, s->newest) <= 0))
        return 0;
    pl_pinpoint_job_release(s->job);
    if (read_job(item, s->job, err) != 0)
        return -1;
    memcpy(s->newest, created, sizeof(created));
    *s->found = true;
    return 0;
}

int pl_pinpoint_find_job(struct pl_aws *aws, const char *region,
                         const char *application_id, const char *s3_url,
                         bool *found, struct pl_pinpoint_job *job,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct job_search search = {.s3_url = s3_url, .found = found, .job = job};
    struct walk w = {.aws = aws,
                     .operation = "GetImportJobs",
                     .region = region,
                     .each = see_job,
                     .ctx = &search};

    *found = false;
    if (make_path(application_id, "/jobs/import", NULL, &path, err) != 0)
        return -1;
    w.path = path.data;
    return walk(&w, err);
}

static void read_channels(json_t *counts, struct pl_pinpoint_segment *segment)
{
    const char *name;
    json_t *v;

    segment->channel_sum = json_is_object(counts) ? 0 : -1;
    json_object_foreach(counts, name, v)
    {
        const int64_t n =
            json_is_integer(v) ? (int64_t)json_integer_value(v) : -1;
        const size_t i = segment->channel_count;

        if (n < 0 || n > INT64_MAX - segment->channel_sum)
            continue;
        segment->channel_sum += n;
        if (i == PL_PINPOINT_CHANNELS_MAX || strlen(name) >= 24)
            continue;
        (void)snprintf(segment->channels[i].name,
                       sizeof(segment->channels[i].name), "%s", name);
        segment->channels[i].count = n;
        segment->channel_count++;
    }
}

static void read_segment(const json_t *body,
                         struct pl_pinpoint_segment *segment)
{
    const json_t *import = json_object_get(body, "ImportDefinition");

    memset(segment, 0, sizeof(*segment));
    pl_json_text(body, "Id", segment->id, sizeof(segment->id));
    pl_json_text(body, "Name", segment->name, sizeof(segment->name));
    pl_json_text(body, "SegmentType", segment->type, sizeof(segment->type));
    segment->version = pl_json_int(body, "Version", -1);
    segment->size = pl_json_int(import, "Size", -1);
    read_channels(json_object_get(import, "ChannelCounts"), segment);
}

int pl_pinpoint_get_segment(struct pl_aws *aws, const char *region,
                            const char *application_id, const char *segment_id,
                            struct pl_pinpoint_segment *segment,
                            struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_json) answer = {0};

    if (make_path(application_id, "/segments", segment_id, &path, err) != 0 ||
        call_pinpoint(aws, "GetSegment", region, path.data, NULL, NULL, &answer,
                      err) != 0)
        return -1;
    read_segment(answer.value, segment);
    return 0;
}

struct segment_search {
    const char *name;
    size_t *count;
    struct pl_pinpoint_segment *segment;
};

static int see_segment(void *ctx, const json_t *item, struct pl_err *err)
{
    const struct segment_search *s = ctx;
    const char *name = json_string_value(json_object_get(item, "Name"));

    (void)err;
    if (name == NULL || strcmp(name, s->name) != 0)
        return 0;
    read_segment(item, s->segment);
    ++*s->count;
    return 0;
}

int pl_pinpoint_find_segment(struct pl_aws *aws, const char *region,
                             const char *application_id, const char *name,
                             size_t *count, struct pl_pinpoint_segment *segment,
                             struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct segment_search search = {
        .name = name, .count = count, .segment = segment};
    struct walk w = {.aws = aws,
                     .operation = "GetSegments",
                     .region = region,
                     .each = see_segment,
                     .ctx = &search};

    *count = 0;
    if (make_path(application_id, "/segments", NULL, &path, err) != 0)
        return -1;
    w.path = path.data;
    return walk(&w, err);
}
