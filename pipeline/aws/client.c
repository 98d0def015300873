#include "pipeline/aws/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/aws/errors.h"
#include "pipeline/aws/sigv4.h"
#include "pipeline/aws/xml.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define SKEW_MS (INT64_C(4) * 60 * 1000) /* less is not worth a correction */
#define DAY_MS 86400000                  /* a longer wait makes no difference */

/* A call on its way: what changes between its attempts. */
struct attempt {
    int number;
    bool has_refreshed;
    bool has_skewed;
    bool has_moved;
    bool has_turned; /* to the host of a 307 */
    int64_t skew_ms; /* that it is signed with */
    char region[64];
    struct pl_credentials keys; /* that it is signed with */
};

static void attempt_release(struct attempt *a)
{
    pl_credentials_release(&a->keys);
}

bool pl_aws_is_loopback(const char *base)
{
    const char *host = strstr(base, "://");
    size_t len;

    if (host == NULL)
        return false;
    host += 3;
    if (pl_starts_with(host, "[::1]"))
        return true;
    len = strcspn(host, ":/");
    return (len == 9 && pl_starts_with(host, "localhost")) ||
           (pl_starts_with(host, "127.") && strspn(host, "0123456789.") == len);
}

void pl_aws_bucket_region(struct pl_aws *aws, const char *bucket,
                          char region[64])
{
    (void)pthread_mutex_lock(&aws->lock);
    (void)snprintf(region, 64, "%s",
                   strcmp(bucket, aws->moved_bucket) == 0 ? aws->moved_region
                                                          : aws->region);
    (void)pthread_mutex_unlock(&aws->lock);
}

static void add_hash(void *ctx, const void *data, size_t len)
{
    pl_hash_add(ctx, data, len);
}

/* In pieces, for it may be as large as a part. */
static int hash_blob(const struct pl_blob *blob,
                     unsigned char raw[PL_SHA256_BYTES], struct pl_err *err)
{
    struct pl_hash hash = {.impl = NULL};

    if (pl_hash_open_sha256(&hash, err) != 0)
        return -1;
    if (pl_blob_each(blob, add_hash, &hash, err) != 0) {
        pl_hash_release(&hash);
        return -1;
    }
    pl_hash_end(&hash, raw);
    return 0;
}

static int payload_hash(const struct pl_aws_call *call,
                        const struct pl_http_request *req,
                        char hash[PL_SHA256_BYTES * 2 + 1], struct pl_err *err)
{
    unsigned char raw[PL_SHA256_BYTES];

    if (call->payload_hash != NULL) {
        (void)snprintf(hash, PL_SHA256_BYTES * 2 + 1, "%s", call->payload_hash);
        return 0;
    }
    if (req->blob == NULL)
        pl_sha256(req->body != NULL ? req->body : "", req->body_len, raw);
    else if (hash_blob(req->blob, raw, err) != 0)
        return -1;
    pl_hex(raw, sizeof(raw), hash);
    return 0;
}

/* Host and port; a scheme's own port is left out, as HTTP clients do. */
static int set_host(struct pl_http_request *req, struct pl_err *err)
{
    const char *base = pl_buf_str(&req->base);
    const char *port = pl_starts_with(base, "https://") ? ":443" : ":80";
    const char *host = strstr(base, "://");
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    host = host != NULL ? host + 3 : "";
    if (!pl_ends_with(host, port))
        return pl_http_headers_set(&req->headers, "host", host, err);
    if (pl_buf_add(&text, host, strlen(host) - strlen(port), err) != 0)
        return -1;
    return pl_http_headers_set(&req->headers, "host", text.data, err);
}

static int sign(struct pl_aws *aws, const struct pl_aws_call *call,
                struct pl_http_request *req, struct attempt *a,
                struct pl_err *err)
{
    const struct pl_credentials *keys = call->keys;
    PL_AUTO(pl_buf) value = PL_BUF_INIT;
    char time[PL_TIME_LEN];
    char hash[PL_SHA256_BYTES * 2 + 1];
    struct pl_sigv4 in = {.method = req->method,
                          .path = pl_buf_str(&req->path),
                          .query = pl_buf_str(&req->query),
                          .headers = &req->headers,
                          .payload_hash = hash,
                          .time = time,
                          .region = a->region,
                          .service = pl_signing_name(call->service),
                          .is_s3 = call->service == PL_AWS_S3};

