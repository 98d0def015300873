/*
 * run.h - one run of the stage, as its rooms share it.
 */
#ifndef PINPOINT_IMPORT_RUN_H
#define PINPOINT_IMPORT_RUN_H

#include "stages/pinpoint_import/plan.h"

struct pinpoint_run {
    struct pinpoint_settings set;
    struct pinpoint_plan plan;
    struct pl_aws *aws;
    struct pl_manifest *m;
    int64_t end_ms;  /* on the monotonic clock */
    bool is_refused; /* the last start was, for now: said once */
    bool is_begun;   /* an import was started, or may have been */
};

/* start.c */

enum pinpoint_start { PINPOINT_STARTED, PINPOINT_NOT_NOW };

/*
 * One try to get a job going: looks for the one of its prefix, follows that if
 * it is there, else starts it. PINPOINT_NOT_NOW: the service takes no more at
 * the moment, or an answer was unclear and the job may still appear; call
 * again later. An unclear answer is followed by looks for a while, then by
 * another start, at most three in all; then it is the error.
 */
int pinpoint_start(struct pinpoint_run *run, struct pinpoint_job *job,
                   enum pinpoint_start *what, struct pl_err *err) PL_MUST_CHECK;
/* What a process that was killed had sent may still come to pass: no job is
 * started before that would show. */
void pinpoint_expect_all(struct pinpoint_run *run);
/* For a dry run: looks only. */
int pinpoint_look_for(struct pinpoint_run *run, struct pinpoint_job *job,
                      bool *is_found, struct pl_err *err) PL_MUST_CHECK;
/* What CreateImportJob is to get; segment_id: room for an id found by name. */
int pinpoint_import_of(struct pinpoint_run *run, struct pinpoint_job *job,
                       char segment_id[128], struct pl_pinpoint_import *import,
                       struct pl_err *err) PL_MUST_CHECK;

/* segment.c */

/* The id of the imported segment with the job's name; "" when there is none.
 * PL_CONFIG_INVALID when there are several, or one of another kind. */
int pinpoint_segment_find(struct pinpoint_run *run,
                          const struct pinpoint_job *job, char id[128],
                          struct pl_err *err) PL_MUST_CHECK;
/* Reads the job's segment back: PL_IMPORT_PARTIAL unless it has as many
 * endpoints as were imported. */
int pinpoint_segment_check(struct pinpoint_run *run, struct pinpoint_job *job,
                           struct pl_err *err) PL_MUST_CHECK;

/* follow.c */

/* Starts all jobs, a few at once, and follows them until none runs. */
int pinpoint_follow(struct pinpoint_run *run, struct pl_err *err) PL_MUST_CHECK;
/* What became of them; needs all to have ended. */
int pinpoint_outcome(const struct pinpoint_run *run,
                     struct pl_err *err) PL_MUST_CHECK;
/* What is known of the jobs now, into import.result.jobs. */
int pinpoint_record(const struct pinpoint_run *run,
                    struct pl_err *err) PL_MUST_CHECK;

/* retired.c */

/*
 * Makes more of the error of a Pinpoint call: PL_RETIRED when the service is
 * gone, else what to look at for an unknown application, a missing right or a
 * name that is not found. Returns -1.
 *
 * Gone is, unless settings say otherwise: AWS's own host (no endpoint is
 * configured), after 2026-10-30, has no name or gives an answer that is none of
 * the API's errors, while another AWS host of the region answers.
 */
int pinpoint_explain(struct pinpoint_run *run, struct pl_err *err);

#endif
