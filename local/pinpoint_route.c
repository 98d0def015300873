/* Which handler answers a request, and the small ones. */
#include "local/pinpoint_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define PAGE_DEFAULT 1000

int local_pinpoint_missing(const struct local_pinpoint_call *c,
                           const char *what)
{
    return local_refuse(c->req, c->resp, 404, "NotFoundException", "%s", what);
}

int local_pinpoint_bad(const struct local_pinpoint_call *c, const char *why)
{
    return local_refuse(c->req, c->resp, 400, "BadRequestException", "%s", why);
}

int local_pinpoint_page(const struct local_pinpoint_call *c,
                        const json_t *items, struct pl_err *err)
{
    const char *size_text = local_query(c->req, "page-size");
    const char *token = local_query(c->req, "token");
    const size_t count = json_array_size(items);
    uint64_t size = PAGE_DEFAULT;
    uint64_t from = 0;
    char next[24];
    json_t *out;

    if ((size_text != NULL && (pl_parse_u64(size_text, &size) != 0 ||
                               size < 1 || size > PAGE_DEFAULT)) ||
        (token != NULL && pl_parse_u64(token, &from) != 0))
        return local_pinpoint_bad(c, "page-size or token is invalid");
    out = json_pack("{s:[]}", "Item");
    for (uint64_t i = from; i < count && i < from + size; i++)
        (void)json_array_append_new(
            json_object_get(out, "Item"),
            json_deep_copy(json_array_get(items, count - 1 - (size_t)i)));
    if (from + size < count) {
        const unsigned long long at = from + size;

        (void)snprintf(next, sizeof(next), "%llu", at);
        (void)json_object_set_new(out, "NextToken", json_string(next));
    }
    return local_answer_json(c->resp, 200, out, err);
}

static json_t *show_app(const struct local *local, const struct local_app *app)
{
    char arn[260];
    char date[PL_TIME_LEN];

    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:mobiletargeting:%.40s:" LOCAL_ACCOUNT
                   ":apps/%.130s",
                   local->region, app->id);
    pl_time_iso(app->created_ms, date);
    return json_pack("{s:s,s:s,s:s,s:s}", "Arn", arn, "Id", app->id, "Name",
                     app->name, "CreationDate", date);
}

static int create_app(struct local_pinpoint_call *c, struct pl_err *err)
{
    const char *name = json_string_value(json_object_get(c->in, "Name"));
    char id[40];
    json_t *shown;

    if (name == NULL || name[0] == '\0')
        return local_pinpoint_bad(c, "Name is needed");
    if (local_uuid(id, err) != 0 ||
        local_pinpoint_add_app(c->local->pinpoint, id, name, err) != 0)
        return -1;
    shown = show_app(c->local, local_pinpoint_find(c->local->pinpoint, id));
    return local_answer_json(c->resp, 201, shown, err);
}

static int get_apps(struct local_pinpoint_call *c, struct pl_err *err)
{
    json_t *items = json_array();

    for (size_t i = 0; i < c->local->pinpoint->app_count; i++)
        (void)json_array_append_new(
            items, show_app(c->local, c->local->pinpoint->apps[i]));
    return local_answer_json(c->resp, 200, json_pack("{s:o}", "Item", items),
                             err);
}

static int get_app(struct local_pinpoint_call *c, struct pl_err *err)
{
    return local_answer_json(c->resp, 200, show_app(c->local, c->app), err);
}

static int get_jobs(struct local_pinpoint_call *c, struct pl_err *err)
{
    return local_pinpoint_page(c, c->app->jobs, err);
}

static int get_job(struct local_pinpoint_call *c, struct pl_err *err)
{
    const json_t *job = local_by_id(c->app->jobs, c->parts[3]);

    if (job == NULL)
        return local_pinpoint_missing(c, "Job not found");
    return local_answer_json(c->resp, 200, json_deep_copy(job), err);
}

