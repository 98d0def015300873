/*
 * sts.h - AWS STS (aws-facts 8.4, 8.5): who am I, and roles by web identity.
 */
#ifndef PL_AWS_STS_H
#define PL_AWS_STS_H

#include "pipeline/aws/client.h"

struct pl_sts_identity {
    char account[64];
    char arn[2048];
    char user_id[256];
};
int pl_sts_get_caller_identity(struct pl_aws *aws,
                               struct pl_sts_identity *identity,
                               struct pl_err *err) PL_MUST_CHECK;

/* Unsigned; the token file is read anew at each call by the provider in
 * credentials.c, which uses this. */
int pl_sts_assume_role_with_web_identity(struct pl_aws *aws,
                                         const char *role_arn,
                                         const char *session_name,
                                         const char *token,
                                         struct pl_credentials *credentials,
                                         struct pl_err *err) PL_MUST_CHECK;

#endif
