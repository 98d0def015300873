#include "pipeline/aws/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/errors.h"
#include "pipeline/aws/ini.h"
#include "pipeline/aws/sigv4.h"
#include "pipeline/aws/xml.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define SKEW_MS (INT64_C(4) * 60 * 1000) /* less is not worth a correction */
#define DAY_MS 86400000                  /* a longer wait makes no difference */

static const struct {
    const char *host;    /* endpoint prefix */
    const char *signing; /* signing name */
    const char *env;     /* AWS_ENDPOINT_URL_<this> */
} services[PL_AWS_SERVICES] = {
    [PL_AWS_ATHENA] = {"athena", "athena", "ATHENA"},
    [PL_AWS_S3] = {"s3", "s3", "S3"},
    [PL_AWS_PINPOINT] = {"pinpoint", "mobiletargeting", "PINPOINT"},
    [PL_AWS_SNS] = {"sns", "sns", "SNS"},
    [PL_AWS_STS] = {"sts", "sts", "STS"},
};

int pl_aws_open(struct pl_aws *aws, const char *region, struct pl_err *err)
{
    const char *profile = pl_env("AWS_PROFILE");
    char from_profile[64] = "";

    if (pl_http_curl_open(&aws->curl, err) != 0)
        return -1;
    aws->http = pl_http_curl_door(&aws->curl);
    aws->clock = pl_clock_real;
    pl_retry_init(&aws->retry);
    aws->is_s3_path_style = pl_env("LAKESEG_S3_PATH_STYLE") != NULL;
    (void)snprintf(aws->profile, sizeof(aws->profile), "%s",
                   profile != NULL ? profile : "default");
    if (region == NULL)
        region = pl_env("AWS_REGION");
    if (region == NULL)
        region = pl_env("AWS_DEFAULT_REGION");
    if (region == NULL) {
        if (pl_profile_setting(aws->profile, "region", from_profile,
                               sizeof(from_profile), err) != 0)
            return -1;
        region = from_profile;
    }
    if (*region == '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "no region: set AWS_REGION, or region in profile '%s'",
                       aws->profile);
    (void)snprintf(aws->region, sizeof(aws->region), "%s", region);
    return 0;
}

void pl_aws_release(struct pl_aws *aws)
{
    pl_http_curl_release(&aws->curl);
    pl_credentials_release(&aws->chain.cached);
    aws->chain.is_cached = false;
}

