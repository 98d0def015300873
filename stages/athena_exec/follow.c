/* An execution followed to its end; stopped when nobody wants its result. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "stages/athena_exec/job.h"

#define PAUSE_MS_FIRST 100
#define MISSES_MAX 5 /* looks in a row that the service did not answer */
#define STOP_LOOKS 10
#define STOP_PAUSE_MS 200

bool athena_has_ended(const struct pl_athena_execution *x)
{
    return x->state == PL_ATHENA_SUCCEEDED || x->state == PL_ATHENA_FAILED ||
           x->state == PL_ATHENA_CANCELLED;
}

int64_t athena_pause_ms(unsigned look, int64_t most_ms, double random)
{
    int64_t ms = PAUSE_MS_FIRST;

    for (unsigned i = 0; i < look && ms < most_ms; i++)
        ms += ms / 2;
    if (ms > most_ms)
        ms = most_ms;
    ms -= (int64_t)(random * 0.5 * (double)ms);
    return ms > 0 ? ms : 1;
}

/* Stops the query, and waits a little for the service to say so: what it has
 * scanned is billed, and then known. */
static void stop(struct athena_job *job, const char *id)
{
    struct pl_err err = {0};

    pl_stop_hold();
    if (pl_athena_stop(job->aws, id, &err) != 0) {
        pl_warn("cannot stop query %s: %s", id, err.msg);
    } else {
        for (int i = 0; i < STOP_LOOKS; i++)
            if (pl_athena_get(job->aws, id, &job->x, &err) != 0 ||
                athena_has_ended(&job->x) ||
                pl_sleep_ms(&job->aws->clock, STOP_PAUSE_MS, &err) != 0)
                break;
        pl_info("stopped query %s; it is %s", id, job->x.state_text);
    }
    pl_stop_unhold();
}

/* Why a running query has to be stopped, if it has. */
static int check_budget(const struct athena_job *job, const char *id,
                        struct pl_err *err)
{
    const int64_t most = job->set.max_scanned_bytes;

    if (most >= 0 && job->x.scanned_bytes > most)
        return pl_fail(err, PL_QUERY_FAILED,
                       "query %s scanned %" PRId64
                       " bytes, more than the %" PRId64 " allowed",
                       id, job->x.scanned_bytes, most);
    if (pl_mono_ms(&job->aws->clock) >= job->deadline_ms)
        return pl_fail(err, PL_QUERY_TIMED_OUT,
                       "query %s did not end within %" PRId64 " s", id,
                       job->set.timeout_ms / 1000);
    return 0;
}

/* 1: the service did not answer; the query does not mind. */
static int look(struct athena_job *job, const char *id, unsigned *misses,
                struct pl_err *err)
{
    struct pl_err cause = {0};

    if (pl_athena_get(job->aws, id, &job->x, &cause) == 0) {
        *misses = 0;
        return 0;
    }
    if (!pl_code_info(cause.code)->is_retryable || ++*misses == MISSES_MAX) {
        *err = cause;
        return -1;
    }
    pl_warn("cannot look at query %s, trying again: %s", id, cause.msg);
    return 1;
}

static int rest(struct athena_job *job, unsigned looks, struct pl_err *err)
{
    const struct pl_retry *retry = &job->aws->retry;
    const int64_t left = job->deadline_ms - pl_mono_ms(&job->aws->clock);
    const int64_t pause = athena_pause_ms(looks, job->set.poll_ms,
                                          retry->random(retry->random_ctx));

    return pl_sleep_ms(&job->aws->clock,
                       pause < left ? pause
                       : left > 0   ? left
                                    : 1,
                       err);
}

/* A query that we gave up is stopped. One that we only lost sight of goes on:
 * whoever starts the same run again finds it. */
static int abandon(struct athena_job *job, const char *id, struct pl_err *err)
{
    pl_progress_end();
    if (err->code == PL_INTERRUPTED || err->code == PL_QUERY_TIMED_OUT ||
        err->code == PL_QUERY_FAILED) {
        stop(job, id);
        return err->code == PL_INTERRUPTED
                   ? pl_context(err, "query %s was told to stop", id)
                   : -1;
    }
    return pl_context(err,
                      "lost sight of query %s, which may still run (run %s "
                      "finds it again)",
                      id, job->set.run_id);
}

int athena_follow(struct athena_job *job, bool is_once, struct pl_err *err)
{
    char id[sizeof(job->x.id)];
    unsigned misses = 0;

    memcpy(id, job->x.id, sizeof(id));
    for (unsigned looks = 0;; looks++) {
        const int rc = look(job, id, &misses, err);

        if (rc < 0)
            break;
        job->was_over = looks == 0 && rc == 0 && athena_has_ended(&job->x);
        if (rc == 0 && (is_once || athena_has_ended(&job->x))) {
            pl_progress_end();
            return 0;
        }
        if (rc == 0)
            pl_progress(
                job->x.state_text,
                job->x.scanned_bytes > 0 ? (uint64_t)job->x.scanned_bytes : 0,
                0, "bytes scanned");
        if (check_budget(job, id, err) != 0 || rest(job, looks, err) != 0)
            break;
    }
    return abandon(job, id, err);
}
