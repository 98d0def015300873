/*
 * The metadata service of an EC2 instance (sources 8.7): a token first
 * (IMDSv2), and without one only where it is allowed (IMDSv1).
 *
 * It is the last source: that it cannot be reached at all means that this is
 * no instance, not that something is wrong.
 */
#include <errno.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define PATH "/latest/meta-data/iam/security-credentials/"

struct imds {
    struct pl_aws *aws;
    const char *profile; /* or NULL */
    char base[512];
    char token[1024]; /* "" for IMDSv1 */
    bool is_late;     /* no answer in time when asked for the token */
    int64_t timeout_ms;
    int attempts;
};

/* The variable, else the profile's setting; "" for neither. */
static void setting(const struct imds *i, const char *env, const char *key,
                    char *out, size_t cap)
{
    const char *value = pl_env(env);

    out[0] = '\0';
    if (value != NULL)
        (void)snprintf(out, cap, "%s", value);
    else if (i->profile != NULL)
        (void)pl_profiles_get(&i->aws->profiles, PL_PROFILE_EITHER, i->profile,
                              key, out, cap);
}

static int number(const struct imds *i, const char *env, const char *key,
                  uint64_t most, uint64_t *out, struct pl_err *err)
{
    char text[32];

    *out = 1;
    setting(i, env, key, text, sizeof(text));
    if (text[0] == '\0')
        return 0;
    if (pl_parse_u64(text, out) != 0 || *out < 1 || *out > most)
        return pl_fail(err, PL_CONFIG_INVALID, "%s '%s' must be 1 to %u", env,
                       text, (unsigned)most);
    return 0;
}