static const char *suffix_of(const char *region)
{
    static const struct {
        const char *prefix;
        const char *suffix;
    } partitions[] = {
        {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
        {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
        {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}};

    for (size_t i = 0; i < PL_COUNT(partitions); i++)
        if (pl_starts_with(region, partitions[i].prefix))
            return partitions[i].suffix;
    return "amazonaws.com";
}

/* The configured URL of a service, or "" when none is. */
static int configured(const struct pl_aws *aws, enum pl_aws_service service,
                      char url[512], struct pl_err *err)
{
    const char *ignore = pl_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *found;
    char profiles[1024];
    char name[64];

    url[0] = '\0';
    if (ignore != NULL && pl_ieq(ignore, "true"))
        return 0;
    (void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s",
                   services[service].env);
    found = pl_env(name);
    if (found == NULL)
        found = pl_env("AWS_ENDPOINT_URL");
    if (found == NULL) {
        if (pl_profile_setting(aws->profile, "endpoint_url", profiles,
                               sizeof(profiles), err) != 0)
            return -1;
        found = profiles;
    }
    if (*found == '\0')
        return 0;
    if ((!pl_starts_with(found, "http://") &&
         !pl_starts_with(found, "https://")) ||
        strlen(found) >= 512)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "endpoint URL '%.200s' must begin with http:// or "
                       "https:// and have at most 511 characters",
                       found);
    memcpy(url, found, strlen(found) + 1);
    while (pl_ends_with(url, "/"))
        url[strlen(url) - 1] = '\0';
    return 0;
}

int pl_aws_endpoint(const struct pl_aws *aws, enum pl_aws_service service,
                    const char *region, const char *bucket, struct pl_buf *base,
                    bool *is_path_style, struct pl_err *err)
{
    char url[512];
    bool is_path = true;

    if (region == NULL)
        region = aws->region;
    if (configured(aws, service, url, err) != 0)
        return -1;
    if (url[0] != '\0') {
        if (is_path_style != NULL)
            *is_path_style = true;
        return pl_buf_adds(base, url, err);
    }
    /* a dot in a bucket's name does not match the wildcard certificate */
    if (bucket != NULL)
        is_path = aws->is_s3_path_style || strchr(bucket, '.') != NULL;
    if (is_path_style != NULL)
        *is_path_style = is_path;
    if (bucket != NULL && !is_path)
        return pl_buf_addf(base, err, "https://%s.s3.%s.%s", bucket, region,
                           suffix_of(region));
    return pl_buf_addf(base, err, "https://%s.%s.%s", services[service].host,
                       region, suffix_of(region));
}

int pl_aws_begin(const struct pl_aws *aws, enum pl_aws_service service,
                 const char *region, const char *bucket,
                 struct pl_http_request *req, bool *is_path_style,
                 struct pl_err *err)
{
    PL_AUTO(pl_buf) url = PL_BUF_INIT;
    const char *host;
    size_t len;

    if (pl_aws_endpoint(aws, service, region, bucket, &url, is_path_style,
                        err) != 0)
        return -1;
    host = strstr(url.data, "://") + 3;
    len = (size_t)(host - url.data) + strcspn(host, "/");
    if (pl_buf_add(&req->base, url.data, len, err) != 0)
        return -1;
    return pl_buf_adds(&req->path, url.data + len, err);
}

/* A call on its way: what changes between its attempts. */
struct attempt {
    int number;
    bool has_refreshed;
    bool has_skewed;
    bool has_moved;
    char region[64];
};

static int payload_hash(const struct pl_aws_call *call,
                        const struct pl_http_request *req,
                        char hash[PL_SHA256_BYTES * 2 + 1])
{
    unsigned char raw[PL_SHA256_BYTES];

    if (call->payload_hash != NULL) {
        (void)snprintf(hash, PL_SHA256_BYTES * 2 + 1, "%s", call->payload_hash);
        return 0;
    }
    pl_sha256(req->body != NULL ? req->body : "", req->body_len, raw);
    pl_hex(raw, sizeof(raw), hash);
    return 0;
}

static const char *host_of(const struct pl_http_request *req)
{
    const char *host = strstr(pl_buf_str(&req->base), "://");

    return host != NULL ? host + 3 : "";
}

static int sign(struct pl_aws *aws, const struct pl_aws_call *call,
                struct pl_http_request *req, const struct attempt *a,
                struct pl_err *err)
{
    const struct pl_credentials *keys;
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
                          .service = services[call->service].signing,
                          .is_s3 = call->service == PL_AWS_S3};

    if (call->is_unsigned)
        return 0;
    if (pl_credentials_get(aws, &keys, err) != 0)
        return -1;
    pl_time_basic(pl_now_ms(&aws->clock) + aws->skew_ms, time);
    (void)payload_hash(call, req, hash);
    /* of the keys before these */
    pl_http_headers_remove(&req->headers, "x-amz-security-token");
    if (pl_http_headers_set(&req->headers, "host", host_of(req), err) != 0 ||
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

static int64_t retry_after_ms(const struct pl_http_response *resp)
{
    const char *ms = pl_http_headers_get(&resp->headers, "x-amz-retry-after");
    const char *s = pl_http_headers_get(&resp->headers, "retry-after");
    uint64_t v = 0;

    if (ms != NULL && pl_parse_u64(ms, &v) == 0)
        return v < DAY_MS ? (int64_t)v : DAY_MS;
    if (s != NULL && pl_parse_u64(s, &v) == 0)
        return v < DAY_MS / 1000 ? (int64_t)v * 1000 : DAY_MS;
    return -1;
}

/* Temporary keys are over: others may be had. */
static bool cure_keys(struct pl_aws *aws, const struct pl_aws_call *call,
                      const struct pl_service_error *e, struct attempt *a)
{
    if (a->has_refreshed || call->is_unsigned ||
        !pl_error_is_expired(e->code) || !pl_credentials_can_refresh(aws))
        return false;
    a->has_refreshed = true;
    pl_credentials_expire(aws);
    return true;
}

/* The service refused the time: its own is in the answer. */
static bool cure_clock(struct pl_aws *aws, const struct pl_http_response *resp,
                       const struct pl_service_error *e, struct attempt *a)
{
    const char *date = pl_http_headers_get(&resp->headers, "date");
    const bool is_time = strcmp(e->code, "RequestTimeTooSkewed") == 0 ||
                         strcmp(e->code, "RequestExpired") == 0 ||
                         strcmp(e->code, "RequestInTheFuture") == 0 ||
                         strstr(e->message, "Signature expired") != NULL ||
                         strstr(e->message, "not yet current") != NULL;
    int64_t theirs = 0;
    int64_t skew_ms;

    if (a->has_skewed || !is_time || date == NULL ||
        pl_time_parse_http(date, &theirs) != 0)
        return false;
    skew_ms = theirs - pl_now_ms(&aws->clock);
    if (skew_ms - aws->skew_ms <= SKEW_MS && skew_ms - aws->skew_ms >= -SKEW_MS)
        return false;
    a->has_skewed = true;
    aws->skew_ms = skew_ms; /* for the calls to come as well */
    pl_warn("this machine's clock is off by %" PRId64 " s; corrected",
            skew_ms / 1000);
    return true;
}

/* What may become part of a host name. */
static bool is_region(const char *text)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && len < 64 && text[len] == '\0';
}

/* S3's own host names the region, so it changes with it; a configured one
 * stays. The bucket before it may have a region in its name too. */
static int move_host(struct pl_http_request *req, const char *from,
                     const char *to, struct pl_err *err)
{
    PL_AUTO(pl_buf) old = PL_BUF_INIT;
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    const char *at;

    if (pl_buf_addf(&old, err, "s3.%s.%s", from, suffix_of(from)) != 0)
        return -1;
    at = strstr(pl_buf_str(&req->base), old.data);
    if (at == NULL || at[old.len] != '\0')
        return 0;
    if (pl_buf_addf(&base, err, "%.*ss3.%s.%s", (int)(at - req->base.data),
                    req->base.data, to, suffix_of(to)) != 0)
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
        (resp->status != 301 && resp->status != 400) || !is_region(region) ||
        strcmp(region, a->region) == 0 ||
        move_host(req, a->region, region, &ignored) != 0)
        return false;
    a->has_moved = true;
    (void)snprintf(a->region, sizeof(a->region), "%s", region);
    if (call->bucket != NULL && strlen(call->bucket) < 64) {
        pl_info("bucket '%s' is in region %s", call->bucket, region);
        (void)snprintf(aws->moved_bucket, sizeof(aws->moved_bucket), "%s",
                       call->bucket);
        (void)snprintf(aws->moved_region, sizeof(aws->moved_region), "%s",
                       region);
    }
    return true;
}