/* "*" stands for any text. */
static const struct route {
    const char *operation;
    const char *method;
    const char *parts[5];
    int (*handle)(struct local_pinpoint_call *c, struct pl_err *err);
    bool needs_body;
} routes[] = {
    {"CreateApp", "POST", {NULL}, create_app, true},
    {"GetApps", "GET", {NULL}, get_apps, false},
    {"GetApp", "GET", {"*", NULL}, get_app, false},
    {"CreateImportJob", "POST", {"*", "jobs", "import", NULL}, NULL, false},
    {"GetImportJobs", "GET", {"*", "jobs", "import", NULL}, get_jobs, false},
    {"GetImportJob", "GET", {"*", "jobs", "import", "*", NULL}, get_job, false},
    {"CreateSegment",
     "POST",
     {"*", "segments", NULL},
     local_pinpoint_create_segment,
     true},
    {"GetSegments",
     "GET",
     {"*", "segments", NULL},
     local_pinpoint_get_segments,
     false},
    {"GetSegment",
     "GET",
     {"*", "segments", "*", NULL},
     local_pinpoint_get_segment,
     false},
    {"UpdateSegment",
     "PUT",
     {"*", "segments", "*", NULL},
     local_pinpoint_update_segment,
     true},
    {"DeleteSegment",
     "DELETE",
     {"*", "segments", "*", NULL},
     local_pinpoint_delete_segment,
     false},
    {"GetSegmentImportJobs",
     "GET",
     {"*", "segments", "*", "jobs", "import"},
     local_pinpoint_get_segment_jobs,
     false},
    {"GetSegmentVersions",
     "GET",
     {"*", "segments", "*", "versions", NULL},
     local_pinpoint_get_segment_versions,
     false},
    {"GetSegmentVersion",
     "GET",
     {"*", "segments", "*", "versions", "*"},
     local_pinpoint_get_segment_version,
     false},
    {"CreateExportJob",
     "POST",
     {"*", "jobs", "export", NULL},
     local_pinpoint_create_export,
     true},
    {"GetExportJobs",
     "GET",
     {"*", "jobs", "export", NULL},
     local_pinpoint_get_exports,
     false},
    {"GetExportJob",
     "GET",
     {"*", "jobs", "export", "*", NULL},
     local_pinpoint_get_export,
     false},
    {"DeleteEndpoint",
     "DELETE",
     {"*", "endpoints", "*", NULL},
     local_pinpoint_delete_endpoint,
     false},
    {"GetEndpoint",
     "GET",
     {"*", "endpoints", "*", NULL},
     local_pinpoint_get_endpoint,
     false},
    {"UpdateEndpointsBatch",
     "PUT",
     {"*", "endpoints", NULL},
     local_pinpoint_update_endpoints,
     true},
    {"GetUserEndpoints",
     "GET",
     {"*", "users", "*", NULL},
     local_pinpoint_get_user,
     false},
};

/* The path's pieces behind /v1/apps, as they were sent. */
static bool fits(const struct route *r, const char *method, const char *path)
{
    size_t i = 0;

    if (strcmp(r->method, method) != 0 || !pl_starts_with(path, "/v1/apps"))
        return false;
    path += strlen("/v1/apps");
    while (*path == '/' && path[1] != '\0' && i < PL_COUNT(r->parts)) {
        const size_t len = strcspn(++path, "/");

        if (r->parts[i] == NULL || (strcmp(r->parts[i], "*") != 0 &&
                                    (strlen(r->parts[i]) != len ||
                                     strncmp(r->parts[i], path, len) != 0)))
            return false;
        i++;
        path += len;
    }
    return (*path == '\0' || strcmp(path, "/") == 0) &&
           (i == PL_COUNT(r->parts) || r->parts[i] == NULL);
}

static const struct route *find_route(const struct local_request *req)
{
    for (size_t i = 0; i < PL_COUNT(routes); i++)
        if (fits(&routes[i], req->method, req->raw_path))
            return &routes[i];
    return NULL;
}

const char *local_pinpoint_operation(const struct local_request *req)
{
    const struct route *r = find_route(req);

    return r != NULL ? r->operation : "Unknown";
}

static int split(struct local_pinpoint_call *c, struct pl_err *err)
{
    const char *path = c->req->raw_path + strlen("/v1/apps");

    while (*path == '/' && path[1] != '\0' &&
           c->count < LOCAL_PINPOINT_PARTS_MAX) {
        const size_t len = strcspn(++path, "/");
        PL_AUTO(pl_buf) text = PL_BUF_INIT;

        if (pl_uri_decode(&text, path, len, false, err) != 0)
            return -1;
        c->parts[c->count] = pl_buf_take(&text);
        if (c->parts[c->count] == NULL)
            return pl_fail_memory(err);
        c->count++;
        path += len;
    }
    return 0;
}

static int handle_locked(struct local_pinpoint_call *c, const struct route *r,
                         struct pl_err *err)
{
    struct local_pinpoint *p = c->local->pinpoint;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    c->app = c->count > 0 ? local_pinpoint_find(p, c->parts[0]) : NULL;
    if (c->count > 0 && c->app == NULL)
        rc = local_pinpoint_missing(c, "Application not found");
    else
        rc = r->handle(c, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

int local_pinpoint_handle(struct local *local, struct local_request *req,
                          struct local_response *resp, struct pl_err *err)
{
    struct local_pinpoint_call c = {.local = local, .req = req, .resp = resp};
    const struct route *r = find_route(req);
    int rc;

    if (r == NULL)
        return local_refuse(req, resp, 404, "NotFoundException",
                            "no such operation");
    rc = split(&c, err);
    if (rc == 0 && r->needs_body)
        c.in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    if (rc == 0 && r->needs_body && !json_is_object(c.in))
        rc = local_pinpoint_bad(&c, "the body must be a JSON object");
    else if (rc == 0)
        rc = r->handle == NULL
                 ? local_pinpoint_create_job(local, req, resp, c.parts[0], err)
                 : handle_locked(&c, r, err);
    json_decref(c.in);
    for (size_t i = 0; i < c.count; i++)
        free(c.parts[i]);
    return rc;
}
