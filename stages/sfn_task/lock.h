/*
 * lock.h - one run at a time, and each scheduled time once: two small objects
 * in S3 that name the execution which wrote them, so that a repeated task of
 * that execution finds them its own.
 */
#ifndef SFN_TASK_LOCK_H
#define SFN_TASK_LOCK_H

#include "stages/sfn_task/sfn_task.h"

/* Claims cfg->scheduled_time for this execution: 1 when another has it. */
int sfn_claim(const struct sfn_task_config *cfg, struct pl_aws *aws,
              struct pl_err *err) PL_MUST_CHECK;

/*
 * Takes the job's lock. It is never given back: it is over with the execution
 * that it names, and taken over then, by one only. PL_ALREADY_RUNNING while
 * that execution is not over.
 */
int sfn_lock(const struct sfn_task_config *cfg, struct pl_aws *aws,
             struct pl_err *err) PL_MUST_CHECK;

#endif
