#include "tests/unit/aws/script.h"

#include <stdlib.h>

#include "pipeline/aws/sfn.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"

#define TOKEN "AQCEAAAAKgAAAAMAAAAAAAAAAexample+/="
#define ARN "arn:aws:states:eu-central-1:123456789012:execution:m:n"

/* Body, type and target are what another client sent for the same call. */
static void check_as_recorded(const char *operation)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    const char *body = script.log + strlen("POST /|");
    unsigned char raw[PL_SHA256_BYTES];
    char hash[PL_SHA256_BYTES * 2 + 1];
    char path[512];
    struct pl_err err = {0};
    char *save = NULL;

    (void)snprintf(path, sizeof(path), "%s/requests/sfn-%s.txt", TEST_DIR,
                   operation);
    ck_assert_int_eq(pl_file_read(path, &text, &err), 0);
    pl_sha256(body, strlen(body) - 1, raw); /* less the log's line end */
    pl_hex(raw, sizeof(raw), hash);
    ck_assert_msg(strstr(text.data, hash) != NULL, "%s", body);
    for (char *line = strtok_r(text.data, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, "content-type:", 13) == 0 ||
            strncmp(line, "x-amz-target:", 13) == 0)
            ck_assert_msg(was_sent(line), "%s", line);
    ck_assert(was_sent("/eu-west-1/states/aws4_request"));
    ck_assert_str_eq(script.base, "https://states.eu-west-1.amazonaws.com");
}

static int success(struct pl_aws *aws, struct pl_err *err)
{
    return pl_sfn_success(aws, TOKEN, "{\"rows\":3,\"s\":\"\xC3\xA9\\\"\"}",
                          err);
}

static int failure(struct pl_aws *aws, struct pl_err *err)
{
    return pl_sfn_failure(aws, TOKEN, "Athena.QueryFailed",
                          "SYNTAX_ERROR: line 1:8", err);
}

static int heartbeat(struct pl_aws *aws, struct pl_err *err)
{
    return pl_sfn_heartbeat(aws, TOKEN, err);
}

static const struct {
    const char *operation;
    int (*tell)(struct pl_aws *aws, struct pl_err *err);
} told[] = {{"SendTaskSuccess", success},
            {"SendTaskFailure", failure},
            {"SendTaskHeartbeat", heartbeat}};

