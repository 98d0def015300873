#include "pipeline/stream/crew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Signals go to the thread that waits for the crew. */
static int start(struct pl_crew *crew, void *(*run)(void *), pthread_t *thread)
{
    sigset_t all;
    sigset_t before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(thread, NULL, run, crew);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static bool has_task(const struct pl_crew *crew)
{
    return crew->begun < crew->submitted && crew->failure.code == PL_OK;
}

static void *work(void *arg)
{
    struct pl_crew *crew = arg;

    (void)pthread_mutex_lock(&crew->lock);
    for (;;) {
        struct pl_err err = {0};
        uint64_t number;
        int rc;

        while (!crew->is_closing && !has_task(crew))
            (void)pthread_cond_wait(&crew->has_work, &crew->lock);
        if (crew->is_closing)
            break;
        number = crew->begun++;
        (void)pthread_mutex_unlock(&crew->lock);
        rc = crew->task(crew->ctx, number, &err);
        (void)pthread_mutex_lock(&crew->lock);
        crew->is_done[number % PL_CREW_WINDOW] = true;
        if (rc != 0 && crew->failure.code == PL_OK)
            crew->failure = err;
        (void)pthread_cond_broadcast(&crew->has_done);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

int pl_crew_open(struct pl_crew *crew, int threads,
                 int (*task)(void *ctx, uint64_t number, struct pl_err *err),
                 void *ctx, struct pl_err *err)
{
    memset(crew, 0, sizeof(*crew));
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_cond_init(&crew->has_work, NULL);
    (void)pthread_cond_init(&crew->has_done, NULL);
    crew->task = task;
    crew->ctx = ctx;
    while (crew->count < threads && crew->count < PL_CREW_MAX) {
        const int rc = start(crew, work, &crew->threads[crew->count]);

        if (rc != 0 && crew->count > 0)
            break; /* fewer will do */
        if (rc != 0) {
            errno = rc;
            return pl_fail_errno(err, PL_HOST_ERROR, "cannot start a thread");
        }
        crew->count++;
    }
    return 0;
}

bool pl_crew_has_room(const struct pl_crew *crew)
{
    return crew->submitted - crew->waited < PL_CREW_WINDOW;
}

/* Needs the lock. */
static int check(const struct pl_crew *crew, struct pl_err *err)
{
    if (crew->failure.code == PL_OK)
        return 0;
    *err = crew->failure;
    return -1;
}

int pl_crew_submit(struct pl_crew *crew, struct pl_err *err)
{
    int rc;

    (void)pthread_mutex_lock(&crew->lock);
    rc = check(crew, err);
    if (rc == 0) {
        crew->is_done[crew->submitted % PL_CREW_WINDOW] = false;
        crew->submitted++;
        (void)pthread_cond_signal(&crew->has_work);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return rc;
}

static void after(int ms, struct timespec *at)
{
    (void)clock_gettime(CLOCK_REALTIME, at);
    at->tv_sec += ms / 1000;
    at->tv_nsec += (long)(ms % 1000) * 1000000;
    if (at->tv_nsec >= 1000000000) {
        at->tv_nsec -= 1000000000;
        at->tv_sec++;
    }
}

int pl_crew_wait(struct pl_crew *crew, int wait_ms, struct pl_err *err)
{
    struct timespec until = {0};
    int rc = 0;

    if (wait_ms >= 0)
        after(wait_ms, &until);
    (void)pthread_mutex_lock(&crew->lock);
    while (crew->failure.code == PL_OK && rc == 0 &&
           !crew->is_done[crew->waited % PL_CREW_WINDOW])
        rc = wait_ms < 0
                 ? pthread_cond_wait(&crew->has_done, &crew->lock)
                 : pthread_cond_timedwait(&crew->has_done, &crew->lock, &until);
    rc = check(crew, err);
    if (rc == 0 && !crew->is_done[crew->waited % PL_CREW_WINDOW])
        rc = 1;
    else if (rc == 0)
        crew->waited++;
    (void)pthread_mutex_unlock(&crew->lock);
    return rc;
}

void pl_crew_release(struct pl_crew *crew)
{
    if (crew->task == NULL)
        return;
    (void)pthread_mutex_lock(&crew->lock);
    crew->is_closing = true;
    (void)pthread_cond_broadcast(&crew->has_work);
    (void)pthread_mutex_unlock(&crew->lock);
    for (int i = 0; i < crew->count; i++)
        (void)pthread_join(crew->threads[i], NULL);
    (void)pthread_cond_destroy(&crew->has_work);
    (void)pthread_cond_destroy(&crew->has_done);
    (void)pthread_mutex_destroy(&crew->lock);
    crew->task = NULL;
}
