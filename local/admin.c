/* The admin path: what a test wants to see, and what it wants to go wrong. */
#include "local/athena.h"
#include "local/pinpoint.h"
#include "local/profiles.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define MEMBERS_MAX 1000000

struct call {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    const char *rest; /* behind the word that chose the function */
};

static int answer(const struct call *c, json_t *take, struct pl_err *err)
{
    return local_answer_json(c->resp, 200, take, err);
}

static int not_found(const struct call *c)
{
    return local_refuse(c->req, c->resp, 404, "NotFoundException",
                        "nothing there");
}

static json_t *body(const struct call *c)
{
    return json_loadb(pl_buf_str(&c->req->body), c->req->body.len, 0, NULL);
}

static int messages(const struct call *c, struct pl_err *err)
{
    return answer(c, local_sns_messages(c->local), err);
}

/* What a POST changes: the reason of a refusal is the answer. */
static int change(const struct call *c,
                  int (*apply)(struct local *local, const json_t *what,
                               struct pl_err *err),
                  struct pl_err *err)
{
    struct pl_err why = {0};
    json_t *what = body(c);
    const int rc = apply(c->local, what, &why);

    json_decref(what);
    if (rc != 0)
        return local_refuse(c->req, c->resp, 400, "BadRequestException", "%s",
                            why.msg);
    return answer(c, json_object(), err);
}

/* GET shows them, POST adds a rule for those to come, DELETE drops rules. */
static int queries(const struct call *c, struct pl_err *err)
{
    if (strcmp(c->req->method, "POST") == 0)
        return change(c, local_athena_rule, err);
    if (strcmp(c->req->method, "DELETE") == 0) {
        local_athena_no_rules(c->local);
        return answer(c, json_object(), err);
    }
    return answer(c, local_athena_queries(c->local), err);
}

static int athena(const struct call *c, struct pl_err *err)
{
    return change(c, local_athena_settings, err);
}

static int uploads(const struct call *c, struct pl_err *err)
{
    struct local_s3 *s3 = &c->local->s3;
    json_t *all = json_array();

    (void)pthread_mutex_lock(&s3->lock);
    for (size_t i = 0; i < s3->upload_count; i++)
        (void)json_array_append_new(
            all, json_pack("{s:s,s:s,s:s,s:I}", "bucket",
                           s3->uploads[i]->bucket, "key", s3->uploads[i]->key,
                           "upload_id", s3->uploads[i]->id, "parts",
                           (json_int_t)s3->uploads[i]->count));
    (void)pthread_mutex_unlock(&s3->lock);
    return answer(c, all, err);
}

static int faults(const struct call *c, struct pl_err *err)
{
    struct pl_err why = {0};
    json_t *rule;
    int rc;

    if (strcmp(c->req->method, "DELETE") == 0) {
        local_faults_clear(&c->local->faults);
        return answer(c, json_object(), err);
    }
    if (strcmp(c->req->method, "GET") == 0)
        return answer(c, local_faults_show(&c->local->faults), err);
    rule = body(c);
    rc = local_faults_add(&c->local->faults, rule, &why);
    json_decref(rule);
    if (rc != 0)
        return local_refuse(c->req, c->resp, 400, "BadRequestException", "%s",
                            why.msg);
    return answer(c, json_object(), err);
}

static int workgroups(const struct call *c, struct pl_err *err)
{
    return change(c, local_athena_workgroup, err);
}

static int endpoints(const struct call *c, struct pl_err *err)
{
    struct local_pinpoint *p = c->local->pinpoint;
    const char *limit_text = local_query(c->req, "limit");
    const struct local_app *app;
    json_t *all = json_array();
    uint64_t limit = 1000;

    if (limit_text != NULL && pl_parse_u64(limit_text, &limit) != 0)
        limit = 1000;
    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, c->rest);
    for (size_t i = 0; app != NULL && i < app->endpoints.count && i < limit;
         i++)
        if (!app->endpoints.items[i].is_deleted)
            (void)json_array_append_new(
                all,
                local_endpoints_json(&app->endpoints, app->id, (uint32_t)i));
    (void)pthread_mutex_unlock(&p->lock);
    if (app != NULL)
        return answer(c, all, err);
    json_decref(all);
    return not_found(c);
}

