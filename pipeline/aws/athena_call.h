/*
 * athena_call.h - what Athena's source files share: one call of JSON 1.1.
 */
#ifndef PL_AWS_ATHENA_CALL_H
#define PL_AWS_ATHENA_CALL_H

#include "pipeline/aws/athena.h"
#include "pipeline/aws/call.h"

/* body is taken over; NULL: a text was not UTF-8, or out of memory. */
int pl_athena_call(struct pl_aws *aws, const char *operation, json_t *body,
                   struct pl_json *answer, struct pl_err *err) PL_MUST_CHECK;

#endif
