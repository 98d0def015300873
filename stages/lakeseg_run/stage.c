#include "stages/lakeseg_run/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/child.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

#define LOOK_MS 100       /* between two looks at clock and signals */
#define REMIND_MS 1000    /* a program that just starts does not hear TERM */
#define PATIENCE_MS 30000 /* then KILL; a stage's own is PL_STOP_HOLD_MS */
#define LINE_MAX_BYTES ((size_t)65536)

struct child {
    const struct run_stage *stage;
    pid_t pid;
    int to;     /* -1: all is said */
    int from;   /* -1: at its end */
    int errors; /* -1: not ours, or at its end */
    struct pl_buf in;
    size_t sent;
    struct pl_buf out;
    struct pl_buf said;
    int64_t asked_ms; /* when it was first asked to stop; 0: never */
    int64_t last_ms;
    bool is_overdue;
};

void run_stage_end_release(struct run_stage_end *end)
{
    pl_manifest_release(&end->m);
}

/* On every way out the program has ended: nobody may leave one behind. */
static void child_release(struct child *c)
{
    pl_child_shut(&c->to);
    pl_child_shut(&c->from);
    pl_child_shut(&c->errors);
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    pl_buf_release(&c->in);
    pl_buf_release(&c->out);
    pl_buf_release(&c->said);
}

static int start(struct child *c, struct pl_err *err)
{
    const char *argv[] = {c->stage->name, NULL};
    struct pl_child_io io;
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    int rc = 0;

    if (pl_child_pipe(in, err) != 0 || pl_child_pipe(out, err) != 0 ||
        (c->stage->line != NULL && pl_child_pipe(errors, err) != 0))
        rc = -1;
    io = (struct pl_child_io){.in = in[0], .out = out[1], .errors = errors[1]};
    if (rc == 0)
        rc = pl_child_start_with(c->stage->bin_dir, argv, &io, &c->pid, err);
    pl_child_shut(&in[0]);
    pl_child_shut(&out[1]);
    pl_child_shut(&errors[1]);
    c->to = in[1];
    c->from = out[0];
    c->errors = errors[0];
    if (rc == 0)
        (void)fcntl(c->to, F_SETFL, O_NONBLOCK);
    return rc;
}

/* A program that takes no more is told by what it leaves. */
static void feed(struct child *c)
{
    const ssize_t n = write(c->to, c->in.data + c->sent, c->in.len - c->sent);

    if (n > 0)
        c->sent += (size_t)n;
    if (c->sent == c->in.len || (n < 0 && errno != EAGAIN && errno != EINTR))
        pl_child_shut(&c->to);
}

static int take(int *fd, struct pl_buf *into, struct pl_err *err)
{
    ssize_t n;

    if (pl_buf_reserve(into, 65536, err) != 0)
        return -1;
    n = read(*fd, into->data + into->len, 65536);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0) {
        pl_child_shut(fd);
        return 0;
    }
    into->len += (size_t)n;
    into->data[into->len] = '\0';
    return 0;
}

/* Hands whole lines on; at the end, or when it is too long, the rest, too. */
static void hand_on(struct child *c)
{
    size_t from = 0;

    for (size_t i = 0; i < c->said.len; i++) {
        if (c->said.data[i] != '\n')
            continue;
        c->stage->line(c->stage->ctx, c->said.data + from, i - from);
        from = i + 1;
    }
    if (from < c->said.len &&
        (c->errors < 0 || c->said.len - from > LINE_MAX_BYTES)) {
        c->stage->line(c->stage->ctx, c->said.data + from, c->said.len - from);
        from = c->said.len;
    }
    memmove(c->said.data, c->said.data + from, c->said.len - from);
    c->said.len -= from;
}

/* TERM, again and again for as long as it may not have been heard, then KILL.
 * The second Ctrl-C means KILL. */
static void press(struct child *c)
{
    const int64_t now = pl_mono_ms(&pl_clock_real);
    const bool is_overdue = now >= c->stage->deadline_ms;

    if (pl_stop_count() > 1) {
        (void)kill(c->pid, SIGKILL);
        return;
    }
    if (!is_overdue && !(c->stage->is_stoppable && pl_stop_requested()))
        return;
    if (c->asked_ms == 0) {
        c->asked_ms = now;
        c->is_overdue = !pl_stop_requested();
    } else if (now - c->last_ms < REMIND_MS) {
        return;
    }
    c->last_ms = now;
    if (now - c->asked_ms >= PATIENCE_MS)
        pl_warn("%s does not stop: it is killed", c->stage->name);
    (void)kill(c->pid, now - c->asked_ms >= PATIENCE_MS ? SIGKILL : SIGTERM);
}

static int exchange(struct child *c, struct pl_err *err)
{
    while (c->to >= 0 || c->from >= 0 || c->errors >= 0) {
        struct pollfd fds[] = {{.fd = c->to, .events = POLLOUT},
                               {.fd = c->from, .events = POLLIN},
                               {.fd = c->errors, .events = POLLIN}};
        const int n = poll(fds, 3, LOOK_MS);

        press(c);
        if (c->stage->tick != NULL)
            c->stage->tick(c->stage->ctx);
        if (n <= 0)
            continue;
        if (fds[0].revents != 0)
            feed(c);
        if (fds[1].revents != 0 && take(&c->from, &c->out, err) != 0)
            return -1;
        if (fds[2].revents != 0) {
            if (take(&c->errors, &c->said, err) != 0)
                return -1;
            hand_on(c);
        }
    }
    return 0;
}

/* It closed its pipes; the end itself is a matter of moments, if it is not
 * stuck. */
static int reap(struct child *c, int *status, struct pl_err *err)
{
    for (int64_t ms = 1;; ms = ms < LOOK_MS / 2 ? ms * 2 : LOOK_MS) {
        const pid_t pid = waitpid(c->pid, status, WNOHANG);
        struct timespec pause = {.tv_nsec = (long)ms * 1000000};

        if (pid == c->pid) {
            c->pid = 0;
            return 0;
        }
        if (pid < 0 && errno != EINTR)
            return pl_fail_errno(err, PL_HOST_ERROR, "cannot wait for '%s'",
                                 c->stage->name);
        press(c);
        (void)nanosleep(&pause, NULL);
    }
}

int run_stage_once(const struct run_stage *stage, const struct pl_manifest *in,
                   struct run_stage_end *end, struct pl_err *err)
{
    PL_AUTO(child)
    c = {.stage = stage,
         .to = -1,
         .from = -1,
         .errors = -1,
         .in = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2),
         .out = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2)};
    struct pl_err ignored = {0};

    if (pl_manifest_print(in, &c.in, err) != 0 || start(&c, err) != 0 ||
        exchange(&c, err) != 0 || reap(&c, &end->status, err) != 0)
        return -1;
    end->is_overdue = c.is_overdue;
    if (pl_manifest_parse(&end->m, pl_buf_str(&c.out), c.out.len, &ignored) !=
        0)
        pl_manifest_release(&end->m);
    return 0;
}
