#include <string.h>

#include "pipeline/aws/customer.h"
#include "pipeline/aws/customer_call.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define BELOW "/upload-jobs"
#define PAGE_JOBS "500"
#define KEY_BYTES 32 /* of AES-256 */
#define SSE "x-amz-server-side-encryption-customer-"

json_t *pl_customer_fields(const struct pl_customer_field *fields, size_t count)
{
    json_t *all = json_object();

    for (size_t i = 0; all != NULL && i < count; i++) {
        PL_AUTO(pl_buf) source = PL_BUF_INIT;
        struct pl_err ignored = {0};
        json_t *field = NULL;

        if (pl_buf_addf(&source, &ignored, "_source.%s", fields[i].header) == 0)
            field = json_pack("{s:s, s:s, s:s}", "Source", source.data,
                              "Target", fields[i].target, "ContentType",
                              fields[i].content_type != NULL
                                  ? fields[i].content_type
                                  : "STRING");
        if (field == NULL ||
            json_object_set_new(all, fields[i].header, field) != 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

int pl_customer_create_upload(const struct pl_customer *c,
                              const struct pl_customer_upload *upload,
                              char id[65], struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "CreateUploadJob",
                                          .method = "POST",
                                          .below = BELOW,
                                          .is_single = true};
    PL_AUTO(pl_json) answer = {.value = NULL};
    json_t *body = json_pack(
        "{s:s, s:o, s:s, s:I}", "DisplayName", upload->display_name, "Fields",
        pl_customer_fields(upload->fields, upload->field_count), "UniqueKey",
        upload->unique_key, "DataExpiry", (json_int_t)upload->expiry_days);

    if (body == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a text of the upload job is not UTF-8");
    if (pl_customer_send(c, &call, body, &answer, err) != 0)
        return -1;
    pl_json_text(answer.value, "JobId", id, 65);
    if (id[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CreateUploadJob answered without a JobId");
    return 0;
}

static int read_job(const json_t *body, struct pl_customer_job *job,
                    struct pl_err *err)
{
    const json_t *counts = json_object_get(body, "ResultsSummary");

    memset(job, 0, sizeof(*job));
    pl_json_text(body, "JobId", job->id, sizeof(job->id));
    pl_json_text(body, "Status", job->status, sizeof(job->status));
    pl_json_text(body, "StatusReason", job->reason, sizeof(job->reason));
    if (job->id[0] == '\0' || job->status[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "an upload job without id or status");
    job->is_created = strcmp(job->status, "CREATED") == 0;
    job->is_good = strcmp(job->status, "SUCCEEDED") == 0 ||
                   strcmp(job->status, "PARTIALLY_SUCCEEDED") == 0;
    job->is_final = job->is_good || strcmp(job->status, "FAILED") == 0 ||
                    strcmp(job->status, "STOPPED") == 0;
    job->created = pl_json_int(counts, "CreatedRecords", -1);
    job->updated = pl_json_int(counts, "UpdatedRecords", -1);
    job->failed = pl_json_int(counts, "FailedRecords", -1);
    job->created_at = json_number_value(json_object_get(body, "CreatedAt"));
    job->expiry_days = pl_json_int(body, "DataExpiry", -1);
    return 0;
}

/* Whether a is to be taken rather than b. */
static bool is_before(const struct pl_customer_job *a,
                      const struct pl_customer_job *b)
{
    if (a->is_created != b->is_created)
        return b->is_created;
    if (a->created_at < b->created_at || a->created_at > b->created_at)
        return a->created_at < b->created_at;
    return strcmp(a->id, b->id) < 0;
}

static int look_through(const json_t *items, const char *display_name,
                        bool *found, struct pl_customer_job *job,
                        struct pl_err *err)
{
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *name =
            json_string_value(json_object_get(item, "DisplayName"));
        struct pl_customer_job one;

        if (name == NULL || strcmp(name, display_name) != 0)
            continue;
        if (read_job(item, &one, err) != 0)
            return -1;
        if (!*found || is_before(&one, job))
            *job = one;
        *found = true;
    }
    return 0;
}

int pl_customer_find_upload(const struct pl_customer *c,
                            const char *display_name, bool *found,
                            struct pl_customer_job *job, struct pl_err *err)
{
    char token[1025] = "";
    char asked[1025];

    *found = false;
    do {
        PL_AUTO(pl_buf) query = PL_BUF_INIT;
        PL_AUTO(pl_json) answer = {.value = NULL};
        struct pl_customer_call call = {
            .operation = "ListUploadJobs", .method = "GET", .below = BELOW};
        const json_t *items;

        memcpy(asked, token, sizeof(asked));
        if (pl_buf_adds(&query, "max-results=" PAGE_JOBS, err) != 0 ||
            (token[0] != '\0' &&
             (pl_buf_adds(&query, "&next-token=", err) != 0 ||
              pl_uri_encode(&query, token, strlen(token), false, err) != 0)))
            return -1;
        call.query = query.data;
        if (pl_customer_send(c, &call, NULL, &answer, err) != 0)
            return -1;
        items = json_object_get(answer.value, "Items");
        if (items != NULL && !json_is_array(items))
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "ListUploadJobs answered without a list");
        if (look_through(items, display_name, found, job, err) != 0)
            return -1;
        pl_json_text(answer.value, "NextToken", token, sizeof(token));
        if (token[0] != '\0' && strcmp(token, asked) == 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "ListUploadJobs answers with the same page again");
    } while (token[0] != '\0');
    return 0;
}

int pl_customer_get_upload(const struct pl_customer *c, const char *id,
                           struct pl_customer_job *job, struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "GetUploadJob",
                                          .method = "GET",
                                          .below = BELOW,
                                          .name = id};
    PL_AUTO(pl_json) answer = {.value = NULL};

    if (pl_customer_send(c, &call, NULL, &answer, err) != 0)
        return -1;
    return read_job(answer.value, job, err);
}

int pl_customer_start_upload(const struct pl_customer *c, const char *id,
                             struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "StartUploadJob",
                                          .method = "PUT",
                                          .below = BELOW,
                                          .name = id};
    PL_AUTO(pl_json) answer = {.value = NULL};

    return pl_customer_send(c, &call, NULL, &answer, err);
}

static void wipe(struct pl_buf *secret)
{
    if (secret->data != NULL)
        pl_wipe(secret->data, secret->cap);
    pl_buf_release(secret);
}

void pl_customer_place_release(struct pl_customer_place *place)
{
    wipe(&place->url);
    wipe(&place->token);
}

/* Overwrites what the answer held of a secret; its text is our own copy. */
static int take_secret(const json_t *object, const char *key,
                       struct pl_buf *out, struct pl_err *err)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    if (text == NULL)
        return 0;
    if (pl_buf_add(out, text, json_string_length(value), err) != 0)
        return -1;
    pl_wipe((void *)(uintptr_t)text, json_string_length(value));
    return 0;
}

int pl_customer_upload_place(const struct pl_customer *c, const char *id,
                             struct pl_customer_place *place,
                             struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "GetUploadJobPath",
                                          .method = "GET",
                                          .below = BELOW,
                                          .name = id,
                                          .end = "/path",
                                          .is_secret = true};
    PL_AUTO(pl_json) answer = {.value = NULL};

    if (pl_customer_send(c, &call, NULL, &answer, err) != 0 ||
        take_secret(answer.value, "Url", &place->url, err) != 0 ||
        take_secret(answer.value, "ClientToken", &place->token, err) != 0)
        return -1;
    place->valid_until_s =
        (int64_t)json_number_value(json_object_get(answer.value, "ValidUntil"));
    if (place->url.len == 0)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetUploadJobPath answered without a Url");
    return 0;
}

