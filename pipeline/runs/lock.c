/* One supervisor a job, and the pointer to the job's last good run. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/runs.h"
#include "pipeline/runs/save.h"

#define LOOKS 100 /* of 50 ms: for stages of a supervisor that was killed */

void pl_job_lock_release(struct pl_job_lock *lock)
{
    if (lock->fd > 0)
        (void)close(lock->fd);
    lock->fd = -1;
}

/* Who holds it: "<run id> <pid>". */
static void read_holder(int fd, char run_id[PL_RUN_ID_MAX + 1], int64_t *pid)
{
    char text[PL_RUN_ID_MAX + 32] = "";
    const ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    char *blank = n > 0 ? strchr(text, ' ') : NULL;
    uint64_t number = 0;

    *pid = 0;
    (void)snprintf(run_id, PL_RUN_ID_MAX + 1, "%s", "?");
    if (blank == NULL)
        return;
    *blank = '\0';
    (void)snprintf(run_id, PL_RUN_ID_MAX + 1, "%.*s", PL_RUN_ID_MAX, text);
    blank[1 + strcspn(blank + 1, "\n")] = '\0';
    if (pl_parse_u64(blank + 1, &number) == 0 && number < INT32_MAX)
        *pid = (int64_t)number;
}

/* The supervisor is there, or so new that it has not said who it is. */
static bool is_alive(int64_t pid)
{
    return pid == 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static int take(int fd, const char *job_folder, struct pl_err *err)
{
    for (int looks = 0;; looks++) {
        char run_id[PL_RUN_ID_MAX + 1];
        int64_t pid;

        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot lock the job '%s'",
                                 job_folder);
        read_holder(fd, run_id, &pid);
        if (is_alive(pid) && pid != 0)
            return pl_fail(err, PL_ALREADY_RUNNING,
                           "run %s of the job '%s' is not over: process "
                           "%" PRId64 " supervises it",
                           run_id, job_folder, pid);
        if (looks == LOOKS)
            return pl_fail(err, PL_ALREADY_RUNNING,
                           "run %s of the job '%s' is not over: what its "
                           "supervisor started still works",
                           run_id, job_folder);
        if (pl_sleep_ms(&pl_clock_real, 50, err) != 0)
            return -1;
    }
}

static int sign(int fd, const char *run_id, struct pl_err *err)
{
    char text[PL_RUN_ID_MAX + 32];
    const int len =
        snprintf(text, sizeof(text), "%s %ld\n", run_id, (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write the job's lock");
    return 0;
}

/* The folder of a job, ending in "/". */
static int job_dir(const struct pl_runs *runs, const char *job_folder,
                   struct pl_buf *out, struct pl_err *err)
{
    return pl_buf_addf(out, err, "%sjobs/%s/", runs->root.data, job_folder);
}

int pl_job_lock(const struct pl_runs *runs, const char *job_folder,
                const char *run_id, struct pl_job_lock *lock,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    lock->fd = -1;
    if (job_dir(runs, job_folder, &path, err) != 0 ||
        pl_mkdirs_for(path.data, err) != 0 ||
        pl_buf_adds(&path, "lock", err) != 0)
        return -1;
    lock->fd = open(path.data, O_RDWR | O_CREAT, 0600); /* stages keep it */
    if (lock->fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", path.data);
    if (take(lock->fd, job_folder, err) != 0 ||
        sign(lock->fd, run_id, err) != 0) {
        pl_job_lock_release(lock);
        return -1;
    }
    return 0;
}

int pl_job_last(const struct pl_runs *runs, const char *job_folder,
                char id[PL_RUN_ID_MAX + 1], struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(4096);

    id[0] = '\0';
    if (job_dir(runs, job_folder, &path, err) != 0 ||
        pl_buf_adds(&path, "last", err) != 0)
        return -1;
    if (access(path.data, F_OK) != 0)
        return 0;
    if (pl_file_read(path.data, &text, err) != 0)
        return -1;
    (void)snprintf(id, PL_RUN_ID_MAX + 1, "%.*s",
                   (int)strcspn(pl_buf_str(&text), "\n"), pl_buf_str(&text));
    return 0;
}

/* When a run began, as the list of runs has it: -1 for one that is gone. */
static int64_t begun_ns(const struct pl_runs *runs, const char *id)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct pl_err ignored = {0};
    struct stat about;

    if (pl_buf_addf(&path, &ignored, "%sruns/%s/job.json", runs->root.data,
                    id) != 0 ||
        stat(path.data, &about) != 0)
        return -1;
    return (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
}

int pl_job_set_last(const struct pl_runs *runs, const char *job_folder,
                    const char *id, struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    char last[PL_RUN_ID_MAX + 1];

    if (pl_job_last(runs, job_folder, last, err) != 0)
        return -1;
    if (pl_run_id_is_good(last) && begun_ns(runs, last) > begun_ns(runs, id))
        return 0;
    if (job_dir(runs, job_folder, &dir, err) != 0 ||
        pl_buf_addf(&text, err, "%s\n", id) != 0)
        return -1;
    return runs_save(dir.data, "last", text.data, text.len, err);
}
