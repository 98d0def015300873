/* JSON answers of any shape: errors, container keys, Athena, Pinpoint. */
#include <stdint.h>
#include <stdlib.h>

#include "pipeline/aws/athena.h"
#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/errors.h"
#include "pipeline/aws/pinpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *body;
static size_t body_len;

/* Every request gets the same answer. */
static int answer(void *ctx, const struct pl_http_request *req,
                  struct pl_http_response *resp, struct pl_err *err)
{
    (void)ctx;
    (void)req;
    resp->status = 200;
    return pl_buf_add(&resp->body, body, body_len, err);
}

static int each_name(void *ctx, const char *name, struct pl_err *err)
{
    (void)ctx;
    (void)err;
    return name == NULL ? abort(), -1 : 0;
}

static int each_row(void *ctx, const char *const *values, size_t count,
                    struct pl_err *err)
{
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < count; i++)
        if (values[i] != NULL && values[i][0] == '!')
            return -1;
    return 0;
}

static void ask_athena(struct pl_aws *aws)
{
    const struct pl_athena_query query = {.sql = "SELECT 1", .token = "t"};
    struct pl_athena_workgroup group;
    struct pl_athena_execution x;
    struct pl_err err = {0};
    char id[128];

    if (pl_athena_start(aws, &query, id, &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_get(aws, "q", &x, &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_stop(aws, "q", &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_columns(aws, "q", each_name, NULL, &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_rows(aws, "q", each_row, NULL, &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_workgroup(aws, "w", &group, &err) != 0)
        pl_err_clear(&err);
}

static void ask_pinpoint(struct pl_aws *aws)
{
    PL_AUTO(pl_pinpoint_job) job = {0};
    PL_AUTO(pl_pinpoint_job) found_job = {0};
    struct pl_pinpoint_segment segment;
    struct pl_err err = {0};
    bool found = false;
    size_t count = 0;

    if (pl_pinpoint_get_import(aws, NULL, "a", "j", &job, &err) != 0)
        pl_err_clear(&err);
    if (pl_pinpoint_find_job(aws, NULL, "a", "s3://b/", &found, &found_job,
                             &err) != 0)
        pl_err_clear(&err);
    if (pl_pinpoint_get_segment(aws, NULL, "a", "s", &segment, &err) != 0)
        pl_err_clear(&err);
    if (pl_pinpoint_find_segment(aws, NULL, "a", "n", &count, &segment, &err) !=
        0)
        pl_err_clear(&err);
}

static int (*const parsers[])(const char *text, size_t len,
                              struct pl_credentials *out,
                              struct pl_err *err) = {
    pl_credentials_parse_container, pl_credentials_parse_imds,
    pl_credentials_parse_process};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_fake_clock fake = {0};
    struct pl_aws aws = {.http = {.send = answer},
                         .clock = pl_fake_clock(&fake),
                         .retry = {.max_attempts = 1},
                         .region = "us-east-1"};
    PL_AUTO(pl_http_response) resp = {.status = 500};
    PL_AUTO(pl_credentials) keys = {.expires_at = 0};
    struct pl_service_error error = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};

    body = data;
    body_len = size;
    aws.chain.is_cached = true; /* of empty keys */
    ask_athena(&aws);
    ask_pinpoint(&aws);
    for (size_t i = 0; i < PL_COUNT(parsers); i++)
        if (parsers[i]((const char *)data, size, &keys, &err) != 0)
            pl_err_clear(&err);
    if (pl_buf_add(&resp.body, data, size, &err) == 0) {
        pl_error_read(PL_AWS_JSON, &resp, &error);
        pl_error_read(PL_AWS_REST_JSON, &resp, &error);
    }
    return 0;
}
