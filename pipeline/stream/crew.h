/*
 * crew.h - threads that do numbered tasks: the parallel ranges and parts of a
 * transfer.
 *
 * Tasks are begun in the order of their numbers and may end in any. One thread
 * submits and waits; the task runs in the crew's. After the first failure no
 * further task is begun, and every call returns that failure.
 */
#ifndef PL_STREAM_CREW_H
#define PL_STREAM_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

#define PL_CREW_MAX 64      /* threads */
#define PL_CREW_WINDOW 128U /* tasks submitted and not yet waited for */

struct pl_crew {
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t has_done;
    pthread_t threads[PL_CREW_MAX];
    int count;
    int (*task)(void *ctx, uint64_t number, struct pl_err *err);
    void *ctx;
    uint64_t submitted;
    uint64_t begun;
    uint64_t waited; /* all before it were waited for */
    bool is_done[PL_CREW_WINDOW];
    bool is_closing;
    struct pl_err failure; /* the first one */
};

int pl_crew_open(struct pl_crew *crew, int threads,
                 int (*task)(void *ctx, uint64_t number, struct pl_err *err),
                 void *ctx, struct pl_err *err) PL_MUST_CHECK;
/* Whether another task may be submitted before one is waited for. */
bool pl_crew_has_room(const struct pl_crew *crew);
/* The next number, from 0. */
int pl_crew_submit(struct pl_crew *crew, struct pl_err *err) PL_MUST_CHECK;
/* Until the oldest task that was not waited for is done. At most wait_ms (-1:
 * as long as it takes); 1: it is not done yet. */
int pl_crew_wait(struct pl_crew *crew, int wait_ms,
                 struct pl_err *err) PL_MUST_CHECK;
/* Lets the tasks that were begun end, and drops the others. */
void pl_crew_release(struct pl_crew *crew);

#endif
