/*
 * athena.h - Amazon Athena (sources 3): JSON 1.1.
 */
#ifndef PL_AWS_ATHENA_H
#define PL_AWS_ATHENA_H

#include "pipeline/aws/client.h"
#include "pipeline/base/digest.h"

#define PL_ATHENA_SQL_MAX 262144                  /* bytes of UTF-8 */
#define PL_ATHENA_PARAMETER_MAX 1024              /* characters of a literal */
#define PL_ATHENA_CUTOFF_MIN INT64_C(10000000)    /* of a work group, bytes */
#define PL_ATHENA_REUSE_MAX 10080                 /* minutes */
#define PL_ATHENA_TOKEN (2 * PL_SHA256_BYTES + 1) /* with its NUL */

struct pl_athena_query {
    const char *sql;
    const char *token;   /* 32..128 characters: same token, same query */
    const char *catalog; /* these may be NULL */
    const char *database;
    const char *workgroup;
    const char *output_uri; /* s3://.../ */
    const char *encryption; /* of the result: SSE_S3, SSE_KMS, CSE_KMS */
    const char *kms_key;
    const char *bucket_owner;      /* 12 digits: whose bucket it must be */
    const char *const *parameters; /* SQL literals, one for each ? */
    size_t parameter_count;
    bool has_reuse;    /* an earlier result will do, */
    int reuse_minutes; /* when it is no older */
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
    int64_t scanned_bytes; /* -1 unknown, as the times */
    int64_t queue_ms;
    int64_t planning_ms;
    int64_t engine_ms;
    int64_t total_ms;
    bool is_reused;          /* the result is an earlier query's */
    bool is_managed;         /* ManagedQueryResultsConfiguration.Enabled */
    char manifest_uri[1200]; /* of what UNLOAD wrote, or "" */
};

struct pl_athena_workgroup {
    bool is_enabled;
    bool is_managed;           /* results are not in S3 (sources 3.5) */
    bool is_enforced;          /* its settings replace the client's */
    char output_uri[1200];     /* or "" */
    int64_t scan_cutoff_bytes; /* -1: none */
};

/* A token by which a start finds the query of an earlier one: of a run, an
 * attempt (from 1) and everything that is sent but the token itself. */
void pl_athena_token(const struct pl_athena_query *query, const char *run_id,
                     int attempt, char token[PL_ATHENA_TOKEN]);
int pl_athena_start(struct pl_aws *aws, const struct pl_athena_query *query,
                    char id[128], struct pl_err *err) PL_MUST_CHECK;
int pl_athena_get(struct pl_aws *aws, const char *id,
                  struct pl_athena_execution *execution,
                  struct pl_err *err) PL_MUST_CHECK;
/* Appends the text that an execution runs. */
int pl_athena_text(struct pl_aws *aws, const char *id, struct pl_buf *sql,
                   struct pl_err *err) PL_MUST_CHECK;
int pl_athena_stop(struct pl_aws *aws, const char *id,
                   struct pl_err *err) PL_MUST_CHECK;
/* Column names of the result, from GetQueryResults' metadata (MaxResults 1):
 * each(ctx, name). */
int pl_athena_columns(struct pl_aws *aws, const char *id,
                      int (*each)(void *ctx, const char *name,
                                  struct pl_err *err),
                      void *ctx, struct pl_err *err) PL_MUST_CHECK;

/* One row; data NULL is a NULL. The values are borrowed for the call. */
typedef int pl_athena_row(void *ctx, const struct pl_slice *values,
                          size_t count, struct pl_err *err);

/* All rows by paging, 1,000 a page, for managed results. The first row of a
 * SELECT repeats the names and is passed on too. */
int pl_athena_rows(struct pl_aws *aws, const char *id, pl_athena_row *each,
                   void *ctx, struct pl_err *err) PL_MUST_CHECK;
/* The same of an UNLOAD: one URI a row, of the objects that it wrote. */
int pl_athena_manifest_rows(struct pl_aws *aws, const char *id,
                            pl_athena_row *each, void *ctx,
                            struct pl_err *err) PL_MUST_CHECK;
int pl_athena_workgroup(struct pl_aws *aws, const char *name,
                        struct pl_athena_workgroup *workgroup,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
