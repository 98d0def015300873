/*
 * sigv4.h - AWS Signature Version 4 (sources 7): three pure steps over plain
 * data, so that a failing vector names the step.
 */
#ifndef PL_AWS_SIGV4_H
#define PL_AWS_SIGV4_H

#include "pipeline/aws/credentials.h"
#include "pipeline/aws/http.h"

struct pl_sigv4 {
    const char *method;
    const char *path;  /* as sent, encoded once, begins with "/" */
    const char *query; /* as sent, encoded, without "?" */
    const struct pl_http_headers *headers; /* those to sign, host included */
    const char *payload_hash; /* lower-case hex, or one of S3's constants */
    const char *time;         /* "20261123T010203Z" */
    const char *region;
    const char *service; /* the signing name */
    bool is_s3; /* the path is signed as it is sent; else normalized and
                   encoded once more */
};

/* Whether a header belongs to the signature: all but those that a hop may
 * change (connection, expect, user-agent, ...). name is in lower case. */
bool pl_sigv4_signs(const char *name);

int pl_sigv4_canonical(const struct pl_sigv4 *in, struct pl_buf *out,
                       struct pl_err *err) PL_MUST_CHECK;
/* "host;x-amz-date": the names that canonical has, in its order. */
int pl_sigv4_signed_headers(const struct pl_sigv4 *in, struct pl_buf *out,
                            struct pl_err *err) PL_MUST_CHECK;
int pl_sigv4_string_to_sign(const struct pl_sigv4 *in, const char *canonical,
                            struct pl_buf *out,
                            struct pl_err *err) PL_MUST_CHECK;
/* The value of the authorization header. */
int pl_sigv4_authorization(const struct pl_sigv4 *in,
                           const struct pl_credentials *keys,
                           struct pl_buf *out,
                           struct pl_err *err) PL_MUST_CHECK;

#endif
