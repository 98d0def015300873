#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/aws/errors.h"

static const struct {
    const char *name;
    enum pl_aws_protocol protocol;
    const char *type; /* header x-amzn-errortype */
    const char *body;
    const char *code;
    const char *message;
} answers[] = {
    {"JSON with a namespace", PL_AWS_JSON, NULL,
     "{\"__type\":\"com.amazon.athena#TooManyRequestsException\","
     "\"message\":\"m\"}",
     "TooManyRequestsException", "m"},
    {"JSON with a URI behind", PL_AWS_JSON, NULL,
     "{\"__type\":\"a#B:http://c/\",\"Message\":\"M\"}", "B", "M"},
    {"REST JSON by header", PL_AWS_REST_JSON, "NotFoundException:http://x/",
     "{\"Message\":\"m\",\"RequestID\":\"r\"}", "NotFoundException", "m"},
    {"REST JSON by code", PL_AWS_REST_JSON, NULL,
     "{\"code\":\"C\",\"message\":\"m\"}", "C", "m"},
    {"JSON of another shape", PL_AWS_JSON, NULL, "[1]", "", ""},
    {"JSON of other types", PL_AWS_JSON, NULL, "{\"__type\":1,\"message\":{}}",
     "", ""},
    {"no JSON", PL_AWS_JSON, NULL, "<html>", "", ""},
    {"nothing", PL_AWS_REST_JSON, NULL, "", "", ""},
    {"Query", PL_AWS_QUERY, NULL,
     "<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type><Code>NotFound"
     "</Code><Message>a &lt;b&gt;</Message></Error><RequestId>q</RequestId>"
     "</ErrorResponse>",
     "NotFound", "a <b>"},
    {"S3", PL_AWS_S3XML, NULL,
     "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>m</Message>"
     "</Error>",
     "SlowDown", "m"},
    {"S3 without a body", PL_AWS_S3XML, NULL, "", "", ""},
    {"one line, no escapes", PL_AWS_JSON, NULL,
     "{\"__type\":\"A\",\"message\":\"a\\n\\tb\\u001b[31m \\u007f\\n\"}", "A",
     "a  b [31m"},
    {"bytes that are no text", PL_AWS_S3XML, NULL,
     "<Error><Code>A</Code><Message>a\xFF"
     "b</Message></Error>",
     "A", "a"},
    {"what was signed is not told", PL_AWS_JSON, NULL,
     "{\"__type\":\"A\",\"message\":\"Wrong.\\n\\nThe Canonical String for "
     "this "
     "request should have been\\n'POST\\nx-amz-security-token:T'\"}",
     "A", "Wrong."},
};

START_TEST(answer_table)
{
    PL_AUTO(pl_http_response) resp = {.status = 400};
    struct pl_service_error e = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&resp.body, answers[_i].body, &err), 0);
    if (answers[_i].type != NULL)
        ck_assert_int_eq(pl_http_headers_set(&resp.headers, "x-amzn-ErrorType",
                                             answers[_i].type, &err),
                         0);
    pl_error_read(answers[_i].protocol, &resp, &e);
    ck_assert_msg(strcmp(e.code, answers[_i].code) == 0, "%s: code '%s'",
                  answers[_i].name, e.code);
    ck_assert_msg(strcmp(e.message, answers[_i].message) == 0,
                  "%s: message '%s'", answers[_i].name, e.message);
}
END_TEST

START_TEST(long_messages_are_cut_between_characters)
{
    PL_AUTO(pl_http_response) resp = {.status = 400};
    struct pl_service_error e = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&resp.body, "{\"message\":\"x", &err), 0);
    for (int i = 0; i < 400; i++)
        ck_assert_int_eq(pl_buf_adds(&resp.body, "\xC3\xA9", &err), 0);
    ck_assert_int_eq(pl_buf_adds(&resp.body, "\"}", &err), 0);
    pl_error_read(PL_AWS_JSON, &resp, &e);
    ck_assert_uint_eq(strlen(e.message), sizeof(e.message) - 1);
    ck_assert_uint_eq(strlen(e.message) % 2, 1); /* x and whole pairs */
}
END_TEST