static int set_base(struct imds *i, struct pl_err *err)
{
    char mode[32];

    setting(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint", i->base, sizeof(i->base));
    setting(i, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode", mode, sizeof(mode));
    if (i->base[0] == '\0')
        (void)snprintf(i->base, sizeof(i->base), "http://%s",
                       pl_ieq(mode, "IPv6") ? "[fd00:ec2::254]"
                                            : "169.254.169.254");
    if (mode[0] != '\0' && !pl_ieq(mode, "IPv4") && !pl_ieq(mode, "IPv6"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE '%s' is neither "
                       "IPv4 nor IPv6",
                       mode);
    if (!pl_starts_with(i->base, "http://") &&
        !pl_starts_with(i->base, "https://"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT '%.200s' must begin "
                       "with http:// or https://",
                       i->base);
    while (pl_ends_with(i->base, "/"))
        i->base[strlen(i->base) - 1] = '\0';
    return 0;
}

static int open_imds(struct imds *i, struct pl_err *err)
{
    uint64_t seconds;
    uint64_t attempts;

    if (set_base(i, err) != 0 ||
        number(i, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout",
               60, &seconds, err) != 0 ||
        number(i, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
               "metadata_service_num_attempts", 10, &attempts, err) != 0)
        return -1;
    i->timeout_ms = (int64_t)seconds * 1000;
    i->attempts = (int)attempts;
    return 0;
}

/* One question, as often as allowed: again after a fault or a 5xx. */
static int ask(const struct imds *i, const char *method, const char *path,
               struct pl_http_response *resp, struct pl_err *err)
{
    const char *host = strstr(i->base, "://") + 3;
    const size_t len = (size_t)(host - i->base) + strcspn(host, "/");
    PL_AUTO(pl_http_request)
    req = {.method = method,
           .connect_timeout_ms = i->timeout_ms,
           .timeout_ms = i->timeout_ms,
           .max_body_bytes = 65536};

    if (pl_buf_add(&req.base, i->base, len, err) != 0 ||
        pl_buf_addf(&req.path, err, "%s%s", i->base + len, path) != 0 ||
        (strcmp(method, "PUT") == 0 &&
         pl_http_headers_set(&req.headers,
                             "x-aws-ec2-metadata-token-ttl-seconds", "21600",
                             err) != 0) ||
        (i->token[0] != '\0' &&
         pl_http_headers_set(&req.headers, "x-aws-ec2-metadata-token", i->token,
                             err) != 0))
        return -1;
    for (int n = 1;; n++) {
        struct pl_err cause = {0};

        pl_http_response_release(resp);
        if (i->aws->http.send(i->aws->http.ctx, &req, resp, &cause) == 0 &&
            (resp->status < 500 || n >= i->attempts))
            return 0;
        if (n >= i->attempts || cause.code == PL_INTERRUPTED) {
            *err = cause;
            return -1;
        }
    }
}

/* 1: a token, or leave to go on without; 0: nobody answers; -1. */
static int take_token(struct imds *i, struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    struct pl_err cause = {0};
    const char *text;

    if (ask(i, "PUT", "/latest/api/token", &resp, &cause) != 0) {
        if (cause.code == PL_SERVICE_UNAVAILABLE && cause.sys == ETIMEDOUT) {
            i->is_late = true;
            return 1;
        }
        pl_debug("instance metadata: %s", cause.msg);
        if (cause.code == PL_SERVICE_UNAVAILABLE)
            return 0;
        *err = cause;
        return -1;
    }
    text = pl_buf_str(&resp.body);
    if (resp.status == 400)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the metadata service refuses the token request: HTTP "
                       "400");
    if (resp.status == 200 && strlen(text) < sizeof(i->token) &&
        strpbrk(text, "\r\n") == NULL)
        (void)snprintf(i->token, sizeof(i->token), "%s", text);
    else
        pl_debug("instance metadata: no token, HTTP %d", resp.status);
    return 1;
}

/* Whether IMDSv1 may be used instead. */
static bool may_do_without(const struct imds *i)
{
    char value[16];

    setting(i, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled",
            value, sizeof(value));
    return !pl_ieq(value, "true");
}

static int refused(const struct imds *i, const struct pl_http_response *resp,
                   struct pl_err *err)
{
    if (i->is_late)
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "it wants a token, but the request for one was not "
                       "answered in time: in a container the instance's "
                       "HttpPutResponseHopLimit must be 2 or more");
    return pl_fail(err, PL_CREDENTIALS_MISSING, "HTTP %d", resp->status);
}

/* 1: the role's name; 0: this is no instance, or it has none; -1. */
static int take_role(const struct imds *i, char *role, size_t cap,
                     struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    struct pl_err cause = {0};

    if (ask(i, "GET", PATH, &resp, &cause) != 0) {
        if (cause.code == PL_SERVICE_UNAVAILABLE && i->token[0] == '\0') {
            pl_debug("instance metadata: %s", cause.msg);
            return 0;
        }
        *err = cause;
        return -1;
    }
    if (resp.status == 404) /* an instance without a role */
        return 0;
    if (resp.status != 200)
        return refused(i, &resp, err);
    (void)snprintf(role, cap, "%.*s",
                   (int)strcspn(pl_buf_str(&resp.body), "\r\n"),
                   pl_buf_str(&resp.body));
    return role[0] != '\0' ? 1 : 0;
}

static int take_keys(const struct imds *i, const char *role,
                     struct pl_credentials *keys, struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    int rc;

    if (pl_buf_adds(&path, PATH, err) != 0 ||
        pl_uri_encode(&path, role, strlen(role), false, err) != 0 ||
        ask(i, "GET", path.data, &resp, err) != 0)
        return -1;
    if (resp.status != 200)
        return refused(i, &resp, err);
    rc = pl_credentials_parse_imds(pl_buf_str(&resp.body), resp.body.len, keys,
                                   err);
    if (resp.body.data != NULL)
        pl_wipe(resp.body.data, resp.body.cap);
    return rc;
}

static int run(struct imds *i, struct pl_found *found, struct pl_err *err)
{
    char role[256] = "";
    int rc;

    if (open_imds(i, err) != 0)
        return -1;
    rc = take_token(i, err);
    if (rc == 1 && i->token[0] == '\0' && !may_do_without(i))
        return i->is_late
                   ? 0
                   : pl_fail(err, PL_CREDENTIALS_MISSING,
                             "it gives no token, and "
                             "AWS_EC2_METADATA_V1_DISABLED forbids to do "
                             "without");
    if (rc == 1)
        rc = take_role(i, role, sizeof(role), err);
    if (rc != 1)
        return rc;
    pl_found_set(found, true, "instance-metadata",
                 "instance metadata %.120s, role %.120s", i->base, role);
    return take_keys(i, role, &found->keys, err);
}

int pl_credentials_imds(struct pl_aws *aws, const char *profile,
                        struct pl_found *found, struct pl_err *err)
{
    const char *off = pl_env("AWS_EC2_METADATA_DISABLED");
    struct imds i = {.aws = aws, .profile = profile};
    int rc;

    if (off != NULL && pl_ieq(off, "true"))
        return 0;
    rc = run(&i, found, err);
    pl_wipe(i.token, sizeof(i.token));
    return rc == 0 ? 0 : pl_context(err, "instance metadata");
}
