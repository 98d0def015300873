/*
 * pipe.h - programs joined by pipes, fed and read by us, with signs of life
 * sent meanwhile.
 */
#ifndef SFN_TASK_PIPE_H
#define SFN_TASK_PIPE_H

#include <sys/types.h>

#include "pipeline/base/buf.h"
#include "stages/sfn_task/beat.h"
#include "stages/sfn_task/sfn_task.h"

/* Stages have PL_STOP_HOLD_MS to end after TERM, and a little to say so. */
#define SFN_PIPE_KILL_MS INT64_C(60000)

struct sfn_pipe {
    struct sfn_pipe_child {
        const char *const *argv;
        pid_t pid;
        int status; /* of waitpid; -1: it still runs, or never did */
    } child[SFN_TASK_STAGES_MAX];
    size_t count;
    int64_t stop_ms; /* when they were first asked to stop (monotonic) */
    int64_t term_ms; /* and last */
    bool is_stopped;
    bool is_killed; /* asking did not help */
};

/*
 * Starts the programs, which are in dir, writes input to the first and reads
 * the last one's output to its end. TERM and INT, and the end of the token, are
 * passed on as TERM, and as KILL after SFN_PIPE_KILL_MS. Returns when all have
 * ended, however. -1 only when they could not be started or read.
 */
int sfn_pipe_run(struct sfn_pipe *pipe, const char *dir,
                 const struct pl_buf *input, struct sfn_beat *beat,
                 struct pl_buf *output, struct pl_err *err) PL_MUST_CHECK;

/* The first, in the order of the pipe, that did not end with status 0; NULL:
 * all did. */
const struct sfn_pipe_child *sfn_pipe_blame(const struct sfn_pipe *pipe);

#endif
