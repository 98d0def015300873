#include "pipeline/aws/pinpoint.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/call.h"
#include "pipeline/base/text.h"

#define PAGE_JOBS "100"

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
                                     .is_idempotent = body == NULL};
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

/* NULL when a text is not UTF-8. */
static json_t *import_body(const struct pl_pinpoint_import *import)
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
    body = import_body(import);
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

/* The newest of a page's jobs with this S3Url; newest: the latest CreationDate
 * seen so far, which is ISO 8601 and sorts as text. */
static int look_through(const json_t *items, const char *s3_url, char *newest,
                        size_t cap, bool *found, struct pl_pinpoint_job *job,
                        struct pl_err *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *url = json_string_value(
            json_object_get(json_object_get(item, "Definition"), "S3Url"));
        char created[64];

        pl_json_text(item, "CreationDate", created, sizeof(created));
        if (url == NULL || strcmp(url, s3_url) != 0 ||
            (*found && strcmp(created, newest) <= 0))
            continue;
        pl_pinpoint_job_release(job);
        if (read_job(item, job, err) != 0)
            return -1;
        (void)snprintf(newest, cap, "%s", created);
        *found = true;
    }
    return 0;
}

int pl_pinpoint_find_job(struct pl_aws *aws, const char *region,
                         const char *application_id, const char *s3_url,
                         bool *found, struct pl_pinpoint_job *job,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    char token[2048] = "";
    char asked[2048];
    char newest[64] = "";

    *found = false;
    if (make_path(application_id, "/jobs/import", NULL, &path, err) != 0)
        return -1;
    do {
        PL_AUTO(pl_buf) query = PL_BUF_INIT;
        PL_AUTO(pl_json) answer = {0};

        memcpy(asked, token, sizeof(asked));
        if (pl_buf_adds(&query, "page-size=" PAGE_JOBS, err) != 0 ||
            (token[0] != '\0' &&
             (pl_buf_adds(&query, "&token=", err) != 0 ||
              pl_uri_encode(&query, token, strlen(token), false, err) != 0)) ||
            call_pinpoint(aws, "GetImportJobs", region, path.data, query.data,
                          NULL, &answer, err) != 0 ||
            look_through(json_object_get(answer.value, "Item"), s3_url, newest,
                         sizeof(newest), found, job, err) != 0)
            return -1;
        pl_json_text(answer.value, "NextToken", token, sizeof(token));
        if (token[0] != '\0' && strcmp(token, asked) == 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "GetImportJobs answers with the same page again");
    } while (token[0] != '\0');
    return 0;
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
    memset(segment, 0, sizeof(*segment));
    pl_json_text(answer.value, "Id", segment->id, sizeof(segment->id));
    pl_json_text(answer.value, "Name", segment->name, sizeof(segment->name));
    segment->version = pl_json_int(answer.value, "Version", -1);
    segment->size = pl_json_int(
        json_object_get(answer.value, "ImportDefinition"), "Size", -1);
    return 0;
}