    if (call->is_unsigned)
        return 0;
    if (keys == NULL) {
        if (pl_credentials_take(aws, &a->keys, err) != 0)
            return -1;
        keys = &a->keys;
    }
    a->skew_ms = aws->skew_ms;
    pl_time_basic(pl_now_ms(&aws->clock) + a->skew_ms, time);
    if (payload_hash(call, req, hash, err) != 0)
        return -1;
    /* of the keys before these */
    pl_http_headers_remove(&req->headers, "x-amz-security-token");
    if (set_host(req, err) != 0 ||
        pl_http_headers_set(&req->headers, "x-amz-date", time, err) != 0 ||
        (in.is_s3 && pl_http_headers_set(&req->headers, "x-amz-content-sha256",
                                         hash, err) != 0) ||
        (keys->session_token[0] != '\0' &&
         pl_http_headers_set(&req->headers, "x-amz-security-token",
                             keys->session_token, err) != 0) ||
        pl_sigv4_authorization(&in, keys, &value, err) != 0)
        return -1;
    return pl_http_headers_set(&req->headers, "authorization", value.data, err);
}

/* What the service wishes: Retry-After has seconds, or a date. */
static struct pl_retry_hint hint_of(const struct pl_aws *aws,
                                    const struct pl_http_response *resp)
{
    const char *ms = pl_http_headers_get(&resp->headers, "x-amz-retry-after");
    const char *s = pl_http_headers_get(&resp->headers, "retry-after");
    struct pl_retry_hint hint = {-1, -1};
    int64_t at_ms = 0;
    uint64_t v = 0;

    if (ms != NULL && pl_parse_u64(ms, &v) == 0)
        hint.amz_ms = v < DAY_MS ? (int64_t)v : DAY_MS;
    if (s != NULL && pl_parse_u64(s, &v) == 0)
        hint.after_ms = v < DAY_MS / 1000 ? (int64_t)v * 1000 : DAY_MS;
    else if (s != NULL && pl_time_parse_http(s, &at_ms) == 0)
        hint.after_ms = at_ms - pl_now_ms(&aws->clock) - aws->skew_ms;
    return hint;
}

/* Temporary keys are over: others may be had. */
static bool cure_keys(struct pl_aws *aws, const struct pl_aws_call *call,
                      const struct pl_service_error *e, struct attempt *a)
{
    if (a->has_refreshed || call->is_unsigned || call->keys != NULL ||
        !pl_error_is_expired(e->code))
        return false;
    a->has_refreshed = true;
    return pl_credentials_expire(aws, &a->keys);
}

static bool is_near(int64_t one_ms, int64_t other_ms)
{
    return one_ms - other_ms <= SKEW_MS && one_ms - other_ms >= -SKEW_MS;
}

/* The service refused the time: its own is in the answer. */
static bool cure_clock(struct pl_aws *aws, const struct pl_http_response *resp,
                       const struct pl_service_error *e, struct attempt *a)
{
    const char *date = pl_http_headers_get(&resp->headers, "date");
    static const char *const codes[] = {"RequestTimeTooSkewed",
                                        "RequestExpired", "RequestInTheFuture"};
    /* the answer to a HEAD says no more than 403 */
    const bool is_time = pl_is_one_of(e->code, codes, PL_COUNT(codes)) ||
                         strstr(e->message, "Signature expired") != NULL ||
                         strstr(e->message, "not yet current") != NULL ||
                         (resp->status == 403 && e->code[0] == '\0');
    int64_t theirs = 0;
    int64_t skew_ms;

    if (a->has_skewed || !is_time || date == NULL ||
        pl_time_parse_http(date, &theirs) != 0)
        return false;
    skew_ms = theirs - pl_now_ms(&aws->clock);
    if (is_near(skew_ms, a->skew_ms))
        return false;
    a->has_skewed = true;
    if (is_near(skew_ms, aws->skew_ms))
        return true;        /* another thread was quicker */
    aws->skew_ms = skew_ms; /* for the calls to come as well */
    pl_warn("this machine's clock is off by %" PRId64 " s; corrected",
            skew_ms / 1000);
    return true;
}

/* S3's own host names the region, so it changes with it; a configured one
 * stays. The bucket before it may have a region in its name too. */
