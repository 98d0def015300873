#include "local/athena_call.h"

#include "pipeline/base/clock.h"

static json_t *seconds(int64_t ms)
{
    return json_real((double)ms / 1000.0);
}

static json_t *status_of(const struct local_athena_query *q)
{
    json_t *s = json_pack("{s:s,s:o}", "State", q->state, "SubmissionDateTime",
                          seconds(q->submitted_ms));

    if (q->ended_ms != 0)
        (void)json_object_set_new(s, "CompletionDateTime",
                                  seconds(q->ended_ms));
    if (q->reason[0] != '\0')
        (void)json_object_set_new(s, "StateChangeReason",
                                  json_string(q->reason));
    if (strcmp(q->state, "FAILED") == 0)
        (void)json_object_set_new(
            s, "AthenaError",
            json_pack("{s:i,s:i,s:b,s:s}", "ErrorCategory",
                      q->error_type < 1000 ? 1 : 2, "ErrorType", q->error_type,
                      "Retryable", 0, "ErrorMessage", q->reason));
    return s;
}

/* Needs the lock. */
static json_t *describe(const struct local_athena_query *q)
{
    const int64_t now = pl_now_ms(&pl_clock_real);
    const int64_t end = q->ended_ms != 0 ? q->ended_ms : now;
    const int64_t run = q->started_ms != 0 ? end - q->started_ms : 0;
    const int64_t queue =
        (q->started_ms != 0 ? q->started_ms : end) - q->submitted_ms;

    return json_pack(
        "{s:s,s:s,s:s,s:s,s:{s:s},s:{s:b},s:{s:s,s:s*},s:o,s:s,s:{s:s,"
        "s:s},s:{s:I,s:I,s:I,s:I,s:{s:b}}}",
        "QueryExecutionId", q->id, "Query", q->sql, "StatementType", "DML",
        "SubstatementType", "SELECT", "ResultConfiguration", "OutputLocation",
        q->output_uri, "ManagedQueryResultsConfiguration", "Enabled", 0,
        "QueryExecutionContext", "Database", q->database, "Catalog",
        q->catalog[0] != '\0' ? q->catalog : NULL, "Status", status_of(q),
        "WorkGroup", q->workgroup, "EngineVersion", "SelectedEngineVersion",
        "AUTO", "EffectiveEngineVersion", LOCAL_ATHENA_ENGINE, "Statistics",
        "EngineExecutionTimeInMillis", (json_int_t)run, "DataScannedInBytes",
        (json_int_t)q->scanned_bytes, "TotalExecutionTimeInMillis",
        (json_int_t)(end - q->submitted_ms), "QueryQueueTimeInMillis",
        (json_int_t)queue, "ResultReuseInformation", "ReusedPreviousResult", 0);
}

int local_athena_get(const struct local_athena_call *c, struct pl_err *err)
{
    const struct local_athena_query *q;
    json_t *found = NULL;

    (void)pthread_mutex_lock(&c->a->lock);
    q = local_athena_find(c);
    if (q != NULL)
        found = describe(q);
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return local_athena_invalid(c, "QueryExecution was not found");
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o}", "QueryExecution", found), err);
}

int local_athena_stop(const struct local_athena_call *c, struct pl_err *err)
{
    struct local_athena_query *q;

    (void)pthread_mutex_lock(&c->a->lock);
    q = local_athena_find(c);
    if (q != NULL)
        local_athena_cancel(c->a, q);
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return local_athena_invalid(c, "QueryExecution was not found");
    return local_answer_json(c->resp, 200, json_object(), err);
}
