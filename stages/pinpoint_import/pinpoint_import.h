/*
 * pinpoint_import.h - imports the run's data into Amazon Pinpoint and follows
 * the jobs to their end.
 *
 * Nothing is imported twice: the run's prefixes are its own, and the service's
 * jobs are searched for a prefix before a start and before any repeat of one; a
 * restarted stage finds its jobs and goes on following them.
 *
 * The rooms: settings (what is asked for), plan (which files make a job),
 * start, segment, follow (to the end, and what became of it), retired (why a
 * call failed, in words that help).
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
    const char *retired_check;
    int64_t timeout_s;
    int64_t poll_ms;
    int64_t max_jobs;
    bool is_again;
    bool is_dry_run;
};
#define PINPOINT_IMPORT_CONFIG_INIT \
    { \
        .timeout_s = INT64_MIN, .poll_ms = INT64_MIN, .max_jobs = INT64_MIN \
    }

/*
 * Fills import.result and sets status to "succeeded". A run without rows
 * succeeds without a job. A dry run calls all but CreateImportJob, puts what
 * that would send into import.result.planned and leaves the status.
 *
 * Fails with PL_CONFIG_INVALID before anything is started (settings at odds, a
 * file under a prefix that the run did not write), PL_DATA_INVALID (a file that
 * is not as the manifest says), PL_IMPORT_FAILED, PL_IMPORT_PARTIAL (more
 * failures than import.max_failed_percent, or other counts than were sent),
 * PL_IMPORT_TIMED_OUT, PL_INTERRUPTED (jobs go on at the service, which has no
 * way to stop them), PL_RETIRED, or what the service said.
 */
int pinpoint_import_run(const struct pinpoint_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
