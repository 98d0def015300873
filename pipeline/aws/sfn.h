/*
 * sfn.h - AWS Step Functions (sources 6.2): JSON 1.0. What a task says of
 * itself by its token, and how another execution is.
 *
 * The service's limits are held here: what is too long is cut at the border
 * of a character. A token is good for one outcome: pl_sfn_is_final() tells that
 * it is good for none any more, and whoever works for it should stop. What is
 * told by a token is sent once: only the caller, who knows whether an earlier
 * try had no answer, can tell a token that took it from one that is over.
 */
#ifndef PL_AWS_SFN_H
#define PL_AWS_SFN_H

#include "pipeline/aws/client.h"

#define PL_SFN_ERROR_MAX 256     /* characters */
#define PL_SFN_CAUSE_MAX 32768   /* characters */
#define PL_SFN_OUTPUT_MAX 262144 /* bytes */

/* output: a JSON text; one of more than PL_SFN_OUTPUT_MAX bytes is
 * PL_INTERNAL_ERROR, since half of it is none. */
int pl_sfn_success(struct pl_aws *aws, const char *token, const char *output,
                   struct pl_err *err) PL_MUST_CHECK;
/* error and cause are cut to what the service takes. */
int pl_sfn_failure(struct pl_aws *aws, const char *token, const char *error,
                   const char *cause, struct pl_err *err) PL_MUST_CHECK;
int pl_sfn_heartbeat(struct pl_aws *aws, const char *token,
                     struct pl_err *err) PL_MUST_CHECK;

/* Whether a call failed because its token is over: used, timed out, unknown. */
bool pl_sfn_is_final(const struct pl_err *err);

enum pl_sfn_status {
    PL_SFN_RUNS,  /* or will go on, or a word that we do not know */
    PL_SFN_ENDED, /* succeeded, failed, timed out, aborted */
    PL_SFN_GONE   /* no such execution (any more) */
};
struct pl_sfn_execution {
    enum pl_sfn_status status;
    char word[32];      /* the service's: "RUNNING", ...; "" if it is gone */
    int64_t started_ms; /* 0: unknown */
};
/* Fails with PL_CONFIG_INVALID for what is no execution's ARN. The region is
 * the ARN's. */
int pl_sfn_describe(struct pl_aws *aws, const char *execution_arn,
                    struct pl_sfn_execution *execution,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
