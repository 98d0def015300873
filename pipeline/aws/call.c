#include "pipeline/aws/call.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

void pl_json_release(struct pl_json *json)
{
    json_decref(json->value);
    json->value = NULL;
}

int pl_call_begin(struct pl_aws *aws, enum pl_aws_service service,
                  const char *region, const char *method, const char *path,
                  struct pl_http_request *req, struct pl_err *err)
{
    req->method = method;
    if (pl_aws_begin(aws, service, region, NULL, req, NULL, err) != 0)
        return -1;
    return pl_buf_adds(&req->path, path, err);
}

/* A result's value may hold U+0000, which every other reader of a string takes
 * for its end. */
static int read_answer(const struct pl_aws_call *call,
                       const struct pl_http_response *resp,
                       struct pl_json *answer, struct pl_err *err)
{
    answer->value =
        resp->body.len == 0
            ? json_object()
            : json_loadb(resp->body.data, resp->body.len, JSON_ALLOW_NUL, NULL);
    if (json_is_object(answer->value))
        return 0;
    (void)pl_fail(err, PL_SERVICE_UNAVAILABLE,
                  "the answer to %s is no JSON object", call->operation);
    err->http_status = resp->status;
    return -1;
}

int pl_call_empty(struct pl_aws *aws, const struct pl_aws_call *call,
                  struct pl_http_request *req, struct pl_json *answer,
                  struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    int rc = pl_aws_send(aws, call, req, &resp, err);

    if (rc == 0)
        rc = read_answer(call, &resp, answer, err);
    if (call->is_secret && resp.body.data != NULL)
        pl_wipe(resp.body.data, resp.body.cap);
    return rc;
}

int pl_call_json(struct pl_aws *aws, const struct pl_aws_call *call,
                 struct pl_http_request *req, json_t *body,
                 const char *content_type, struct pl_json *answer,
                 struct pl_err *err)
{
    PL_AUTO_STR *text = NULL;
    int rc;

    if (strcmp(req->method, "GET") != 0) {
        text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
        json_decref(body);
        if (text == NULL)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "cannot word %s: a text is not UTF-8, or out of "
                           "memory",
                           call->operation);
        req->body = text;
        req->body_len = strlen(text);
        if (pl_http_headers_set(&req->headers, "content-type", content_type,
                                err) != 0)
            return -1;
    }
    rc = pl_call_empty(aws, call, req, answer, err);
    req->body = NULL;
    req->body_len = 0;
    return rc;
}

void pl_json_text(const json_t *object, const char *key, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t len = text != NULL ? strlen(text) : 0;

    if (len >= cap)
        len = pl_utf8_valid_len(text, cap - 1);
    if (text != NULL && len > 0)
        memcpy(out, text, len);
    out[len] = '\0';
}

int64_t pl_json_int(const json_t *object, const char *key, int64_t fallback)
{
    const json_t *v = json_object_get(object, key);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}
