#include "stages/lakeseg_run/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define LOOK_MS 50
#define NOT_BEGUN (-1)

void run_jobs_release(struct run_jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        free(jobs->paths[i]);
    free(jobs->paths);
    memset(jobs, 0, sizeof(*jobs));
}

static int add_path(struct run_jobs *jobs, const char *path, struct pl_err *err)
{
    if (jobs->count == jobs->room) {
        const size_t room = jobs->room == 0 ? 16 : jobs->room * 2;
        char **paths = realloc(jobs->paths, room * sizeof(*paths));

        if (paths == NULL)
            return pl_fail_memory(err);
        jobs->paths = paths;
        jobs->room = room;
    }
    jobs->paths[jobs->count] = strdup(path);
    if (jobs->paths[jobs->count] == NULL)
        return pl_fail_memory(err);
    jobs->count++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_folder(struct run_jobs *jobs, const char *path,
                      struct pl_err *err)
{
    const size_t before = jobs->count;
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int rc = 0;

    if (folder == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", path);
    while (rc == 0 && (entry = readdir(folder)) != NULL) {
        PL_AUTO(pl_buf) file = PL_BUF_INIT;

        if (entry->d_name[0] == '.' || !pl_ends_with(entry->d_name, ".json"))
            continue;
        rc = pl_buf_addf(&file, err, "%s%s%s", path,
                         pl_ends_with(path, "/") ? "" : "/", entry->d_name);
        if (rc == 0)
            rc = add_path(jobs, file.data, err);
    }
    (void)closedir(folder);
    if (rc != 0)
        return -1;
    if (jobs->count == before)
        return pl_fail(err, PL_USAGE_INVALID, "no job (*.json) in '%s'", path);
    qsort(jobs->paths + before, jobs->count - before, sizeof(*jobs->paths),
          compare);
    return 0;
}

int run_jobs_add(struct run_jobs *jobs, const char *path, struct pl_err *err)
{
    struct stat about;

    return strcmp(path, "-") != 0 && stat(path, &about) == 0 &&
                   S_ISDIR(about.st_mode)
               ? add_folder(jobs, path, err)
               : add_path(jobs, path, err);
}

/* One child a job, in the order of the jobs. */
struct crowd {
    struct {
        pid_t pid;  /* 0: not begun, or ended */
        int status; /* NOT_BEGUN, else of the exit */
    } * children;
    size_t count;
    size_t next;
    size_t running;
    int stops; /* that were passed on */
};

static void crowd_release(struct crowd *c)
{
    free(c->children);
}

static int begin(struct crowd *c, const char *path,
                 int (*run)(void *ctx, const char *path), void *ctx,
                 struct pl_err *err)
{
    const pid_t pid = fork();

    if (pid < 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot start a process");
    if (pid == 0) {
        /* Ctrl-C comes from us alone, so that one is not taken for two */
        (void)setpgid(0, 0);
        exit(run(ctx, path));
    }
    c->children[c->next++].pid = pid;
    c->running++;
    return 0;
}

static void note_end(struct crowd *c, pid_t pid, int status)
{
    for (size_t i = 0; i < c->next; i++) {
        if (c->children[i].pid != pid)
            continue;
        c->children[i].pid = 0;
        c->children[i].status =
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        c->running--;
    }
}

static void pass_stops_on(struct crowd *c)
{
    if (c->stops >= pl_stop_count())
        return;
    c->stops++;
    for (size_t i = 0; i < c->next; i++)
        if (c->children[i].pid > 0)
            (void)kill(c->children[i].pid, SIGTERM);
}

static void wait_some(struct crowd *c)
{
    struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        note_end(c, pid, status);
    pass_stops_on(c);
    if (c->running > 0)
        (void)nanosleep(&pause, NULL);
}

static int sum(const struct crowd *c)
{
    size_t left = 0;
    int first = 0;

    for (size_t i = 0; i < c->count; i++) {
        left += c->children[i].status == NOT_BEGUN;
        if (first == 0 && c->children[i].status > 0)
            first = c->children[i].status;
    }
    if (left > 0) {
        pl_warn("%zu of %zu jobs were not begun", left, c->count);
        if (first == 0)
            first = pl_code_info(PL_INTERRUPTED)->exit;
    }
    return first;
}

int run_jobs_each(const struct run_jobs *jobs, size_t parallel,
                  int (*run)(void *ctx, const char *path), void *ctx,
                  int *status, struct pl_err *err)
{
    PL_AUTO(crowd) c = {.count = jobs->count};
    int rc = 0;

    c.children = calloc(jobs->count, sizeof(*c.children));
    if (c.children == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < c.count; i++)
        c.children[i].status = NOT_BEGUN;
    while (c.running > 0 || (rc == 0 && c.next < c.count)) {
        if (rc == 0 && c.next < c.count && c.running < parallel &&
            !pl_stop_requested())
            rc = begin(&c, jobs->paths[c.next], run, ctx, err);
        else if (c.running == 0)
            break; /* we are to stop */
        else
            wait_some(&c);
    }
    *status = sum(&c);
    return rc;
}
