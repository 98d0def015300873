/*
 * sign - reads requests, one JSON object a line, and prints the headers that
 * our client sends for each: what the tests compare with another signer's.
 * {"service", "region", "time", "base", "method", "path", "query",
 *  "headers": [[name, value], ...], "body" (base64), "payload_hash",
 *  "access_key", "secret_key", "token"}
 */
#include <jansson.h>
#include <string.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/base/digest.h"

/* The door that every request of ours goes through: nothing is sent. */
static int print_headers(void *ctx, const struct pl_http_request *req,
                         struct pl_http_response *resp, struct pl_err *err)
{
    json_t *all = json_object();

    (void)ctx;
    (void)err;
    for (size_t i = 0; i < req->headers.count; i++)
        (void)json_object_set_new(all, req->headers.list[i].name,
                                  json_string(req->headers.list[i].value));
    (void)json_dumpf(all, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(all);
    resp->status = 200;
    return 0;
}

static const char *str(const json_t *in, const char *key)
{
    return json_string_value(json_object_get(in, key));
}

static int fill(const json_t *in, struct pl_http_request *req,
                struct pl_buf *body, struct pl_err *err)
{
    json_t *header;
    size_t i;

    req->method = str(in, "method");
    if (pl_buf_adds(&req->base, str(in, "base"), err) != 0 ||
        pl_buf_adds(&req->path, str(in, "path"), err) != 0 ||
        pl_buf_adds(&req->query, str(in, "query"), err) != 0 ||
        pl_base64_decode(body, str(in, "body"), strlen(str(in, "body")), err) !=
            0)
        return -1;
    req->body = body->data;
    req->body_len = body->len;
    json_array_foreach(json_object_get(in, "headers"), i, header)
    {
        if (pl_http_headers_set(
                &req->headers, json_string_value(json_array_get(header, 0)),
                json_string_value(json_array_get(header, 1)), err) != 0)
            return -1;
    }
    return 0;
}

static int sign(const json_t *in, struct pl_err *err)
{
    struct pl_fake_clock fake = {
        .now_ms = json_integer_value(json_object_get(in, "time")) * 1000};
    struct pl_aws aws = {.http = {.send = print_headers},
                         .clock = pl_fake_clock(&fake)};
    struct pl_credentials keys = {.expires_at = 0};
    struct pl_aws_call call = {.protocol = PL_AWS_REST_JSON,
                               .operation = "Sign",
                               .region = str(in, "region"),
                               .payload_hash = str(in, "payload_hash"),
                               .keys = &keys};
    PL_AUTO(pl_http_request) req = {.method = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    PL_AUTO(pl_buf) body = PL_BUF_INIT;

    while (strcmp(pl_service_name(call.service), str(in, "service")) != 0)
        call.service++;
    (void)snprintf(keys.access_key, sizeof(keys.access_key), "%s",
                   str(in, "access_key"));
    (void)snprintf(keys.secret_key, sizeof(keys.secret_key), "%s",
                   str(in, "secret_key"));
    (void)snprintf(keys.session_token, sizeof(keys.session_token), "%s",
                   str(in, "token"));
    if (fill(in, &req, &body, err) != 0)
        return -1;
    return pl_aws_send(&aws, &call, &req, &resp, err);
}

int main(void)
{
    struct pl_err err = {0};
    json_t *in;

    while ((in = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        const int rc = sign(in, &err);

        json_decref(in);
        if (rc != 0) {
            (void)fprintf(stderr, "sign: %s\n", err.msg);
            return 1;
        }
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
