/*
 * athena_exec.h - runs the manifest's query and records where its result is.
 *
 * Judges the SQL first (nothing is paid for a query that cannot be imported),
 * starts it with a token made from the run's id and all that is sent, so that
 * a repeated start finds the query of the first, and waits. Stopped itself, or
 * out of time or of its scan limit, it stops the query at the service.
 * docs/athena.md has the promises.
 */
#ifndef ATHENA_EXEC_H
#define ATHENA_EXEC_H

#include "pipeline/aws/athena.h"
#include "pipeline/manifest/manifest.h"

struct athena_exec_config {
    /* Options: NULL, PL_UNSET or false when not given; they win over the
     * manifest. */
    const char *run_id;
    const char *catalog;
    const char *database;
    const char *workgroup;
    const char *output_uri;
    const char *encryption;
    const char *kms_key;
    const char *bucket_owner;
    const char *price_per_tb;
    int64_t reuse_minutes;
    int64_t timeout_s;
    int64_t max_scanned_bytes;
    int64_t min_billed_bytes;
    int64_t poll_ms; /* longest wait between two looks */
    int64_t partitions;
    bool has_explain;
    bool is_unload;
    const char *wait_id; /* start nothing, follow this execution */
    bool is_start_only;  /* do not wait, whatever becomes of it */
    bool is_once;        /* do not wait, but take what has ended */
};
#define ATHENA_EXEC_CONFIG_INIT \
    { \
        .reuse_minutes = INT64_MIN, .timeout_s = INT64_MIN, \
        .max_scanned_bytes = INT64_MIN, .min_billed_bytes = INT64_MIN, \
        .poll_ms = INT64_MIN, .partitions = INT64_MIN \
    }

/*
 * Fills query.result and, of a query that succeeded, run.work_uri and data[]
 * (role query-result).
 *
 * Fails with PL_QUERY_INVALID, PL_QUERY_FAILED, PL_QUERY_CANCELLED,
 * PL_QUERY_TIMED_OUT, PL_CONFIG_INVALID, PL_INTERRUPTED, or what the service
 * said; query.result then holds what was learnt.
 */
int athena_exec_run(const struct athena_exec_config *cfg, struct pl_aws *aws,
                    struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
