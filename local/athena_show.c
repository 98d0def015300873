/* What Athena tells of queries. */
#include "local/athena_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define PAGE_MAX 50

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
            json_pack("{s:i,s:i,s:b,s:s}", "ErrorCategory", q->error_category,
                      "ErrorType", q->error_type, "Retryable",
                      (int)q->is_retryable, "ErrorMessage", q->reason));
    return s;
}

static json_t *statistics_of(const struct local_athena_query *q)
{
    const int64_t now = pl_now_ms(&pl_clock_real);
    const int64_t end = q->ended_ms != 0 ? q->ended_ms : now;
    const int64_t here = q->ended_ms != 0 ? 0 : now - q->since_ms;
    const bool is_queued = strcmp(q->state, "QUEUED") == 0;
    const json_int_t total = end - q->submitted_ms;
    const json_int_t ran = q->ran_ms + (is_queued ? 0 : here);
    const json_int_t queued = q->queued_ms + (is_queued ? here : 0);
    json_t *s = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:{s:b}}", "EngineExecutionTimeInMillis",
        ran, "DataScannedInBytes", (json_int_t)local_athena_scanned(q, now),
        "TotalExecutionTimeInMillis", total, "QueryQueueTimeInMillis", queued,
        "ServicePreProcessingTimeInMillis", (json_int_t)0,
        "QueryPlanningTimeInMillis", (json_int_t)q->planning_ms,
        "ServiceProcessingTimeInMillis", (json_int_t)q->storing_ms,
        "ResultReuseInformation", "ReusedPreviousResult", (int)q->is_reused);

    if (q->manifest != NULL && !q->is_managed)
        (void)json_object_set_new(
            s, "DataManifestLocation",
            json_sprintf("s3://%s/%s", q->bucket, q->manifest_key));
    return s;
}

/* Where results go: to S3, or nowhere that one could look. */
static void add_place(const struct local_athena_query *q, json_t *out)
{
    json_t *managed = json_pack("{s:b}", "Enabled", (int)q->is_managed);

    if (q->managed_encryption != NULL)
        (void)json_object_set(managed, "EncryptionConfiguration",
                              q->managed_encryption);
    (void)json_object_set_new(out, "ManagedQueryResultsConfiguration", managed);
    if (!q->is_managed) {
        json_t *place = json_deep_copy(q->output);

        (void)json_object_set_new(place, "OutputLocation",
                                  json_string(q->output_uri));
        (void)json_object_set_new(out, "ResultConfiguration", place);
    }
}

/* Needs the lock. */
static json_t *describe(const struct local_athena_query *q)
{
    static const char *const echoed[] = {"ResultReuseConfiguration",
                                         "ExecutionParameters"};
    const char *catalog =
        local_athena_text(q->in, "QueryExecutionContext", "Catalog");
    json_t *out = json_pack(
        "{s:s,s:O,s:s,s:{s:s,s:s*},s:o,s:o,s:s,s:O}", "QueryExecutionId", q->id,
        "Query", json_object_get(q->in, "QueryString"), "StatementType",
        q->statement.type, "QueryExecutionContext", "Database", q->database,
        "Catalog", catalog, "Status", status_of(q), "Statistics",
        statistics_of(q), "WorkGroup", q->workgroup, "EngineVersion",
        q->engine_version);

    if (q->statement.subtype[0] != '\0')
        (void)json_object_set_new(out, "SubstatementType",
                                  json_string(q->statement.subtype));
    for (size_t i = 0; i < PL_COUNT(echoed); i++)
        if (json_object_get(q->in, echoed[i]) != NULL)
            (void)json_object_set(out, echoed[i],
                                  json_object_get(q->in, echoed[i]));
    add_place(q, out);
    return out;
}

int local_athena_get(const struct local_athena_call *c, struct pl_err *err)
{
    const struct local_athena_query *q;
    json_t *found = NULL;

    (void)pthread_mutex_lock(&c->a->lock);
    q = local_athena_find(c);
    if (q != NULL)
        found = json_pack("{s:o}", "QueryExecution", describe(q));
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return local_athena_not_found(c);
    return local_answer_json(c->resp, 200, found, err);
}

int local_athena_batch_get(const struct local_athena_call *c,
                           struct pl_err *err)
{
    const json_t *ids = json_object_get(c->in, "QueryExecutionIds");
    json_t *found = json_array();
    json_t *missing = json_array();

    if (json_array_size(ids) > PAGE_MAX) {
        json_decref(found);
        json_decref(missing);
        return local_athena_invalid(c, "more than 50 QueryExecutionIds");
    }
    (void)pthread_mutex_lock(&c->a->lock);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        const struct local_athena_query *q = local_athena_by_id(c->a, id);

        (void)json_array_append_new(
            q != NULL ? found : missing,
            q != NULL ? describe(q)
                      : json_pack("{s:s,s:s,s:s}", "QueryExecutionId", id,
                                  "ErrorCode", "INVALID_INPUT", "ErrorMessage",
                                  "QueryExecution was not found"));
    }
    (void)pthread_mutex_unlock(&c->a->lock);
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o,s:o}", "QueryExecutions", found,
                                       "UnprocessedQueryExecutionIds", missing),
                             err);
}

/* The newest first. The token is how many of the oldest are left. */
int local_athena_list(const struct local_athena_call *c, struct pl_err *err)
{
    const char *token = local_athena_text(c->in, "NextToken", NULL);
    const char *group = local_athena_text(c->in, "WorkGroup", NULL);
    const json_int_t max =
        json_integer_value(json_object_get(c->in, "MaxResults"));
    const size_t most = max > 0 ? (size_t)max : PAGE_MAX;
    json_t *ids = json_array();
    uint64_t left = UINT64_MAX;
    json_t *out;

    if (token != NULL && pl_parse_u64(token, &left) != 0) {
        json_decref(ids);
        return local_athena_invalid(c, "NextToken is invalid");
    }
    (void)pthread_mutex_lock(&c->a->lock);
    if (left > c->a->count)
        left = c->a->count;
    for (; left > 0 && json_array_size(ids) < most; left--) {
        const struct local_athena_query *q = c->a->queries[left - 1];

        if (!q->is_forgotten &&
            strcmp(q->workgroup, group != NULL ? group : "primary") == 0)
            (void)json_array_append_new(ids, json_string(q->id));
    }
    (void)pthread_mutex_unlock(&c->a->lock);
    out = json_object();
    if (json_array_size(ids) > 0)
        (void)json_object_set(out, "QueryExecutionIds", ids);
    json_decref(ids);
    if (left > 0)
        (void)json_object_set_new(
            out, "NextToken", json_sprintf("%llu", (unsigned long long)left));
    return local_answer_json(c->resp, 200, out, err);
}

int local_athena_stop(const struct local_athena_call *c, struct pl_err *err)
{
    struct local_athena_query *q;

    (void)pthread_mutex_lock(&c->a->lock);
    q = local_athena_find(c);
    if (q != NULL)
        local_athena_cancel(c->a, q, "Query cancelled by user");
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return local_athena_not_found(c);
    return local_answer_json(c->resp, 200, json_object(), err);
}
