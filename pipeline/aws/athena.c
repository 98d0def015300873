#include "pipeline/aws/athena.h"

#include <string.h>

#include "pipeline/aws/call.h"

#define PAGE_ROWS 1000
#define ANSWER_BYTES_MAX ((size_t)64 << 20) /* a page of wide rows */

/* One call of JSON 1.1: body is taken over. */
static int call_athena(struct pl_aws *aws, const char *operation, json_t *body,
                       struct pl_json *answer, struct pl_err *err)
{
    /* a start is safe to repeat by its token, the rest only looks or stops */
    const struct pl_aws_call call = {.service = PL_AWS_ATHENA,
                                     .protocol = PL_AWS_JSON,
                                     .operation = operation,
                                     .is_idempotent = true};
    PL_AUTO(pl_http_request)
    req = {.method = "POST", .max_body_bytes = ANSWER_BYTES_MAX};
    char target[96];

    (void)snprintf(target, sizeof(target), "AmazonAthena.%s", operation);
    if (pl_call_begin(aws, PL_AWS_ATHENA, NULL, "POST", "/", &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-target", target, err) != 0) {
        json_decref(body);
        return -1;
    }
    return pl_call_json(aws, &call, &req, body, "application/x-amz-json-1.1",
                        answer, err);
}

/* Sets a string member when there is one; -1 when it is not UTF-8. */
static int set_text(json_t *object, const char *key, const char *value)
{
    if (value == NULL || *value == '\0')
        return 0;
    return json_object_set_new(object, key, json_string(value));
}

/* NULL when a text is not UTF-8. */
static json_t *start_body(const struct pl_athena_query *q)
{
    PL_AUTO(pl_json) body = {json_object()};
    PL_AUTO(pl_json) context = {json_object()};
    PL_AUTO(pl_json) result = {json_object()};

    if (set_text(body.value, "QueryString", q->sql) != 0 ||
        set_text(body.value, "ClientRequestToken", q->token) != 0 ||
        set_text(context.value, "Catalog", q->catalog) != 0 ||
        set_text(context.value, "Database", q->database) != 0 ||
        (json_object_size(context.value) > 0 &&
         json_object_set(body.value, "QueryExecutionContext", context.value) !=
             0) ||
        set_text(body.value, "WorkGroup", q->workgroup) != 0 ||
        set_text(result.value, "OutputLocation", q->output_uri) != 0 ||
        (json_object_size(result.value) > 0 &&
         json_object_set(body.value, "ResultConfiguration", result.value) != 0))
        return NULL;
    return json_incref(body.value);
}

int pl_athena_start(struct pl_aws *aws, const struct pl_athena_query *query,
                    char id[128], struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};

    if (call_athena(aws, "StartQueryExecution", start_body(query), &answer,
                    err) != 0)
        return -1;
    pl_json_text(answer.value, "QueryExecutionId", id, 128);
    if (id[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "StartQueryExecution answered without an id");
    return 0;
}

static enum pl_athena_state state_of(const char *text)
{
    static const char *const words[] = {[PL_ATHENA_QUEUED] = "QUEUED",
                                        [PL_ATHENA_RUNNING] = "RUNNING",
                                        [PL_ATHENA_SUCCEEDED] = "SUCCEEDED",
                                        [PL_ATHENA_FAILED] = "FAILED",
                                        [PL_ATHENA_CANCELLED] = "CANCELLED"};

    for (unsigned i = 0; i < PL_COUNT(words); i++)
        if (strcmp(text, words[i]) == 0)
            return (enum pl_athena_state)i;
    return PL_ATHENA_UNKNOWN;
}

static void read_execution(const json_t *x, struct pl_athena_execution *out)
{
    const json_t *status = json_object_get(x, "Status");
    const json_t *error = json_object_get(status, "AthenaError");
    const json_t *statistics = json_object_get(x, "Statistics");

    memset(out, 0, sizeof(*out));
    pl_json_text(x, "QueryExecutionId", out->id, sizeof(out->id));
    pl_json_text(status, "State", out->state_text, sizeof(out->state_text));
    out->state = state_of(out->state_text);
    pl_json_text(status, "StateChangeReason", out->reason, sizeof(out->reason));
    pl_json_text(json_object_get(x, "ResultConfiguration"), "OutputLocation",
                 out->output_uri, sizeof(out->output_uri));
    out->error_type = (int)pl_json_int(error, "ErrorType", -1);
    out->error_category = (int)pl_json_int(error, "ErrorCategory", 0);
    out->is_retryable = json_is_true(json_object_get(error, "Retryable"));
    if (out->reason[0] == '\0')
        pl_json_text(error, "ErrorMessage", out->reason, sizeof(out->reason));
    out->scanned_bytes = pl_json_int(statistics, "DataScannedInBytes", -1);
    out->engine_ms = pl_json_int(statistics, "EngineExecutionTimeInMillis", -1);
    out->is_managed = json_is_true(json_object_get(
        json_object_get(x, "ManagedQueryResultsConfiguration"), "Enabled"));
}

int pl_athena_get(struct pl_aws *aws, const char *id,
                  struct pl_athena_execution *execution, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *x;

    if (call_athena(aws, "GetQueryExecution",
                    json_pack("{s:s}", "QueryExecutionId", id), &answer,
                    err) != 0)
        return -1;
    x = json_object_get(answer.value, "QueryExecution");
    if (!json_is_object(x))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetQueryExecution answered without an execution");
    read_execution(x, execution);
    return 0;
}

int pl_athena_stop(struct pl_aws *aws, const char *id, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};

