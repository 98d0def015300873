/*
 * profiles_import.h - imports the run's files into Amazon Connect Customer
 * Profiles, as upload jobs or object by object.
 *
 * Nothing is imported twice: an upload job is named after the run and its
 * part, and looked for before it is made, after an unclear answer and before
 * it is started; objects are counted in a journal, and one that is put again
 * replaces itself.
 */
#ifndef PROFILES_IMPORT_H
#define PROFILES_IMPORT_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct profiles_import_config {
    /* Options: NULL or PL_UNSET when not given; they win over the manifest. */
    const char *domain;
    const char *region;
    const char *method;
    const char *object_type;
    const char *segment;
    int64_t expiry_days;
    int64_t objects_per_second;
    int64_t timeout_s;
    int64_t poll_ms;
    bool is_setup; /* an object type that is missing is made */
};
#define PROFILES_IMPORT_CONFIG_INIT \
    { \
        .expiry_days = INT64_MIN, .objects_per_second = INT64_MIN, \
        .timeout_s = INT64_MIN, .poll_ms = INT64_MIN \
    }

/*
 * Fills import.result and sets status to "succeeded". A run without rows
 * succeeds without a job.
 *
 * Fails before anything is imported with PL_CONFIG_INVALID, PL_MANIFEST_INVALID
 * or PL_DATA_INVALID (a file that is not what the manifest says; more unknown
 * keys than import.max_unknown_keys_percent), later with PL_IMPORT_FAILED,
 * PL_IMPORT_PARTIAL, PL_IMPORT_TIMED_OUT, PL_INTERRUPTED, or what the service
 * said. A signal leaves upload jobs as they are: one that was started goes on
 * at the service, and the stage started again follows it.
 */
int profiles_import_run(const struct profiles_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