static int move_host(const struct pl_aws *aws, struct pl_http_request *req,
                     const char *from, const char *to, struct pl_err *err)
{
    PL_AUTO(pl_buf) old = PL_BUF_INIT;
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    const char *at;

    if (pl_endpoint_host(aws, PL_AWS_S3, from, &old, err) != 0)
        return -1;
    at = strstr(pl_buf_str(&req->base), old.data);
    if (at == NULL || at[old.len] != '\0')
        return 0;
    if (pl_buf_add(&base, req->base.data, (size_t)(at - req->base.data), err) !=
            0 ||
        pl_endpoint_host(aws, PL_AWS_S3, to, &base, err) != 0)
        return -1;
    pl_buf_reset(&req->base);
    return pl_buf_adds(&req->base, base.data, err);
}

/* The bucket is in another region: S3 says which. */
static bool cure_region(struct pl_aws *aws, const struct pl_aws_call *call,
                        struct pl_http_request *req,
                        const struct pl_http_response *resp,
                        const struct pl_service_error *e, struct attempt *a)
{
    const char *region =
        pl_http_headers_get(&resp->headers, "x-amz-bucket-region");
    struct pl_err ignored = {0};

    if (region == NULL)
        region = e->region;
    if (a->has_moved || call->service != PL_AWS_S3 ||
        (resp->status != 301 && resp->status != 400) || !pl_is_region(region) ||
        strcmp(region, a->region) == 0 ||
        move_host(aws, req, a->region, region, &ignored) != 0)
        return false;
    a->has_moved = true;
    (void)snprintf(a->region, sizeof(a->region), "%s", region);
    if (call->bucket != NULL && strlen(call->bucket) < 64) {
        pl_info("bucket '%s' is in region %s", call->bucket, region);
        (void)pthread_mutex_lock(&aws->lock);
        (void)snprintf(aws->moved_bucket, sizeof(aws->moved_bucket), "%s",
                       call->bucket);
        (void)snprintf(aws->moved_region, sizeof(aws->moved_region), "%s",
                       region);
        (void)pthread_mutex_unlock(&aws->lock);
    }
    return true;
}

/* A new bucket, whose name DNS does not have everywhere yet: this call goes to
 * the host that S3 names, if it is one of S3's, and is signed for it; those to
 * come do not (sources 4.11). */
static bool cure_host(const struct pl_aws *aws, const struct pl_aws_call *call,
                      struct pl_http_request *req,
                      const struct pl_http_response *resp, struct attempt *a)
{
    const char *location = pl_http_headers_get(&resp->headers, "location");
    PL_AUTO(pl_buf) own = PL_BUF_INIT;
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    PL_AUTO(pl_buf) suffix = PL_BUF_INIT;
    struct pl_err ignored = {0};
    size_t len;

    if (a->has_turned || call->service != PL_AWS_S3 || resp->status != 307 ||
        location == NULL || !pl_starts_with(location, "https://"))
        return false;
    len = strlen("https://") + strcspn(location + strlen("https://"), "/?#");
    if (pl_buf_add(&base, location, len, &ignored) != 0 ||
        pl_endpoint_host(aws, PL_AWS_S3, a->region, &own, &ignored) != 0 ||
        pl_buf_addf(&suffix, &ignored, ".%s",
                    pl_partition_of(a->region)->suffix) != 0 ||
        !pl_ends_with(pl_buf_str(&req->base), own.data) ||
        !pl_ends_with(base.data, suffix.data) ||
        strpbrk(base.data + strlen("https://"), "@:") != NULL)
        return false;
    a->has_turned = true;
    pl_debug("%s: S3 asks for '%s'", call->operation, base.data);
    pl_buf_reset(&req->base);
    return pl_buf_adds(&req->base, base.data, &ignored) == 0;
}

/* Whether an attempt that failed so may be made again. A call that is not
 * idempotent is repeated only if the service certainly refused it. */
static bool may_repeat(const struct pl_aws_call *call, const struct pl_err *e,
                       const struct pl_http_response *resp,
                       enum pl_retry_kind kind)
{
    if (resp->sink_bytes > 0 || kind == PL_RETRY_NONE || call->is_single)
        return false;
    return call->is_idempotent || kind == PL_RETRY_THROTTLE ||
           e->http_status == 503;
}

/* S3 may put an error, or no more than half an answer, behind a 200
 * (sources 4.5). */
static bool is_good(const struct pl_aws_call *call,
                    const struct pl_http_response *resp)
{
    char root[256];
    bool is_whole;

    if (resp->status / 100 != 2)
        return resp->status == 304;
    if (call->protocol != PL_AWS_S3XML || resp->sink_bytes > 0)
        return true;
    is_whole = pl_xml_root(pl_buf_str(&resp->body), resp->body.len, root);
    if (call->root == NULL)
        return strcmp(root, "Error") != 0;
    return is_whole && strcmp(root, call->root) == 0;
}

