/*
 * call.h - what the service files share: a request begun, JSON sent and read.
 */
#ifndef PL_AWS_CALL_H
#define PL_AWS_CALL_H

#include <jansson.h>

#include "pipeline/aws/client.h"

/* A JSON value released on every way out of the scope. */
struct pl_json {
    json_t *value;
};
void pl_json_release(struct pl_json *json);

int pl_call_begin(struct pl_aws *aws, enum pl_aws_service service,
                  const char *region, const char *method, const char *path,
                  struct pl_http_request *req,
                  struct pl_err *err) PL_MUST_CHECK;

/* Sends body (NULL: none; taken over) as JSON and reads the answer, an object
 * or nothing, into *answer. */
int pl_call_json(struct pl_aws *aws, const struct pl_aws_call *call,
                 struct pl_http_request *req, json_t *body,
                 const char *content_type, struct pl_json *answer,
                 struct pl_err *err) PL_MUST_CHECK;

/* The same without a body, whatever the method. */
int pl_call_empty(struct pl_aws *aws, const struct pl_aws_call *call,
                  struct pl_http_request *req, struct pl_json *answer,
                  struct pl_err *err) PL_MUST_CHECK;

/* Copies a string member, cut to fit; "" when it is not there. */
void pl_json_text(const json_t *object, const char *key, char *out, size_t cap);
/* An integer member, or fallback. */
int64_t pl_json_int(const json_t *object, const char *key, int64_t fallback);

#endif
