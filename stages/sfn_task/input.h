/*
 * input.h - the manifest that a task begins with.
 */
#ifndef SFN_TASK_INPUT_H
#define SFN_TASK_INPUT_H

#include "stages/sfn_task/sfn_task.h"

/*
 * Reads cfg->manifest or what cfg->input_uri names: {"Query": "SELECT ..."},
 * {"JobUri": "s3://..."}, a whole job, or the manifest of the task before. A
 * job lies where JobUri says and is no JobUri again. Fails with
 * PL_CONFIG_INVALID when nothing, or both, are given; PL_MANIFEST_INVALID.
 */
int sfn_input_read(const struct sfn_task_config *cfg, struct pl_aws *aws,
                   struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

/* Fills what the run's first task settles: run.id, which the orchestrator
 * gives, run.name, run.started_at, run.work_uri, status, import.destination. */
int sfn_input_begin(const struct sfn_task_config *cfg, int64_t now_ms,
                    struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
