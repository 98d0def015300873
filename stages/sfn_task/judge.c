#include "stages/sfn_task/judge.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* How a stage ended that left no word of its own. */
static void name_end(const struct sfn_pipe *pipe,
                     const struct sfn_pipe_child *child, struct pl_err *cause)
{
    const char *name = child->argv[0];
    const int sig = WIFSIGNALED(child->status) ? WTERMSIG(child->status) : 0;

    if (sig == SIGKILL && pipe->is_killed)
        (void)pl_fail(cause, PL_INTERRUPTED,
                      "stopped; '%s' did not end within %d s and was killed",
                      name, (int)(SFN_PIPE_KILL_MS / 1000));
    else if (sig != 0)
        (void)pl_fail(
            cause, PL_INTERNAL_ERROR, "'%s' was killed by signal %d (%s)%s",
            name, sig, strsignal(sig),
            sig == SIGKILL ? "; out of memory is the usual reason" : "");
    else
        (void)pl_fail(cause, PL_INTERNAL_ERROR,
                      "'%s' ended with status %d and left no manifest that "
                      "says so",
                      name, WEXITSTATUS(child->status));
}

/* A stage that got no manifest writes one all the same, of a run that nobody
 * knows. */
static bool is_of_run(const struct pl_manifest *m,
                      const struct pl_manifest *input)
{
    const char *id = pl_manifest_str(m, "run.id");
    const char *ours = pl_manifest_str(input, "run.id");

    return id != NULL && ours != NULL && strcmp(id, ours) == 0;
}

/* Who left nothing: the first that did not end well, or, where that one says
 * that it got nothing, the one before it. */
static const struct sfn_pipe_child *culprit(const struct sfn_pipe *pipe,
                                            const struct sfn_pipe_child *blame)
{
    const int no_input = pl_code_info(PL_MANIFEST_INVALID)->exit;

    if (blame == NULL)
        return &pipe->child[pipe->count - 1];
    return blame > pipe->child && WIFEXITED(blame->status) &&
                   WEXITSTATUS(blame->status) == no_input
               ? blame - 1
               : blame;
}

static int fail_input(const struct pl_manifest *input, const char *stage,
                      const struct pl_err *cause, int64_t now_ms,
                      struct pl_manifest *m, struct pl_err *err)
{
    pl_manifest_release(m);
    m->root = json_deep_copy(input->root);
    if (m->root == NULL)
        return pl_fail_memory(err);
    if (pl_manifest_set_error(m, stage, cause, err) != 0)
        return -1;
    return pl_manifest_add_stage(m, stage, now_ms, now_ms, "failed", err);
}

int sfn_judge(const struct sfn_pipe *pipe, const struct pl_buf *output,
              const struct pl_manifest *input, int64_t now_ms,
              struct pl_manifest *m, struct pl_err *err)
{
    const struct sfn_pipe_child *blame = sfn_pipe_blame(pipe);
    struct pl_err cause = {0};
    const bool is_ours =
        pl_manifest_parse(m, pl_buf_str(output), output->len, &cause) == 0 &&
        is_of_run(m, input);

    if (is_ours && (blame == NULL ||
                    (WIFEXITED(blame->status) && pl_manifest_is_failed(m))))
        return 0;
    if (!is_ours)
        blame = culprit(pipe, blame);
    pl_err_clear(&cause);
    name_end(pipe, blame, &cause);
    return fail_input(input, blame->argv[0], &cause, now_ms, m, err);
}
