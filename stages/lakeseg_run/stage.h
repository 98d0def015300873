/*
 * stage.h - one stage of a run, once: the program started with the manifest
 * before it, watched, stopped when its time is over, and what became of it.
 */
#ifndef LAKESEG_RUN_STAGE_H
#define LAKESEG_RUN_STAGE_H

#include <sys/types.h>

#include "pipeline/manifest/manifest.h"

struct run_stage {
    const char *bin_dir;
    const char *name;
    int64_t deadline_ms; /* of the clock that never goes back */
    bool is_stoppable;   /* false: one request to stop is not passed on */
    /* Where standard error is drawn: lines of it, and a call now and then.
     * NULL: it stays ours. */
    void (*line)(void *ctx, const char *text, size_t len);
    void (*tick)(void *ctx);
    void *ctx;
};

struct run_stage_end {
    struct pl_manifest m; /* root NULL: it left no whole one */
    int status;           /* of waitpid */
    bool is_overdue;      /* it was stopped since its time was over */
};
void run_stage_end_release(struct run_stage_end *end);

/* -1 only when it could not be started at all, or for lack of memory. */
int run_stage_once(const struct run_stage *stage, const struct pl_manifest *in,
                   struct run_stage_end *end, struct pl_err *err) PL_MUST_CHECK;

#endif
