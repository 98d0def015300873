#include "pipeline/aws/athena.h"

#include <string.h>

#include "pipeline/aws/athena_call.h"
#include "pipeline/base/digest.h"

#define ANSWER_BYTES_MAX ((size_t)64 << 20) /* a page of wide rows */

int pl_athena_call(struct pl_aws *aws, const char *operation, json_t *body,
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

/* Sets an object member unless the object is empty. */
static int set_object(json_t *object, const char *key, json_t *value)
{
    return json_object_size(value) == 0 ? 0
                                        : json_object_set(object, key, value);
}

static int set_context(json_t *body, const struct pl_athena_query *q)
{
    PL_AUTO(pl_json) context = {json_object()};

    return set_text(context.value, "Catalog", q->catalog) == 0 &&
                   set_text(context.value, "Database", q->database) == 0
               ? set_object(body, "QueryExecutionContext", context.value)
               : -1;
}

static int set_result(json_t *body, const struct pl_athena_query *q)
{
    PL_AUTO(pl_json) result = {json_object()};
    PL_AUTO(pl_json) encryption = {json_object()};

    if (set_text(result.value, "OutputLocation", q->output_uri) != 0 ||
        set_text(encryption.value, "EncryptionOption", q->encryption) != 0 ||
        set_text(encryption.value, "KmsKey", q->kms_key) != 0 ||
        set_object(result.value, "EncryptionConfiguration", encryption.value) !=
            0 ||
        set_text(result.value, "ExpectedBucketOwner", q->bucket_owner) != 0)
        return -1;
    return set_object(body, "ResultConfiguration", result.value);
}

static int set_parameters(json_t *body, const struct pl_athena_query *q)
{
    json_t *list;

    if (q->parameter_count == 0)
        return 0;
    list = json_array();
    for (size_t i = 0; i < q->parameter_count; i++)
        if (json_array_append_new(list, json_string(q->parameters[i])) != 0) {
            json_decref(list);
            return -1;
        }
    return json_object_set_new(body, "ExecutionParameters", list);
}

static int set_reuse(json_t *body, const struct pl_athena_query *q)
{
    if (!q->has_reuse)
        return 0;
    return json_object_set_new(
        body, "ResultReuseConfiguration",
        json_pack("{s:{s:b, s:i}}", "ResultReuseByAgeConfiguration", "Enabled",
                  1, "MaxAgeInMinutes", q->reuse_minutes));
}

/* NULL when a text is not UTF-8. */
static json_t *start_body(const struct pl_athena_query *q)
{
    PL_AUTO(pl_json) body = {json_object()};

    if (set_text(body.value, "QueryString", q->sql) != 0 ||
        set_text(body.value, "ClientRequestToken", q->token) != 0 ||
        set_context(body.value, q) != 0 ||
        set_text(body.value, "WorkGroup", q->workgroup) != 0 ||
        set_result(body.value, q) != 0 || set_parameters(body.value, q) != 0 ||
        set_reuse(body.value, q) != 0)
        return NULL;
    return json_incref(body.value);
}

/* A value without a NUL of its own, so that nothing can be read as another
 * division of the same bytes. */
static void mix(unsigned char hash[PL_SHA256_BYTES], const char *name,
                const char *value)
{
    const char *text = value != NULL ? value : "";
    const struct pl_slice parts[] = {{hash, PL_SHA256_BYTES},
                                     {name, strlen(name) + 1},
                                     {text, strlen(text) + 1}};

    pl_sha256_of(parts, PL_COUNT(parts), hash);
}

void pl_athena_token(const struct pl_athena_query *q, const char *run_id,
                     int attempt, char token[PL_ATHENA_TOKEN])
{
    unsigned char hash[PL_SHA256_BYTES] = {0};
    char number[16];

    mix(hash, "run", run_id);
    (void)snprintf(number, sizeof(number), "%d", attempt);
    mix(hash, "attempt", number);
    mix(hash, "sql", q->sql);
    mix(hash, "catalog", q->catalog);
    mix(hash, "database", q->database);
    mix(hash, "workgroup", q->workgroup);
    mix(hash, "output", q->output_uri);
    mix(hash, "encryption", q->encryption);
    mix(hash, "key", q->kms_key);
    mix(hash, "owner", q->bucket_owner);
    for (size_t i = 0; i < q->parameter_count; i++)
        mix(hash, "parameter", q->parameters[i]);
    (void)snprintf(number, sizeof(number), "%d", q->reuse_minutes);
    mix(hash, "reuse", q->has_reuse ? number : NULL);
    pl_hex(hash, sizeof(hash), token);
}

int pl_athena_start(struct pl_aws *aws, const struct pl_athena_query *query,
                    char id[128], struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};

    if (pl_athena_call(aws, "StartQueryExecution", start_body(query), &answer,
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

static void read_statistics(const json_t *s, struct pl_athena_execution *out)
{
    out->scanned_bytes = pl_json_int(s, "DataScannedInBytes", -1);
    out->engine_ms = pl_json_int(s, "EngineExecutionTimeInMillis", -1);
    out->queue_ms = pl_json_int(s, "QueryQueueTimeInMillis", -1);
    out->planning_ms = pl_json_int(s, "QueryPlanningTimeInMillis", -1);
    out->total_ms = pl_json_int(s, "TotalExecutionTimeInMillis", -1);
    out->is_reused = json_is_true(json_object_get(
        json_object_get(s, "ResultReuseInformation"), "ReusedPreviousResult"));
    pl_json_text(s, "DataManifestLocation", out->manifest_uri,
                 sizeof(out->manifest_uri));
}

static void read_execution(const json_t *x, struct pl_athena_execution *out)
{
    const json_t *status = json_object_get(x, "Status");
    const json_t *error = json_object_get(status, "AthenaError");

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
    read_statistics(json_object_get(x, "Statistics"), out);
    out->is_managed = json_is_true(json_object_get(
        json_object_get(x, "ManagedQueryResultsConfiguration"), "Enabled"));
}

/* The execution in an answer of its own, which the caller releases. */
static const json_t *get_execution(struct pl_aws *aws, const char *id,
                                   struct pl_json *answer, struct pl_err *err)
{
    const json_t *x;

    if (pl_athena_call(aws, "GetQueryExecution",
                       json_pack("{s:s}", "QueryExecutionId", id), answer,
                       err) != 0)
        return NULL;
    x = json_object_get(answer->value, "QueryExecution");
    if (json_is_object(x))
        return x;
    (void)pl_fail(err, PL_SERVICE_UNAVAILABLE,
                  "GetQueryExecution answered without an execution");
    return NULL;
}

int pl_athena_get(struct pl_aws *aws, const char *id,
                  struct pl_athena_execution *execution, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *x = get_execution(aws, id, &answer, err);

    if (x == NULL)
        return -1;
    read_execution(x, execution);
    return 0;
}

int pl_athena_text(struct pl_aws *aws, const char *id, struct pl_buf *sql,
                   struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};
    const json_t *x = get_execution(aws, id, &answer, err);
    const char *text;

    if (x == NULL)
        return -1;
    text = json_string_value(json_object_get(x, "Query"));
    return pl_buf_adds(sql, text != NULL ? text : "", err);
}

int pl_athena_stop(struct pl_aws *aws, const char *id, struct pl_err *err)
{
    PL_AUTO(pl_json) answer = {0};

    return pl_athena_call(aws, "StopQueryExecution",
                          json_pack("{s:s}", "QueryExecutionId", id), &answer,
                          err);
}
