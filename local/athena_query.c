/* The life of a query: its states, its place among the others, its end. */
#include "local/athena_query.h"

#include <errno.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"

#define RUNNING_MAX 4

void local_athena_query_free(struct local_athena_query *q)
{
    if (q == NULL)
        return;
    if (q->file != NULL)
        (void)unlink(q->file);
    json_decref(q->in);
    free(q->request);
    free(q->token);
    free(q->bound);
    free(q->database);
    free(q->workgroup);
    local_statement_release(&q->statement);
    json_decref(q->output);
    json_decref(q->engine_version);
    json_decref(q->managed_encryption);
    free(q->bucket);
    free(q->key);
    free(q->output_uri);
    free(q->manifest_key);
    free(q->file);
    json_decref(q->manifest);
    json_decref(q->columns);
    free(q);
}

bool local_athena_is_over(const struct local_athena_query *q)
{
    return strcmp(q->state, "QUEUED") != 0 && strcmp(q->state, "RUNNING") != 0;
}

void local_athena_enter(struct local_athena *a, struct local_athena_query *q,
                        const char *state)
{
    const int64_t now = pl_now_ms(&pl_clock_real);

    if (strcmp(q->state, "QUEUED") == 0)
        q->queued_ms += now - q->since_ms;
    else
        q->ran_ms += now - q->since_ms;
    q->scanned = local_athena_scanned(q, now);
    q->state = state;
    q->since_ms = now;
    if (local_athena_is_over(q))
        q->ended_ms = now;
    (void)pthread_cond_broadcast(&a->changed);
}

void local_athena_cancel(struct local_athena *a, struct local_athena_query *q,
                         const char *reason)
{
    if (local_athena_is_over(q))
        return;
    q->is_cancelled = true;
    (void)snprintf(q->reason, sizeof(q->reason), "%s", reason);
    if (q->engine != NULL)
        local_engine_interrupt(q->engine);
    local_athena_enter(a, q, "CANCELLED");
}

/* It grows evenly while a query runs as long as it was told to. */
uint64_t local_athena_scanned(const struct local_athena_query *q,
                              int64_t now_ms)
{
    const int64_t passed = now_ms - q->scan_at_ms;

    if (q->scan_at_ms == 0 || strcmp(q->state, "RUNNING") != 0)
        return q->scanned;
    if (passed >= q->scan_ms || q->scan_ms <= 0)
        return q->bytes;
    return (uint64_t)((double)q->bytes * (double)(passed > 0 ? passed : 0) /
                      (double)q->scan_ms);
}

/* Waits at most ms, or until the query is cancelled. Needs the lock. */
static void wait_for(struct local_athena *a, struct local_athena_query *q,
                     int64_t ms)
{
    const int64_t until = pl_now_ms(&pl_clock_real) + ms;
    const struct timespec at = {(time_t)(until / 1000),
                                (long)(until % 1000) * 1000000};

    while (ms > 0 && !q->is_cancelled &&
           pthread_cond_timedwait(&a->changed, &a->lock, &at) != ETIMEDOUT)
        continue;
}

/* QUEUED until a place is free. Needs the lock. */
static void get_place(struct local_athena *a, struct local_athena_query *q)
{
    while (!q->is_cancelled && a->running >= RUNNING_MAX)
        (void)pthread_cond_wait(&a->changed, &a->lock);
    if (q->is_cancelled)
        return;
    a->running++;
    q->has_place = true;
    local_athena_enter(a, q, "RUNNING");
}

/* Needs the lock. */
static void leave_place(struct local_athena *a, struct local_athena_query *q)
{
    a->running -= q->has_place;
    q->has_place = false;
}

/* Makes the engine known, so that it can be interrupted. */
static void set_engine(struct local_athena *a, struct local_athena_query *q,
                       struct local_engine *engine)
{
    (void)pthread_mutex_lock(&a->lock);
    q->engine = engine;
    (void)pthread_mutex_unlock(&a->lock);
}

/* Needs the lock. */
static void scan(struct local_athena *a, struct local_athena_query *q,
                 int64_t ms)
{
    q->scan_at_ms = pl_now_ms(&pl_clock_real);
    q->scan_ms = ms;
    if (q->cutoff == 0 || q->bytes <= q->cutoff) {
        wait_for(a, q, ms);
        return;
    }
    wait_for(a, q,
             (int64_t)((double)ms * (double)q->cutoff / (double)q->bytes));
    if (q->is_cancelled)
        return;
    local_athena_cancel(a, q, "Bytes scanned limit was exceeded");
    if (q->scanned <= q->cutoff)
        q->scanned = q->cutoff + 1;
}

/* A transient error: the service runs it again from the start. Needs the
 * lock. */
static void requeue(struct local_athena *a, struct local_athena_query *q,
                    int64_t ms)
{
    leave_place(a, q);
    q->scan_at_ms = 0;
    local_athena_enter(a, q, "QUEUED");
    wait_for(a, q, ms);
    get_place(a, q);
}

/* What a rule says about the time before the query really runs. False when
 * there is nothing left to run. */
