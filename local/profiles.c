/* Customer Profiles: the door of the service, and what its handlers share. */
#include "local/profiles.h"

#include <stdarg.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define EXPIRY_DAYS 366 /* of a domain made by --domain */

int64_t local_profiles_now_ms(struct local *local)
{
    return pl_now_ms(&pl_clock_real) + local->profiles_ahead_ms;
}

struct local_domain *local_profiles_find(struct local_profiles *p,
                                         const char *name)
{
    for (size_t i = 0; i < p->domain_count; i++)
        if (strcmp(p->domains[i]->name, name) == 0)
            return p->domains[i];
    return NULL;
}

int profiles_bad(const struct profiles_call *c, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return local_refuse(c->req, c->resp, 400, "BadRequestException", "%s",
                        text);
}

int profiles_missing(const struct profiles_call *c, const char *what)
{
    return local_refuse(c->req, c->resp, 404, "ResourceNotFoundException",
                        "%s does not exist", what);
}

int profiles_answer(const struct profiles_call *c, json_t *take,
                    struct pl_err *err)
{
    return local_answer_json(c->resp, 200, take, err);
}

const char *profiles_text(const struct profiles_call *c, const char *name)
{
    return json_string_value(json_object_get(c->in, name));
}

bool profiles_has_length(const json_t *text, size_t min, size_t max)
{
    const char *value = json_string_value(text);
    const size_t len = json_string_length(text);
    size_t n;

    if (value == NULL || strlen(value) != len)
        return false;
    n = pl_utf8_count(value, len);
    return n >= min && n <= max;
}

bool profiles_are_days(const json_t *days)
{
    return json_is_integer(days) && json_integer_value(days) >= 1 &&
           json_integer_value(days) <= LOCAL_EXPIRY_DAYS_MAX;
}

bool profiles_is_name(const char *text, const char *extra)
{
    const size_t len = text != NULL ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                   "0123456789_-",
                   text[i]) == NULL &&
            strchr(extra, text[i]) == NULL)
            return false;
    return len >= 1 && len <= 64;
}

int profiles_id(char id[33], struct pl_err *err)
{
    unsigned char raw[16];

    if (pl_random(raw, sizeof(raw), err) != 0)
        return -1;
    pl_hex(raw, sizeof(raw), id);
    return 0;
}

int profiles_page(const struct profiles_call *c, json_t *list, size_t max,
                  struct pl_err *err)
{
    const char *size_text = local_query(c->req, "max-results");
    const char *token = local_query(c->req, "next-token");
    const size_t count = json_array_size(list);
    uint64_t size = max;
    uint64_t from = 0;
    char next[24];
    json_t *items;
    json_t *out;

    if ((size_text != NULL &&
         (pl_parse_u64(size_text, &size) != 0 || size < 1 || size > max)) ||
        (token != NULL && (pl_parse_u64(token, &from) != 0 || from > count))) {
        json_decref(list);
        return profiles_bad(c, "max-results or next-token is invalid");
    }
    items = json_array();
    out = json_pack("{s:o}", "Items", items);
    for (uint64_t i = from; i < count && i < from + size; i++)
        (void)json_array_append(items, json_array_get(list, (size_t)i));
    if (from + size < count) {
        const unsigned long long at = from + size;

        (void)snprintf(next, sizeof(next), "%llu", at);
        (void)json_object_set_new(out, "NextToken", json_string(next));
    }
    json_decref(list);
    return profiles_answer(c, out, err);
}

int local_profiles_domain(struct local *local, const char *name,
                          struct pl_err *err)
{
    struct local_profiles *p = local->profiles;
    int rc = 0;

