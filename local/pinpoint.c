#include "local/pinpoint.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define PAGE_DEFAULT 1000
#define PARTS_MAX 8

int local_pinpoint_open(struct local *local, struct pl_err *err)
{
    struct local_pinpoint *p = calloc(1, sizeof(*p));

    local->pinpoint = p;
    if (p == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    return local_pinpoint_load(local, err);
}

static void app_free(struct local_app *app)
{
    local_endpoints_release(&app->endpoints);
    for (size_t i = 0; i < app->member_count; i++)
        free(app->members[i].ids);
    free(app->members);
    json_decref(app->jobs);
    json_decref(app->segments);
    free(app->id);
    free(app->name);
    free(app);
}

void local_pinpoint_close(struct local *local)
{
    struct local_pinpoint *p = local->pinpoint;
    struct pl_err err = {0};

    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    (void)pthread_cond_broadcast(&p->changed);
    while (p->threads > 0)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    for (size_t i = 0; i < p->app_count; i++)
        if (p->apps[i]->is_changed && !local->is_temporary &&
            local_pinpoint_save(local, p->apps[i], &err) != 0)
            pl_warn("pinpoint: %s", err.msg);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->app_count; i++)
        app_free(p->apps[i]);
    free(p->apps);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    local->pinpoint = NULL;
}

struct local_app *local_pinpoint_find(struct local_pinpoint *p, const char *id)
{
    for (size_t i = 0; i < p->app_count; i++)
        if (strcmp(p->apps[i]->id, id) == 0)
            return p->apps[i];
    return NULL;
}

json_t *local_by_id(const json_t *array, const char *id)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *item = json_array_get(array, i);
        const char *have = json_string_value(json_object_get(item, "Id"));

        if (have != NULL && strcmp(have, id) == 0)
            return item;
    }
    return NULL;
}

struct local_members *local_pinpoint_members(struct local_app *app,
                                             const char *segment, bool is_made)
{
    struct local_members *list;

    for (size_t i = 0; i < app->member_count; i++)
        if (strcmp(app->members[i].segment, segment) == 0)
            return &app->members[i];
    list = is_made
               ? realloc(app->members, (app->member_count + 1) * sizeof(*list))
               : NULL;
    if (list == NULL)
        return NULL;
    app->members = list;
    list = &list[app->member_count++];
    *list = (struct local_members){.count = 0};
    (void)snprintf(list->segment, sizeof(list->segment), "%.39s", segment);
    return list;
}

/* An id becomes a folder's name. */
static bool is_app_id(const char *id)
{
    const size_t len = strlen(id);

    return len > 0 && len <= 128 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789-_") == len;
}

static int add_app(struct local_pinpoint *p, const char *id, const char *name,
                   struct pl_err *err)
{
    struct local_app **list =
        realloc(p->apps, (p->app_count + 1) * sizeof(struct local_app *));
    struct local_app *app = calloc(1, sizeof(*app));

    if (list != NULL)
        p->apps = list;
    if (list == NULL || app == NULL) {
        free(app);
        return pl_fail_memory(err);
    }
    app->id = strdup(id);
    app->name = strdup(name);
    app->created_ms = pl_now_ms(&pl_clock_real);
    app->jobs = json_array();
    app->segments = json_array();
    app->is_changed = true;
    if (app->id == NULL || app->name == NULL) {
        app_free(app);
        return pl_fail_memory(err);
    }
    list[p->app_count++] = app;
    return 0;
}

int local_pinpoint_app(struct local *local, const char *id, const char *name,
                       struct pl_err *err)
{
    struct local_pinpoint *p = local->pinpoint;
    int rc = 0;

