/* keys.h - what the tests of the credential sources share: shared files of
 * their own, and services that answer by what is asked. Included by one test
 * each. */
#ifndef TESTS_AWS_KEYS_H
#define TESTS_AWS_KEYS_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/aws/client.h"
#include "pipeline/base/file.h"

#define NOW INT64_C(1795395723) /* 2026-11-23T01:02:03Z */

/* The first whose match is a part of "METHOD url|body" answers. */
struct route {
    const char *match;
    int status; /* 0: the connection broke, -1: no answer in time */
    const char *body;
};

static const struct route *routes; /* the last has no match */
static char dir[64];
static char asked[16384]; /* "METHOD url|body\n" of every request */
static char signer[512];  /* authorization of the last request, or "-" */
static struct pl_fake_clock fake;
static unsigned requests;

static int by_route(void *ctx, const struct pl_http_request *req,
                    struct pl_http_response *resp, struct pl_err *err)
{
    const char *token = pl_http_headers_get(&req->headers, "authorization");
    const char *imds =
        pl_http_headers_get(&req->headers, "x-aws-ec2-metadata-token");
    char what[4096];

    (void)ctx;
    requests++;
    (void)snprintf(what, sizeof(what), "%s %s%s|%.*s%s", req->method,
                   req->base.data, req->path.data, (int)req->body_len,
                   req->body != NULL ? (const char *)req->body : "",
                   imds != NULL ? imds : "");
    (void)snprintf(signer, sizeof(signer), "%s", token != NULL ? token : "-");
    (void)snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s\n",
                   what);
    for (const struct route *r = routes; r != NULL && r->match != NULL; r++) {
        if (strstr(what, r->match) == NULL)
            continue;
        resp->status = r->status;
        if (r->status > 0)
            return pl_buf_adds(&resp->body, r->body, err);
        err->sys = r->status < 0 ? ETIMEDOUT : 0;
        break;
    }
    return pl_fail(err, PL_SERVICE_UNAVAILABLE, "no answer");
}

static double half(void *ctx)
{
    (void)ctx;
    return 0.5;
}

static void write_file(const char *name, const char *text)
{
    struct pl_err err = {0};
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(pl_file_write(path, text, strlen(text), &err), 0);
}

/* Nothing of this machine's, and no keys anywhere. */
static void setup(void)
{
    extern char **environ;
    char path[128];

    for (size_t i = 0; environ[i] != NULL;) {
        char name[256];

        (void)snprintf(name, sizeof(name), "%.*s",
                       (int)strcspn(environ[i], "="), environ[i]);
        if (strncmp(name, "AWS_", 4) == 0)
            (void)unsetenv(name);
        else
            i++;
    }
    (void)snprintf(dir, sizeof(dir), "/tmp/lakeseg-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/config", dir);
    (void)setenv("AWS_CONFIG_FILE", path, 1);
    (void)snprintf(path, sizeof(path), "%s/credentials", dir);
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    routes = NULL;
    requests = 0;
    asked[0] = '\0';
    memset(&fake, 0, sizeof(fake));
    fake.now_ms = NOW * 1000;
}

static void teardown(void)
{
    static const char *const names[] = {"config", "credentials", "token"};
    char path[128];

    for (size_t i = 0; i < PL_COUNT(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static int get(struct pl_aws *aws, const struct pl_credentials **keys,
               struct pl_err *err)
{
    if (pl_aws_open(aws, "us-east-1", err) != 0)
        return -1;
    aws->http = (struct pl_http){.send = by_route};
    aws->clock = pl_fake_clock(&fake);
    aws->retry.random = half;
    return pl_credentials_get(aws, keys, err);
}

#endif