    if (!profiles_is_name(name, ""))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' is no domain's name", name);
    (void)pthread_mutex_lock(&p->lock);
    if (local_profiles_find(p, name) == NULL)
        rc = profiles_domain_add(local, name, EXPIRY_DAYS, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

int local_profiles_open(struct local *local, struct pl_err *err)
{
    struct local_profiles *p = calloc(1, sizeof(*p));

    local->profiles = p;
    if (p == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    if (pl_random(p->secret, sizeof(p->secret), err) != 0)
        return -1;
    return profiles_load(local, err);
}

void local_profiles_close(struct local *local)
{
    struct local_profiles *p = local->profiles;
    struct pl_err err = {0};

    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    (void)pthread_cond_broadcast(&p->changed);
    while (p->threads > 0)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    for (size_t i = 0; i < p->domain_count; i++)
        if (p->domains[i]->is_changed && !local->is_temporary &&
            profiles_save(local, p->domains[i], &err) != 0)
            pl_warn("profiles: %s", err.msg);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->domain_count; i++)
        profiles_domain_free(p->domains[i]);
    free(p->domains);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    local->profiles = NULL;
}

json_t *local_profiles_show(struct local *local, const char *domain,
                            const char *what)
{
    struct local_profiles *p = local->profiles;
    const char *id;
    json_t *item;
    json_t *all = NULL;
    struct local_domain *d;

    (void)pthread_mutex_lock(&p->lock);
    d = local_profiles_find(p, domain);
    if (d != NULL) {
        profiles_sweep(d, local_profiles_now_ms(local) / 1000);
        all = json_array();
        json_object_foreach(
            strcmp(what, "profiles") == 0 ? d->profiles : d->jobs, id, item)
        {
            (void)json_array_append_new(
                all, json_deep_copy(json_object_get(item, "shown")));
        }
    }
    (void)pthread_mutex_unlock(&p->lock);
    return all;
}

/* "*" stands for any text. */
static const struct route {
    const char *operation;
    const char *method;
    const char *path;
    profiles_handler *handle;
    bool needs_body;
    bool is_without_domain;
} routes[] = {
    {"ListDomains", "GET", "", profiles_list_domains, false, true},
    {"CreateDomain", "POST", "/*", profiles_create_domain, true, true},
    {"GetDomain", "GET", "/*", profiles_get_domain, false, false},
    {"UpdateDomain", "PUT", "/*", profiles_update_domain, true, false},
    {"DeleteDomain", "DELETE", "/*", profiles_delete_domain, false, false},
    {"CreateUploadJob", "POST", "/*/upload-jobs", profiles_create_upload_job,
     true, false},
    {"ListUploadJobs", "GET", "/*/upload-jobs", profiles_list_upload_jobs,
     false, false},
    {"GetUploadJobPath", "GET", "/*/upload-jobs/*/path",
     profiles_get_upload_job_path, false, false},
    {"StartUploadJob", "PUT", "/*/upload-jobs/*", profiles_start_upload_job,
     false, false},
    {"GetUploadJob", "GET", "/*/upload-jobs/*", profiles_get_upload_job, false,
     false},
    {"StopUploadJob", "PUT", "/*/upload-jobs/*/stop", profiles_stop_upload_job,
     false, false},
    {"SearchProfiles", "POST", "/*/profiles/search", profiles_search, true,
     false},
    {"BatchGetProfile", "POST", "/*/batch-get-profiles", profiles_batch_get,
     true, false},
    {"CreateProfile", "POST", "/*/profiles", profiles_create_profile, true,
     false},
    {"UpdateProfile", "PUT", "/*/profiles", profiles_update_profile, true,
     false},
    {"DeleteProfile", "POST", "/*/profiles/delete", profiles_delete_profile,
     true, false},
    {"AddProfileKey", "POST", "/*/profiles/keys", profiles_add_key, true,
     false},
    {"PutProfileObject", "PUT", "/*/profiles/objects", profiles_put_object,
     true, false},
    {"BatchPutProfileObject", "PUT",
     "/*/profiles/objects/batch-put-profile-object", profiles_batch_put_object,
     true, false},
    {"ListProfileObjects", "POST", "/*/profiles/objects", profiles_list_objects,
     true, false},
    {"PutProfileObjectType", "PUT", "/*/object-types/*", profiles_put_type,
     true, false},
    {"GetProfileObjectType", "GET", "/*/object-types/*", profiles_get_type,
     false, false},
    {"ListProfileObjectTypes", "GET", "/*/object-types", profiles_list_types,
     false, false},
    {"DeleteProfileObjectType", "DELETE", "/*/object-types/*",
     profiles_delete_type, false, false},
    {"CreateSegmentDefinition", "POST", "/*/segment-definitions/*",
     profiles_create_segment, true, false},
    {"GetSegmentDefinition", "GET", "/*/segment-definitions/*",
     profiles_get_segment, false, false},
    {"ListSegmentDefinitions", "GET", "/*/segment-definitions",
     profiles_list_segments, false, false},
    {"DeleteSegmentDefinition", "DELETE", "/*/segment-definitions/*",
     profiles_delete_segment, false, false},
    {"CreateSegmentEstimate", "POST", "/*/segment-estimates",
     profiles_create_estimate, true, false},
    {"GetSegmentEstimate", "GET", "/*/segment-estimates/*",
     profiles_get_estimate, false, false},
    {"GetSegmentMembership", "POST", "/*/segments/*/membership",
     profiles_membership, true, false},
    {"CreateSegmentSnapshot", "POST", "/*/segments/*/snapshots",
     profiles_create_snapshot, true, false},
    {"GetSegmentSnapshot", "GET", "/*/segments/*/snapshots/*",
     profiles_get_snapshot, false, false},
};

/* Behind "/domains"; a text where the pattern has "*". */
static bool matches(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        const size_t p = strcspn(++pattern, "/");
        const size_t n = strcspn(++path, "/");

        if (n == 0 || !((p == 1 && *pattern == '*') ||
                        (p == n && strncmp(pattern, path, n) == 0)))
            return false;
        pattern += p;
        path += n;
    }
    return *pattern == '\0' && *path == '\0';
}

static const struct route *find_route(const struct local_request *req)
{
    const char *path = req->raw_path + strlen("/domains");

    if (!pl_starts_with(req->raw_path, "/domains"))
        return NULL;
    for (size_t i = 0; i < PL_COUNT(routes); i++)
        if (strcmp(routes[i].method, req->method) == 0 &&
            matches(routes[i].path, path))
            return &routes[i];
    return NULL;
}

const char *local_profiles_operation(const struct local_request *req)
{
    const struct route *r = find_route(req);

    return r != NULL ? r->operation : "Unknown";
}

static int split(struct profiles_call *c, struct pl_err *err)
{
    const char *path = c->req->raw_path + strlen("/domains");

    while (*path == '/' && c->count < LOCAL_PROFILES_PARTS) {
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

static int handle_locked(struct profiles_call *c, const struct route *r,
                         struct pl_err *err)
{
    struct local_profiles *p = c->local->profiles;
    int rc;

    (void)pthread_mutex_lock(&p->lock);
    c->domain = c->count > 0 ? local_profiles_find(p, c->parts[0]) : NULL;
    c->now_s = local_profiles_now_ms(c->local) / 1000;
    if (c->domain != NULL)
        profiles_sweep(c->domain, c->now_s);
    if (c->domain == NULL && !r->is_without_domain)
        rc = profiles_missing(c, "the domain");
    else
        rc = r->handle(c, err);
    (void)pthread_mutex_unlock(&p->lock);
    return rc;
}

int local_profiles_handle(struct local *local, struct local_request *req,
                          struct local_response *resp, struct pl_err *err)
{
    struct profiles_call c = {.local = local, .req = req, .resp = resp};
    const struct route *r = find_route(req);
    int rc;

    if (r == NULL)
        return local_refuse(req, resp, 404, "ResourceNotFoundException",
                            "no such operation");
    rc = split(&c, err);
    if (rc == 0 && r->needs_body)
        c.in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    if (rc == 0 && r->needs_body && !json_is_object(c.in))
        rc = profiles_bad(&c, "the body must be a JSON object");
    else if (rc == 0)
        rc = handle_locked(&c, r, err);
    json_decref(c.in);
    for (size_t i = 0; i < c.count; i++)
        free(c.parts[i]);
    return rc;
}