START_TEST(told_as_others_do)
{
    static const struct answer answers[] = {{200, NULL, "{}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(told[_i].tell(&aws, &err), 0);
    check_as_recorded(told[_i].operation);
}
END_TEST

static const struct {
    const char *answer;
    int status;
    bool is_final;
    enum pl_code code;
} refusals[] = {
    {"{\"__type\":\"com.amazonaws.swf#TaskTimedOut\"}", 400, true,
     PL_SERVICE_REFUSED},
    {"{\"__type\":\"TaskDoesNotExist\",\"message\":\"m\"}", 400, true,
     PL_SERVICE_REFUSED},
    {"{\"__type\":\"InvalidToken\"}", 400, true, PL_SERVICE_REFUSED},
    {"{\"__type\":\"InvalidOutput\"}", 400, false, PL_SERVICE_REFUSED},
    {"{\"__type\":\"KmsAccessDeniedException\"}", 400, false, PL_ACCESS_DENIED},
    {"{\"__type\":\"KmsThrottlingException\"}", 400, false, PL_THROTTLED},
    {"{\"__type\":\"KmsInvalidStateException\"}", 400, false,
     PL_SERVICE_REFUSED},
    {"{\"__type\":\"AccessDeniedException\"}", 400, false, PL_ACCESS_DENIED},
};

START_TEST(refusals_of_a_token)
{
    const struct answer answers[] = {
        {refusals[_i].status, NULL, refusals[_i].answer}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_sfn_success(&aws, "t", "{}", &err), -1);
    ck_assert_int_eq(err.code, refusals[_i].code);
    ck_assert(pl_sfn_is_final(&err) == refusals[_i].is_final);
}
END_TEST

START_TEST(sent_once)
{
    static const struct answer answers[] = {
        {503, NULL, ""}, {0, NULL, NULL}, {503, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_sfn_heartbeat(&aws, "t", &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert(!pl_sfn_is_final(&err));
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sfn_success(&aws, "t", "{}", &err), -1);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sfn_failure(&aws, "t", "E", "c", &err), -1);
    ck_assert_uint_eq(script.asked, 3);
}
END_TEST

/* text, times over, as a string of its own. */
static char *many(const char *text, size_t times)
{
    const size_t len = strlen(text);
    char *all = malloc(len * times + 1);

    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < times; i++)
        memcpy(all + i * len, text, len);
    all[len * times] = '\0';
    return all;
}

static const struct {
    const char *piece;
    size_t fit; /* pieces in a cause */
} pieces[] = {
    {"x", PL_SFN_CAUSE_MAX},
    {"\xC3\xA9", PL_SFN_CAUSE_MAX},
    {"\xE2\x82\xAC", PL_SFN_CAUSE_MAX},
    {"\xF0\x9F\x98\x80", PL_SFN_CAUSE_MAX / 2}, /* two for Java */
};

static size_t sent_bytes;
static char sent_error[PL_SFN_ERROR_MAX * 2];

static int measured(void *ctx, const struct pl_http_request *req,
                    struct pl_http_response *resp, struct pl_err *err)
{
    PL_AUTO_STR *text = malloc(req->body_len + 1);
    const char *cause;
    const char *error;

    (void)ctx;
    ck_assert_ptr_nonnull(text);
    memcpy(text, req->body, req->body_len);
    text[req->body_len] = '\0';
    cause = strstr(text, "\"cause\":\"");
    error = strstr(text, "\"error\":\"");
    ck_assert_ptr_nonnull(cause);
    ck_assert_ptr_nonnull(error);
    sent_bytes = strcspn(cause + 9, "\"");
    (void)snprintf(sent_error, sizeof(sent_error), "%.*s",
                   (int)strcspn(error + 9, "\""), error + 9);
    resp->status = 200;
    return pl_buf_adds(&resp->body, "{}", err);
}

START_TEST(a_failure_is_cut_at_a_character)
{
    PL_AUTO_STR *cause = many(pieces[_i].piece, PL_SFN_CAUSE_MAX + 7);
    PL_AUTO_STR *error = many("E", PL_SFN_ERROR_MAX + 1);
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, NULL, 0);
    aws.http = (struct pl_http){.send = measured};
    ck_assert_int_eq(pl_sfn_failure(&aws, "t", error, cause, &err), 0);
    ck_assert_uint_eq(sent_bytes, pieces[_i].fit * strlen(pieces[_i].piece));
    ck_assert_uint_eq(strlen(sent_error), PL_SFN_ERROR_MAX);
    /* what is no UTF-8 ends the text, and the failure is told all the same */
    ck_assert_int_eq(pl_sfn_failure(&aws, "t", "E",
                                    "a\xFF"
                                    "b",
                                    &err),
                     0);
    ck_assert_uint_eq(sent_bytes, 1);
}
END_TEST

START_TEST(too_much_output)
{
    PL_AUTO_STR *output = many("1", PL_SFN_OUTPUT_MAX + 1);
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    open_aws(&aws, NULL, 0);
    ck_assert_int_eq(pl_sfn_success(&aws, "t", output, &err), -1);
    ck_assert_int_eq(err.code, PL_INTERNAL_ERROR);
}
END_TEST

static const struct {
    const char *answer;
    int status;
    enum pl_sfn_status want;
    const char *word;
} executions[] = {
    {"{\"status\":\"RUNNING\",\"startDate\":1795395723.004}", 200, PL_SFN_RUNS,
     "RUNNING"},
    {"{\"status\":\"PENDING_REDRIVE\"}", 200, PL_SFN_RUNS, "PENDING_REDRIVE"},
    {"{\"status\":\"SOMETHING_NEW\"}", 200, PL_SFN_RUNS, "SOMETHING_NEW"},
    {"{}", 200, PL_SFN_RUNS, ""},
    {"{\"status\":\"SUCCEEDED\"}", 200, PL_SFN_ENDED, "SUCCEEDED"},
    {"{\"status\":\"FAILED\"}", 200, PL_SFN_ENDED, "FAILED"},
    {"{\"status\":\"TIMED_OUT\"}", 200, PL_SFN_ENDED, "TIMED_OUT"},
    {"{\"status\":\"ABORTED\"}", 200, PL_SFN_ENDED, "ABORTED"},
    {"{\"__type\":\"ExecutionDoesNotExist\"}", 400, PL_SFN_GONE, ""},
};

START_TEST(how_an_execution_is)
{
    const struct answer answers[] = {
        {executions[_i].status, NULL, executions[_i].answer}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sfn_execution x;
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_msg(pl_sfn_describe(&aws, ARN, &x, &err) == 0, "%s", err.msg);
    ck_assert_int_eq(x.status, executions[_i].want);
    ck_assert_str_eq(x.word, executions[_i].word);
    ck_assert_str_eq(script.log, "POST /|{\"executionArn\":\"" ARN
                                 "\",\"includedData\":\"METADATA_ONLY\"}\n");
    /* where the execution is, not where we are */
    ck_assert_str_eq(script.base, "https://states.eu-central-1.amazonaws.com");
    if (_i == 0)
        ck_assert_int_eq((int)(x.started_ms - INT64_C(1795395723000)), 4);
}
END_TEST

START_TEST(what_is_no_execution)
{
    static const struct answer answers[] = {
        {400, NULL, "{\"__type\":\"InvalidArn\"}"},
        {400, NULL, "{\"__type\":\"AccessDeniedException\"}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sfn_execution x;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_sfn_describe(&aws, "execution", &x, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sfn_describe(&aws, ARN, &x, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sfn_describe(&aws, ARN, &x, &err), -1);
    ck_assert_int_eq(err.code, PL_ACCESS_DENIED);
}
END_TEST

UNIT_MAIN("sfn", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_loop_test(tc, told_as_others_do, 0, UNIT_COUNT(told));
          tcase_add_loop_test(tc, refusals_of_a_token, 0, UNIT_COUNT(refusals));
          tcase_add_test(tc, sent_once);
          tcase_add_loop_test(tc, a_failure_is_cut_at_a_character, 0,
                              UNIT_COUNT(pieces));
          tcase_add_test(tc, too_much_output);
          tcase_add_loop_test(tc, how_an_execution_is, 0,
                              UNIT_COUNT(executions));
          tcase_add_test(tc, what_is_no_execution);)