static int imports(const struct call *c, struct pl_err *err)
{
    struct local_pinpoint *p = c->local->pinpoint;
    const struct local_app *app;
    json_t *all = NULL;

    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, c->rest);
    if (app != NULL)
        all = json_deep_copy(app->jobs);
    (void)pthread_mutex_unlock(&p->lock);
    return app != NULL ? answer(c, all, err) : not_found(c);
}

/* <app>/<segment>/members */
static int segments(const struct call *c, struct pl_err *err)
{
    struct local_pinpoint *p = c->local->pinpoint;
    const size_t app_len = strcspn(c->rest, "/");
    const char *id = c->rest + app_len + (c->rest[app_len] == '/');
    const size_t id_len = strcspn(id, "/");
    const struct local_app *app;
    const json_t *segment = NULL;
    json_t *members = NULL;
    char name[132];
    char segment_id[64];

    if (app_len >= sizeof(name) || id_len >= sizeof(segment_id) ||
        strcmp(id + id_len, "/members") != 0)
        return not_found(c);
    (void)snprintf(name, sizeof(name), "%.*s", (int)app_len, c->rest);
    (void)snprintf(segment_id, sizeof(segment_id), "%.*s", (int)id_len, id);
    (void)pthread_mutex_lock(&p->lock);
    app = local_pinpoint_find(p, name);
    if (app != NULL)
        segment = local_by_id(app->segments, segment_id);
    if (segment != NULL)
        members = local_segment_members(app, segment, MEMBERS_MAX, err);
    (void)pthread_mutex_unlock(&p->lock);
    if (segment == NULL)
        return not_found(c);
    return members != NULL ? answer(c, members, err) : -1;
}

static int profiles(const struct call *c, struct pl_err *err)
{
    json_t *all = local_profiles_show(c->local, c->rest, "profiles");

    return all != NULL ? answer(c, all, err) : not_found(c);
}

static int upload_jobs(const struct call *c, struct pl_err *err)
{
    json_t *all = local_profiles_show(c->local, c->rest, "upload-jobs");

    return all != NULL ? answer(c, all, err) : not_found(c);
}

/* {"advance_s": N}: the clock by which profiles and URLs expire. */
static int move_clock(const struct call *c, struct pl_err *err)
{
    json_t *in = body(c);
    const json_int_t s = json_integer_value(json_object_get(in, "advance_s"));

    json_decref(in);
    if (s <= 0 || s > INT32_MAX)
        return local_refuse(c->req, c->resp, 400, "BadRequestException",
                            "advance_s must be a number of seconds");
    c->local->profiles_ahead_ms += s * 1000;
    return answer(c, json_object(), err);
}

static const struct {
    const char *name;
    const char *methods;
    int (*handle)(const struct call *c, struct pl_err *err);
} paths[] = {
    {"messages", "GET", messages},   {"queries", "GET POST DELETE", queries},
    {"uploads", "GET", uploads},     {"faults", "GET POST DELETE", faults},
    {"athena", "POST", athena},      {"workgroups", "POST", workgroups},
    {"endpoints", "GET", endpoints}, {"imports", "GET", imports},
    {"profiles", "GET", profiles},   {"upload-jobs", "GET", upload_jobs},
    {"clock", "POST", move_clock},   {"segments", "GET", segments},
};

int local_admin_handle(struct local *local, struct local_request *req,
                       struct local_response *resp, struct pl_err *err)
{
    struct call c = {local, req, resp, ""};
    const char *word = req->raw_path + strlen("/_lakeseg/");
    const size_t len = strcspn(word, "/");

    c.rest = word + len + (word[len] == '/');
    for (size_t i = 0; i < PL_COUNT(paths); i++)
        if (strlen(paths[i].name) == len &&
            strncmp(paths[i].name, word, len) == 0)
            return strstr(paths[i].methods, req->method) != NULL
                       ? paths[i].handle(&c, err)
                       : local_refuse(req, resp, 405,
                                      "MethodNotAllowedException",
                                      "method not allowed");
    return not_found(&c);
}
