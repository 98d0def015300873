#include "pipeline/aws/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/errors.h"
#include "pipeline/aws/ini.h"
#include "pipeline/aws/sigv4.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define SKEW_MS (INT64_C(4) * 60 * 1000) /* less is not worth a correction */

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

static const char *env_text(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : NULL;
}

int pl_aws_open(struct pl_aws *aws, const char *region, struct pl_err *err)
{
    const char *profile = env_text("AWS_PROFILE");
    char from_profile[64] = "";

    if (pl_http_curl_open(&aws->curl, err) != 0)
        return -1;
    aws->http = pl_http_curl_door(&aws->curl);
    aws->clock = pl_clock_real;
    pl_retry_init(&aws->retry);
    aws->is_s3_path_style = env_text("LAKESEG_S3_PATH_STYLE") != NULL;
    (void)snprintf(aws->profile, sizeof(aws->profile), "%s",
                   profile != NULL ? profile : "default");
    if (region == NULL)
        region = env_text("AWS_REGION");
    if (region == NULL)
        region = env_text("AWS_DEFAULT_REGION");
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
    const char *ignore = env_text("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    const char *found;
    char name[64];

    url[0] = '\0';
    if (ignore != NULL && pl_ieq(ignore, "true"))
        return 0;
    (void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s",
                   services[service].env);
    found = env_text(name);
    if (found == NULL)
        found = env_text("AWS_ENDPOINT_URL");
    if (found == NULL)
        return pl_profile_setting(aws->profile, "endpoint_url", url, 512, err);
    if (!pl_starts_with(found, "http://") && !pl_starts_with(found, "https://"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "endpoint URL '%s' must begin with http:// or https://",
                       found);
    (void)snprintf(url, 512, "%s", found);
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

/* A call on its way: what changes between its attempts. */
struct attempt {
    int number;
    int64_t skew_ms;
    bool has_refreshed;
    bool has_skewed;
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
    char host[512];

    if (call->is_unsigned)
        return 0;
    if (pl_credentials_get(aws, &keys, err) != 0)
        return -1;
    (void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(host_of(req), "/"),
                   host_of(req));
    pl_time_basic(pl_now_ms(&aws->clock) + a->skew_ms, time);
    (void)payload_hash(call, req, hash);
    if (pl_http_headers_set(&req->headers, "host", host, err) != 0 ||
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

    if (ms != NULL && pl_parse_u64(ms, &v) == 0 && v < 3600000)
        return (int64_t)v;
    if (s != NULL && pl_parse_u64(s, &v) == 0 && v < 3600)
        return (int64_t)v * 1000;
    return -1;
}

/* The service's clock minus ours, when it refused for the time. */
static bool find_skew(const struct pl_aws *aws,
                      const struct pl_http_response *resp, const char *code,
                      const char *message, int64_t *skew_ms)
{
    const char *date = pl_http_headers_get(&resp->headers, "date");
    const bool is_time = strcmp(code, "RequestTimeTooSkewed") == 0 ||
                         strcmp(code, "RequestExpired") == 0 ||
                         strcmp(code, "RequestInTheFuture") == 0 ||
                         strstr(message, "Signature expired") != NULL ||
                         strstr(message, "not yet current") != NULL;
    int64_t theirs = 0;

    if (!is_time || date == NULL || pl_time_parse_http(date, &theirs) != 0)
        return false;
    *skew_ms = theirs - pl_now_ms(&aws->clock);
    return *skew_ms > SKEW_MS || *skew_ms < -SKEW_MS;
}

/* One cure each, once: other keys, another time, another region. */
static bool cure(struct pl_aws *aws, const struct pl_aws_call *call,
                 struct pl_http_request *req,
                 const struct pl_http_response *resp,
                 const struct pl_service_error *e, struct attempt *a)
{
    const char *region =
        pl_http_headers_get(&resp->headers, "x-amz-bucket-region");

    if (!a->has_refreshed && pl_error_is_expired(e->code) &&
        pl_credentials_can_refresh(aws)) {
        a->has_refreshed = true;
        pl_credentials_expire(aws);
        return true;
    }
    if (!a->has_skewed &&
        find_skew(aws, resp, e->code, e->message, &a->skew_ms)) {
        a->has_skewed = true;
        pl_warn("this machine's clock is off by %" PRId64 " s; corrected",
                a->skew_ms / 1000);
        return true;
    }
    if (region == NULL && e->region[0] != '\0')
        region = e->region;
    if (call->service == PL_AWS_S3 && region != NULL &&
        (resp->status == 301 || resp->status == 400) &&
        strcmp(region, a->region) != 0) {
        struct pl_err ignored = {0};
        char *old = strstr(pl_buf_str(&req->base), a->region);
        PL_AUTO(pl_buf) base = PL_BUF_INIT;

        if (old != NULL &&
            (pl_buf_addf(&base, &ignored, "%.*s%s%s",
                         (int)(old - req->base.data), req->base.data, region,
                         old + strlen(a->region)) != 0))
            return false;
        if (old != NULL) {
            pl_buf_release(&req->base);
            req->base = base;
            base = (struct pl_buf){0};
        }
        pl_info("the bucket is in region %s", region);
        (void)snprintf(a->region, sizeof(a->region), "%s", region);
        return true;
    }
    return false;
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
            *kind = PL_RETRY_TRANSIENT;
        return -1;
    }
    id = pl_http_headers_get(&resp->headers, "x-amzn-requestid");
    if (id == NULL)
        id = pl_http_headers_get(&resp->headers, "x-amz-request-id");
    pl_debug("%s attempt %d: HTTP %d (request %s)", call->operation, a->number,
             resp->status, id != NULL ? id : "?");
    if (resp->status / 100 == 2 || resp->status == 304)
        return 0;
    pl_error_read(call->protocol, resp, &e);
    *kind = pl_retry_classify(resp->status, e.code);
    *is_cured = cure(aws, call, req, resp, &e, a);
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