static bool pass_time(struct local *local, struct local_athena_query *q,
                      const struct local_athena_rule *rule)
{
    struct local_athena *a = local->athena;
    const int64_t ms =
        rule->running_ms >= 0 ? rule->running_ms : local->query_delay_ms;
    bool is_on;

    (void)pthread_mutex_lock(&a->lock);
    if (!q->is_cancelled && rule->requeued_ms >= 0) {
        wait_for(a, q, ms / 2);
        if (!q->is_cancelled)
            requeue(a, q, rule->requeued_ms);
    }
    if (!q->is_cancelled)
        scan(a, q, ms);
    if (!q->is_cancelled && strcmp(rule->state, "CANCELLED") == 0)
        local_athena_cancel(a, q, rule->message);
    if (!q->is_cancelled && strcmp(rule->state, "FAILED") == 0) {
        q->error_category = rule->category;
        q->error_type = rule->type;
        q->is_retryable = rule->is_retryable;
        (void)snprintf(q->reason, sizeof(q->reason), "%s", rule->message);
        local_athena_enter(a, q, "FAILED");
    }
    is_on = !local_athena_is_over(q);
    (void)pthread_mutex_unlock(&a->lock);
    return is_on;
}

static int open_engine(struct local *local, struct local_athena_query *q,
                       struct local_engine *engine, struct pl_err *err)
{
    const int64_t before = pl_now_ms(&pl_clock_real);
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;

    if (pl_buf_addf(&temp, err, "%s/tmp", local->state) != 0 ||
        pl_buf_addf(&out, err, "%s/tmp/%s", local->state, q->id) != 0)
        return -1;
    {
        const struct local_engine_setup setup = {
            .lake = local->lake,
            .temp = temp.data,
            .out =
                strcmp(q->statement.format, "PARQUET") == 0 ? out.data : NULL,
            .database = q->database,
            .sql = pl_buf_str(&q->statement.query)};

        if (local_engine_open(engine, &setup, err) != 0)
            return -1;
    }
    (void)pthread_mutex_lock(&local->athena->lock);
    q->bytes = engine->scanned_bytes;
    if (q->statement.kind == LOCAL_STATEMENT_VALIDATE)
        q->bytes = 0; /* nothing is read */
    q->planning_ms = pl_now_ms(&pl_clock_real) - before;
    (void)pthread_mutex_unlock(&local->athena->lock);
    return 0;
}

static int execute(struct local *local, struct local_athena_query *q,
                   const struct local_athena_rule *rule,
                   struct local_athena_product *product, struct pl_err *err)
{
    struct local_engine engine = {.impl = NULL};
    int rc = -1;

    if (open_engine(local, q, &engine, err) != 0)
        return -1;
    set_engine(local->athena, q, &engine);
    if (pass_time(local, q, rule))
        rc = local_athena_produce(local, q, &engine, product, err);
    set_engine(local->athena, q, NULL);
    local_engine_release(&engine);
    return rc;
}

/* Says how the query ended, unless that was said before. The result is in its
 * place before SUCCEEDED is said. Needs the lock. */
static void finish(struct local *local, struct local_athena_query *q,
                   struct local_athena_product *product,
                   const struct pl_err *failure)
{
    const int64_t before = pl_now_ms(&pl_clock_real);
    struct local_athena *a = local->athena;
    const char *code;

    if (local_athena_is_over(q))
        return;
    if (failure->code != PL_OK) {
        local_athena_failure(failure->msg, q->bound, q->database,
                             &q->error_type, q->reason, sizeof(q->reason));
        q->error_category = q->error_type < 1000 ? 1 : 2;
        local_athena_enter(a, q, "FAILED");
        return;
    }
    code = local_athena_keep(local, q, product);
    q->storing_ms = pl_now_ms(&pl_clock_real) - before;
    if (code == NULL) {
        local_athena_enter(a, q, "SUCCEEDED");
        return;
    }
    q->error_category = 1;
    q->error_type = 401;
    (void)snprintf(q->reason, sizeof(q->reason), "%s: cannot write the result",
                   code);
    local_athena_enter(a, q, "FAILED");
}

/* Waits in the queue; false when it was cancelled there. */
static bool wait_in_queue(struct local_athena *a, struct local_athena_query *q,
                          struct local_athena_rule *rule)
{
    bool is_on;

    (void)pthread_mutex_lock(&a->lock);
    local_athena_rules_take(&a->rules, q->bound, rule);
    q->unload_parts = a->rules.unload_parts;
    q->unload_nulls = a->rules.unload_nulls;
    wait_for(a, q, rule->queued_ms);
    get_place(a, q);
    is_on = !q->is_cancelled;
    (void)pthread_mutex_unlock(&a->lock);
    return is_on;
}

void local_athena_work(struct local *local, struct local_athena_query *q)
{
    PL_AUTO(local_athena_product) product = {.file = {.fd = -1}, .fd = -1};
    struct local_athena *a = local->athena;
    struct local_athena_rule rule;
    struct pl_err err = {0};
    const char *state;

    if (!wait_in_queue(a, q, &rule))
        return;
    if (execute(local, q, &rule, &product, &err) != 0 && err.code == PL_OK)
        (void)pl_fail(&err, PL_QUERY_CANCELLED, "cancelled");
    (void)pthread_mutex_lock(&a->lock);
    leave_place(a, q);
    finish(local, q, &product, &err);
    (void)pthread_cond_broadcast(&a->changed);
    state = q->state;
    (void)pthread_mutex_unlock(&a->lock);
    pl_info("athena query %s %s, %lld ms", q->id, state,
            (long long)(q->ended_ms - q->submitted_ms));
}
