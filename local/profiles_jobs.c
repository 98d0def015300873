/* Upload jobs as their callers see them: made, listed, their file taken. */
#include "local/profiles.h"

#include "local/body.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define FIELDS_MAX 25 /* sources 9.1 */
#define EXPIRY_DAYS 14
#define URL_LIFE_S 900
#define FILE_MAX INT64_C(1000000000) /* sources 9.4 */
#define KEY_BYTES 32
#define PLACE "/_upload/"
#define SSE "x-amz-server-side-encryption-customer-"

json_t *profiles_job(const struct local_domain *d, const char *id)
{
    return json_object_get(d->jobs, id);
}

static const char *field_fault(const char *name, const json_t *field)
{
    static const char *const types[] = {"STRING", "NUMBER", "PHONE_NUMBER",
                                        "EMAIL_ADDRESS", "NAME"};
    const json_t *type = json_object_get(field, "ContentType");
    const json_t *source = json_object_get(field, "Source");
    const json_t *target = json_object_get(field, "Target");

    if (!profiles_is_name(name, "."))
        return "a field's name is invalid";
    if ((source != NULL && !profiles_has_length(source, 1, 1000)) ||
        (target != NULL && !profiles_has_length(target, 1, 1000)))
        return "Source and Target must have 1 to 1,000 characters";
    if (target != NULL &&
        pl_starts_with(json_string_value(target), "_profile") &&
        !profiles_is_target(json_string_value(target)))
        return "a Target is no field of a profile";
    if (type != NULL &&
        (!json_is_string(type) ||
         !pl_is_one_of(json_string_value(type), types, PL_COUNT(types))))
        return "a ContentType is none";
    return NULL;
}

