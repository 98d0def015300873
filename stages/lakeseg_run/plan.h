/*
 * plan.h - which programs make up a run: run.stages of its job, so that who
 * resumes it knows.
 */
#ifndef LAKESEG_RUN_PLAN_H
#define LAKESEG_RUN_PLAN_H

#include "pipeline/manifest/manifest.h"

#define RUN_NOTIFY "sns-notify"
#define RUN_REPORT "lakeseg-report" /* not a program: lakeseg report */
#define RUN_STAGES_MAX 16

struct run_plan {
    const char *stages[RUN_STAGES_MAX]; /* of the manifest */
    size_t count;
};

/*
 * Sets run.stages: list ("a,b,c", NULL: the job's own, else by where it goes),
 * from the stage from on (NULL: the first), with the report before the
 * notification if asked for. PL_USAGE_INVALID for what is no stage.
 */
int run_plan_choose(struct pl_manifest *job, const char *list, const char *from,
                    bool has_report, struct pl_err *err) PL_MUST_CHECK;
/* Reads run.stages; borrowed from job. */
int run_plan_read(const struct pl_manifest *job, struct run_plan *plan,
                  struct pl_err *err) PL_MUST_CHECK;
/* The place of a stage from at on; plan->count: there is none. */
size_t run_plan_find(const struct run_plan *plan, const char *stage, size_t at);

#endif
