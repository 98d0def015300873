#include "pipeline/aws/probe.h"

#include <string.h>

#include "pipeline/aws/call.h"
#include "pipeline/aws/endpoint.h"
#include "pipeline/aws/form.h"
#include "pipeline/aws/sns.h"
#include "pipeline/base/text.h"

int pl_probe_bucket(struct pl_aws *aws, const char *bucket, const char *prefix,
                    struct pl_err *err)
{
    /* of HeadBucket an error would come back without its code */
    const struct pl_aws_call call = {.service = PL_AWS_S3,
                                     .protocol = PL_AWS_S3XML,
                                     .operation = "ListObjectsV2",
                                     .bucket = bucket,
                                     .root = "ListBucketResult",
                                     .is_idempotent = true};
    PL_AUTO(pl_http_request) req = {.method = "GET"};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    bool is_path_style = false;

    if (prefix == NULL)
        prefix = "";
    if (pl_aws_begin(aws, PL_AWS_S3, NULL, bucket, &req, &is_path_style, err) !=
            0 ||
        pl_buf_addc(&req.path, '/', err) != 0 ||
        (is_path_style &&
         pl_uri_encode(&req.path, bucket, strlen(bucket), false, err) != 0) ||
        pl_buf_adds(&req.query, "list-type=2&max-keys=0&prefix=", err) != 0 ||
        pl_uri_encode(&req.query, prefix, strlen(prefix), false, err) != 0)
        return -1;
    return pl_aws_send(aws, &call, &req, &resp, err);
}

int pl_probe_topic(struct pl_aws *aws, const char *topic_arn,
                   struct pl_err *err)
{
    PL_AUTO(pl_buf) form = PL_BUF_INIT;
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char region[64];
    const struct pl_aws_call call = {.service = PL_AWS_SNS,
                                     .protocol = PL_AWS_QUERY,
                                     .operation = "GetTopicAttributes",
                                     .region = region,
                                     .is_idempotent = true};

    if (pl_sns_region(topic_arn, region, err) != 0 ||
        pl_form_add(&form, "Action", call.operation, err) != 0 ||
        pl_form_add(&form, "Version", "2010-03-31", err) != 0 ||
        pl_form_add(&form, "TopicArn", topic_arn, err) != 0)
        return -1;
    return pl_form_send(aws, &call, &form, &resp, err);
}

int pl_probe_application(struct pl_aws *aws, const char *region,
                         const char *application_id, struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_PINPOINT,
                                     .protocol = PL_AWS_REST_JSON,
                                     .operation = "GetApp",
                                     .region = region,
                                     .is_idempotent = true};
    PL_AUTO(pl_http_request) req = {.method = NULL};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_json) answer = {.value = NULL};

    if (pl_buf_adds(&path, "/v1/apps/", err) != 0 ||
        pl_uri_encode(&path, application_id, strlen(application_id), false,
                      err) != 0 ||
        pl_call_begin(aws, PL_AWS_PINPOINT, region, "GET", path.data, &req,
                      err) != 0)
        return -1;
    return pl_call_json(aws, &call, &req, NULL, NULL, &answer, err);
}

int pl_probe_host(struct pl_aws *aws, enum pl_aws_service service,
                  const char *region, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.method = "GET", .timeout_ms = 10000};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_buf_adds(&req.base, "https://", err) != 0 ||
        pl_endpoint_host(aws, service, region, &req.base, err) != 0 ||
        pl_buf_addc(&req.path, '/', err) != 0)
        return -1;
    return aws->http.send(aws->http.ctx, &req, &resp, err);
}
