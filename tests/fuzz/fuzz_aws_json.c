/* JSON answers of any shape: errors, container keys, Athena, Pinpoint, Customer
 * Profiles. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/athena.h"
#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/customer.h"
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

static int each_row(void *ctx, const struct pl_slice *values, size_t count,
                    struct pl_err *err)
{
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < count; i++)
        if (values[i].len > 0 && memchr(values[i].data, '!', values[i].len))
            return -1;
    return 0;
}

static void ask_athena(struct pl_aws *aws)
{
    const struct pl_athena_query query = {.sql = "SELECT 1", .token = "t"};
    struct pl_athena_workgroup group;
    struct pl_athena_execution x;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
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
    if (pl_athena_manifest_rows(aws, "q", each_row, NULL, &err) != 0)
        pl_err_clear(&err);
    if (pl_athena_text(aws, "q", &text, &err) != 0)
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

static int read_nothing(void *ctx, uint64_t at, void *buf, size_t n,
                        struct pl_err *err)
{
    (void)ctx;
    (void)at;
    (void)err;
    memset(buf, 0, n);
    return 0;
}

static void ask_customer_objects(const struct pl_customer *c)
{
    const struct pl_customer_field field = {"A", "_profile.A", NULL};
    struct pl_customer_object objects[2] = {{.id = "r1", .text = "{}"},
                                            {.id = "r2", .text = "{}"}};
    PL_AUTO(pl_customer_type) type = {.shape = NULL};
    const char *header = NULL;
    struct pl_err err = {0};
    bool found = false;

    if (pl_customer_put_objects(c, "t", objects, 2, &err) != 0)
        pl_err_clear(&err);
    else if (objects[0].code < 0 || objects[1].code < 0)
        abort();
    if (pl_customer_get_type(c, "t", &found, &type, &err) == 0 && found)
        (void)pl_customer_type_fault(&type, &field, 1, "A", &header);
}

static void ask_customer(struct pl_aws *aws)
{
    const struct pl_customer c = {.aws = aws, .domain = "d"};
    const struct pl_customer_segment segment = {"s", "t", "v"};
    const struct pl_blob blob = {.len = 4, .read_at = read_nothing};
    PL_AUTO(pl_customer_place) place = {.valid_until_s = 0};
    enum pl_customer_there there;
    struct pl_customer_job job;
    struct pl_err err = {0};
    bool found = false;
    int64_t size = 0;

    if (pl_customer_find_upload(&c, "run", &found, &job, &err) != 0)
        pl_err_clear(&err);
    if (pl_customer_get_upload(&c, "j", &job, &err) != 0)
        pl_err_clear(&err);
    if (pl_customer_upload_place(&c, "j", &place, &err) == 0)
        (void)!pl_customer_put_file(&c, &place, PL_CUSTOMER_KEY_BASE64, &blob,
                                    &err);
    pl_err_clear(&err);
    if (pl_customer_has_profile(&c, "_account", "v", &found, &err) != 0)
        pl_err_clear(&err);
    if (pl_customer_look_at_segment(&c, &segment, &there, &err) != 0)
        pl_err_clear(&err);
    if (pl_customer_get_estimate(&c, "e", &size, &err) != 0)
        pl_err_clear(&err);
    ask_customer_objects(&c);
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
    ask_customer(&aws);
    for (size_t i = 0; i < PL_COUNT(parsers); i++)
        if (parsers[i]((const char *)data, size, &keys, &err) != 0)
            pl_err_clear(&err);
    if (pl_buf_add(&resp.body, data, size, &err) == 0) {
        pl_error_read(PL_AWS_JSON, &resp, &error);
        pl_error_read(PL_AWS_REST_JSON, &resp, &error);
    }
    return 0;
}
