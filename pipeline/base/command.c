#include "pipeline/base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/process.h"

void pl_words_release(struct pl_words *words)
{
    free(words->text);
    memset(words, 0, sizeof(*words));
}

/* Copies one word from *at to *to, without its quotes. False: an open quote.
 * Inside double quotes a backslash stands for itself unless it is before a
 * quote or another backslash. */
static bool take_word(const char **at, char **to)
{
    char quote = '\0';

    for (; **at != '\0' && (quote != '\0' || strchr(" \t\r\n", **at) == NULL);
         (*at)++) {
        if (quote == '\0' && (**at == '\'' || **at == '"')) {
            quote = **at;
        } else if (quote != '\0' && **at == quote) {
            quote = '\0';
        } else {
            if (**at == '\\' &&
                (quote == '\0' ||
                 (quote == '"' && ((*at)[1] == '"' || (*at)[1] == '\\'))))
                (*at)++;
            if (**at == '\0')
                return false;
            *(*to)++ = **at;
        }
    }
    *(*to)++ = '\0';
    return quote == '\0';
}

int pl_words_split(const char *line, struct pl_words *words, struct pl_err *err)
{
    char *to;

    memset(words, 0, sizeof(*words));
    words->text = malloc(strlen(line) + 2); /* each word ends in a NUL */
    if (words->text == NULL)
        return pl_fail_memory(err);
    to = words->text;
    for (line += strspn(line, " \t\r\n"); *line != '\0';
         line += strspn(line, " \t\r\n")) {
        if (words->count == PL_COMMAND_WORDS_MAX) {
            pl_words_release(words);
            return pl_fail(err, PL_CONFIG_INVALID,
                           "the command has more than %d words",
                           PL_COMMAND_WORDS_MAX);
        }
        words->argv[words->count++] = to;
        if (!take_word(&line, &to)) {
            pl_words_release(words);
            return pl_fail(err, PL_CONFIG_INVALID,
                           "the command ends inside quotes or behind a "
                           "backslash");
        }
    }
    if (words->count > 0)
        return 0;
    pl_words_release(words);
    return pl_fail(err, PL_CONFIG_INVALID, "the command is empty");
}

/* Where a program is: execvp() may not be called between fork and exec of a
 * process with threads. */
static int find(const char *name, struct pl_buf *path, struct pl_err *err)
{
    const char *dirs = getenv("PATH");

    if (strchr(name, '/') != NULL)
        return access(name, X_OK) == 0 ? pl_buf_adds(path, name, err)
                                       : pl_fail_errno(err, PL_CONFIG_INVALID,
                                                       "cannot run '%s'", name);
    if (dirs == NULL || *dirs == '\0')
        dirs = "/usr/local/bin:/usr/bin:/bin";
    while (*dirs != '\0') {
        const int len = (int)strcspn(dirs, ":");

        pl_buf_reset(path);
        if (pl_buf_addf(path, err, "%.*s%s%s", len, dirs, len > 0 ? "/" : "./",
                        name) != 0)
            return -1;
        if (access(path->data, X_OK) == 0)
            return 0;
        dirs += len + (dirs[len] == ':' ? 1 : 0);
    }
    return pl_fail(err, PL_CONFIG_INVALID, "cannot run '%s': not in PATH",
                   name);
}

struct child {
    pid_t pid;
    int out; /* our ends of the pipes, -1 once at their end */
    int errors;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Ends whatever is left of it. */
static void child_release(struct child *child)
{
    close_fd(&child->out);
    close_fd(&child->errors);
    if (child->pid <= 0)
        return;
    (void)kill(-child->pid, SIGKILL);
    (void)kill(child->pid, SIGKILL); /* it may not lead its group yet */
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child->pid = 0;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const char *path, char *const argv[], int null, int out,
                   int errors)
{
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = SIG_DFL};

    (void)setpgid(0, 0);
    for (size_t i = 0; i < PL_COUNT(signals); i++)
        (void)sigaction(signals[i], &action, NULL);
    if (dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(errors, STDERR_FILENO) >= 0)
        (void)execv(path, argv);
    _exit(127);
}

