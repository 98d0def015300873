/*
 * sfn_task.h - stages run as one task of a Step Functions state machine: the
 * manifest from S3, the stages as child programs joined by pipes, the new
 * manifest back to S3, and the outcome told by the task's token.
 *
 * Whatever happens is told once, as soon as it is known; a token that became
 * invalid stops the stages, and then nothing more is written. What the service
 * is told never holds more than its limits. See docs/sfn-task.md.
 */
#ifndef SFN_TASK_H
#define SFN_TASK_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

#define SFN_TASK_STAGES_MAX 8

/* Texts are borrowed; NULL: not given. */
struct sfn_task_config {
    const char *bin_dir; /* where the programs are, ending in "/" */
    const char *const *stages;
    size_t stage_count;
    const char *token;
    const char *input_uri; /* of the manifest, */
    const char *manifest;  /* or the manifest itself */
    const char *execution_arn;
    const char *run_id;
    const char *output_uri;     /* where a job's results go by default */
    const char *destination;    /* and for whom they are */
    const char *job_name;       /* the first task: */
    const char *scheduled_time; /* what is claimed, NULL by hand */
    const char *locks_uri;      /* NULL: neither claim nor lock */
    const char *history_uri;    /* NULL: no copy */
    int64_t heartbeat_s;
};

/*
 * Runs the task. 0: its outcome was told, and *status is the exit status of
 * the run, 0 for one that goes on or was a duplicate. -1: it could not be
 * told, or nobody wants to hear it any more (PL_INTERRUPTED).
 */
int sfn_task_run(const struct sfn_task_config *cfg, struct pl_aws *aws,
                 int *status, struct pl_err *err) PL_MUST_CHECK;

#endif
