#include "pipeline/aws/sfn.h"

#include <string.h>

#include "pipeline/aws/call.h"
#include "pipeline/aws/endpoint.h"
#include "pipeline/base/text.h"

/* These calls do nothing that takes time; whoever makes them has a stage, a
 * signal or a clock to attend to. */
#define TIMEOUT_MS 15000

static int call_sfn(struct pl_aws *aws, const struct pl_aws_call *call,
                    json_t *body, struct pl_json *answer, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.method = "POST", .timeout_ms = TIMEOUT_MS};
    char target[96];

    (void)snprintf(target, sizeof(target), "AWSStepFunctions.%s",
                   call->operation);
    if (pl_call_begin(aws, PL_AWS_SFN, call->region, "POST", "/", &req, err) !=
            0 ||
        pl_http_headers_set(&req.headers, "x-amz-target", target, err) != 0) {
        json_decref(body);
        return -1;
    }
    return pl_call_json(aws, call, &req, body, "application/x-amz-json-1.0",
                        answer, err);
}

bool pl_sfn_is_final(const struct pl_err *err)
{
    static const char *const finals[] = {"TaskTimedOut", "TaskDoesNotExist",
                                         "InvalidToken"};

    return pl_is_one_of(err->service, finals, PL_COUNT(finals));
}

/* Of a state machine with a key of its own: 400 for what is not the request's
 * fault. */
static void map_key_errors(struct pl_err *err)
{
    static const struct {
        const char *service;
        enum pl_code code;
    } codes[] = {{"KmsThrottlingException", PL_THROTTLED},
                 {"KmsAccessDeniedException", PL_ACCESS_DENIED}};

    for (size_t i = 0; i < PL_COUNT(codes); i++)
        if (strcmp(err->service, codes[i].service) == 0)
            err->code = codes[i].code;
}

/* What is said by a token. A final refusal is the service's word about the
 * task, not about our keys, whose tokens S3 calls invalid by the same name. */
static int tell(struct pl_aws *aws, const char *operation, bool is_outcome,
                json_t *body, struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_SFN,
                                     .protocol = PL_AWS_JSON,
                                     .operation = operation,
                                     .is_idempotent = !is_outcome,
                                     .is_single = true};
    PL_AUTO(pl_json) answer = {0};

    if (call_sfn(aws, &call, body, &answer, err) == 0)
        return 0;
    if (pl_sfn_is_final(err))
        err->code = PL_SERVICE_REFUSED;
    map_key_errors(err);
    return -1;
}

int pl_sfn_success(struct pl_aws *aws, const char *token, const char *output,
                   struct pl_err *err)
{
    if (strlen(output) > PL_SFN_OUTPUT_MAX)
        return pl_fail(err, PL_INTERNAL_ERROR,
                       "the task's output has more than %d bytes",
                       PL_SFN_OUTPUT_MAX);
    return tell(aws, "SendTaskSuccess", true,
                json_pack("{s:s,s:s}", "taskToken", token, "output", output),
                err);
}

/* The bytes of text that make up at most max characters as Java counts them,
 * where one beyond the basic plane is two. */
static size_t cut(const char *text, size_t max)
{
    const size_t len = pl_utf8_valid_len(text, strlen(text));
    size_t at = 0;

    while (at < len) {
        const unsigned char c = (unsigned char)text[at];
        const size_t units = c >= 0xF0 ? 2 : 1;

        if (units > max)
            break;
        max -= units;
        at += c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0x80 ? 2 : 1;
    }
    return at;
}

int pl_sfn_failure(struct pl_aws *aws, const char *token, const char *error,
                   const char *cause, struct pl_err *err)
{
    return tell(aws, "SendTaskFailure", true,
                json_pack("{s:s,s:s%,s:s%}", "taskToken", token, "error", error,
                          cut(error, PL_SFN_ERROR_MAX), "cause", cause,
                          cut(cause, PL_SFN_CAUSE_MAX)),
                err);
}

int pl_sfn_heartbeat(struct pl_aws *aws, const char *token, struct pl_err *err)
{
    return tell(aws, "SendTaskHeartbeat", false,
                json_pack("{s:s}", "taskToken", token), err);
}

static void read_execution(const json_t *answer, struct pl_sfn_execution *x)
{
    static const char *const ends[] = {"SUCCEEDED", "FAILED", "TIMED_OUT",
                                       "ABORTED"};

    pl_json_text(answer, "status", x->word, sizeof(x->word));
    x->status = pl_is_one_of(x->word, ends, PL_COUNT(ends)) ? PL_SFN_ENDED
                                                            : PL_SFN_RUNS;
    x->started_ms =
        (int64_t)(json_number_value(json_object_get(answer, "startDate")) *
                  1000.0);
}

int pl_sfn_describe(struct pl_aws *aws, const char *execution_arn,
                    struct pl_sfn_execution *execution, struct pl_err *err)
{
    char region[64];
    const struct pl_aws_call call = {.service = PL_AWS_SFN,
                                     .protocol = PL_AWS_JSON,
                                     .operation = "DescribeExecution",
                                     .region = region,
                                     .is_idempotent = true};
    PL_AUTO(pl_json) answer = {0};

    memset(execution, 0, sizeof(*execution));
    if (!pl_arn_region(execution_arn, region))
        return pl_fail(err, PL_CONFIG_INVALID, "'%.200s' is no execution's ARN",
                       execution_arn);
    if (call_sfn(aws, &call,
                 json_pack("{s:s,s:s}", "executionArn", execution_arn,
                           "includedData", "METADATA_ONLY"),
                 &answer, err) == 0) {
        read_execution(answer.value, execution);
        return 0;
    }
    if (strcmp(err->service, "ExecutionDoesNotExist") == 0) {
        pl_err_clear(err);
        execution->status = PL_SFN_GONE;
        return 0;
    }
    if (strcmp(err->service, "InvalidArn") == 0)
        err->code = PL_CONFIG_INVALID;
    map_key_errors(err);
    return -1;
}
