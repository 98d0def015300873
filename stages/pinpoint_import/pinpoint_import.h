/*
 * pinpoint_import.h - imports the run's file into Amazon Pinpoint and follows
 * the job to its end.
 *
 * Nothing is imported twice: the run's prefix is its own, and the service's
 * jobs are searched for it before a start and after an unclear answer; a
 * restarted stage finds its job and goes on following it.
 */
#ifndef PINPOINT_IMPORT_H
#define PINPOINT_IMPORT_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct pinpoint_import_config {
    /* Options: NULL or PL_UNSET when not given; they win over the manifest. */
    const char *application_id;
    const char *role_arn;
    const char *region;
    int64_t timeout_s;
    int64_t poll_ms;
};
#define PINPOINT_IMPORT_CONFIG_INIT \
    { \
        .timeout_s = INT64_MIN, .poll_ms = INT64_MIN \
    }

/*
 * Fills import.result and sets status to "succeeded". A run without rows
 * succeeds without a job.
 *
 * Fails with PL_CONFIG_INVALID before anything is started, PL_IMPORT_FAILED,
 * PL_IMPORT_PARTIAL (more failures than import.max_failed_percent, or other
 * counts than were sent), PL_IMPORT_TIMED_OUT, PL_INTERRUPTED (the job goes on
 * at the service, which has no way to stop it), or what the service said.
 */
int pinpoint_import_run(const struct pinpoint_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