static const struct {
    int status;
    const char *code;
    enum pl_code want;
} codes[] = {
    {403, "AccessDenied", PL_ACCESS_DENIED},
    {400, "AccessDeniedException", PL_ACCESS_DENIED},
    {403, "ForbiddenException", PL_ACCESS_DENIED},
    {403, "", PL_ACCESS_DENIED},
    {401, "", PL_ACCESS_DENIED},
    {200, "AccessDenied", PL_ACCESS_DENIED},
    {403, "SignatureDoesNotMatch", PL_SIGNATURE_REFUSED},
    {400, "InvalidSignatureException", PL_SIGNATURE_REFUSED},
    {403, "InvalidAccessKeyId", PL_SIGNATURE_REFUSED},
    {400, "UnrecognizedClientException", PL_SIGNATURE_REFUSED},
    {403, "InvalidClientTokenId", PL_SIGNATURE_REFUSED},
    {403, "RequestTimeTooSkewed", PL_SIGNATURE_REFUSED},
    {400, "RequestExpired", PL_SIGNATURE_REFUSED},
    {400, "ExpiredToken", PL_CREDENTIALS_EXPIRED},
    {400, "ExpiredTokenException", PL_CREDENTIALS_EXPIRED},
    {400, "TokenRefreshRequired", PL_CREDENTIALS_EXPIRED},
    {400, "ThrottlingException", PL_THROTTLED},
    {503, "SlowDown", PL_THROTTLED},
    {429, "", PL_THROTTLED},
    {500, "", PL_SERVICE_UNAVAILABLE},
    {501, "NotImplemented", PL_SERVICE_UNAVAILABLE},
    {503, "ServiceUnavailable", PL_SERVICE_UNAVAILABLE},
    {400, "RequestTimeout", PL_SERVICE_UNAVAILABLE},
    {400, "InvalidRequestException", PL_SERVICE_REFUSED},
    {404, "NoSuchKey", PL_SERVICE_REFUSED},
    {404, "", PL_SERVICE_REFUSED},
    {412, "PreconditionFailed", PL_SERVICE_REFUSED},
};

START_TEST(code_table)
{
    struct pl_service_error e = {{0}, {0}, {0}, {0}};
    struct pl_err err = {0};

    (void)snprintf(e.code, sizeof(e.code), "%s", codes[_i].code);
    ck_assert_int_eq(
        pl_error_fail(&err, "Op", codes[_i].status, &e,
                      pl_retry_classify(codes[_i].status, codes[_i].code)),
        -1);
    ck_assert_msg(err.code == codes[_i].want, "%d %s", codes[_i].status,
                  codes[_i].code);
    ck_assert_int_eq(err.http_status, codes[_i].status);
    ck_assert_str_eq(err.service, codes[_i].code);
}
END_TEST

START_TEST(the_message)
{
    const struct pl_service_error e = {.code = "SlowDown",
                                       .message = "Please reduce your rate.",
                                       .request_id = "ABC"};
    const struct pl_service_error bare = {.code = ""};
    struct pl_err err = {0};

    (void)pl_error_fail(&err, "PutObject", 503, &e, PL_RETRY_THROTTLE);
    ck_assert_str_eq(err.msg, "cannot PutObject: HTTP 503 SlowDown (request "
                              "ABC): Please reduce your rate.");
    pl_err_clear(&err);
    (void)pl_error_fail(&err, "HeadObject", 404, &bare, PL_RETRY_NONE);
    ck_assert_str_eq(err.msg, "cannot HeadObject: HTTP 404 (request ?)");
}
END_TEST

UNIT_MAIN("errors",
          tcase_add_loop_test(tc, answer_table, 0, UNIT_COUNT(answers));
          tcase_add_test(tc, long_messages_are_cut_between_characters);
          tcase_add_loop_test(tc, code_table, 0, UNIT_COUNT(codes));
          tcase_add_test(tc, the_message);)
