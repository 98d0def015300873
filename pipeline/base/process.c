#include "pipeline/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

/* Signals leave no other way than globals: a flag, and a pipe that wakes
 * whoever waits. */
static atomic_int stop_signal;
static atomic_int stop_count;
static atomic_int hold_depth;
static atomic_llong hold_ms = PL_STOP_HOLD_MS;
static atomic_llong stop_at_ms; /* of the first of them */
static int wake_pipe[2] = {-1, -1};

/* Async-signal-safe, unlike the clock that tests replace. */
static long long now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_stop(int sig)
{
    const int saved = errno;
    const char byte = 0;

    if (stop_signal == 0)
        stop_at_ms = now_ms();
    stop_signal = sig;
    stop_count++;
    if (wake_pipe[1] >= 0 && write(wake_pipe[1], &byte, 1) < 0) {
        /* full: somebody is awake already */
    }
    errno = saved;
}

static void set_handler(int sig, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(sig, &action, NULL);
}

void pl_process_init(const char *name)
{
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGXFSZ, SIG_IGN); /* write() fails, and we say so */
    set_handler(SIGINT, SIG_IGN);
    set_handler(SIGTERM, SIG_IGN);
    pl_log_init(name);
}

void pl_process_listen(void)
{
    if (wake_pipe[0] < 0 && pipe(wake_pipe) == 0) {
        for (int i = 0; i < 2; i++) {
            (void)fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK);
            (void)fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
        }
    }
    set_handler(SIGINT, on_stop);
    set_handler(SIGTERM, on_stop);
}

bool pl_stop_requested(void)
{
    return stop_signal != 0 &&
           (hold_depth == 0 || now_ms() - stop_at_ms >= hold_ms);
}

int pl_stop_count(void)
{
    return stop_count;
}

void pl_stop_hold(void)
{
    hold_depth++;
}

void pl_stop_unhold(void)
{
    hold_depth--;
}

void pl_stop_set_hold_ms(int64_t ms)
{
    hold_ms = ms;
}

int64_t pl_stop_age_ms(void)
{
    return stop_signal == 0 ? -1 : now_ms() - stop_at_ms;
}

int pl_stop_check(struct pl_err *err)
{
    if (!pl_stop_requested())
        return 0;
    return pl_fail(err, PL_INTERRUPTED, "stopped by signal %s",
                   stop_signal == SIGINT ? "INT" : "TERM");
}

int pl_stop_wait_ms(int64_t ms)
{
    const bool is_held = hold_depth > 0;
    const int most = is_held ? 1000 : 1000000; /* no byte ends the holding */
    struct pollfd fd = {.fd = is_held ? -1 : wake_pipe[0], .events = POLLIN};

    while (ms > 0 && !pl_stop_requested()) {
        const int bite = ms > most ? most : (int)ms;
        const int rc = poll(&fd, 1, bite);

        if (rc == 0)
            ms -= bite;
        else if (rc > 0)
            break;
    }
    return pl_stop_requested() ? -1 : 0;
}

int pl_process_exit(const struct pl_err *err)
{
    const struct pl_code_info *info = pl_code_info(err->code);

    char masked[sizeof(err->msg)];

    pl_mask_literals(err->msg, masked, sizeof(masked));
    pl_error("%s: %s", info->name, info->may_quote_data ? masked : err->msg);
    if (err->code == PL_USAGE_INVALID)
        pl_error("try '%s --help'", pl_log_name());
    return info->exit;
}

int pl_stdout_close(struct pl_err *err)
{
    if (ferror(stdout) || fflush(stdout) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR,
                             "cannot write standard output");
    return 0;
}
