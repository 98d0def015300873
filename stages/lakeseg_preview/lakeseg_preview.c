#include "stages/lakeseg_preview/lakeseg_preview.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

#define LOOK_MS 100
#define READ_BYTES 65536

/* The pipe to the first program, between the two, and from the last. */
struct pipes {
    int to[2];
    int between[2];
    int from[2];
};

static void pipes_release(struct pipes *p)
{
    for (size_t i = 0; i < 2; i++) {
        pl_child_shut(&p->to[i]);
        pl_child_shut(&p->between[i]);
        pl_child_shut(&p->from[i]);
    }
}

static int start(const struct lakeseg_preview_config *cfg, struct pipes *p,
                 pid_t pids[2], struct pl_err *err)
{
    const char *const query[] = {"athena-exec", NULL};
    const char *const validate[] = {"csv-validate-normalize", "--preview",
                                    cfg->has_values ? "--show-values" : NULL,
                                    NULL};

    if (pl_child_pipe(p->to, err) != 0 || pl_child_pipe(p->between, err) != 0 ||
        pl_child_pipe(p->from, err) != 0 ||
        pl_child_start(cfg->bin_dir, query, p->to[0], p->between[1], &pids[0],
                       err) != 0)
        return -1;
    pl_child_shut(&p->to[0]);
    pl_child_shut(&p->between[1]);
    if (pl_child_start(cfg->bin_dir, validate, p->between[0], p->from[1],
                       &pids[1], err) != 0)
        return -1;
    pl_child_shut(&p->between[0]);
    pl_child_shut(&p->from[1]);
    return 0;
}

static int wait_for(pid_t pid)
{
    int state = 0;

    while (pid > 0 && waitpid(pid, &state, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(state) ? WEXITSTATUS(state) : 70;
}

/* Reads the last manifest; a request to stop is passed on to both, which then
 * end as they do in a pipe. */
static int read_last(int fd, const pid_t pids[2], struct pl_buf *out,
                     struct pl_err *err)
{
    bool is_passed_on = false;

    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ssize_t n;

        if (pl_stop_requested() && !is_passed_on) {
            is_passed_on = true;
            (void)kill(pids[0], SIGTERM);
            (void)kill(pids[1], SIGTERM);
        }
        if (poll(&ready, 1, LOOK_MS) <= 0)
            continue;
        if (pl_buf_reserve(out, READ_BYTES, err) != 0)
            return -1;
        n = read(fd, out->data + out->len, READ_BYTES);
        if (n == 0)
            return 0;
        if (n > 0)
            out->len += (size_t)n;
        else if (errno != EINTR)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot read the last manifest");
    }
}

int lakeseg_preview(const struct lakeseg_preview_config *cfg,
                    const struct pl_manifest *job, struct pl_manifest *m,
                    int *status, struct pl_err *err)
{
    PL_AUTO(pipes)
    p = {.to = {-1, -1}, .between = {-1, -1}, .from = {-1, -1}};
    PL_AUTO(pl_buf) in = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_buf) out = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    struct pl_err ignored = {0};
    pid_t pids[2] = {0, 0};
    int rc = pl_manifest_print(job, &in, err);

    if (rc == 0)
        rc = start(cfg, &p, pids, err);
    /* a program that takes no more is told by what it leaves */
    if (rc == 0 && pl_fd_write_all(p.to[1], in.data, in.len, &ignored) != 0)
        pl_debug("%s", ignored.msg);
    pl_child_shut(&p.to[1]);
    if (rc == 0)
        rc = read_last(p.from[0], pids, &out, err);
    pipes_release(&p); /* so that whoever still waits for us ends */
    (void)wait_for(pids[0]);
    *status = wait_for(pids[1]);
    return rc != 0 ? -1 : pl_manifest_parse(m, pl_buf_str(&out), out.len, err);
}
