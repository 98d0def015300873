/*
 * errors.h - how services word their refusals (sources 0), and which of our
 * codes that is.
 */
#ifndef PL_AWS_ERRORS_H
#define PL_AWS_ERRORS_H

#include "pipeline/aws/client.h"

struct pl_service_error {
    char code[64]; /* "NoSuchKey"; "" when the answer does not say */
    char message[512];
    char request_id[128];
    char region[64]; /* S3: where the bucket really is, or "" */
};

/* Reads whatever the answer has; never fails, fields stay "". */
void pl_error_read(enum pl_aws_protocol protocol,
                   const struct pl_http_response *resp,
                   struct pl_service_error *e);
/* Whether a code says that temporary credentials are over. */
bool pl_error_is_expired(const char *code);
/* Fills err by code and status; always returns -1. */
int pl_error_fail(struct pl_err *err, const char *operation, int status,
                  const struct pl_service_error *e, enum pl_retry_kind kind);

#endif
