#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/aws/athena.h"
#include "pipeline/aws/pinpoint.h"
#include "pipeline/aws/s3.h"
#include "pipeline/aws/sns.h"
#include "pipeline/aws/sts.h"

/* A scripted service: answers in order, and what it was asked. */
struct answer {
    int status;          /* 0: the connection broke */
    const char *headers; /* "name: value\n..." */
    const char *body;
};

struct script {
    const struct answer *answers;
    size_t count;
    size_t asked;
    char log[4096];          /* "METHOD path?query|body\n" */
    char authorization[512]; /* of the last request */
    char date[64];
};

static struct script script;
static struct pl_fake_clock fake;

static void add_headers(struct pl_http_response *resp, const char *lines)
{
    char copy[1024];
    char *save = NULL;
    struct pl_err err = {0};

    (void)snprintf(copy, sizeof(copy), "%s", lines != NULL ? lines : "");
    for (char *l = strtok_r(copy, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save)) {
        char *colon = strchr(l, ':');

        *colon = '\0';
        ck_assert_int_eq(
            pl_http_headers_set(&resp->headers, l, colon + 2, &err), 0);
    }
}

static int scripted(void *ctx, const struct pl_http_request *req,
                    struct pl_http_response *resp, struct pl_err *err)
{
    const struct answer *a;
    const char *value;
    const size_t used = strlen(script.log);

    (void)ctx;
    ck_assert_msg(script.asked < script.count, "one request too many: %s %s",
                  req->method, req->path.data);
    a = &script.answers[script.asked++];
    (void)snprintf(script.log + used, sizeof(script.log) - used,
                   "%s %s%s%s|%.*s\n", req->method, req->path.data,
                   req->query.len > 0 ? "?" : "", pl_buf_str(&req->query),
                   (int)req->body_len,
                   req->body != NULL ? (const char *)req->body : "");
    value = pl_http_headers_get(&req->headers, "authorization");
    (void)snprintf(script.authorization, sizeof(script.authorization), "%s",
                   value != NULL ? value : "");
    value = pl_http_headers_get(&req->headers, "x-amz-date");
    (void)snprintf(script.date, sizeof(script.date), "%s",
                   value != NULL ? value : "");
    if (a->status == 0)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE, "connection reset");
    resp->status = a->status;
    add_headers(resp, a->headers);
    if (a->status < 300 && req->sink != NULL) {
        resp->sink_bytes = strlen(a->body);
        return pl_sink_write(req->sink, a->body, strlen(a->body), err);
    }
    return pl_buf_adds(&resp->body, a->body, err);
}

static double half(void *ctx)
{
    (void)ctx;
    return 0.5;
}

static void open_aws(struct pl_aws *aws, const struct answer *answers,
                     size_t count)
{
    struct pl_err err = {0};

    memset(&script, 0, sizeof(script));
    memset(&fake, 0, sizeof(fake));
    fake.now_ms = INT64_C(1795395723000); /* 2026-11-23T01:02:03Z */
    script.answers = answers;
    script.count = count;
    ck_assert_int_eq(pl_aws_open(aws, "eu-west-1", &err), 0);
    aws->http = (struct pl_http){.send = scripted};
    aws->clock = pl_fake_clock(&fake);
    aws->retry.random = half;
    aws->retry.base_ms = 1000;
    aws->retry.max_attempts = 3;
}

static void setup(void)
{
    (void)setenv("AWS_ACCESS_KEY_ID", "AK", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "SK", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    (void)unsetenv("AWS_SESSION_TOKEN");
    (void)unsetenv("AWS_PROFILE");
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
}

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
    open_aws(&aws, refused, 2); /* a throttled start was certainly not made */
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
    ck_assert_str_eq(script.date, "20261123T020203Z");
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
    ck_assert_ptr_nonnull(strstr(script.authorization, "/us-west-2/s3/"));
    ck_assert_int_eq((int)object.bytes, 5);
}
END_TEST