static int make_pipe(int ends[2], struct pl_err *err)
{
    if (pipe(ends) != 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot make a pipe");
    for (int i = 0; i < 2; i++)
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 0;
}

static int start(const char *path, const struct pl_words *words,
                 struct child *child, struct pl_err *err)
{
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int rc = -1;

    if (null < 0)
        (void)pl_fail_errno(err, PL_HOST_ERROR, "cannot open /dev/null");
    else if (make_pipe(out, err) == 0 && make_pipe(errors, err) == 0)
        rc = 0;
    if (rc == 0) {
        child->pid = fork();
        if (child->pid == 0)
            become(path, words->argv, null, out[1], errors[1]);
        if (child->pid < 0)
            rc = pl_fail_errno(err, PL_HOST_ERROR, "cannot start '%s'", path);
    }
    child->out = out[0];
    child->errors = errors[0];
    close_fd(&null);
    close_fd(&out[1]);
    close_fd(&errors[1]);
    return rc;
}

/* Reads what is there; the end closes. is_strict: no room is an error. */
static int drain(int *fd, struct pl_buf *to, bool is_strict, struct pl_err *err)
{
    struct pl_err full = {0};
    char bytes[4096];
    const ssize_t n = read(*fd, bytes, sizeof(bytes));

    if (n < 0 && errno == EINTR)
        return 0;
    if (n < 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot read a pipe");
    if (n == 0)
        close_fd(fd);
    else if (pl_buf_add(to, bytes, (size_t)n, &full) != 0 && is_strict)
        return pl_fail(err, PL_CONFIG_INVALID, "it writes more than %zu bytes",
                       to->max_bytes);
    pl_wipe(bytes, sizeof(bytes)); /* it may hold keys */
    return 0;
}

static int read_all(struct child *child, int64_t until_ms, int64_t timeout_ms,
                    struct pl_buf *out, struct pl_buf *errors,
                    struct pl_err *err)
{
    while (child->out >= 0 || child->errors >= 0) {
        struct pollfd fds[2] = {{.fd = child->out, .events = POLLIN},
                                {.fd = child->errors, .events = POLLIN}};
        const int64_t left = until_ms - pl_mono_ms(&pl_clock_real);

        if (left <= 0)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "no end within %d s: stopped",
                           (int)(timeout_ms / 1000));
        if (pl_stop_check(err) != 0)
            return -1;
        if (poll(fds, 2, left < 200 ? (int)left : 200) <= 0)
            continue;
        if (fds[0].revents != 0 && drain(&child->out, out, true, err) != 0)
            return -1;
        if (fds[1].revents != 0 &&
            drain(&child->errors, errors, false, err) != 0)
            return -1;
    }
    return 0;
}

/* Its pipes are closed; most programs end at once then. */
static int await(struct child *child, int64_t until_ms, int *status,
                 struct pl_err *err)
{
    int word = 0;
    pid_t done = 0;

    for (;;) {
        done = waitpid(child->pid, &word, WNOHANG);
        if (done != 0 && (done > 0 || errno != EINTR))
            break;
        if (pl_mono_ms(&pl_clock_real) >= until_ms)
            return pl_fail(err, PL_CONFIG_INVALID, "no end in time: stopped");
        if (pl_sleep_ms(&pl_clock_real, 5, err) != 0)
            return -1;
    }
    child->pid = 0;
    *status = done < 0          ? 127
              : WIFEXITED(word) ? WEXITSTATUS(word)
                                : 128 + WTERMSIG(word);
    return 0;
}

int pl_command_run(const struct pl_words *words, int64_t timeout_ms,
                   struct pl_buf *out, struct pl_buf *errors, int *status,
                   struct pl_err *err)
{
    const int64_t until_ms = pl_mono_ms(&pl_clock_real) + timeout_ms;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(child) child = {.pid = 0, .out = -1, .errors = -1};

    if (find(words->argv[0], &path, err) != 0 ||
        start(pl_buf_str(&path), words, &child, err) != 0)
        return -1;
    if (read_all(&child, until_ms, timeout_ms, out, errors, err) != 0 ||
        await(&child, until_ms, status, err) != 0)
        return pl_context(err, "'%s'", words->argv[0]);
    return 0;
}
