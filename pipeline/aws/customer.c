#include "pipeline/aws/customer.h"

#include <string.h>

#include "pipeline/aws/customer_call.h"
#include "pipeline/base/text.h"

static int make_path(const struct pl_customer *c,
                     const struct pl_customer_call *call, struct pl_buf *path,
                     struct pl_err *err)
{
    if (pl_buf_adds(path, "/domains/", err) != 0 ||
        pl_uri_encode(path, c->domain, strlen(c->domain), false, err) != 0 ||
        pl_buf_adds(path, call->below, err) != 0)
        return -1;
    if (call->name != NULL &&
        (pl_buf_addc(path, '/', err) != 0 ||
         pl_uri_encode(path, call->name, strlen(call->name), false, err) != 0))
        return -1;
    return call->end != NULL ? pl_buf_adds(path, call->end, err) : 0;
}

int pl_customer_send(const struct pl_customer *c,
                     const struct pl_customer_call *call, json_t *body,
                     struct pl_json *answer, struct pl_err *err)
{
    const struct pl_aws_call how = {.service = PL_AWS_CUSTOMER_PROFILES,
                                    .protocol = PL_AWS_REST_JSON,
                                    .operation = call->operation,
                                    .region = c->region,
                                    .is_secret = call->is_secret,
                                    .is_idempotent = !call->is_single,
                                    .is_single = call->is_single};
    PL_AUTO(pl_http_request) req = {.method = NULL};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (make_path(c, call, &path, err) != 0 ||
        pl_call_begin(c->aws, PL_AWS_CUSTOMER_PROFILES, c->region, call->method,
                      path.data, &req, err) != 0 ||
        (call->query != NULL &&
         pl_buf_adds(&req.query, call->query, err) != 0)) {
        json_decref(body);
        return -1;
    }
    if (body == NULL)
        return pl_call_empty(c->aws, &how, &req, answer, err);
    return pl_call_json(c->aws, &how, &req, body, "application/json", answer,
                        err);
}

int pl_customer_probe(const struct pl_customer *c, struct pl_err *err)
{
    const struct pl_customer_call call = {
        .operation = "GetDomain", .method = "GET", .below = ""};
    PL_AUTO(pl_json) answer = {.value = NULL};

    return pl_customer_send(c, &call, NULL, &answer, err);
}

int pl_customer_has_profile(const struct pl_customer *c, const char *key,
                            const char *value, bool *found, struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "SearchProfiles",
                                          .method = "POST",
                                          .below = "/profiles/search",
                                          .query = "max-results=1"};
    PL_AUTO(pl_json) answer = {.value = NULL};
    const json_t *items;
    json_t *body = json_pack("{s:s, s:[s]}", "KeyName", key, "Values", value);

    if (body == NULL)
        return pl_fail(err, PL_DATA_INVALID, "a key is not UTF-8");
    if (pl_customer_send(c, &call, body, &answer, err) != 0)
        return -1;
    items = json_object_get(answer.value, "Items");
    if (items != NULL && !json_is_array(items))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "SearchProfiles answered without a list");
    *found = json_array_size(items) > 0;
    return 0;
}

bool pl_customer_is_region(const char *region)
{
    static const char *const known[] = {
        "us-east-1",      "us-west-2",      "ca-central-1",   "eu-central-1",
        "eu-west-2",      "ap-northeast-1", "ap-northeast-2", "ap-southeast-1",
        "ap-southeast-2", "af-south-1"};

    return pl_is_one_of(region, known, PL_COUNT(known));
}
