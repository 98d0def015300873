#include "pipeline/aws/s3.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/s3_call.h"
#include "pipeline/base/text.h"

#define CONFLICT_TRIES 5
#define CONFLICT_WAIT_MS INT64_C(500)

/* Lets the bytes pass that were asked for. */
struct asked {
    const struct pl_sink *sink;
    const struct pl_http_response *resp;
    int64_t first; /* of the range; < 0: none */
};

/* Whether "bytes 8-15/100" begins where it was asked to; without a range there
 * must be none. */
static bool is_range(const struct asked *a)
{
    const char *range = pl_http_headers_get(&a->resp->headers, "content-range");
    char begin[64];

    if (a->first < 0)
        return range == NULL;
    (void)snprintf(begin, sizeof(begin), "bytes %" PRId64 "-", a->first);
    return range != NULL && pl_starts_with(range, begin);
}

/* The headers are there before the first byte. */
static int asked_write(void *ctx, const void *data, size_t len,
                       struct pl_err *err)
{
    const struct asked *a = ctx;

    if (!is_range(a))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetObject answered with other bytes than those that "
                       "were asked for");
    return pl_sink_write(a->sink, data, len, err);
}

int pl_s3_get(struct pl_aws *aws, const char *bucket, const char *key,
              int64_t first, int64_t last, const char *if_match,
              const struct pl_sink *sink, struct pl_s3_object *object,
              struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    struct asked asked = {.sink = sink, .resp = &resp, .first = first};
    const struct pl_sink to = {.ctx = &asked, .write = asked_write};
    PL_AUTO(pl_http_request)
    req = {.sink = sink != NULL ? &to : NULL,
           .sink_status = first >= 0 ? 206 : 200};
    char range[64];

    if (pl_s3_begin(aws, "GET", bucket, key, &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-mode", "ENABLED",
                            err) != 0)
        return -1;
    if (first >= 0) {
        if (last >= 0)
            (void)snprintf(range, sizeof(range), "bytes=%" PRId64 "-%" PRId64,
                           first, last);
        else
            (void)snprintf(range, sizeof(range), "bytes=%" PRId64 "-", first);
        if (pl_http_headers_set(&req.headers, "range", range, err) != 0)
            return -1;
    }
    if (if_match != NULL && *if_match != '\0' &&
        pl_http_headers_set(&req.headers, "if-match", if_match, err) != 0)
        return -1;
    if (pl_s3_send(aws, "GetObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    if (resp.status != req.sink_status || !is_range(&asked))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetObject answered with other bytes than those that "
                       "were asked for");
    if (object != NULL)
        pl_s3_read_object(&resp, object);
    return 0;
}

int pl_s3_head(struct pl_aws *aws, const char *bucket, const char *key,
               struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "HEAD", bucket, key, &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-mode", "ENABLED",
                            err) != 0 ||
        pl_s3_send(aws, "HeadObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    pl_s3_read_object(&resp, object);
    if (object->bytes < 0 || object->bytes > PL_S3_PART_MAX * PL_S3_PARTS_MAX)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "HeadObject answered without a length that an object "
                       "may have");
    return 0;
}

int pl_s3_head_part(struct pl_aws *aws, const char *bucket, const char *key,
                    const char *if_match, int number, int64_t *bytes,
                    struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    const char *length;
    char text[16];
    uint64_t v = 0;

    (void)snprintf(text, sizeof(text), "%d", number);
    if (pl_s3_begin(aws, "HEAD", bucket, key, &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "if-match", if_match, err) != 0 ||
        pl_s3_query(&req, "partNumber", text, err) != 0 ||
        pl_s3_send(aws, "HeadObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    length = pl_http_headers_get(&resp.headers, "content-length");
    if (length == NULL || pl_parse_u64(length, &v) != 0 ||
        v > (uint64_t)PL_S3_PART_MAX)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "HeadObject answered without the length of part %d",
                       number);
    *bytes = (int64_t)v;
    return 0;
}

int pl_s3_delete(struct pl_aws *aws, const char *bucket, const char *key,
                 struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    return pl_s3_begin(aws, "DELETE", bucket, key, &req, err) != 0
               ? -1
               : pl_s3_send(aws, "DeleteObject", bucket, NULL, &req, &resp,
                            err);
}

static int put_once(struct pl_aws *aws, const char *bucket, const char *key,
                    const struct pl_blob *blob,
                    const struct pl_s3_put_options *options,
                    struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char text[16];
    uint64_t crc;

    if (pl_s3_begin(aws, "PUT", bucket, key, &req, err) != 0 ||
        pl_s3_put_headers(&req, options, err) != 0 ||
        (options != NULL && options->only_if_absent &&
         pl_http_headers_set(&req.headers, "if-none-match", "*", err) != 0) ||
        (options != NULL && options->if_match != NULL &&
         pl_http_headers_set(&req.headers, "if-match", options->if_match,
                             err) != 0) ||
        pl_s3_set_body(&req, blob, &crc, text, err) != 0)
        return -1;
    pl_s3_copy(object->crc64nvme, sizeof(object->crc64nvme), text);
    if (pl_s3_send(aws, "PutObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    pl_s3_read_object(&resp, object);
    object->bytes = (int64_t)blob->len;
    pl_s3_copy(object->crc64nvme, sizeof(object->crc64nvme), text);
    return 0;
}

int pl_s3_put(struct pl_aws *aws, const char *bucket, const char *key,
              const struct pl_blob *blob,
              const struct pl_s3_put_options *options,
              struct pl_s3_object *object, struct pl_err *err)
{
    for (int tries = 1;; tries++) {
        struct pl_s3_object there = {.bytes = -1};
        struct pl_err cause = {0};
        struct pl_err ignored = {0};

        if (put_once(aws, bucket, key, blob, options, object, &cause) == 0)
            return 0;
        if (strcmp(cause.service, "PreconditionFailed") == 0 &&
            pl_s3_head(aws, bucket, key, &there, &ignored) == 0 &&
            there.bytes == (int64_t)blob->len &&
            strcmp(there.crc64nvme, object->crc64nvme) == 0) {
            *object = there;
            return 0;
        }
        if (strcmp(cause.service, "ConditionalRequestConflict") != 0 ||
            tries == CONFLICT_TRIES) {
            *err = cause;
            return -1;
        }
        if (pl_sleep_ms(&aws->clock, CONFLICT_WAIT_MS * tries, err) != 0)
            return -1;
    }
}