START_TEST(bytes_passed_on_forbid_a_retry)
{
    static const struct answer answers[] = {{206, NULL, "abc"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT_MAX(2); /* fails in the sink */
    const struct pl_sink sink = pl_buf_sink(&got);
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(
        pl_s3_get(&aws, "bucket", "k", 0, 9, NULL, &sink, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(an_error_inside_a_200_is_seen)
{
    static const struct answer answers[] = {
        {200, NULL, "<Error><Code>InternalError</Code></Error>"}};
    static const struct pl_s3_part part = {1, 5, "\"e\"", "c"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_s3_complete_upload(&aws, "bucket", "k", "u", &part, 1,
                                           NULL, &object, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_str_eq(err.service, "InternalError");
}
END_TEST

START_TEST(a_completed_upload_is_recognized)
{
    static const struct answer answers[] = {
        {404, NULL, "<Error><Code>NoSuchUpload</Code></Error>"},
        {200, "content-length: 5\netag: \"x-1\"\nx-amz-checksum-crc64nvme: C",
         ""}};
    static const struct pl_s3_part part = {1, 5, "\"e\"", "c"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_s3_object object;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_complete_upload(&aws, "bucket", "k", "u", &part, 1,
                                           "C", &object, &err),
                     0);
    ck_assert_str_eq(object.etag, "\"x-1\"");
}
END_TEST

static int collect(void *ctx, const char *key, int64_t bytes, const char *etag,
                   struct pl_err *err)
{
    (void)etag;
    return pl_buf_addf(ctx, err, "%s=%d;", key, (int)bytes);
}

START_TEST(lists_are_paged)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<L><Contents><Key>a%20b</Key><Size>1</Size></Contents>"
         "<IsTruncated>true</IsTruncated>"
         "<NextContinuationToken>t+/=</NextContinuationToken></L>"},
        {200, NULL,
         "<L><Contents><Key>c%2B</Key><Size>2</Size></Contents>"
         "<IsTruncated>false</IsTruncated></L>"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_s3_list(&aws, "bucket", "p/", collect, &got, &err), 0);
    ck_assert_str_eq(got.data, "a b=1;c+=2;");
    ck_assert_ptr_nonnull(strstr(script.log, "continuation-token=t%2B%2F%3D"));
}
END_TEST

START_TEST(athena_speaks_json)
{
    static const struct answer answers[] = {
        {200, NULL, "{\"QueryExecutionId\":\"q1\"}"},
        {200, NULL,
         "{\"QueryExecution\":{\"QueryExecutionId\":\"q1\",\"Status\":"
         "{\"State\":\"FAILED\",\"StateChangeReason\":\"why\",\"AthenaError\":"
         "{\"ErrorType\":1401,\"Retryable\":true}},\"Statistics\":"
         "{\"DataScannedInBytes\":12}}}"}};
    const struct pl_athena_query query = {.sql = "SELECT 1",
                                          .token = "t",
                                          .database = "d",
                                          .workgroup = "w",
                                          .output_uri = "s3://b/o/"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_athena_execution x;
    struct pl_err err = {0};
    char id[128];

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_athena_start(&aws, &query, id, &err), 0);
    ck_assert_str_eq(id, "q1");
    ck_assert_str_eq(
        script.log,
        "POST /|{\"QueryString\":\"SELECT 1\",\"ClientRequestToken\":\"t\","
        "\"QueryExecutionContext\":{\"Database\":\"d\"},\"WorkGroup\":\"w\","
        "\"ResultConfiguration\":{\"OutputLocation\":\"s3://b/o/\"}}\n");
    ck_assert_int_eq(pl_athena_get(&aws, id, &x, &err), 0);
    ck_assert_int_eq(x.state, PL_ATHENA_FAILED);
    ck_assert_int_eq(x.error_type, 1401);
    ck_assert(x.is_retryable);
    ck_assert_int_eq((int)x.scanned_bytes, 12);
}
END_TEST

START_TEST(sns_speaks_forms)
{
    static const struct answer answers[] = {
        {200, NULL, "<R><MessageId>m1</MessageId></R>"}};
    const struct pl_sns_message message = {.topic_arn =
                                               "arn:aws:sns:us-east-2:1:t",
                                           .subject = "caf\xC3\xA9",
                                           .message = "a=b&c \x01",
                                           .attributes = {{"kind", "x"}},
                                           .attribute_count = 1};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char id[128];

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_sns_publish(&aws, &message, id, &err), 0);
    ck_assert_str_eq(id, "m1");
    ck_assert_ptr_nonnull(strstr(script.authorization, "/us-east-2/sns/"));
    ck_assert_str_eq(
        script.log,
        "POST /|Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3A"
        "us-east-2%3A1%3At&Subject=caf%3F%3F&Message=a%3Db%26c%20%20&"
        "MessageAttributes.entry.1.Name=kind&MessageAttributes.entry.1.Value."
        "DataType=String&MessageAttributes.entry.1.Value.StringValue=x\n");
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

UNIT_MAIN("client", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_test(tc, transient_faults_are_retried);
          tcase_add_loop_test(tc, refusals_have_their_names, 0,
                              UNIT_COUNT(refusals));
          tcase_add_test(tc, an_unclear_start_is_not_repeated);
          tcase_add_test(tc, a_wrong_clock_is_corrected_once);
          tcase_add_test(tc, a_bucket_elsewhere_is_found);
          tcase_add_test(tc, bytes_passed_on_forbid_a_retry);
          tcase_add_test(tc, an_error_inside_a_200_is_seen);
          tcase_add_test(tc, a_completed_upload_is_recognized);
          tcase_add_test(tc, lists_are_paged);
          tcase_add_test(tc, athena_speaks_json);
          tcase_add_test(tc, sns_speaks_forms);
          tcase_add_loop_test(tc, endpoint_table, 0, UNIT_COUNT(endpoints));)