/* Whether an attempt that failed so may be made again. A call that is not
 * idempotent is repeated only if the service certainly refused it. */
static bool may_repeat(const struct pl_aws_call *call, const struct pl_err *e,
                       const struct pl_http_response *resp,
                       enum pl_retry_kind kind)
{
    if (resp->sink_bytes > 0 || kind == PL_RETRY_NONE)
        return false;
    return call->is_idempotent || kind == PL_RETRY_THROTTLE ||
           e->http_status == 503;
}

/* S3 may put an error, or no more than half an answer, behind a 200
 * (aws-facts 4.5). */
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

/* Sends once. 0: a good answer. -1: *err is filled, *kind tells of what kind
 * it was, *is_cured that another attempt is due at once. */
static int send_once(struct pl_aws *aws, const struct pl_aws_call *call,
                     struct pl_http_request *req, struct pl_http_response *resp,
                     struct attempt *a, enum pl_retry_kind *kind,
                     bool *is_cured, struct pl_err *err)
{
    struct pl_service_error e = {{0}, {0}, {0}, {0}};
    const char *id;

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
    id = pl_http_headers_get(&resp->headers, "x-amzn-requestid");
    if (id == NULL)
        id = pl_http_headers_get(&resp->headers, "x-amz-request-id");
    pl_debug("%s attempt %d: HTTP %d (request %s)", call->operation, a->number,
             resp->status, id != NULL ? id : "?");
    if (is_good(call, resp))
        return 0;
    pl_error_read(call->protocol, resp, &e);
    *kind = pl_retry_classify(
        resp->status == 200 && e.code[0] == '\0' ? 500 : resp->status, e.code);
    *is_cured = cure_keys(aws, call, &e, a) || cure_clock(aws, resp, &e, a) ||
                cure_region(aws, call, req, resp, &e, a);
    return pl_error_fail(err, call->operation, resp->status, &e, *kind);
}

int pl_aws_send(struct pl_aws *aws, const struct pl_aws_call *call,
                struct pl_http_request *req, struct pl_http_response *resp,
                struct pl_err *err)
{
    struct attempt a = {.number = 1};
    enum pl_retry_kind last = PL_RETRY_NONE; /* of the attempt before */
    const int64_t begun = pl_mono_ms(&aws->clock);

    (void)snprintf(a.region, sizeof(a.region), "%s",
                   call->region != NULL ? call->region : aws->region);
    for (;;) {
        struct pl_err cause = {0};
        enum pl_retry_kind kind;
        int64_t wait_ms = 0;
        bool is_cured;

        if (send_once(aws, call, req, resp, &a, &kind, &is_cured, &cause) ==
            0) {
            pl_retry_success(&aws->retry, last, a.number);
            return 0;
        }
        if (is_cured && resp->sink_bytes == 0)
            continue;
        if (!may_repeat(call, &cause, resp, kind) ||
            !pl_retry_next(&aws->retry, kind, a.number, retry_after_ms(resp),
                           &wait_ms) ||
            (aws->retry.deadline_ms > 0 &&
             pl_mono_ms(&aws->clock) - begun + wait_ms >
                 aws->retry.deadline_ms)) {
            *err = cause;
            return -1;
        }
        if (pl_sleep_ms(&aws->clock, wait_ms, err) != 0)
            return -1;
        last = kind;
        a.number++;
    }
}
