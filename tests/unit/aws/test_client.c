#include "tests/unit/aws/script.h"

#include <unistd.h>

#include "pipeline/aws/pinpoint.h"
#include "pipeline/aws/s3.h"
#include "pipeline/aws/sts.h"
#include "pipeline/base/file.h"

#define IDENTITY "<R><Account>1</Account><Arn>arn:x</Arn><UserId>u</UserId></R>"

START_TEST(transient_faults_are_retried)
{
    static const struct answer answers[] = {
        {503, NULL, ""}, {0, NULL, ""}, {200, NULL, IDENTITY}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_str_eq(identity.arn, "arn:x");
    ck_assert_int_eq((int)fake.slept_ms, 500 + 1000);
    ck_assert_int_eq(aws.retry.tokens, 500 - 10 + 5);
}
END_TEST

static const struct {
    struct answer answer;
    size_t requests;
    enum pl_code code;
} refusals[] = {
    {{400, NULL, "<E><Code>InvalidParameter</Code></E>"},
     1,
     PL_SERVICE_REFUSED},
    {{403, NULL, "<E><Code>AccessDenied</Code></E>"}, 1, PL_ACCESS_DENIED},
    {{403, NULL, "<E><Code>SignatureDoesNotMatch</Code></E>"},
     1,
     PL_SIGNATURE_REFUSED},
    {{403, NULL, "<E><Code>InvalidClientTokenId</Code></E>"},
     1,
     PL_SIGNATURE_REFUSED},
    {{403, NULL, "<E><Code>ExpiredToken</Code></E>"},
     1,
     PL_CREDENTIALS_EXPIRED},
    {{400, NULL, "<E><Code>Throttling</Code></E>"}, 3, PL_THROTTLED},
    {{429, NULL, ""}, 3, PL_THROTTLED},
    {{500, NULL, "nonsense"}, 3, PL_SERVICE_UNAVAILABLE},
    {{0, NULL, ""}, 3, PL_SERVICE_UNAVAILABLE},
    {{404, NULL, ""}, 1, PL_SERVICE_REFUSED},
};

START_TEST(refusals_have_their_names)
{
    const struct answer answers[] = {refusals[_i].answer, refusals[_i].answer,
                                     refusals[_i].answer};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_msg(err.code == refusals[_i].code, "%s", err.msg);
    ck_assert_uint_eq(script.asked, refusals[_i].requests);
}
END_TEST

START_TEST(an_unclear_start_is_not_repeated)
{
    static const struct answer lost[] = {{0, NULL, ""}};
    static const struct answer refused[] = {
        {429, NULL, ""},
        {503, NULL, ""},
        {201, NULL, "{\"Id\":\"j\",\"JobStatus\":\"CREATED\"}"}};
    const struct pl_pinpoint_import import = {.application_id = "a/b",
                                              .role_arn = "r",
                                              .s3_url = "s3://b/p/",
                                              .format = "CSV",
                                              .register_endpoints = true};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};

    open_aws(&aws, lost, 1);
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    pl_aws_release(&aws);
    pl_err_clear(&err);
    open_aws(&aws, refused, 3); /* the caller looks before each repeat */
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_THROTTLED);
    ck_assert_uint_eq(script.asked, 1);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_uint_eq(script.asked, 2);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     0);
    ck_assert_str_eq(job.id, "j");
    ck_assert_ptr_nonnull(strstr(script.log,
                                 "POST /v1/apps/a%2Fb/jobs/import|{\"Format\":"
                                 "\"CSV\",\"RoleArn\":\"r\",\"S3Url\":"
                                 "\"s3://b/p/\",\"DefineSegment\":false,"
                                 "\"RegisterEndpoints\":true}"));
}
END_TEST

