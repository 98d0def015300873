/* script.h - a scripted service for the tests of the AWS clients: answers in
 * order, and a record of what it was asked. Included by one test each. */
#ifndef TESTS_AWS_SCRIPT_H
#define TESTS_AWS_SCRIPT_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "pipeline/aws/client.h"

struct answer {
    int status;          /* 0: the connection broke, -1: no answer in time,
                            -2: no such host */
    const char *headers; /* "name: value\n..." or NULL */
    const char *body;
};

struct script {
    const struct answer *answers;
    size_t count;
    size_t asked;
    char log[8192];     /* "METHOD path?query|body\n" of every request */
    char base[256];     /* of the last request */
    char headers[4096]; /* of the last request, "name: value\n" */
};

static struct script script;
static struct pl_fake_clock fake;

static void add_headers(struct pl_http_response *resp, const char *lines)
{
    char copy[1024];
    char *save = NULL;
    struct pl_err err = {0};

    (void)snprintf(copy, sizeof(copy), "%s", lines != NULL ? lines : "");
    for (char *l = strtok_r(copy, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save)) {
        char *colon = strchr(l, ':');

        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        ck_assert_int_eq(
            pl_http_headers_set(&resp->headers, l, colon + 2, &err), 0);
    }
}

static void record(const struct pl_http_request *req)
{
    const size_t used = strlen(script.log);

    (void)snprintf(script.log + used, sizeof(script.log) - used,
                   "%s %s%s%s|%.*s\n", req->method, req->path.data,
                   req->query.len > 0 ? "?" : "", pl_buf_str(&req->query),
                   (int)req->body_len,
                   req->body != NULL ? (const char *)req->body : "");
    (void)snprintf(script.base, sizeof(script.base), "%s", req->base.data);
    script.headers[0] = '\0';
    for (size_t i = 0; i < req->headers.count; i++) {
        const size_t at = strlen(script.headers);

        (void)snprintf(script.headers + at, sizeof(script.headers) - at,
                       "%s: %s\n", req->headers.list[i].name,
                       req->headers.list[i].value);
    }
}

static int scripted(void *ctx, const struct pl_http_request *req,
                    struct pl_http_response *resp, struct pl_err *err)
{
    const struct answer *a;

    (void)ctx;
    ck_assert_msg(script.asked < script.count, "one request too many: %s %s",
                  req->method, req->path.data);
    a = &script.answers[script.asked++];
    record(req);
    if (a->status <= 0) {
        err->sys = a->status == -1 ? ETIMEDOUT : a->status < 0 ? ENXIO : 0;
        return pl_fail(err, PL_SERVICE_UNAVAILABLE, "connection reset");
    }
    resp->status = a->status;
    add_headers(resp, a->headers);
    if (a->status < 300 && req->sink != NULL) {
        resp->sink_bytes = strlen(a->body);
        return pl_sink_write(req->sink, a->body, strlen(a->body), err);
    }
    return pl_buf_adds(&resp->body, a->body, err);
}

/* Whether the last request had this text in its headers. */
static bool was_sent(const char *text)
{
    return strstr(script.headers, text) != NULL;
}

static double half(void *ctx)
{
    (void)ctx;
    return 0.5;
}

static void open_aws(struct pl_aws *aws, const struct answer *answers,
                     size_t count)
{
    struct pl_err err = {0};

    memset(&script, 0, sizeof(script));
    memset(&fake, 0, sizeof(fake));
    fake.now_ms = INT64_C(1795395723000); /* 2026-11-23T01:02:03Z */
    script.answers = answers;
    script.count = count;
    ck_assert_msg(pl_aws_open(aws, "eu-west-1", &err) == 0, "%s", err.msg);
    aws->http = (struct pl_http){.send = scripted};
    aws->clock = pl_fake_clock(&fake);
    aws->retry.random = half;
    aws->retry.base_ms = 1000;
    aws->retry.max_attempts = 3;
}

/* Keys in the environment, and nothing else of this machine's. */
static void setup(void)
{
    static const char *const clear[] = {
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "LAKESEG_S3_PATH_STYLE"};

    for (size_t i = 0; i < PL_COUNT(clear); i++)
        (void)unsetenv(clear[i]);
    (void)setenv("AWS_ACCESS_KEY_ID", "AK", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "SK", 1);
    (void)setenv("HOME", "/nonexistent", 1);
}

#endif
