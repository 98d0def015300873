/* XML of any shape: the reader, its helpers, and the lists of S3. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/errors.h"
#include "pipeline/aws/s3.h"
#include "pipeline/aws/sns.h"
#include "pipeline/aws/sts.h"
#include "pipeline/aws/xml.h"

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

static int each_upload(void *ctx, const char *upload_id, const char *begun,
                       struct pl_err *err)
{
    (void)ctx;
    (void)upload_id;
    (void)begun;
    (void)err;
    return 0;
}

static int each(void *ctx, const char *key, int64_t bytes, const char *etag,
                struct pl_err *err)
{
    (void)ctx;
    (void)err;
    return key == NULL || etag == NULL || bytes < 0 ? abort(), -1 : 0;
}

static void read_it(const char *text, size_t len)
{
    PL_AUTO(pl_buf) content = PL_BUF_INIT_MAX(65536);
    struct pl_xml xml;
    enum pl_xml_event event;
    char name[256];
    char value[64];
    int depth = 0;

    pl_xml_init(&xml, text, len);
    while ((event = pl_xml_next(&xml, &content)) == PL_XML_BEGIN ||
           event == PL_XML_END) {
        depth += event == PL_XML_BEGIN ? 1 : -1;
        if (depth < 0 || depth > PL_XML_DEPTH_MAX)
            abort();
        pl_buf_reset(&content);
    }
    if (event == PL_XML_DONE && depth != 0)
        abort();
    (void)pl_xml_find(text, len, "Code", value, sizeof(value));
    (void)pl_xml_root(text, len, name);
}

static void call_it(void)
{
    struct pl_fake_clock fake = {0};
    struct pl_aws aws = {.http = {.send = answer},
                         .clock = pl_fake_clock(&fake),
                         .retry = {.max_attempts = 1},
                         .region = "us-east-1"};
    const struct pl_sns_message message = {.topic_arn = "arn:aws:sns:r:1:t",
                                           .message = "m"};
    const struct pl_s3_part part = {1, 5, "\"e\"", "c", 0};
    PL_AUTO(pl_credentials) keys = {.expires_at = 0};
    struct pl_sts_identity identity;
    struct pl_s3_object object;
    struct pl_s3_part *parts = NULL;
    struct pl_err err = {0};
    size_t count = 0;
    char text[1024];

    aws.chain.is_cached = true; /* of empty keys */
    if (pl_s3_list(&aws, "b", "", each, NULL, &err) != 0)
        pl_err_clear(&err);
    if (pl_s3_list_parts(&aws, "b", "k", "u", &parts, &count, &err) != 0)
        pl_err_clear(&err);
    free(parts);
    if (pl_s3_list_uploads(&aws, "b", "k", each_upload, NULL, &err) != 0)
        pl_err_clear(&err);
    if (pl_s3_create_upload(&aws, "b", "k", NULL, text, &err) != 0)
        pl_err_clear(&err);
    if (pl_s3_complete_upload(&aws, "b", "k", "u", &part, 1, NULL, false,
                              &object, &err) != 0)
        pl_err_clear(&err);
    if (pl_sns_publish(&aws, &message, text, &err) != 0)
        pl_err_clear(&err);
    if (pl_sts_get_caller_identity(&aws, &identity, &err) != 0)
        pl_err_clear(&err);
    if (pl_sts_assume_role_with_web_identity(&aws, "r", "s", "t", &keys,
                                             &err) != 0)
        pl_err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_http_response) resp = {.status = 500};
    struct pl_service_error error = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};

    body = data;
    body_len = size;
    read_it((const char *)data, size);
    call_it();
    if (pl_buf_add(&resp.body, data, size, &err) == 0) {
        pl_error_read(PL_AWS_QUERY, &resp, &error);
        pl_error_read(PL_AWS_S3XML, &resp, &error);
    }
    return 0;
}