/* S3 has a second id, which its people ask for. */
static void log_answer(const struct pl_aws_call *call,
                       const struct pl_http_response *resp,
                       const struct attempt *a)
{
    const char *id = pl_http_headers_get(&resp->headers, "x-amzn-requestid");
    const char *id2 = pl_http_headers_get(&resp->headers, "x-amz-id-2");

    if (id == NULL)
        id = pl_http_headers_get(&resp->headers, "x-amz-request-id");
    pl_debug("%s attempt %d: HTTP %d (request %s%s%s)", call->operation,
             a->number, resp->status, id != NULL ? id : "?",
             id2 != NULL ? ", " : "", id2 != NULL ? id2 : "");
}

/* Sends once. 0: a good answer. -1: *err is filled, *kind tells of what kind
 * it was, *is_cured that another attempt is due at once. */
static int send_once(struct pl_aws *aws, const struct pl_aws_call *call,
                     struct pl_http_request *req, struct pl_http_response *resp,
                     struct attempt *a, enum pl_retry_kind *kind,
                     bool *is_cured, struct pl_err *err)
{
    struct pl_service_error e = {{0}, {0}, {0}, {0}};

    *kind = PL_RETRY_NONE;
    *is_cured = false;
    pl_http_response_release(resp);
    if (sign(aws, call, req, a, err) != 0)
        return -1;
    if (aws->http.send(aws->http.ctx, req, resp, err) != 0) {
        pl_debug("%s attempt %d: %s", call->operation, a->number, err->msg);
        if (err->code == PL_SERVICE_UNAVAILABLE)
            *kind =
                err->sys == ETIMEDOUT ? PL_RETRY_TIMEOUT : PL_RETRY_TRANSIENT;
        return -1;
    }
    log_answer(call, resp, a);
    if (is_good(call, resp))
        return 0;
    pl_error_read(call->protocol, resp, &e);
    *kind = pl_retry_classify(
        resp->status == 200 && e.code[0] == '\0' ? 500 : resp->status, e.code);
    *is_cured = cure_keys(aws, call, &e, a) || cure_clock(aws, resp, &e, a) ||
                cure_region(aws, call, req, resp, &e, a) ||
                cure_host(aws, call, req, resp, a);
    return pl_error_fail(err, call->operation, resp->status, &e, *kind);
}

static bool next_try(struct pl_aws *aws, enum pl_retry_kind kind, int attempt,
                     const struct pl_http_response *resp, int64_t *wait_ms)
{
    const struct pl_retry_hint hint = hint_of(aws, resp);
    bool is_next;

    (void)pthread_mutex_lock(&aws->lock);
    is_next = pl_retry_next(&aws->retry, kind, attempt, hint, wait_ms);
    (void)pthread_mutex_unlock(&aws->lock);
    return is_next;
}

int pl_aws_send(struct pl_aws *aws, const struct pl_aws_call *call,
                struct pl_http_request *req, struct pl_http_response *resp,
                struct pl_err *err)
{
    PL_AUTO(attempt) a = {.number = 1};
    enum pl_retry_kind last = PL_RETRY_NONE; /* of the attempt before */
    const int64_t begun = pl_mono_ms(&aws->clock);

    req->is_once = !call->is_idempotent;
    (void)snprintf(a.region, sizeof(a.region), "%s",
                   call->region != NULL ? call->region : aws->region);
    for (;;) {
        struct pl_err cause = {0};
        enum pl_retry_kind kind;
        int64_t wait_ms = 0;
        bool is_cured;

        if (send_once(aws, call, req, resp, &a, &kind, &is_cured, &cause) ==
            0) {
            (void)pthread_mutex_lock(&aws->lock);
            pl_retry_success(&aws->retry, last, a.number);
            (void)pthread_mutex_unlock(&aws->lock);
            return 0;
        }
        if (is_cured && resp->sink_bytes == 0)
            continue;
        if (!may_repeat(call, &cause, resp, kind) ||
            !next_try(aws, kind, a.number, resp, &wait_ms) ||
            (aws->retry.deadline_ms > 0 &&
             pl_mono_ms(&aws->clock) - begun + wait_ms >
                 aws->retry.deadline_ms)) {
            *err = cause;
            return -1;
        }
        pl_debug("%s: again in %" PRId64 " ms", call->operation, wait_ms);
        if (pl_sleep_ms(&aws->clock, wait_ms, err) != 0)
            return -1;
        last = kind;
        a.number++;
    }
}
