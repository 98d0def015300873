#include "stages/sfn_task/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

#define AGAIN_MS 1000
#define TURN_MS 200 /* how late an end, a signal or a beat may be seen */

/* Our ends of the first and the last pipe; -1: closed. */
struct ends {
    int to_first;
    int from_last;
    size_t fed; /* bytes of the input */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void ends_release(struct ends *ends)
{
    close_fd(&ends->to_first);
    close_fd(&ends->from_last);
}

/* Starts one between in and a new pipe; in becomes that pipe's end. */
static int start_child(struct sfn_pipe_child *child, const char *dir, int *in,
                       struct pl_err *err)
{
    int ends[2];
    int rc;

    if (pl_child_pipe(ends, err) != 0)
        return -1;
    rc = pl_child_start(dir, child->argv, *in, ends[1], &child->pid, err);
    if (rc != 0)
        child->pid = 0;
    (void)close(ends[1]);
    (void)close(*in);
    *in = ends[0];
    return rc;
}

static int start_all(struct sfn_pipe *p, const char *dir, struct ends *ends,
                     struct pl_err *err)
{
    int first[2];

    if (pl_child_pipe(first, err) != 0)
        return -1;
    ends->to_first = first[1];
    ends->from_last = first[0];
    for (size_t i = 0; i < p->count; i++)
        if (start_child(&p->child[i], dir, &ends->from_last, err) != 0)
            return -1;
    /* neither may keep us from signals and signs of life */
    (void)fcntl(ends->to_first, F_SETFL, O_NONBLOCK);
    (void)fcntl(ends->from_last, F_SETFL, O_NONBLOCK);
    return 0;
}

static bool note_ended(struct sfn_pipe *p)
{
    bool is_all = true;

    for (size_t i = 0; i < p->count; i++) {
        struct sfn_pipe_child *child = &p->child[i];
        int status;

        if (child->pid > 0 && child->status == -1 &&
            waitpid(child->pid, &status, WNOHANG) == child->pid)
            child->status = status;
        is_all = is_all && (child->pid <= 0 || child->status != -1);
    }
    return is_all;
}

static void signal_all(const struct sfn_pipe *p, int sig)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->child[i].pid > 0 && p->child[i].status == -1)
            (void)kill(p->child[i].pid, sig);
}

/* TERM, again and again, since a stage that still reads its input takes none;
 * KILL when that was in vain. */
static void pass_stop_on(struct sfn_pipe *p, const struct sfn_beat *beat)
{
    const int64_t now = pl_mono_ms(&pl_clock_real);

    if (!p->is_stopped && (pl_stop_age_ms() >= 0 || beat->is_over)) {
        p->is_stopped = true;
        p->stop_ms = now;
        p->term_ms = now - AGAIN_MS;
    }
    if (!p->is_stopped || p->is_killed)
        return;
    if (now - p->stop_ms >= SFN_PIPE_KILL_MS) {
        p->is_killed = true;
        pl_warn("not ended %d s after TERM: killed",
                (int)(SFN_PIPE_KILL_MS / 1000));
        signal_all(p, SIGKILL);
    } else if (now - p->term_ms >= AGAIN_MS) {
        p->term_ms = now;
        signal_all(p, SIGTERM);
    }
}

/* A first program that died is told by how it ended, not by this. */
static void feed(struct ends *ends, const struct pl_buf *input)
{
    const ssize_t n =
        write(ends->to_first, input->data + ends->fed, input->len - ends->fed);

    if (n > 0)
        ends->fed += (size_t)n;
    if (ends->fed == input->len || (n < 0 && errno != EINTR && errno != EAGAIN))
        close_fd(&ends->to_first);
}

static int drain(struct ends *ends, struct pl_buf *output, struct pl_err *err)
{
    ssize_t n;

    if (pl_buf_reserve(output, 65536, err) != 0)
        return -1;
    n = read(ends->from_last, output->data + output->len, 65536);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read the output");
    if (n == 0)
        close_fd(&ends->from_last);
    output->len += (size_t)n;
    output->data[output->len] = '\0';
    return 0;
}

/* Until all have ended and what they left is read. */
static int attend(struct sfn_pipe *p, struct ends *ends,
                  const struct pl_buf *input, struct sfn_beat *beat,
                  struct pl_buf *output, struct pl_err *err)
{
    for (;;) {
        const bool was_all = note_ended(p); /* before the last bytes are read */
        struct pollfd fds[2] = {{.fd = ends->from_last, .events = POLLIN},
                                {.fd = ends->to_first, .events = POLLOUT}};
        const int n = poll(fds, 2, was_all ? 0 : TURN_MS);

        if (n > 0 && fds[0].revents != 0 && drain(ends, output, err) != 0)
            return -1;
        if (n > 0 && fds[1].revents != 0)
            feed(ends, input);
        /* who is left over and holds our pipe open is not waited for */
        if (was_all && (ends->from_last < 0 || n <= 0 || fds[0].revents == 0))
            return 0;
        sfn_beat_tick(beat);
        pass_stop_on(p, beat);
    }
}

/* None is left behind, whatever went wrong. */
static void reap(struct sfn_pipe *p)
{
    signal_all(p, SIGKILL);
    for (size_t i = 0; i < p->count; i++) {
        struct sfn_pipe_child *child = &p->child[i];
        int status;

        while (child->pid > 0 && child->status == -1) {
            if (waitpid(child->pid, &status, 0) == child->pid)
                child->status = status;
            else if (errno != EINTR)
                break;
        }
    }
}

int sfn_pipe_run(struct sfn_pipe *p, const char *dir,
                 const struct pl_buf *input, struct sfn_beat *beat,
                 struct pl_buf *output, struct pl_err *err)
{
    PL_AUTO(ends) ends = {.to_first = -1, .from_last = -1};
    int rc;

    for (size_t i = 0; i < p->count; i++)
        p->child[i].status = -1;
    rc = start_all(p, dir, &ends, err);
    if (rc == 0)
        rc = attend(p, &ends, input, beat, output, err);
    ends_release(&ends);
    reap(p);
    return rc;
}

const struct sfn_pipe_child *sfn_pipe_blame(const struct sfn_pipe *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!WIFEXITED(p->child[i].status) ||
            WEXITSTATUS(p->child[i].status) != 0)
            return &p->child[i];
    return NULL;
}