START_TEST(a_wrong_clock_is_corrected_once)
{
    static const struct answer answers[] = {
        {403, "date: Mon, 23 Nov 2026 02:02:03 GMT",
         "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
        {200, "content-length: 5\netag: \"e\"", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_head(&aws, "bucket", "k", &object, &err), 0);
    ck_assert(was_sent("x-amz-date: 20261123T020203Z"));
}
END_TEST

/* Another thread corrects the clock while our request is on its way. */
static int overtaken(void *ctx, const struct pl_http_request *req,
                     struct pl_http_response *resp, struct pl_err *err)
{
    struct pl_aws *aws = ctx;
    const int rc = scripted(NULL, req, resp, err);

    if (script.asked == 1)
        aws->skew_ms = 3600000;
    return rc;
}

START_TEST(a_clock_that_another_thread_corrected)
{
    static const struct answer answers[] = {
        {403, "date: Mon, 23 Nov 2026 02:02:03 GMT",
         "<Error><Code>RequestTimeTooSkewed</Code></Error>"},
        {200, "content-length: 5\netag: \"e\"", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    aws.http = (struct pl_http){.ctx = &aws, .send = overtaken};
    ck_assert_int_eq(pl_s3_head(&aws, "bucket", "k", &object, &err), 0);
    ck_assert(was_sent("x-amz-date: 20261123T020203Z"));
}
END_TEST

START_TEST(a_bucket_elsewhere_is_found)
{
    static const struct answer answers[] = {
        {301, "x-amz-bucket-region: us-west-2", ""},
        {200, "content-length: 5", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_head(&aws, "bucket", "k", &object, &err), 0);
    ck_assert(was_sent("/us-west-2/s3/"));
    ck_assert_int_eq((int)object.bytes, 5);
}
END_TEST

static const struct {
    enum pl_aws_service service;
    const char *region;
    const char *bucket;
    const char *env; /* AWS_ENDPOINT_URL */
    const char *base;
} endpoints[] = {
    {PL_AWS_ATHENA, "eu-west-1", NULL, NULL,
     "https://athena.eu-west-1.amazonaws.com"},
    {PL_AWS_SNS, "cn-north-1", NULL, NULL,
     "https://sns.cn-north-1.amazonaws.com.cn"},
    {PL_AWS_STS, "us-gov-west-1", NULL, NULL,
     "https://sts.us-gov-west-1.amazonaws.com"},
    {PL_AWS_SFN, "eu-west-1", NULL, NULL,
     "https://states.eu-west-1.amazonaws.com"},
    {PL_AWS_PINPOINT, "eusc-de-east-1", NULL, NULL,
     "https://pinpoint.eusc-de-east-1.amazonaws.eu"},
    {PL_AWS_S3, "us-east-1", "bucket", NULL,
     "https://bucket.s3.us-east-1.amazonaws.com"},
    {PL_AWS_S3, "us-east-1", "a.bucket", NULL,
     "https://s3.us-east-1.amazonaws.com"},
    {PL_AWS_S3, "us-east-1", "bucket", "http://127.0.0.1:9/",
     "http://127.0.0.1:9"},
};

START_TEST(endpoint_table)
{
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    struct pl_err err = {0};
    bool is_path_style = false;

    if (endpoints[_i].env != NULL)
        (void)setenv("AWS_ENDPOINT_URL", endpoints[_i].env, 1);
    open_aws(&aws, NULL, 0);
    ck_assert_int_eq(pl_aws_endpoint(&aws, endpoints[_i].service,
                                     endpoints[_i].region, endpoints[_i].bucket,
                                     &base, &is_path_style, &err),
                     0);
    ck_assert_str_eq(base.data, endpoints[_i].base);
}
END_TEST

/* Temporary keys from a container endpoint, refreshed when told to. */
START_TEST(expired_keys_are_refreshed_once)
{
    static const struct answer answers[] = {
        {200, NULL, "{\"AccessKeyId\":\"K1\",\"SecretAccessKey\":\"S\"}"},
        {403, NULL, "<E><Code>ExpiredToken</Code></E>"},
        {200, NULL,
         "{\"AccessKeyId\":\"K2\",\"SecretAccessKey\":\"S\",\"Token\":\"T2\"}"},
        {200, NULL, IDENTITY},
        {403, NULL, "<E><Code>ExpiredToken</Code></E>"},
        {200, NULL, "{\"AccessKeyId\":\"K3\",\"SecretAccessKey\":\"S\"}"},
        {403, NULL, "<E><Code>ExpiredToken</Code></E>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds", 1);
    open_aws(&aws, answers, 7);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_uint_eq(script.asked, 4);
    ck_assert(was_sent("Credential=K2/"));
    ck_assert(was_sent("x-amz-security-token: T2"));
    ck_assert_int_eq((int)fake.slept_ms, 0);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_int_eq(err.code, PL_CREDENTIALS_EXPIRED);
    ck_assert_uint_eq(script.asked, 7);
    /* keys without a token: none of the earlier ones is left over */
    ck_assert(!was_sent("x-amz-security-token"));
}
END_TEST

START_TEST(the_corrected_clock_is_kept)
{
    static const struct answer answers[] = {
        {403, "date: Mon, 23 Nov 2026 02:02:03 GMT",
         "<E><Code>SignatureDoesNotMatch</Code><Message>Signature expired: "
         "20261123T010203Z is now earlier than</Message></E>"},
        {200, NULL, IDENTITY},
        {200, NULL, IDENTITY},
        {403, "date: Mon, 23 Nov 2026 02:02:03 GMT",
         "<E><Code>RequestTimeTooSkewed</Code></E>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_uint_eq(script.asked, 3);
    ck_assert(was_sent("x-amz-date: 20261123T020203Z"));
    /* the times agree by now: nothing to put right, so it is the answer */
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_int_eq(err.code, PL_SIGNATURE_REFUSED);
}
END_TEST

/* A bucket whose name has a region in it, and another one in its host. */
START_TEST(the_host_moves_and_is_remembered)
{
    static const struct answer answers[] = {
        {400, NULL,
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2"
         "</Region></Error>"},
        {200, NULL, "<ListBucketResult/>"},
        {200, "content-length: 5", ""},
        {200, "content-length: 5", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_s3_list(&aws, "logs-eu-west-1", "", NULL, NULL, &err),
                     0);
    ck_assert_str_eq(script.base,
                     "https://logs-eu-west-1.s3.us-west-2.amazonaws.com");
    ck_assert(was_sent("host: logs-eu-west-1.s3.us-west-2.amazonaws.com\n"));
    ck_assert(was_sent("/us-west-2/s3/"));
    ck_assert_int_eq(pl_s3_head(&aws, "logs-eu-west-1", "k", &object, &err), 0);
    ck_assert_str_eq(script.base,
                     "https://logs-eu-west-1.s3.us-west-2.amazonaws.com");
    ck_assert_int_eq(pl_s3_head(&aws, "other", "k", &object, &err), 0);
    ck_assert_str_eq(script.base, "https://other.s3.eu-west-1.amazonaws.com");
}
END_TEST

START_TEST(regions_do_not_chase_each_other)
{
    static const struct answer answers[] = {
        {301, "x-amz-bucket-region: us-west-2", ""},
        {301, "x-amz-bucket-region: eu-west-1", ""}};
    static const struct answer evil[] = {
        {301, "x-amz-bucket-region: evil.example.com/", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_head(&aws, "bucket", "k", &object, &err), -1);
    ck_assert_int_eq(err.http_status, 301);
    pl_aws_release(&aws);
    pl_err_clear(&err);
    memset(&aws, 0, sizeof(aws));
    open_aws(&aws, evil, 1);
    ck_assert_int_eq(pl_s3_head(&aws, "bucket", "k", &object, &err), -1);
}
END_TEST

/* One call goes where S3 says, once, and never away from S3. */
START_TEST(a_redirect_for_one_call)
{
    static const struct answer answers[] = {
        {307, "location: https://b.s3-4.amazonaws.com/k?x=1", ""},
        {200, "content-length: 5", ""},
        {200, "content-length: 5", ""}};
    static const char *const others[] = {
        "location: https://b.example.com/k",
        "location: http://b.s3-4.amazonaws.com/k",
        "location: https://b.example.com:443.amazonaws.com/k",
        "location: https://u@b.s3.amazonaws.com/k",
        "location: https://xamazonaws.com/k",
        NULL};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), 0);
    ck_assert_str_eq(script.base, "https://b.s3-4.amazonaws.com");
    ck_assert(was_sent("host: b.s3-4.amazonaws.com\n"));
    ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), 0);
    ck_assert_str_eq(script.base, "https://b.s3.eu-west-1.amazonaws.com");
    for (size_t i = 0; i < UNIT_COUNT(others); i++) {
        const struct answer evil = {307, others[i], ""};

        pl_aws_release(&aws);
        memset(&aws, 0, sizeof(aws));
        pl_err_clear(&err);
        open_aws(&aws, &evil, 1);
        ck_assert_int_eq(pl_s3_head(&aws, "b", "k", &object, &err), -1);
        ck_assert_int_eq(err.http_status, 307);
    }
}
END_TEST

START_TEST(waits_are_what_the_service_wishes)
{
    static const struct answer answers[] = {
        {429, "retry-after: 7", ""},
        {503, "x-amz-retry-after: 1500\nretry-after: 9", ""},
        {200, NULL, IDENTITY}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_int_eq((int)fake.slept_ms, 7000 + 1500);
}
END_TEST

START_TEST(the_deadline_is_for_all_attempts)
{
    static const struct answer answers[] = {{503, "retry-after: 5", ""},
                                            {503, "retry-after: 9999999", ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    aws.retry.deadline_ms = 20000;
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_int_eq((int)fake.slept_ms, 5000);
}
END_TEST

START_TEST(time_outs_cost_more)
{
    static const struct answer answers[] = {
        {-1, NULL, ""}, {-1, NULL, ""}, {-1, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_int_eq(aws.retry.tokens, 500 - 20);
}
END_TEST

/* What a call that is not idempotent does after each kind of answer. */
static const struct {
    int status;
    size_t requests;
} unclear[] = {{0, 1},   {-1, 1},  {500, 1}, {502, 1},
               {504, 1}, {503, 3}, {429, 3}};

START_TEST(unclear_answers)
{
    const struct answer a = {unclear[_i].status, NULL, ""};
    const struct answer answers[] = {a, a, a};
    const struct pl_s3_put_options options = {.content_type = NULL};
    PL_AUTO(pl_aws) aws = {0};
    char id[1024];
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(
        pl_s3_create_upload(&aws, "bucket", "k", &options, id, &err), -1);
    ck_assert_uint_eq(script.asked, unclear[_i].requests);
}
END_TEST

START_TEST(messages_name_operation_code_and_request)
{
    static const struct answer answers[] = {
        {403, "x-amzn-requestid: R1",
         "<E><Code>SignatureDoesNotMatch</Code><Message>No match.\n\nThe "
         "Canonical String for this request should have been\n"
         "x-amz-security-token:SECRET</Message></E>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_str_eq(err.msg, "cannot GetCallerIdentity: HTTP 403 "
                              "SignatureDoesNotMatch (request R1): No match.");
    ck_assert_str_eq(err.service, "SignatureDoesNotMatch");
    ck_assert_int_eq(err.http_status, 403);
}
END_TEST

/* The path of a configured URL belongs to what is signed and asked. */
START_TEST(endpoint_with_a_path)
{
    static const struct answer answers[] = {{200, "content-length: 5", ""},
                                            {200, NULL, IDENTITY}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    (void)setenv("AWS_ENDPOINT_URL", "http://h:8080/aws//", 1);
    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_head(&aws, "b", "a b", &object, &err), 0);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_str_eq(script.base, "http://h:8080");
    ck_assert(was_sent("host: h:8080\n"));
    ck_assert_ptr_nonnull(strstr(script.log, "HEAD /aws/b/a%20b|"));
    ck_assert_ptr_nonnull(strstr(script.log, "POST /aws/|"));
}
END_TEST

START_TEST(endpoint_of_the_profile)
{
    static const char text[] = "[default]\nendpoint_url = http://h:1/\n";
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    struct pl_err err = {0};
    char path[] = "/tmp/lakeseg-test-XXXXXX";
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pl_fd_write_all(fd, text, strlen(text), &err), 0);
    (void)close(fd);
    (void)setenv("AWS_CONFIG_FILE", path, 1);
    open_aws(&aws, NULL, 0);
    ck_assert_int_eq(
        pl_aws_endpoint(&aws, PL_AWS_SNS, NULL, NULL, &base, NULL, &err), 0);
    ck_assert_str_eq(base.data, "http://h:1");
    pl_buf_reset(&base);
    (void)setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    ck_assert_int_eq(
        pl_aws_endpoint(&aws, PL_AWS_SNS, NULL, NULL, &base, NULL, &err), 0);
    ck_assert_str_eq(base.data, "https://sns.eu-west-1.amazonaws.com");
    (void)unlink(path);
}
END_TEST

START_TEST(endpoints_that_are_none)
{
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) base = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, NULL, 0);
    (void)setenv("AWS_ENDPOINT_URL", "localhost:9000", 1);
    ck_assert_int_eq(
        pl_aws_endpoint(&aws, PL_AWS_S3, NULL, NULL, &base, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    /* the service's own comes first */
    (void)setenv("AWS_ENDPOINT_URL_S3", "https://h", 1);
    pl_err_clear(&err);
    ck_assert_int_eq(
        pl_aws_endpoint(&aws, PL_AWS_S3, NULL, NULL, &base, NULL, &err), 0);
    ck_assert_str_eq(base.data, "https://h");
}
END_TEST

START_TEST(regions_in_their_order)
{
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_DEFAULT_REGION");
    ck_assert_int_eq(pl_aws_open(&aws, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_aws_release(&aws);
    pl_err_clear(&err);
    (void)setenv("AWS_DEFAULT_REGION", "r2", 1);
    ck_assert_int_eq(pl_aws_open(&aws, NULL, &err), 0);
    ck_assert_str_eq(aws.region, "r2");
    pl_aws_release(&aws);
    (void)setenv("AWS_REGION", "r1", 1);
    ck_assert_int_eq(pl_aws_open(&aws, NULL, &err), 0);
    ck_assert_str_eq(aws.region, "r1");
    pl_aws_release(&aws);
    ck_assert_int_eq(pl_aws_open(&aws, "r0", &err), 0);
    ck_assert_str_eq(aws.region, "r0");
}
END_TEST

UNIT_MAIN("client", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_test(tc, transient_faults_are_retried);
          tcase_add_loop_test(tc, refusals_have_their_names, 0,
                              UNIT_COUNT(refusals));
          tcase_add_test(tc, an_unclear_start_is_not_repeated);
          tcase_add_test(tc, a_wrong_clock_is_corrected_once);
          tcase_add_test(tc, a_clock_that_another_thread_corrected);
          tcase_add_test(tc, a_bucket_elsewhere_is_found);
          tcase_add_test(tc, expired_keys_are_refreshed_once);
          tcase_add_test(tc, the_corrected_clock_is_kept);
          tcase_add_test(tc, the_host_moves_and_is_remembered);
          tcase_add_test(tc, regions_do_not_chase_each_other);
          tcase_add_test(tc, a_redirect_for_one_call);
          tcase_add_test(tc, waits_are_what_the_service_wishes);
          tcase_add_test(tc, the_deadline_is_for_all_attempts);
          tcase_add_test(tc, time_outs_cost_more);
          tcase_add_loop_test(tc, unclear_answers, 0, UNIT_COUNT(unclear));
          tcase_add_test(tc, messages_name_operation_code_and_request);
          tcase_add_test(tc, endpoint_with_a_path);
          tcase_add_test(tc, endpoint_of_the_profile);
          tcase_add_test(tc, endpoints_that_are_none);
          tcase_add_test(tc, regions_in_their_order);
          tcase_add_loop_test(tc, endpoint_table, 0, UNIT_COUNT(endpoints));)
