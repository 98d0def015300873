#include "local/athena_query.h"

#include <errno.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define RUNNING_MAX 4

void local_athena_query_free(struct local_athena_query *q)
{
    if (q == NULL)
        return;
    free(q->sql);
    free(q->bound);
    free(q->token);
    free(q->request);
    free(q->catalog);
    free(q->database);
    free(q->workgroup);
    free(q->bucket);
    free(q->key);
    free(q->output_uri);
    json_decref(q->columns);
    free(q);
}

/* Waits at most ms, or until the query is cancelled. Needs the lock. */
static void wait_for(struct local_athena *a, struct local_athena_query *q,
                     int64_t ms)
{
    const int64_t until = pl_now_ms(&pl_clock_real) + ms;
    const struct timespec at = {(time_t)(until / 1000),
                                (long)(until % 1000) * 1000000};

    while (!q->is_cancelled &&
           pthread_cond_timedwait(&a->changed, &a->lock, &at) != ETIMEDOUT)
        continue;
}

/* QUEUED until a place is free. False when cancelled meanwhile. */
static bool get_place(struct local_athena *a, struct local_athena_query *q,
                      int64_t delay_ms)
{
    bool is_on;

    (void)pthread_mutex_lock(&a->lock);
    while (!q->is_cancelled && a->running >= RUNNING_MAX)
        (void)pthread_cond_wait(&a->changed, &a->lock);
    is_on = !q->is_cancelled;
    if (is_on) {
        a->running++;
        q->state = "RUNNING";
        q->started_ms = pl_now_ms(&pl_clock_real);
        if (delay_ms > 0)
            wait_for(a, q, delay_ms);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return is_on;
}

/* Makes the engine known, so that it can be interrupted. False: too late. */
static bool set_engine(struct local_athena *a, struct local_athena_query *q,
                       struct local_engine *engine)
{
    bool is_on;

    (void)pthread_mutex_lock(&a->lock);
    is_on = !q->is_cancelled;
    q->engine = engine;
    if (engine != NULL)
        q->scanned_bytes = engine->scanned_bytes;
    (void)pthread_mutex_unlock(&a->lock);
    return is_on;
}

static int write_file(void *ctx, const void *data, size_t len,
                      struct pl_err *err)
{
    return local_s3_file_write(ctx, data, len, err);
}

static int execute(struct local *local, struct local_athena_query *q,
                   struct local_s3_file *file, json_t **columns,
                   struct pl_err *err)
{
    struct local_engine engine = {.impl = NULL};
    const struct pl_sink sink = {file, write_file};
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    int rc = -1;

    if (pl_buf_addf(&temp, err, "%s/tmp", local->state) != 0)
        return -1;
    {
        const struct local_engine_setup setup = {.lake = local->lake,
                                                 .temp = temp.data,
                                                 .database = q->database,
                                                 .sql = q->bound};

        if (local_engine_open(&engine, &setup, err) != 0)
            return -1;
    }
    if (set_engine(local->athena, q, &engine))
        rc = local_engine_run(&engine, q->bound, &sink, columns, err);
    (void)set_engine(local->athena, q, NULL);
    local_engine_release(&engine);
    return rc != 0 ? -1 : local_s3_file_end(file, err);
}

/* The small companion that Athena leaves beside a result. */
static void store_metadata(struct local *local,
                           const struct local_athena_query *q,
                           const json_t *columns)
{
    PL_AUTO(local_s3_file) file = {.fd = -1};
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    struct pl_err err = {0};
    char *text = json_dumps(columns, JSON_COMPACT);
    const char *code = "InternalError";

    if (text != NULL && pl_buf_addf(&key, &err, "%s.metadata", q->key) == 0 &&
        local_s3_file_open(&file, &local->s3, &err) == 0 &&
        local_s3_file_write(&file, text, strlen(text), &err) == 0 &&
        local_s3_file_end(&file, &err) == 0) {
        const struct local_s3_put put = {.bucket = q->bucket, .key = key.data};

        code = local_s3_commit(&local->s3, &put, &file);
    }
    if (code != NULL)
        pl_warn("athena: no metadata for %s: %s", q->id, code);
    free(text);
}

/* Says how the query ended, unless it was cancelled first. The result object
 * is in its place before SUCCEEDED is said. */
static void finish(struct local *local, struct local_athena_query *q,
                   struct local_s3_file *file, json_t *columns,
                   const struct pl_err *failure)
{
    struct local_athena *a = local->athena;
    const struct local_s3_put put = {.bucket = q->bucket, .key = q->key};
    const char *name = NULL;
    const char *code = NULL;

    (void)pthread_mutex_lock(&a->lock);
    a->running--;
    if (!q->is_cancelled && failure->code == PL_OK) {
        code = local_s3_commit(&local->s3, &put, file);
        if (code == NULL)
            store_metadata(local, q, columns);
    }
    if (q->is_cancelled) {
        json_decref(columns);
    } else if (failure->code != PL_OK || code != NULL) {
        q->error_type =
            code != NULL ? 401 : local_athena_error_type(failure->msg, &name);
        (void)snprintf(q->reason, sizeof(q->reason), "%s: %s",
                       code != NULL ? code : name,
                       code != NULL ? "cannot write the result" : failure->msg);
        json_decref(columns);
        q->state = "FAILED";
    } else {
        q->columns = columns;
        q->state = "SUCCEEDED";
    }
    if (!q->is_cancelled)
        q->ended_ms = pl_now_ms(&pl_clock_real);
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
}

void local_athena_work(struct local *local, struct local_athena_query *q)
{
    PL_AUTO(local_s3_file) file = {.fd = -1};
    struct pl_err err = {0};
    json_t *columns = NULL;

    if (!get_place(local->athena, q, local->query_delay_ms))
        return;
    if (local_s3_file_open(&file, &local->s3, &err) == 0 &&
        execute(local, q, &file, &columns, &err) != 0 && err.code == PL_OK)
        (void)pl_fail(&err, PL_QUERY_CANCELLED, "cancelled");
    finish(local, q, &file, columns, &err);
    pl_info("athena query %s %s, %lld ms", q->id, q->state,
            (long long)(q->ended_ms - q->submitted_ms));
}
