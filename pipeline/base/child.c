#include "pipeline/base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "pipeline/base/buf.h"

int pl_child_dir(struct pl_buf *dir, struct pl_err *err)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot find the programs");
    path[n] = '\0';
    *(strrchr(path, '/') + 1) = '\0';
    return pl_buf_adds(dir, path, err);
}

int pl_child_pipe(int ends[2], struct pl_err *err)
{
    if (pipe(ends) != 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot make a pipe");
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

void pl_child_shut(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/*
 * What a killed supervisor had begun must not go on beside what its successor
 * begins, so it dies with it. By KILL: a stage that is asked to stop would
 * stop its query, too, which the successor finds and follows instead.
 */
static void die_with_parent(pid_t parent)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(126); /* it was quicker */
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const char *path, const char *const argv[],
                   const struct pl_child_io *io, pid_t parent)
{
    static const char message[] = ": cannot be started\n";
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    /* as a stage has it until its input is read: what comes before it is ready
     * must not kill it */
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGTERM, &ignore, NULL);
    if (io->is_apart) {
        (void)setpgid(0, 0);
        /* it may write to the terminal all the same */
        (void)sigaction(SIGTTOU, &ignore, NULL);
    }
    die_with_parent(parent);
    if ((io->in < 0 || dup2(io->in, STDIN_FILENO) >= 0) &&
        (io->out < 0 || dup2(io->out, STDOUT_FILENO) >= 0) &&
        (io->errors < 0 || dup2(io->errors, STDERR_FILENO) >= 0))
        (void)execv(path, args.out);
    if (write(STDERR_FILENO, path, strlen(path)) < 0 ||
        write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
        _exit(126);
    _exit(127);
}

int pl_child_start_with(const char *dir, const char *const argv[],
                        const struct pl_child_io *io, pid_t *pid,
                        struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const pid_t self = getpid();

    if (pl_buf_addf(&path, err, "%s%s", dir, argv[0]) != 0)
        return -1;
    *pid = fork();
    if (*pid < 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot start '%s'", argv[0]);
    if (*pid == 0)
        become(path.data, argv, io, self);
    return 0;
}

int pl_child_start(const char *dir, const char *const argv[], int in, int out,
                   pid_t *pid, struct pl_err *err)
{
    const struct pl_child_io io = {.in = in, .out = out, .errors = -1};

    return pl_child_start_with(dir, argv, &io, pid, err);
}
