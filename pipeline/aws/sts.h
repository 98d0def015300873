/*
 * sts.h - AWS STS (sources 8.4, 8.5): who am I, and other roles' keys.
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

#define PL_STS_ROLE_ARN 2049
#define PL_STS_SESSION 65
struct pl_sts_role {
    char arn[PL_STS_ROLE_ARN];
    char session[PL_STS_SESSION]; /* 2 to 64 letters, digits, +=,.@-_ */
    char external_id[1225];       /* or "" */
    int duration_s;               /* 900 to 43200; 0: the service's 3600 */
};
/* Signed by the keys of source, not by those of the chain. */
int pl_sts_assume_role(struct pl_aws *aws, const struct pl_sts_role *role,
                       const struct pl_credentials *source,
                       struct pl_credentials *credentials,
                       struct pl_err *err) PL_MUST_CHECK;
/* A name for a session that was given none: "lakeseg-" and the time. */
void pl_sts_session_name(const struct pl_aws *aws, char out[PL_STS_SESSION]);

/* Unsigned; the token file is read anew at each call by the source in
 * credentials_web_identity.c, which uses this. */
int pl_sts_assume_role_with_web_identity(struct pl_aws *aws,
                                         const char *role_arn,
                                         const char *session_name,
                                         const char *token,
                                         struct pl_credentials *credentials,
                                         struct pl_err *err) PL_MUST_CHECK;

#endif
