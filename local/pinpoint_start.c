/* CreateImportJob: what is asked for, and the thread that does it. */
#include "local/pinpoint_job.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

static const char *text_of(const json_t *in, const char *name)
{
    return json_string_value(json_object_get(in, name));
}

/* NULL, or why the job is refused. */
static const char *check(const json_t *in)
{
    const char *format = text_of(in, "Format");
    const char *role = text_of(in, "RoleArn");
    const char *url = text_of(in, "S3Url");
    const json_t *registering = json_object_get(in, "RegisterEndpoints");
    const json_t *defining = json_object_get(in, "DefineSegment");

    if (!json_is_object(in))
        return "the body must be a JSON object";
    if (format == NULL ||
        (strcmp(format, "CSV") != 0 && strcmp(format, "JSON") != 0))
        return "Format must be CSV or JSON";
    if (role == NULL || !pl_starts_with(role, "arn:"))
        return "RoleArn must be the ARN of a role";
    if (url == NULL || !pl_starts_with(url, "s3://") || url[5] == '\0' ||
        url[5] == '/')
        return "S3Url must be s3://bucket/prefix";
    if ((registering != NULL && !json_is_boolean(registering)) ||
        (defining != NULL && !json_is_boolean(defining)))
        return "RegisterEndpoints and DefineSegment must be booleans";
    if (!json_is_true(registering) && !json_is_true(defining))
        return "RegisterEndpoints or DefineSegment must be true";
    return NULL;
}

static struct local_job *make_job(struct local *local, const char *app,
                                  const json_t *in, struct pl_err *err)
{
    struct local_job *j = calloc(1, sizeof(*j));
    const char *place = text_of(in, "S3Url") + strlen("s3://");
    const size_t bucket = strcspn(place, "/");
    const char *segment = text_of(in, "SegmentId");

    if (j == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    j->local = local;
    (void)snprintf(j->app, sizeof(j->app), "%s", app);
    (void)snprintf(j->bucket, sizeof(j->bucket), "%.*s",
                   bucket < 63 ? (int)bucket : 63, place);
    j->prefix = strdup(place[bucket] == '/' ? place + bucket + 1 : "");
    j->is_csv = strcmp(text_of(in, "Format"), "CSV") == 0;
    j->is_registering = json_is_true(json_object_get(in, "RegisterEndpoints"));
    j->is_defining = json_is_true(json_object_get(in, "DefineSegment"));
    j->keys = json_array();
    j->failures = json_array();
    if (j->prefix == NULL || local_uuid(j->id, err) != 0 ||
        (j->is_defining && segment == NULL &&
         local_uuid(j->segment, err) != 0)) {
        local_job_free(j);
        return NULL;
    }
    if (j->is_defining && segment != NULL)
        (void)snprintf(j->segment, sizeof(j->segment), "%.39s", segment);
    return j;
}

static json_t *show(const struct local_job *j, const json_t *in)
{
    json_t *def = json_pack(
        "{s:O,s:O,s:O,s:b,s:b}", "Format", json_object_get(in, "Format"),
        "RoleArn", json_object_get(in, "RoleArn"), "S3Url",
        json_object_get(in, "S3Url"), "DefineSegment", j->is_defining,
        "RegisterEndpoints", j->is_registering);
    char now[PL_TIME_LEN];

    if (json_object_get(in, "SegmentName") != NULL)
        (void)json_object_set(def, "SegmentName",
                              json_object_get(in, "SegmentName"));
    if (json_object_get(in, "ExternalId") != NULL)
        (void)json_object_set(def, "ExternalId",
                              json_object_get(in, "ExternalId"));
    if (j->segment[0] != '\0')
        (void)json_object_set_new(def, "SegmentId", json_string(j->segment));
    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    return json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "ApplicationId", j->app,
                     "CreationDate", now, "Definition", def, "Id", j->id,
                     "JobStatus", "CREATED", "Type", "IMPORT");
}

/* Needs the lock. */
static int start(struct local_job *j, struct local_app *app, const json_t *in,
                 json_t **shown, struct pl_err *err)
{
    pthread_t thread;

    *shown = show(j, in);
    if (*shown == NULL || j->local->pinpoint->is_closing) {
        json_decref(*shown);
        return pl_fail(err, PL_HOST_ERROR, "cannot start an import job");
    }
    (void)json_array_append_new(app->jobs, *shown);
    *shown = json_deep_copy(*shown);
    if (pthread_create(&thread, NULL, local_job_work, j) != 0) {
        json_decref(*shown);
        return pl_fail(err, PL_HOST_ERROR, "cannot start a thread");
    }
    (void)pthread_detach(thread);
    j->local->pinpoint->threads++;
    j->local->pinpoint->running++;
    return 0;
}

/* Answers with a refusal, returning true, or leaves resp alone. Needs the
 * lock. */
static bool refuse(const struct local *local, const struct local_app *app,
                   const json_t *in, struct local_request *req,
                   struct local_response *resp)
{
    const char *id = text_of(in, "SegmentId");
    const json_t *segment =
        app != NULL && id != NULL ? local_by_id(app->segments, id) : NULL;

    if (app == NULL)
        return local_refuse(req, resp, 404, "NotFoundException",
                            "Application not found") == 0;
    if (id != NULL && segment == NULL)
        return local_refuse(req, resp, 404, "NotFoundException",
                            "Segment not found") == 0;
    if (segment != NULL && json_object_get(segment, "ImportDefinition") == NULL)
        return local_refuse(req, resp, 400, "BadRequestException",
                            "the segment is not an imported one") == 0;
    if (local->pinpoint->running >= (unsigned)local->import_jobs)
        return local_refuse(req, resp, 429, "TooManyRequestsException",
                            "%lld import jobs are running",
                            (long long)local->import_jobs) == 0;
    return false;
}

int local_pinpoint_create_job(struct local *local, struct local_request *req,
                              struct local_response *resp, const char *app_id,
                              struct pl_err *err)
{
    struct local_pinpoint *p = local->pinpoint;
    json_t *in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    const char *why = check(in);
    struct local_app *app;
    struct local_job *j = NULL;
    json_t *shown = NULL;
    bool is_refused;
    int rc = -1;

    if (why != NULL) {
        json_decref(in);
        return local_refuse(req, resp, 400, "BadRequestException", "%s", why);
    }
    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, app_id);
    is_refused = refuse(local, app, in, req, resp);
    if (!is_refused)
        j = make_job(local, app_id, in, err);
    if (j != NULL) {
        rc = start(j, app, in, &shown, err);
        if (rc != 0)
            local_job_free(j);
    }
    (void)pthread_mutex_unlock(&p->lock);
    json_decref(in);
    if (is_refused)
        return 0;
    return rc != 0 ? -1 : local_answer_json(resp, 201, shown, err);
}