const char *profiles_fields_fault(const json_t *fields, size_t max)
{
    const char *name;
    const json_t *field;

    if (!json_is_object(fields) || json_object_size(fields) == 0)
        return "Fields must map at least one field";
    if (json_object_size(fields) > max)
        return "too many fields";
    json_object_foreach((json_t *)(uintptr_t)fields, name, field)
    {
        const char *why = field_fault(name, field);

        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *job_fault(const struct profiles_call *c)
{
    const json_t *fields = json_object_get(c->in, "Fields");
    const json_t *days = json_object_get(c->in, "DataExpiry");
    const char *why = profiles_fields_fault(fields, FIELDS_MAX);
    const char *name;
    const json_t *field;

    if (!profiles_has_length(json_object_get(c->in, "DisplayName"), 1, 255))
        return "DisplayName must have 1 to 255 characters";
    if (!profiles_has_length(json_object_get(c->in, "UniqueKey"), 1, 1000))
        return "UniqueKey must have 1 to 1,000 characters";
    if (days != NULL && !profiles_are_days(days))
        return "DataExpiry must be 1 to 1,098 days";
    if (why != NULL)
        return why;
    json_object_foreach((json_t *)(uintptr_t)fields, name, field)
    {
        const char *source =
            json_string_value(json_object_get(field, "Source"));
        const char *target =
            json_string_value(json_object_get(field, "Target"));

        if (source == NULL || target == NULL ||
            !pl_starts_with(source, "_source.") || !profiles_is_target(target))
            return "each field needs a Source _source.<column> and a Target "
                   "_profile.<field>";
    }
    return NULL;
}

int profiles_create_upload_job(struct profiles_call *c, struct pl_err *err)
{
    const char *why = job_fault(c);
    const json_t *days = json_object_get(c->in, "DataExpiry");
    PL_AUTO(pl_buf) token = PL_BUF_INIT;
    unsigned char key[KEY_BYTES];
    char id[33];
    json_t *shown;

    if (why != NULL)
        return profiles_bad(c, "%s", why);
    if (profiles_id(id, err) != 0 || pl_random(key, sizeof(key), err) != 0 ||
        pl_base64(&token, key, sizeof(key), err) != 0)
        return -1;
    shown = json_pack(
        "{s:s,s:O,s:s,s:f,s:O,s:O,s:I}", "JobId", id, "DisplayName",
        json_object_get(c->in, "DisplayName"), "Status", "CREATED", "CreatedAt",
        (double)local_profiles_now_ms(c->local) / 1000, "Fields",
        json_object_get(c->in, "Fields"), "UniqueKey",
        json_object_get(c->in, "UniqueKey"), "DataExpiry",
        days != NULL ? json_integer_value(days) : (json_int_t)EXPIRY_DAYS);
    if (json_object_set_new(
            c->domain->jobs, id,
            json_pack("{s:o,s:s}", "shown", shown, "token", token.data)) != 0)
        return pl_fail_memory(err);
    c->domain->is_changed = true;
    return profiles_answer(c, json_pack("{s:s}", "JobId", id), err);
}

int profiles_get_upload_job(struct profiles_call *c, struct pl_err *err)
{
    const json_t *job = profiles_job(c->domain, c->parts[2]);

    if (job == NULL)
        return profiles_missing(c, "the upload job");
    return profiles_answer(c, json_deep_copy(json_object_get(job, "shown")),
                           err);
}

int profiles_list_upload_jobs(struct profiles_call *c, struct pl_err *err)
{
    static const char *const names[] = {
        "JobId",     "DisplayName", "Status",    "StatusReason",
        "CreatedAt", "CompletedAt", "DataExpiry"};
    json_t *list = json_array();
    const char *id;
    const json_t *job;

    json_object_foreach(c->domain->jobs, id, job)
    {
        json_t *one = json_object();

        for (size_t i = 0; i < PL_COUNT(names); i++) {
            json_t *value =
                json_object_get(json_object_get(job, "shown"), names[i]);

            if (value != NULL)
                (void)json_object_set(one, names[i], value);
        }
        (void)json_array_insert_new(list, 0, one); /* the newest first */
    }
    return profiles_page(c, list, 500, err);
}

/* What only we can make: of the place, the time, and the key. */
static void sign(const struct local *local, const char *path, int64_t date_s,
                 int64_t life_s, const char *token, char out[65])
{
    unsigned char raw[PL_SHA256_BYTES];
    char text[700];

    (void)snprintf(text, sizeof(text), "PUT\n%.300s\n%lld\n%lld\n%.300s", path,
                   (long long)date_s, (long long)life_s, token);
    pl_hmac_sha256(local->profiles->secret, sizeof(local->profiles->secret),
                   text, strlen(text), raw);
    pl_hex(raw, sizeof(raw), out);
}

int profiles_get_upload_job_path(struct profiles_call *c, struct pl_err *err)
{
    const json_t *job = profiles_job(c->domain, c->parts[2]);
    const char *token = json_string_value(json_object_get(job, "token"));
    const char *host = local_header(c->req, "host");
    PL_AUTO(pl_buf) url = PL_BUF_INIT;
    int64_t life_s = URL_LIFE_S;
    int64_t until_s;
    struct local_fault fault;
    char path[200];
    char signature[65];

    if (job == NULL)
        return profiles_missing(c, "the upload job");
    if (local_faults_take(&c->local->faults, "profiles", "UploadUrl", &fault))
        life_s = 0; /* over when it is used */
    until_s = c->now_s + (life_s > 0 ? life_s : 60);
    (void)snprintf(path, sizeof(path), PLACE "%s/%s", c->domain->name,
                   c->parts[2]);
    sign(c->local, path, c->now_s, life_s, token, signature);
    if (pl_buf_addf(&url, err,
                    "http://%s%s?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date="
                    "%lld&X-Amz-Expires=%lld&X-Amz-SignedHeaders=host"
                    "&X-Amz-Signature=%s",
                    host != NULL ? host : "", path, (long long)c->now_s,
                    (long long)life_s, signature) != 0)
        return -1;
    return profiles_answer(c,
                           json_pack("{s:s,s:s,s:I}", "Url", url.data,
                                     "ClientToken", token, "ValidUntil",
                                     (json_int_t)until_s),
                           err);
}

int profiles_start_upload_job(struct profiles_call *c, struct pl_err *err)
{
    json_t *job = profiles_job(c->domain, c->parts[2]);
    const char *status = json_string_value(
        json_object_get(json_object_get(job, "shown"), "Status"));

    if (job == NULL)
        return profiles_missing(c, "the upload job");
    if (strcmp(status, "CREATED") != 0)
        return profiles_bad(c, "the upload job is %s", status);
    return profiles_start(c, job, err);
}

int profiles_stop_upload_job(struct profiles_call *c, struct pl_err *err)
{
    const json_t *job = profiles_job(c->domain, c->parts[2]);
    json_t *shown = json_object_get(job, "shown");
    const char *status = json_string_value(json_object_get(shown, "Status"));

    if (job == NULL)
        return profiles_missing(c, "the upload job");
    if (strcmp(status, "CREATED") != 0 && strcmp(status, "IN_PROGRESS") != 0)
        return profiles_bad(c, "the upload job is %s", status);
    (void)json_object_set_new(shown, "Status", json_string("STOPPED"));
    (void)json_object_set_new(
        shown, "CompletedAt",
        json_real((double)local_profiles_now_ms(c->local) / 1000));
    c->domain->is_changed = true;
    (void)pthread_cond_broadcast(&c->local->profiles->changed);
    return profiles_answer(c, json_object(), err);
}

/* A file on its way in: PUT /_upload/<domain>/<job>, as S3 takes it. */
struct put {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    char domain[65];
    char job[65];
};

static int refuse(const struct put *p, int status, const char *code,
                  const char *why)
{
    return local_refuse(p->req, p->resp, status, code, "%s", why);
}

static bool is_signed(const struct put *p, const char *token)
{
    const char *date = local_query(p->req, "X-Amz-Date");
    const char *life = local_query(p->req, "X-Amz-Expires");
    const char *given = local_query(p->req, "X-Amz-Signature");
    uint64_t date_s = 0;
    uint64_t life_s = 0;
    char wanted[65];

    if (date == NULL || life == NULL || given == NULL ||
        pl_parse_u64(date, &date_s) != 0 || pl_parse_u64(life, &life_s) != 0)
        return false;
    sign(p->local, p->req->raw_path, (int64_t)date_s, (int64_t)life_s, token,
         wanted);
    return strlen(given) == 64 && pl_memcmp_const(given, wanted, 64) == 0;
}

static bool is_over(const struct put *p)
{
    uint64_t date_s = 0;
    uint64_t life_s = 0;

    return pl_parse_u64(local_query(p->req, "X-Amz-Date"), &date_s) != 0 ||
           pl_parse_u64(local_query(p->req, "X-Amz-Expires"), &life_s) != 0 ||
           local_profiles_now_ms(p->local) / 1000 >= (int64_t)(date_s + life_s);
}

/* NULL, or what is wrong with the three headers of SSE-C; *is_other when the
 * key is whole but not the job's. */
static const char *key_fault(const struct put *p, const char *token,
                             bool *is_other)
{
    const char *algorithm = local_header(p->req, SSE "algorithm");
    const char *key = local_header(p->req, SSE "key");
    const char *md5 = local_header(p->req, SSE "key-md5");
    PL_AUTO(pl_buf) raw = PL_BUF_INIT;
    PL_AUTO(pl_buf) wanted = PL_BUF_INIT;
    unsigned char hash[PL_MD5_BYTES];
    struct pl_err err = {0};

    *is_other = false;
    if (algorithm == NULL || strcmp(algorithm, "AES256") != 0)
        return "Requests specifying Server Side Encryption with Customer "
               "provided keys must provide a valid encryption algorithm.";
    if (key == NULL || pl_base64_decode(&raw, key, strlen(key), &err) != 0 ||
        raw.len != KEY_BYTES)
        return "Requests specifying Server Side Encryption with Customer "
               "provided keys must provide an appropriate secret key.";
    pl_md5(raw.data, raw.len, hash);
    if (md5 == NULL || pl_base64(&wanted, hash, sizeof(hash), &err) != 0 ||
        strcmp(md5, wanted.data) != 0)
        return "The calculated MD5 hash of the key did not match the hash "
               "that was provided.";
    *is_other = strcmp(key, token) != 0;
    return NULL;
}

static int accept_file(const struct put *p, json_t *job, struct pl_err *err)
{
    struct local_s3_file *file = &p->req->bulk->file;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (pl_buf_addf(&path, err, "%s/profiles/%s.upload", p->local->state,
                    p->job) != 0 ||
        local_s3_data_move(&p->local->s3, file->name, path.data, err) != 0)
        return -1;
    file->name[0] = '\0'; /* ours now */
    (void)json_object_set_new(job, "file", json_string(path.data));
    p->resp->status = 200;
    return local_set_header(p->resp, SSE "algorithm", "AES256", err) == 0 &&
                   local_set_header(p->resp, SSE "key-MD5",
                                    local_header(p->req, SSE "key-md5"),
                                    err) == 0
               ? local_set_header(p->resp, "ETag",
                                  "\"00000000000000000000000000000000\"", err)
               : -1;
}

/* Needs the lock. */
static int take_file(const struct put *p, struct pl_err *err)
{
    struct local_domain *d = local_profiles_find(p->local->profiles, p->domain);
    json_t *job = d != NULL ? profiles_job(d, p->job) : NULL;
    const char *token = json_string_value(json_object_get(job, "token"));
    bool is_other = false;
    const char *why;

    if (job == NULL || !is_signed(p, token))
        return refuse(p, 403, "SignatureDoesNotMatch",
                      "The request signature we calculated does not match the "
                      "signature you provided.");
    if (is_over(p))
        return refuse(p, 403, "AccessDenied", "Request has expired");
    why = key_fault(p, token, &is_other);
    if (why != NULL)
        return refuse(p, 400, "InvalidArgument", why);
    if (is_other)
        return refuse(p, 403, "AccessDenied", "Access Denied");
    if (p->req->bulk == NULL || local_header(p->req, "content-length") == NULL)
        return refuse(p, 411, "MissingContentLength",
                      "You must provide the Content-Length HTTP header.");
    if (p->req->bulk->file.bytes > FILE_MAX)
        return refuse(p, 400, "EntityTooLarge", "more than 1 GB");
    d->is_changed = true;
    return accept_file(p, job, err);
}

bool local_upload_is_place(const struct local_request *req)
{
    return pl_starts_with(req->raw_path, PLACE);
}

int local_upload_handle(struct local *local, struct local_request *req,
                        struct local_response *resp, struct pl_err *err)
{
    struct put p = {.local = local, .req = req, .resp = resp};
    const char *domain = req->raw_path + strlen(PLACE);
    const size_t len = strcspn(domain, "/");
    int rc;

    if (strcmp(req->method, "PUT") != 0)
        return refuse(&p, 405, "MethodNotAllowed", "only PUT");
    (void)snprintf(p.domain, sizeof(p.domain), "%.*s", (int)len, domain);
    (void)snprintf(p.job, sizeof(p.job), "%s",
                   domain[len] == '/' ? domain + len + 1 : "");
    (void)pthread_mutex_lock(&local->profiles->lock);
    rc = take_file(&p, err);
    (void)pthread_mutex_unlock(&local->profiles->lock);
    return rc;
}
