/*
 * child.h - programs started with our pipes as their standard input and
 * output; standard error stays ours.
 */
#ifndef PL_BASE_CHILD_H
#define PL_BASE_CHILD_H

#include <sys/types.h>

#include "pipeline/base/buf.h"

/* Appends the folder of this program, ending in "/": ours stand together. */
int pl_child_dir(struct pl_buf *dir, struct pl_err *err) PL_MUST_CHECK;

/* A pipe whose ends close on exec. */
int pl_child_pipe(int ends[2], struct pl_err *err) PL_MUST_CHECK;
/* Closes *fd if it is one, and makes it none (-1). */
void pl_child_shut(int *fd);

/* Starts dir/argv[0] with in and out (-1: ours); dir ends in "/". It begins
 * with INT and TERM ignored, and takes them when it is ready. The program
 * missing is told by its exit status 127, as a shell does. */
int pl_child_start(const char *dir, const char *const argv[], int in, int out,
                   pid_t *pid, struct pl_err *err) PL_MUST_CHECK;

/* The same with standard error, too. */
struct pl_child_io {
    int in;
    int out;
    int errors;
    bool is_apart; /* in a process group of its own: a terminal's Ctrl-C is not
                      for it */
};
int pl_child_start_with(const char *dir, const char *const argv[],
                        const struct pl_child_io *io, pid_t *pid,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