    return call_athena(aws, "StopQueryExecution",
                       json_pack("{s:s}", "QueryExecutionId", id), &answer,
                       err);
}

static int get_results(struct pl_aws *aws, const char *id, const char *token,
                       int rows, struct pl_json *answer, struct pl_err *err)
{
    json_t *body =
        json_pack("{s:s, s:i}", "QueryExecutionId", id, "MaxResults", rows);

    (void)set_text(body, "NextToken", token); /* it came out of JSON */
    return call_athena(aws, "GetQueryResults", body, answer, err);
}

int pl_athena_columns(struct pl_aws *aws, const char *id,
                      int (*each)(void *ctx, const char *name,
                                  struct pl_err *err),
                      void *ctx, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *column;
    const json_t *list;
    size_t i;

    if (get_results(aws, id, NULL, 1, &answer, err) != 0)
        return -1;
    list = json_object_get(
        json_object_get(json_object_get(answer.value, "ResultSet"),
                        "ResultSetMetadata"),
        "ColumnInfo");
    json_array_foreach(list, i, column)
    {
        const char *name = json_string_value(json_object_get(column, "Name"));

        if (name != NULL && each(ctx, name, err) != 0)
            return -1;
    }
    return 0;
}

#define COLUMNS_MAX 4096

static int pass_row(const json_t *row,
                    int (*each)(void *, const char *const *, size_t,
                                struct pl_err *),
                    void *ctx, struct pl_err *err)
{
    const char *values[COLUMNS_MAX];
    const json_t *data = json_object_get(row, "Data");
    const size_t count = json_array_size(data);

    if (count > COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID, "more than %d columns",
                       COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        values[i] = json_string_value(
            json_object_get(json_array_get(data, i), "VarCharValue"));
    return each(ctx, values, count, err);
}

int pl_athena_rows(struct pl_aws *aws, const char *id,
                   int (*each)(void *ctx, const char *const *values,
                               size_t count, struct pl_err *err),
                   void *ctx, struct pl_err *err)
{
    char token[1100] = "";
    char asked[1100];

    do {
        PL_AUTO(pl_json) answer = {0};
        const json_t *row;
        size_t i;

        memcpy(asked, token, sizeof(asked));
        if (get_results(aws, id, token, PAGE_ROWS, &answer, err) != 0)
            return -1;
        json_array_foreach(
            json_object_get(json_object_get(answer.value, "ResultSet"), "Rows"),
            i, row)
        {
            if (pass_row(row, each, ctx, err) != 0)
                return -1;
        }
        pl_json_text(answer.value, "NextToken", token, sizeof(token));
        if (token[0] != '\0' && strcmp(token, asked) == 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "GetQueryResults answers with the same page again");
    } while (token[0] != '\0');
    return 0;
}

int pl_athena_workgroup(struct pl_aws *aws, const char *name,
                        struct pl_athena_workgroup *workgroup,
                        struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *group;
    const json_t *settings;
    const json_t *state;

    if (call_athena(aws, "GetWorkGroup", json_pack("{s:s}", "WorkGroup", name),
                    &answer, err) != 0)
        return -1;
    group = json_object_get(answer.value, "WorkGroup");
    settings = json_object_get(group, "Configuration");
    state = json_object_get(group, "State");
    memset(workgroup, 0, sizeof(*workgroup));
    workgroup->is_enabled = !json_is_string(state) ||
                            strcmp(json_string_value(state), "DISABLED") != 0;
    workgroup->is_enforced = json_is_true(
        json_object_get(settings, "EnforceWorkGroupConfiguration"));
    workgroup->is_managed = json_is_true(json_object_get(
        json_object_get(settings, "ManagedQueryResultsConfiguration"),
        "Enabled"));
    pl_json_text(json_object_get(settings, "ResultConfiguration"),
                 "OutputLocation", workgroup->output_uri,
                 sizeof(workgroup->output_uri));
    workgroup->scan_cutoff_bytes =
        pl_json_int(settings, "BytesScannedCutoffPerQuery", -1);
    return 0;
}
