/*
 * athena.h - Amazon Athena (aws-facts 3): JSON 1.1.
 */
#ifndef PL_AWS_ATHENA_H
#define PL_AWS_ATHENA_H

#include "pipeline/aws/client.h"

#define PL_ATHENA_SQL_MAX 262144 /* bytes of UTF-8 */

struct pl_athena_query {
    const char *sql;
    const char *token;   /* 32..128 characters: same token, same query */
    const char *catalog; /* these may be NULL */
    const char *database;
    const char *workgroup;
    const char *output_uri; /* s3://.../ */
};

enum pl_athena_state {
    PL_ATHENA_QUEUED,
    PL_ATHENA_RUNNING,
    PL_ATHENA_SUCCEEDED,
    PL_ATHENA_FAILED,
    PL_ATHENA_CANCELLED,
    PL_ATHENA_UNKNOWN /* any other word: go on polling */
};

struct pl_athena_execution {
    char id[128];
    enum pl_athena_state state;
    char state_text[32];
    char reason[2048];     /* StateChangeReason; may quote data */
    char output_uri[1200]; /* ResultConfiguration.OutputLocation */
    int error_type;        /* AthenaError.ErrorType, -1: none */
    int error_category;    /* 1 system, 2 user, 3 other, 0: none */
    bool is_retryable;     /* AthenaError.Retryable */
    int64_t scanned_bytes; /* -1 unknown */
    int64_t engine_ms;     /* -1 unknown */
    bool is_managed;       /* ManagedQueryResultsConfiguration.Enabled */
};

struct pl_athena_workgroup {
    bool is_enabled;
    bool is_managed;           /* results are not in S3 (aws-facts 3.5) */
    bool is_enforced;          /* its location replaces the client's */
    char output_uri[1200];     /* or "" */
    int64_t scan_cutoff_bytes; /* -1: none */
};

int pl_athena_start(struct pl_aws *aws, const struct pl_athena_query *query,
                    char id[128], struct pl_err *err) PL_MUST_CHECK;
int pl_athena_get(struct pl_aws *aws, const char *id,
                  struct pl_athena_execution *execution,
                  struct pl_err *err) PL_MUST_CHECK;
int pl_athena_stop(struct pl_aws *aws, const char *id,
                   struct pl_err *err) PL_MUST_CHECK;
/* Column names of the result, from GetQueryResults' metadata (MaxResults 1):
 * each(ctx, name). */
int pl_athena_columns(struct pl_aws *aws, const char *id,
                      int (*each)(void *ctx, const char *name,
                                  struct pl_err *err),
                      void *ctx, struct pl_err *err) PL_MUST_CHECK;
/* All rows by paging, 1,000 a page, for managed results; a NULL value is a
 * NULL. The first row of a SELECT repeats the names and is passed on too. */
int pl_athena_rows(struct pl_aws *aws, const char *id,
                   int (*each)(void *ctx, const char *const *values,
                               size_t count, struct pl_err *err),
                   void *ctx, struct pl_err *err) PL_MUST_CHECK;
int pl_athena_workgroup(struct pl_aws *aws, const char *name,
                        struct pl_athena_workgroup *workgroup,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
