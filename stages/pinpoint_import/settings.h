/*
 * settings.h - what the stage is asked to do: option, manifest, environment,
 * default; and what cannot be, before any call.
 */
#ifndef PINPOINT_IMPORT_SETTINGS_H
#define PINPOINT_IMPORT_SETTINGS_H

#include "stages/pinpoint_import/pinpoint_import.h"

enum pinpoint_retired_check {
    PINPOINT_RETIRED_AUTO,   /* by the rule in retired.h */
    PINPOINT_RETIRED_ALWAYS, /* date and other hosts are not asked */
    PINPOINT_RETIRED_NEVER   /* errors stay what they are */
};

/* Strings are borrowed from options, manifest and environment. */
struct pinpoint_settings {
    const char *application_id;
    const char *role_arn;
    const char *region; /* NULL: the run's */
    const char *segment_name;
    const char *segment_id;
    bool define_segment;
    bool register_endpoints;
    bool segment_per_part;
    bool is_dry_run;
    bool is_again; /* a process of this run may just have been killed */
    enum pinpoint_retired_check retired_check;
    int64_t timeout_ms;
    int64_t poll_ms;
    int64_t max_jobs;      /* running at once */
    int64_t max_job_bytes; /* of data in one job */
    double max_failed_percent;
};

/* PL_CONFIG_INVALID names the field. */
int pinpoint_settings_choose(struct pinpoint_settings *set,
                             const struct pinpoint_import_config *cfg,
                             const struct pl_manifest *m,
                             struct pl_err *err) PL_MUST_CHECK;

#endif