    if (!is_app_id(id))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' is no application id", id);
    (void)pthread_mutex_lock(&p->lock);
    if (local_pinpoint_find(p, id) == NULL)
        rc = add_app(p, id, name, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

/* A request: /v1/apps/{0}/{1}/{2}/..., decoded. */
struct call {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    char *parts[PARTS_MAX];
    size_t count;
    json_t *in;
    struct local_app *app; /* while the lock is held */
};

static int not_found(const struct call *c, const char *what)
{
    return local_refuse(c->req, c->resp, 404, "NotFoundException", "%s", what);
}

static int bad(const struct call *c, const char *why)
{
    return local_refuse(c->req, c->resp, 400, "BadRequestException", "%s", why);
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

static int create_app(struct call *c, struct pl_err *err)
{
    const char *name = json_string_value(json_object_get(c->in, "Name"));
    char id[40];
    json_t *shown;

    if (name == NULL || name[0] == '\0')
        return bad(c, "Name is needed");
    if (local_uuid(id, err) != 0 ||
        add_app(c->local->pinpoint, id, name, err) != 0)
        return -1;
    shown = show_app(c->local, local_pinpoint_find(c->local->pinpoint, id));
    return local_answer_json(c->resp, 201, shown, err);
}

static int get_apps(struct call *c, struct pl_err *err)
{
    json_t *items = json_array();

    for (size_t i = 0; i < c->local->pinpoint->app_count; i++)
        (void)json_array_append_new(
            items, show_app(c->local, c->local->pinpoint->apps[i]));
    return local_answer_json(c->resp, 200, json_pack("{s:o}", "Item", items),
                             err);
}

static int get_app(struct call *c, struct pl_err *err)
{
    return local_answer_json(c->resp, 200, show_app(c->local, c->app), err);
}

/* A page of an array, the newest first: page-size and token. */
static int answer_page(const struct call *c, const json_t *items,
                       struct pl_err *err)
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
        return bad(c, "page-size or token is invalid");
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

static int get_jobs(struct call *c, struct pl_err *err)
{
    return answer_page(c, c->app->jobs, err);
}

static int get_segments(struct call *c, struct pl_err *err)
{
    return answer_page(c, c->app->segments, err);
}

static int get_job(struct call *c, struct pl_err *err)
{
    const json_t *job = local_by_id(c->app->jobs, c->parts[3]);

    if (job == NULL)
        return not_found(c, "Job not found");
    return local_answer_json(c->resp, 200, json_deep_copy(job), err);
}

static int get_segment_jobs(struct call *c, struct pl_err *err)
{
    json_t *items = json_array();
    size_t i;
    json_t *job;
    int rc;

    json_array_foreach(c->app->jobs, i, job)
    {
        const char *id = json_string_value(
            json_object_get(json_object_get(job, "Definition"), "SegmentId"));

        if (id != NULL && strcmp(id, c->parts[2]) == 0)
            (void)json_array_append(items, job);
    }
    rc = answer_page(c, items, err);
    json_decref(items);
    return rc;
}

static int get_segment(struct call *c, struct pl_err *err)
{
    const json_t *segment = local_by_id(c->app->segments, c->parts[2]);

    if (segment == NULL)
        return not_found(c, "Segment not found");
    return local_answer_json(c->resp, 200, json_deep_copy(segment), err);
}

static void fill_segment(const struct call *c, json_t *segment)
{
    static const char *const taken[] = {"Name", "Dimensions", "SegmentGroups",
                                        "tags"};
    char now[PL_TIME_LEN];
    const json_int_t version =
        json_integer_value(json_object_get(segment, "Version"));

    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    for (size_t i = 0; i < PL_COUNT(taken); i++) {
        (void)json_object_del(segment, taken[i]);
        if (json_object_get(c->in, taken[i]) != NULL)
            (void)json_object_set_new(
                segment, taken[i],
                json_deep_copy(json_object_get(c->in, taken[i])));
    }
    (void)json_object_set_new(segment, "LastModifiedDate", json_string(now));
    (void)json_object_set_new(segment, "Version", json_integer(version + 1));
    c->app->is_changed = true;
}

static int create_segment(struct call *c, struct pl_err *err)
{
    const char *why = local_segment_fault(c->in);
    char id[40];
    char arn[300];
    char now[PL_TIME_LEN];
    json_t *segment;

    if (why != NULL)
        return bad(c, why);
    if (local_uuid(id, err) != 0)
        return -1;
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:mobiletargeting:%.40s:" LOCAL_ACCOUNT
                   ":apps/%.130s/segments/%.40s",
                   c->local->region, c->app->id, id);
    pl_time_iso(pl_now_ms(&pl_clock_real), now);
    segment = json_pack("{s:s,s:s,s:s,s:s,s:s}", "ApplicationId", c->app->id,
                        "Id", id, "Arn", arn, "CreationDate", now,
                        "SegmentType", "DIMENSIONAL");
    fill_segment(c, segment);
    if (json_array_append_new(c->app->segments, segment) != 0)
        return pl_fail_memory(err);
    return local_answer_json(c->resp, 201, json_deep_copy(segment), err);
}

static int update_segment(struct call *c, struct pl_err *err)
{
    json_t *segment = local_by_id(c->app->segments, c->parts[2]);
    const char *why = local_segment_fault(c->in);

    if (segment == NULL)
        return not_found(c, "Segment not found");
    if (json_object_get(segment, "ImportDefinition") != NULL)
        why = "an imported segment cannot be changed";
    if (why != NULL)
        return bad(c, why);
    fill_segment(c, segment);
    return local_answer_json(c->resp, 200, json_deep_copy(segment), err);
}

static int delete_segment(struct call *c, struct pl_err *err)
{
    for (size_t i = 0; i < json_array_size(c->app->segments); i++) {
        json_t *segment = json_array_get(c->app->segments, i);
        const char *id = json_string_value(json_object_get(segment, "Id"));
        json_t *copy;

        if (strcmp(id, c->parts[2]) != 0)
            continue;
        copy = json_deep_copy(segment);
        (void)json_array_remove(c->app->segments, i);
        c->app->is_changed = true;
        return local_answer_json(c->resp, 200, copy, err);
    }
    return not_found(c, "Segment not found");
}

static int get_endpoint(struct call *c, struct pl_err *err)
{
    const char *id = c->parts[2];
    const uint32_t n = local_endpoints_find(&c->app->endpoints, id, strlen(id));

    if (n == LOCAL_NO_TEXT)
        return not_found(c, "Endpoint not found");
    return local_answer_json(
        c->resp, 200, local_endpoints_json(&c->app->endpoints, c->app->id, n),
        err);
}

static int get_user(struct call *c, struct pl_err *err)
{
    const char *id = c->parts[2];
    const uint32_t n =
        local_endpoints_find_user(&c->app->endpoints, id, strlen(id));
    const struct local_user *u;
    json_t *items;

    if (n == LOCAL_NO_TEXT)
        return not_found(c, "User not found");
    items = json_array();
    u = &c->app->endpoints.users[n];
    for (uint32_t i = 0; i < u->count; i++)
        (void)json_array_append_new(
            items, local_endpoints_json(&c->app->endpoints, c->app->id,
                                        u->endpoints[i]));
    return local_answer_json(c->resp, 200, json_pack("{s:o}", "Item", items),
                             err);
}

struct batch {
    struct local_app *app;
    char why[400];
};

static int batch_record(void *ctx, const struct local_cell *cells, size_t count,
                        uint64_t line, struct pl_err *err)
{
    struct batch *b = ctx;
    uint32_t number;
    char why[160];
    const int rc = local_endpoints_apply(&b->app->endpoints, cells, count,
                                         &number, why, err);

    if (rc == 1)
        (void)snprintf(b->why, sizeof(b->why), "item %llu: %s",
                       (unsigned long long)line, why);
    return rc < 0 ? -1 : 0;
}

static int batch_bad(void *ctx, uint64_t line, const char *why,
                     struct pl_err *err)
{
    struct batch *b = ctx;

    (void)err;
    (void)snprintf(b->why, sizeof(b->why), "item %llu: %.300s",
                   (unsigned long long)line, why);
    return 0;
}

static int update_endpoints(struct call *c, struct pl_err *err)
{
    json_t *items = json_object_get(c->in, "Item");
    struct batch b = {.app = c->app};
    const struct local_import_sink sink = {&b, batch_record, batch_bad};
    size_t i;
    json_t *item;

    if (!json_is_array(items) || json_array_size(items) == 0 ||
        json_array_size(items) > 100)
        return bad(c, "Item must be a list of 1 to 100 endpoints");
    json_array_foreach(items, i, item)
    {
        (void)json_object_del(item, "EndpointStatus");
        if (local_import_object(item, i + 1, &sink, err) != 0)
            return -1;
    }
    c->app->is_changed = true;
    if (b.why[0] != '\0')
        return bad(c, b.why);
    return local_answer_json(c->resp, 202,
                             json_pack("{s:s,s:s}", "Message", "Accepted",
                                       "RequestID", c->req->request_id),
                             err);
}

/* "*" stands for any text. */
static const struct route {
    const char *operation;
    const char *method;
    const char *parts[5];
    int (*handle)(struct call *c, struct pl_err *err);
    bool needs_body;
} routes[] = {
    {"CreateApp", "POST", {NULL}, create_app, true},
    {"GetApps", "GET", {NULL}, get_apps, false},
    {"GetApp", "GET", {"*", NULL}, get_app, false},
    {"CreateImportJob", "POST", {"*", "jobs", "import", NULL}, NULL, false},
    {"GetImportJobs", "GET", {"*", "jobs", "import", NULL}, get_jobs, false},
    {"GetImportJob", "GET", {"*", "jobs", "import", "*", NULL}, get_job, false},
    {"CreateSegment", "POST", {"*", "segments", NULL}, create_segment, true},
    {"GetSegments", "GET", {"*", "segments", NULL}, get_segments, false},
    {"GetSegment", "GET", {"*", "segments", "*", NULL}, get_segment, false},
    {"UpdateSegment",
     "PUT",
     {"*", "segments", "*", NULL},
     update_segment,
     true},
    {"DeleteSegment",
     "DELETE",
     {"*", "segments", "*", NULL},
     delete_segment,
     false},
    {"GetSegmentImportJobs",
     "GET",
     {"*", "segments", "*", "jobs", "import"},
     get_segment_jobs,
     false},
    {"GetEndpoint", "GET", {"*", "endpoints", "*", NULL}, get_endpoint, false},
    {"UpdateEndpointsBatch",
     "PUT",
     {"*", "endpoints", NULL},
     update_endpoints,
     true},
    {"GetUserEndpoints", "GET", {"*", "users", "*", NULL}, get_user, false},
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

static int split(struct call *c, struct pl_err *err)
{
    const char *path = c->req->raw_path + strlen("/v1/apps");

    while (*path == '/' && path[1] != '\0' && c->count < PARTS_MAX) {
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

static int handle_locked(struct call *c, const struct route *r,
                         struct pl_err *err)
{
    struct local_pinpoint *p = c->local->pinpoint;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    c->app = c->count > 0 ? local_pinpoint_find(p, c->parts[0]) : NULL;
    if (c->count > 0 && c->app == NULL)
        rc = not_found(c, "Application not found");
    else
        rc = r->handle(c, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

int local_pinpoint_handle(struct local *local, struct local_request *req,
                          struct local_response *resp, struct pl_err *err)
{
    struct call c = {.local = local, .req = req, .resp = resp};
    const struct route *r = find_route(req);
    int rc;

    if (r == NULL)
        return local_refuse(req, resp, 404, "NotFoundException",
                            "no such operation");
    rc = split(&c, err);
    if (rc == 0 && r->needs_body)
        c.in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    if (rc == 0 && r->needs_body && !json_is_object(c.in))
        rc = bad(&c, "the body must be a JSON object");
    else if (rc == 0)
        rc = r->handle == NULL
                 ? local_pinpoint_create_job(local, req, resp, c.parts[0], err)
                 : handle_locked(&c, r, err);
    json_decref(c.in);
    for (size_t i = 0; i < c.count; i++)
        free(c.parts[i]);
    return rc;
}
