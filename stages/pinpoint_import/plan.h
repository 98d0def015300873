/*
 * plan.h - which files make an import job. What a job reads is all that stands
 * under one prefix, so files are grouped by folder: the topmost folder whose
 * files fit into a job is one (sources 1.6).
 */
#ifndef PINPOINT_IMPORT_PLAN_H
#define PINPOINT_IMPORT_PLAN_H

#include "pipeline/aws/pinpoint.h"
#include "stages/pinpoint_import/settings.h"

#define PINPOINT_JOB_FILES_MAX 10000
#define PINPOINT_JOBS_MAX 1000 /* of one run */

struct pinpoint_part {
    const char *uri; /* borrowed from the manifest, as is etag */
    const char *etag;
    int64_t bytes; /* -1 unknown */
    int64_t rows;
    bool is_seen; /* under its prefix */
};

enum pinpoint_phase {
    PINPOINT_WAITING, /* not started, as far as is known */
    PINPOINT_RUNNING,
    PINPOINT_ENDED
};

struct pinpoint_job {
    char *s3_url;
    char *segment_name; /* NULL: none */
    size_t first;       /* of the plan's parts */
    size_t count;
    int64_t rows;
    enum pinpoint_phase phase;
    unsigned starts;      /* whose answer was unclear */
    int64_t settle_at_ms; /* until then one of them may still appear */
    struct pl_err cause;  /* of the last of them */
    bool is_update;       /* of a segment that was there */
    struct pl_pinpoint_job state;
    struct pl_pinpoint_segment segment; /* read back, id "" before */
};

struct pinpoint_plan {
    struct pinpoint_part *parts; /* by URI */
    size_t part_count;
    struct pinpoint_job *jobs;
    size_t job_count;
    int64_t rows;
    const char *format; /* "CSV" or "JSON" */
};
void pinpoint_plan_release(struct pinpoint_plan *plan);

/* From the manifest alone. Files without rows make no job of their own. The
 * plan borrows from the manifest, whose data[] must stay. */
int pinpoint_plan_make(struct pinpoint_plan *plan,
                       const struct pinpoint_settings *set,
                       const struct pl_manifest *m,
                       struct pl_err *err) PL_MUST_CHECK;
/* Lists each job's prefix: what is there must be just what the manifest says. */
int pinpoint_plan_check(struct pinpoint_plan *plan,
                        const struct pinpoint_settings *set, struct pl_aws *aws,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
