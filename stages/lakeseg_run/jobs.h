/*
 * jobs.h - several jobs in one call: which files, and each in a process of its
 * own, in order or a few at once.
 */
#ifndef LAKESEG_RUN_JOBS_H
#define LAKESEG_RUN_JOBS_H

#include "pipeline/base/err.h"

struct run_jobs {
    char **paths;
    size_t count;
    size_t room;
};
void run_jobs_release(struct run_jobs *jobs);

/* Adds a file; or of a folder all *.json, by their names. PL_USAGE_INVALID
 * for a folder without any. */
int run_jobs_add(struct run_jobs *jobs, const char *path,
                 struct pl_err *err) PL_MUST_CHECK;

/*
 * Calls run(ctx, path) for each in a child process, whose exit status it
 * returns; at most parallel at once. *status is the first, by order of the
 * jobs, that is not 0. Once a stop is asked for it is passed on, and no other
 * job is begun.
 */
int run_jobs_each(const struct run_jobs *jobs, size_t parallel,
                  int (*run)(void *ctx, const char *path), void *ctx,
                  int *status, struct pl_err *err) PL_MUST_CHECK;

#endif
