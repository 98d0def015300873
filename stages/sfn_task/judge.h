/*
 * judge.h - what became of the stages: by the last manifest, or by how a stage
 * ended that could not write one.
 */
#ifndef SFN_TASK_JUDGE_H
#define SFN_TASK_JUDGE_H

#include "pipeline/manifest/manifest.h"
#include "stages/sfn_task/pipe.h"

/*
 * Makes *m of what the last stage wrote. Where that is no manifest of this
 * run, or tells of no failure though a stage failed, *m is a copy of input that
 * failed: InternalError naming the stage and its signal or status, or
 * Interrupted where it was us who killed it. now_ms: for its line in stages[].
 */
int sfn_judge(const struct sfn_pipe *pipe, const struct pl_buf *output,
              const struct pl_manifest *input, int64_t now_ms,
              struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