/* The URL in its parts. In clear it goes to this machine only: the key goes
 * with the file. */
static int take_url(const char *url, struct pl_http_request *req,
                    struct pl_err *err)
{
    const char *host = strstr(url, "://");
    size_t base_len;
    const char *path;
    const char *query;

    if ((!pl_starts_with(url, "https://") && !pl_starts_with(url, "http://")) ||
        host == NULL || strpbrk(url, " \t\r\n#") != NULL)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetUploadJobPath answered with a Url that is none");
    host += 3;
    base_len = (size_t)(host - url) + strcspn(host, "/?");
    path = url + base_len;
    query = strchr(path, '?');
    if (pl_buf_add(&req->base, url, base_len, err) != 0 ||
        pl_buf_add(&req->path, path,
                   query != NULL ? (size_t)(query - path) : strlen(path),
                   err) != 0 ||
        (query != NULL && pl_buf_adds(&req->query, query + 1, err) != 0))
        return -1;
    if (pl_starts_with(url, "http://") && !pl_aws_is_loopback(req->base.data))
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "the Url of the upload is not HTTPS, and its key is "
                       "not sent in clear");
    return 0;
}

static int add_key(const struct pl_buf *token, enum pl_customer_key kind,
                   struct pl_http_headers *headers, struct pl_err *err)
{
    PL_AUTO(pl_buf) raw = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char hash[PL_MD5_BYTES];
    struct pl_err cause = {0};
    bool is_key = true;
    int rc;

    if (kind == PL_CUSTOMER_KEY_BASE64)
        is_key = pl_base64_decode(&raw, pl_buf_str(token), token->len,
                                  &cause) == 0 &&
                 raw.len == KEY_BYTES;
    else if (pl_buf_add(&raw, pl_buf_str(token), token->len, err) != 0)
        return -1;
    pl_md5(pl_buf_str(&raw), raw.len, hash);
    if (raw.data != NULL)
        pl_wipe(raw.data, raw.cap);
    if (!is_key || token->len == 0)
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "the ClientToken of the upload is not base64 of 32 "
                       "bytes, as a key of SSE-C must be; import.upload_key: "
                       "text sends it as it is");
    rc =
        pl_base64(&text, hash, sizeof(hash), err) == 0 &&
                pl_http_headers_set(headers, SSE "algorithm", "AES256", err) ==
                    0 &&
                pl_http_headers_set(headers, SSE "key", token->data, err) ==
                    0 &&
                pl_http_headers_set(headers, SSE "key-md5", text.data, err) == 0
            ? 0
            : -1;
    pl_wipe(hash, sizeof(hash));
    return rc;
}

int pl_customer_put_file(const struct pl_customer *c,
                         const struct pl_customer_place *place,
                         enum pl_customer_key key, const struct pl_blob *file,
                         struct pl_err *err)
{
    /* signed by its URL; nothing else of ours goes there */
    const struct pl_aws_call call = {.service = PL_AWS_S3,
                                     .protocol = PL_AWS_S3XML,
                                     .operation = "PutObject",
                                     .is_unsigned = true,
                                     .is_idempotent = true};
    PL_AUTO(pl_http_request)
    req = {.method = "PUT", .blob = file, .body_len = file->len};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    int rc = -1;

    if (take_url(place->url.data, &req, err) == 0 &&
        add_key(&place->token, key, &req.headers, err) == 0)
        rc = pl_aws_send(c->aws, &call, &req, &resp, err);
    if (req.query.data != NULL)
        pl_wipe(req.query.data, req.query.cap);
    return rc;
}
