/* ECS, Fargate and EKS Pod Identity (sources 8.6). */
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define TRIES 3
#define PAUSE_MS 1000
#define TIMEOUT_MS 2000

/* A loopback address, or one of the container services'. */
static bool is_near(const char *host)
{
    static const char *const hosts[] = {"localhost", "169.254.170.2",
                                        "169.254.170.23", "[fd00:ec2::23]",
                                        "[::1]"};
    const size_t digits = strspn(host, "0123456789.");

    if (pl_starts_with(host, "127.") && strchr(":/", host[digits]) != NULL)
        return true;
    for (size_t i = 0; i < PL_COUNT(hosts); i++)
        if (pl_starts_with(host, hosts[i]) &&
            strchr(":/", host[strlen(hosts[i])]) != NULL)
            return true;
    return false;
}

/* Plain http only where nobody can listen in. */
static int check_full_uri(const char *uri, struct pl_err *err)
{
    if (pl_starts_with(uri, "https://") ||
        (pl_starts_with(uri, "http://") && is_near(uri + strlen("http://"))))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or "
                   "name a loopback or container address");
}

static int set_url(struct pl_http_request *req, struct pl_err *err)
{
    const char *relative = pl_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = pl_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *host;
    size_t base;

    if (relative != NULL) {
        if (*relative != '/')
            return pl_fail(err, PL_CONFIG_INVALID,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin "
                           "with a slash");
        if (pl_buf_adds(&req->base, "http://169.254.170.2", err) != 0)
            return -1;
        return pl_buf_adds(&req->path, relative, err);
    }
    if (check_full_uri(full, err) != 0)
        return -1;
    host = strstr(full, "://") + 3;
    base = (size_t)(host - full) + strcspn(host, "/");
    if (pl_buf_add(&req->base, full, base, err) != 0)
        return -1;
    return pl_buf_adds(&req->path, full[base] != '\0' ? full + base : "/", err);
}

static int set_token(struct pl_http_request *req, struct pl_err *err)
{
    const char *path = pl_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = pl_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(65536);
    int rc;

    if (path != NULL) {
        if (pl_file_read(path, &text, err) != 0)
            return -1;
        while (text.len > 0 && (unsigned char)text.data[text.len - 1] <= ' ')
            text.data[--text.len] = '\0';
        token = pl_buf_str(&text);
    }
    if (token == NULL)
        return 0;
    rc = strpbrk(token, "\r\n") == NULL
             ? pl_http_headers_set(&req->headers, "authorization", token, err)
             : pl_fail(err, PL_CONFIG_INVALID,
                       "the container's authorization token has a line "
                       "break");
    if (text.data != NULL)
        pl_wipe(text.data, text.cap);
    return rc;
}

static int fetch(struct pl_aws *aws, const struct pl_http_request *req,
                 struct pl_http_response *resp, struct pl_err *err)
{
    for (int i = 1;; i++) {
        struct pl_err cause = {0};

        pl_http_response_release(resp);
        if (aws->http.send(aws->http.ctx, req, resp, &cause) == 0) {
            if (resp->status == 200)
                return 0;
            (void)pl_fail(&cause, PL_CREDENTIALS_MISSING, "HTTP %d",
                          resp->status);
        }
        if (i == TRIES || cause.code == PL_INTERRUPTED) {
            *err = cause;
            return -1;
        }
        if (pl_sleep_ms(&aws->clock, PAUSE_MS, err) != 0)
            return -1;
    }
}

int pl_credentials_container(struct pl_aws *aws, const char *profile,
                             struct pl_found *found, struct pl_err *err)
{
    PL_AUTO(pl_http_request)
    req = {.method = "GET",
           .connect_timeout_ms = TIMEOUT_MS,
           .timeout_ms = TIMEOUT_MS,
           .max_body_bytes = 65536};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    int rc;

    (void)profile;
    if (pl_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") == NULL &&
        pl_env("AWS_CONTAINER_CREDENTIALS_FULL_URI") == NULL)
        return 0;
    if (set_url(&req, err) != 0 || set_token(&req, err) != 0 ||
        pl_http_headers_set(&req.headers, "accept", "application/json", err) !=
            0)
        return pl_context(err, "container endpoint");
    pl_found_set(found, true, "container", "container endpoint %.200s",
                 req.base.data);
    if (fetch(aws, &req, &resp, err) != 0)
        return pl_context(err, "container endpoint");
    rc = pl_credentials_parse_container(pl_buf_str(&resp.body), resp.body.len,
                                        &found->keys, err);
    if (resp.body.data != NULL)
        pl_wipe(resp.body.data, resp.body.cap);
    return rc == 0 ? 0 : pl_context(err, "container endpoint");
}
