#include "tests/unit/aws/script.h"

#include "pipeline/aws/athena.h"
#include "pipeline/aws/pinpoint.h"
#include "pipeline/aws/sns.h"
#include "pipeline/aws/sts.h"

/* Athena */

static const char *const two_literals[] = {"'a'", "1"};

static const struct {
    struct pl_athena_query query;
    const char *body;
} starts[] = {
    {{.sql = "SELECT 1",
      .token = "t",
      .catalog = "c",
      .database = "d",
      .workgroup = "w",
      .output_uri = "s3://b/o/"},
     "{\"QueryString\":\"SELECT 1\",\"ClientRequestToken\":\"t\","
     "\"QueryExecutionContext\":{\"Catalog\":\"c\",\"Database\":\"d\"},"
     "\"WorkGroup\":\"w\",\"ResultConfiguration\":{\"OutputLocation\":"
     "\"s3://b/o/\"}}"},
    {{.sql = "SELECT ?, ?",
      .token = "t",
      .encryption = "SSE_KMS",
      .kms_key = "k",
      .bucket_owner = "123456789012",
      .parameters = two_literals,
      .parameter_count = 2,
      .has_reuse = true,
      .reuse_minutes = 60},
     "{\"QueryString\":\"SELECT ?, ?\",\"ClientRequestToken\":\"t\","
     "\"ResultConfiguration\":{\"EncryptionConfiguration\":"
     "{\"EncryptionOption\":\"SSE_KMS\",\"KmsKey\":\"k\"},"
     "\"ExpectedBucketOwner\":\"123456789012\"},"
     "\"ExecutionParameters\":[\"'a'\",\"1\"],"
     "\"ResultReuseConfiguration\":{\"ResultReuseByAgeConfiguration\":"
     "{\"Enabled\":true,\"MaxAgeInMinutes\":60}}}"},
    {{.sql = "SELECT '\xC3\xA9\n\"'", .token = "t", .output_uri = ""},
     "{\"QueryString\":\"SELECT '\xC3\xA9\\n\\\"'\",\"ClientRequestToken\":"
     "\"t\"}"},
};

START_TEST(athena_start)
{
    static const struct answer answers[] = {
        {0, NULL, ""}, {200, NULL, "{\"QueryExecutionId\":\"q1\"}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char want[1024];
    char id[128];

    open_aws(&aws, answers, 2); /* the token makes a repeat safe */
    ck_assert_int_eq(pl_athena_start(&aws, &starts[_i].query, id, &err), 0);
    ck_assert_str_eq(id, "q1");
    (void)snprintf(want, sizeof(want), "POST /|%s\nPOST /|%s\n",
                   starts[_i].body, starts[_i].body);
    ck_assert_str_eq(script.log, want);
    ck_assert(was_sent("x-amz-target: AmazonAthena.StartQueryExecution\n"));
    ck_assert(was_sent("content-type: application/x-amz-json-1.1\n"));
    ck_assert(was_sent("/eu-west-1/athena/aws4_request"));
}
END_TEST

static const struct {
    struct answer answer;
    enum pl_code code;
    size_t requests;
} start_refusals[] = {
    {{400, NULL,
      "{\"__type\":\"InvalidRequestException\",\"Message\":\"line 1:8\"}"},
     PL_SERVICE_REFUSED,
     1},
    {{400, NULL,
      "{\"__type\":\"TooManyRequestsException\",\"Reason\":"
      "\"CONCURRENT_QUERY_LIMIT_EXCEEDED\"}"},
     PL_THROTTLED,
     3},
    {{200, NULL, "{}"}, PL_SERVICE_UNAVAILABLE, 1},
    {{200, NULL, "[]"}, PL_SERVICE_UNAVAILABLE, 1},
    {{200, NULL, "{\"QueryExecutionId\""}, PL_SERVICE_UNAVAILABLE, 1},
};

START_TEST(athena_start_refused)
{
    const struct answer a = start_refusals[_i].answer;
    const struct answer answers[] = {a, a, a};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char id[128];

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_athena_start(&aws, &starts[0].query, id, &err), -1);
    ck_assert_msg(err.code == start_refusals[_i].code, "%s", err.msg);
    ck_assert_uint_eq(script.asked, start_refusals[_i].requests);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_not_dropped)
{
    const struct pl_athena_query sql = {.sql = "SELECT '\xFF'", .token = "t"};
    const struct pl_athena_query place = {
        .sql = "SELECT 1", .token = "t", .output_uri = "s3://\xFF/"};
    const struct pl_pinpoint_import import = {.application_id = "a",
                                              .role_arn = "r",
                                              .s3_url = "s3://b/p/",
                                              .format = "CSV",
                                              .segment_name = "\xFF"};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};
    char id[128];

    open_aws(&aws, NULL, 0);
    ck_assert_int_eq(pl_athena_start(&aws, &sql, id, &err), -1);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_athena_start(&aws, &place, id, &err), -1);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
}
END_TEST

/* Whatever differs in what is sent gives another token. */
START_TEST(athena_token)
{
    static const char *const one[] = {"'a'1"};
    struct pl_athena_query base = {.sql = "SELECT 1"};
    struct pl_athena_query q[13];
    char tokens[15][PL_ATHENA_TOKEN];
    char again[PL_ATHENA_TOKEN];

    for (size_t i = 0; i < UNIT_COUNT(q); i++)
        q[i] = base;
    q[1].sql = "SELECT 2";
    q[2].catalog = "x";
    q[3].database = "x";
    q[4].workgroup = "x";
    q[5].output_uri = "x";
    q[6].encryption = "x";
    q[7].kms_key = "x";
    q[8].bucket_owner = "x";
    q[9].parameters = two_literals;
    q[9].parameter_count = 2;
    q[10].parameters = one;
    q[10].parameter_count = 1;
    q[11].has_reuse = true;
    q[12].has_reuse = true;
    q[12].reuse_minutes = 1;
    for (size_t i = 0; i < UNIT_COUNT(q); i++)
        pl_athena_token(&q[i], "run", 1, tokens[i]);
    pl_athena_token(&base, "run", 2, tokens[13]);
    pl_athena_token(&base, "ru", 1, tokens[14]);
    for (size_t i = 0; i < UNIT_COUNT(tokens); i++) {
        ck_assert_uint_eq(strlen(tokens[i]), 64); /* 32 to 128 are allowed */
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(tokens[i], tokens[j]) != 0, "%zu %zu", i, j);
    }
    base.token = "whatever";
    base.output_uri = ""; /* as good as none: it is not sent */
    pl_athena_token(&base, "run", 1, again);
    ck_assert_str_eq(again, tokens[0]);
}
END_TEST

static const struct {
    const char *word;
    enum pl_athena_state state;
} states[] = {
    {"QUEUED", PL_ATHENA_QUEUED},
    {"RUNNING", PL_ATHENA_RUNNING},
    {"SUCCEEDED", PL_ATHENA_SUCCEEDED},
    {"FAILED", PL_ATHENA_FAILED},
    {"CANCELLED", PL_ATHENA_CANCELLED},
    {"RESUMING", PL_ATHENA_UNKNOWN},
    {"", PL_ATHENA_UNKNOWN},
};

START_TEST(athena_states)
{
    char body[256];
    const struct answer answers[] = {{200, NULL, body}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_athena_execution x;
    struct pl_err err = {0};

    (void)snprintf(body, sizeof(body),
                   "{\"QueryExecution\":{\"Status\":{\"State\":\"%s\"}}}",
                   states[_i].word);
    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_athena_get(&aws, "q1", &x, &err), 0);
    ck_assert_int_eq(x.state, states[_i].state);
    ck_assert_str_eq(x.state_text, states[_i].word);
    ck_assert_int_eq((int)x.scanned_bytes, -1);
    ck_assert_int_eq(x.error_type, -1);
}
END_TEST

START_TEST(athena_execution)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"QueryExecution\":{\"QueryExecutionId\":\"q1\",\"Status\":"
         "{\"State\":\"FAILED\",\"StateChangeReason\":\"why\",\"AthenaError\":"
         "{\"ErrorType\":1401,\"ErrorCategory\":1,\"Retryable\":true}},"
         "\"ResultConfiguration\":{\"OutputLocation\":\"s3://b/q1.csv\"},"
         "\"ManagedQueryResultsConfiguration\":{\"Enabled\":true},"
         "\"Statistics\":{\"DataScannedInBytes\":12,"
         "\"EngineExecutionTimeInMillis\":34,\"QueryQueueTimeInMillis\":5,"
         "\"QueryPlanningTimeInMillis\":6,\"TotalExecutionTimeInMillis\":50,"
         "\"DataManifestLocation\":\"s3://b/q1-manifest.csv\","
         "\"ResultReuseInformation\":{\"ReusedPreviousResult\":true}}}}"},
        {200, NULL, "{}"},
        {200, NULL, ""}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_athena_execution x;
    struct pl_err err = {0};

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(pl_athena_get(&aws, "q1", &x, &err), 0);
    ck_assert_str_eq(script.log, "POST /|{\"QueryExecutionId\":\"q1\"}\n");
    ck_assert_str_eq(x.id, "q1");
    ck_assert_str_eq(x.reason, "why");
    ck_assert_str_eq(x.output_uri, "s3://b/q1.csv");
    ck_assert_int_eq(x.error_type, 1401);
    ck_assert_int_eq(x.error_category, 1);
    ck_assert(x.is_retryable);
    ck_assert(x.is_managed);
    ck_assert_int_eq((int)x.scanned_bytes, 12);
    ck_assert_int_eq((int)x.engine_ms, 34);
    ck_assert_int_eq((int)x.queue_ms, 5);
    ck_assert_int_eq((int)x.planning_ms, 6);
    ck_assert_int_eq((int)x.total_ms, 50);
    ck_assert(x.is_reused);
    ck_assert_str_eq(x.manifest_uri, "s3://b/q1-manifest.csv");
    ck_assert_int_eq(pl_athena_get(&aws, "q1", &x, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_athena_stop(&aws, "q1", &err), 0); /* an empty answer */
    ck_assert(was_sent("x-amz-target: AmazonAthena.StopQueryExecution\n"));
}
END_TEST

static int add_name(void *ctx, const char *name, struct pl_err *err)
{
    return pl_buf_addf(ctx, err, "%s;", name);
}

static int add_row(void *ctx, const struct pl_slice *values, size_t count,
                   struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && pl_buf_addc(ctx, ',', err) != 0) ||
            (values[i].data == NULL
                 ? pl_buf_adds(ctx, "NULL", err)
                 : pl_buf_add(ctx, values[i].data, values[i].len, err)) != 0)
            return -1;
    }
    return pl_buf_addc(ctx, '\n', err);
}

START_TEST(athena_results)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"ResultSet\":{\"ResultSetMetadata\":{\"ColumnInfo\":[{\"Name\":"
         "\"Id\"},{\"Name\":\"User.UserId\"}]}}}"},
        {200, NULL,
         "{\"NextToken\":\"n+\",\"ResultSet\":{\"Rows\":[{\"Data\":["
         "{\"VarCharValue\":\"Id\"},{\"VarCharValue\":\"b\"}]}]}}"},
        {200, NULL,
         "{\"ResultSet\":{\"Rows\":[{\"Data\":[{},{\"VarCharValue\":\"\"}]},"
         "{\"Data\":[{\"VarCharValue\":\"a\\u0000b\"}]}]}}"},
        {200, NULL,
         "{\"ResultSet\":{\"Rows\":[{\"Data\":[{\"VarCharValue\":\"s3://b/p\"}]"
         "}]}}"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_athena_columns(&aws, "q1", add_name, &got, &err), 0);
    ck_assert_str_eq(got.data, "Id;User.UserId;");
    pl_buf_reset(&got);
    ck_assert_int_eq(pl_athena_rows(&aws, "q1", add_row, &got, &err), 0);
    ck_assert_uint_eq(got.len, strlen("Id,b\nNULL,\na.b\n"));
    ck_assert_mem_eq(got.data, "Id,b\nNULL,\na\0b\n", got.len);
    pl_buf_reset(&got);
    ck_assert_int_eq(pl_athena_manifest_rows(&aws, "q1", add_row, &got, &err),
                     0);
    ck_assert_str_eq(got.data, "s3://b/p\n");
    ck_assert_str_eq(
        script.log, "POST /|{\"QueryExecutionId\":\"q1\",\"MaxResults\":1}\n"
                    "POST /|{\"QueryExecutionId\":\"q1\",\"MaxResults\":1000}\n"
                    "POST /|{\"QueryExecutionId\":\"q1\",\"MaxResults\":1000,"
                    "\"NextToken\":\"n+\"}\n"
                    "POST /|{\"QueryExecutionId\":\"q1\",\"MaxResults\":1000,"
                    "\"QueryResultType\":\"DATA_MANIFEST\"}\n");
}
END_TEST

START_TEST(athena_text)
{
    static const struct answer answers[] = {
        {200, NULL, "{\"QueryExecution\":{\"Query\":\"SELECT 1\"}}"},
        {200, NULL, "{\"QueryExecution\":{}}"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_athena_text(&aws, "q1", &got, &err), 0);
    ck_assert_str_eq(got.data, "SELECT 1");
    ck_assert_int_eq(pl_athena_text(&aws, "q1", &got, &err), 0);
    ck_assert_str_eq(got.data, "SELECT 1");
}
END_TEST

START_TEST(the_same_page_again)
{
    static const struct answer same = {200, NULL, "{\"NextToken\":\"n\"}"};
    const struct answer answers[] = {same, same, same, same};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};
    bool found = false;

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_athena_rows(&aws, "q1", add_row, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    pl_err_clear(&err);
    ck_assert_int_eq(
        pl_pinpoint_find_job(&aws, NULL, "a", "s3://b/", &found, &job, &err),
        -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(athena_workgroup)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"WorkGroup\":{\"State\":\"DISABLED\",\"Configuration\":"
         "{\"EnforceWorkGroupConfiguration\":true,"
         "\"BytesScannedCutoffPerQuery\":10000000,"
         "\"ManagedQueryResultsConfiguration\":{\"Enabled\":true},"
         "\"ResultConfiguration\":{\"OutputLocation\":\"s3://b/\"}}}}"},
        {200, NULL, "{\"WorkGroup\":{\"State\":\"ENABLED\"}}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_athena_workgroup group;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_athena_workgroup(&aws, "w", &group, &err), 0);
    ck_assert(!group.is_enabled);
    ck_assert(group.is_managed);
    ck_assert(group.is_enforced);
    ck_assert_str_eq(group.output_uri, "s3://b/");
    ck_assert_int_eq((int)group.scan_cutoff_bytes, 10000000);
    ck_assert_int_eq(pl_athena_workgroup(&aws, "w", &group, &err), 0);
    ck_assert(group.is_enabled && !group.is_managed && !group.is_enforced);
    ck_assert_str_eq(group.output_uri, "");
    ck_assert_int_eq((int)group.scan_cutoff_bytes, -1);
}
END_TEST

/* Pinpoint */

START_TEST(pinpoint_create)
{
    static const struct answer answers[] = {
        {201, NULL, "{\"Id\":\"j\",\"JobStatus\":\"CREATED\"}"},
        {201, NULL, "{\"JobStatus\":\"CREATED\"}"}};
    const struct pl_pinpoint_import import = {.application_id = "a",
                                              .role_arn = "r",
                                              .s3_url = "s3://b/p/",
                                              .format = "CSV",
                                              .define_segment = true,
                                              .register_endpoints = true,
                                              .segment_id = "s",
                                              .segment_name = "n"};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(
        pl_pinpoint_create_import(&aws, "us-west-2", &import, &job, &err), 0);
    ck_assert_str_eq(script.base, "https://pinpoint.us-west-2.amazonaws.com");
    ck_assert(was_sent("/us-west-2/mobiletargeting/aws4_request"));
    ck_assert_str_eq(script.log,
                     "POST /v1/apps/a/jobs/import|{\"Format\":\"CSV\","
                     "\"RoleArn\":\"r\",\"S3Url\":\"s3://b/p/\","
                     "\"DefineSegment\":true,\"RegisterEndpoints\":true,"
                     "\"SegmentId\":\"s\",\"SegmentName\":\"n\"}\n");
    ck_assert_int_eq((int)job.processed, -1);
    ck_assert(!job.is_final);
    ck_assert_int_eq(pl_pinpoint_create_import(&aws, NULL, &import, &job, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

static const struct {
    const char *status;
    bool is_final;
    bool is_failed;
} job_states[] = {
    {"CREATED", false, false},    {"PROCESSING", false, false},
    {"COMPLETING", false, false}, {"FAILING", false, false},
    {"SOMETHING", false, false},  {"COMPLETED", true, false},
    {"FAILED", true, true},
};

START_TEST(pinpoint_job)
{
    char body[512];
    const struct answer answers[] = {{200, NULL, body}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};

    (void)snprintf(body, sizeof(body),
                   "{\"Id\":\"j\",\"JobStatus\":\"%s\",\"Definition\":"
                   "{\"SegmentId\":\"s\"},\"TotalPieces\":3,"
                   "\"CompletedPieces\":2,\"FailedPieces\":1,"
                   "\"TotalProcessed\":10,\"TotalFailures\":4,"
                   "\"Failures\":[\"one\",2,\"three\"]}",
                   job_states[_i].status);
    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_pinpoint_get_import(&aws, NULL, "a", "j/1", &job, &err),
                     0);
    ck_assert_str_eq(script.log, "GET /v1/apps/a/jobs/import/j%2F1|\n");
    ck_assert(job.is_final == job_states[_i].is_final);
    ck_assert(job.is_failed == job_states[_i].is_failed);
    ck_assert_str_eq(job.segment_id, "s");
    ck_assert_int_eq((int)job.pieces_total, 3);
    ck_assert_int_eq((int)job.pieces_done, 2);
    ck_assert_int_eq((int)job.pieces_failed, 1);
    ck_assert_int_eq((int)job.processed, 10);
    ck_assert_int_eq((int)job.failures, 4);
    ck_assert_uint_eq(job.failure_count, 2);
    ck_assert_str_eq(job.failure[1], "three");
}
END_TEST

#define ITEM(id, url, created) \
    "{\"Id\":\"" id "\",\"JobStatus\":\"CREATED\",\"CreationDate\":\"" created \
    "\",\"Definition\":{\"S3Url\":\"" url "\"},\"Failures\":[\"f\"]}"

START_TEST(pinpoint_find)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"NextToken\":\"n=\",\"Item\":[" ITEM(
             "j1", "s3://b/p/",
             "2026-11-23T01:00:00.000Z") "," ITEM("j2", "s3://b/p/",
                                                  "2026-11-23T03:00:00."
                                                  "000Z") "," ITEM("j3",
                                                                   "s3://b/"
                                                                   "q/",
                                                                   "2026-"
                                                                   "11-"
                                                                   "23T04:"
                                                                   "00:00."
                                                                   "000Z") "]"
                                                                           "}"},
        {200, NULL,
         "{\"Item\":[" ITEM("j4", "s3://b/p/",
                            "2026-11-23T02:00:00.000Z") "]}"},
        {200, NULL, "{\"Item\":[]}"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_pinpoint_job) job = {0};
    struct pl_err err = {0};
    bool found = false;

    open_aws(&aws, answers, 3);
    ck_assert_int_eq(
        pl_pinpoint_find_job(&aws, NULL, "a", "s3://b/p/", &found, &job, &err),
        0);
    ck_assert(found);
    ck_assert_str_eq(job.id, "j2"); /* the newest with this place */
    ck_assert_str_eq(script.log,
                     "GET /v1/apps/a/jobs/import?page-size=100|\n"
                     "GET /v1/apps/a/jobs/import?page-size=100&token=n%3D|\n");
    ck_assert_int_eq(
        pl_pinpoint_find_job(&aws, NULL, "a", "s3://b/p/", &found, &job, &err),
        0);
    ck_assert(!found);
}
END_TEST

START_TEST(pinpoint_segment)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"Id\":\"s\",\"Name\":\"n\",\"Version\":2,\"SegmentType\":"
         "\"IMPORT\",\"ImportDefinition\":{\"Size\":7,\"ChannelCounts\":"
         "{\"EMAIL\":4,\"SMS\":3,\"odd\":\"x\",\"negative\":-1}}}"},
        {200, NULL, "{\"Id\":\"s\",\"SegmentType\":\"DIMENSIONAL\"}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_pinpoint_segment segment;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(
        pl_pinpoint_get_segment(&aws, NULL, "a", "s", &segment, &err), 0);
    ck_assert_str_eq(script.log, "GET /v1/apps/a/segments/s|\n");
    ck_assert_str_eq(segment.name, "n");
    ck_assert_int_eq((int)segment.size, 7);
    ck_assert_int_eq((int)segment.version, 2);
    ck_assert_str_eq(segment.type, "IMPORT");
    ck_assert_uint_eq(segment.channel_count, 2);
    ck_assert_str_eq(segment.channels[1].name, "SMS");
    ck_assert_int_eq((int)segment.channels[1].count, 3);
    ck_assert_int_eq((int)segment.channel_sum, 7);
    ck_assert_int_eq(
        pl_pinpoint_get_segment(&aws, NULL, "a", "s", &segment, &err), 0);
    ck_assert_int_eq((int)segment.size, -1);
    ck_assert_int_eq((int)segment.channel_sum, -1);
}
END_TEST

START_TEST(pinpoint_find_segment)
{
    static const struct answer answers[] = {
        {200, NULL,
         "{\"NextToken\":\"2\",\"Item\":[{\"Id\":\"s1\",\"Name\":\"N\"},"
         "{\"Id\":\"s2\",\"Name\":\"n\",\"SegmentType\":\"IMPORT\"}]}"},
        {200, NULL,
         "{\"Item\":[{\"Id\":\"s3\"},{\"Id\":\"s4\",\"Name\":\"n\"}]}"},
        {200, NULL, "{\"Item\":[]}"},
        {200, NULL, "{}"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_pinpoint_segment segment;
    struct pl_err err = {0};
    size_t count = 9;

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(
        pl_pinpoint_find_segment(&aws, NULL, "a", "n", &count, &segment, &err),
        0);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(segment.id, "s4");
    ck_assert_str_eq(script.log,
                     "GET /v1/apps/a/segments?page-size=100|\n"
                     "GET /v1/apps/a/segments?page-size=100&token=2|\n");
    ck_assert_int_eq(
        pl_pinpoint_find_segment(&aws, NULL, "a", "n", &count, &segment, &err),
        0);
    ck_assert_uint_eq(count, 0);
    /* an answer without a list says nothing about what there is */
    ck_assert_int_eq(
        pl_pinpoint_find_segment(&aws, NULL, "a", "n", &count, &segment, &err),
        -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

/* SNS */

static const struct {
    struct pl_sns_message message;
    const char *form;
} messages[] = {
    {{.topic_arn = "arn:aws:sns:us-east-2:1:t",
      .subject = "caf\xC3\xA9",
      .message = "a=b&c \x01\n",
      .attributes = {{"none", ""}, {"kind", "x"}, {"nil", NULL}, {"b", "y"}},
      .attribute_count = 4},
     "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-2%3A"
     "1%3At&Subject=caf%3F%3F&Message=a%3Db%26c%20%20%0A&MessageAttributes."
     "entry.1.Name=kind&MessageAttributes.entry.1.Value.DataType=String&"
     "MessageAttributes.entry.1.Value.StringValue=x&MessageAttributes.entry.2."
     "Name=b&MessageAttributes.entry.2.Value.DataType=String&"
     "MessageAttributes.entry.2.Value.StringValue=y"},
    {{.topic_arn = "arn:aws:sns:us-east-2:1:t.fifo",
      .message = "m",
      .group_id = "g",
      .deduplication_id = "d"},
     "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-2%3A"
     "1%3At.fifo&Message=m&MessageGroupId=g&MessageDeduplicationId=d"},
    {{.topic_arn = "arn:aws:sns:us-east-2:1:t.fifo",
      .subject = "",
      .message = "m",
      .group_id = "g"}, /* a run without an id */
     "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-2%3A"
     "1%3At.fifo&Message=m&MessageGroupId=g"},
};

START_TEST(sns_publish)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<PublishResponse><PublishResult><MessageId>m1</MessageId>"
         "</PublishResult></PublishResponse>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char want[1024];
    char id[128];

    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_sns_publish(&aws, &messages[_i].message, id, &err), 0);
    ck_assert_str_eq(id, "m1");
    (void)snprintf(want, sizeof(want), "POST /|%s\n", messages[_i].form);
    ck_assert_str_eq(script.log, want);
    ck_assert_str_eq(script.base, "https://sns.us-east-2.amazonaws.com");
    ck_assert(was_sent("/us-east-2/sns/aws4_request"));
    ck_assert(was_sent("content-type: application/x-www-form-urlencoded; "
                       "charset=utf-8\n"));
}
END_TEST

static const char *const bad_arns[] = {"",
                                       "t",
                                       "arn:aws:sns",
                                       "arn:aws:sns::1:t",
                                       "arn:aws:sns:us-east-2",
                                       "x:aws:sns:us-east-2:1:t"};

START_TEST(sns_topics_that_are_none)
{
    const struct pl_sns_message message = {.topic_arn = bad_arns[_i],
                                           .message = "m"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char id[128];

    open_aws(&aws, NULL, 0);
    ck_assert_int_eq(pl_sns_publish(&aws, &message, id, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
}
END_TEST

START_TEST(sns_long_subject)
{
    static const struct answer answers[] = {{200, NULL, "<R/>"}};
    char subject[200];
    const struct pl_sns_message message = {
        .topic_arn = "arn:aws:sns:r:1:t", .subject = subject, .message = "m"};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};
    char id[128];

    memset(subject, 's', sizeof(subject));
    subject[sizeof(subject) - 1] = '\0';
    open_aws(&aws, answers, 1);
    ck_assert_int_eq(pl_sns_publish(&aws, &message, id, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE); /* no MessageId */
    ck_assert_uint_eq(strspn(strstr(script.log, "Subject=") + 8, "s"),
                      PL_SNS_SUBJECT_MAX);
}
END_TEST

/* STS */

START_TEST(sts_identity)
{
    static const struct answer answers[] = {
        {200, NULL,
         "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:x</Arn>"
         "<UserId>u</UserId><Account>1</Account></GetCallerIdentityResult>"
         "</GetCallerIdentityResponse>"},
        {200, NULL, "<R/>"}};
    PL_AUTO(pl_aws) aws = {0};
    struct pl_sts_identity identity;
    struct pl_err err = {0};

    open_aws(&aws, answers, 2);
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), 0);
    ck_assert_str_eq(identity.account, "1");
    ck_assert_str_eq(identity.arn, "arn:x");
    ck_assert_str_eq(identity.user_id, "u");
    ck_assert_str_eq(script.log,
                     "POST /|Action=GetCallerIdentity&Version=2011-06-15\n");
    ck_assert_int_eq(pl_sts_get_caller_identity(&aws, &identity, &err), -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

#define ASSUMED(expiration) \
    "<R><Credentials><AccessKeyId>K</AccessKeyId><SecretAccessKey>L" \
    "</SecretAccessKey><SessionToken>M</SessionToken><Expiration>" expiration \
    "</Expiration></Credentials></R>"

START_TEST(sts_assume_role)
{
    static const struct answer answers[] = {
        {400, NULL, "<E><Error><Code>IDPCommunicationError</Code></Error></E>"},
        {200, NULL, ASSUMED("2026-11-23T02:02:03Z")},
        {200, NULL, ASSUMED("soon")},
        {403, NULL, "<E><Error><Code>IDPRejectedClaim</Code></Error></E>"}};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_credentials) keys = {.expires_at = 0};
    struct pl_err err = {0};

    open_aws(&aws, answers, 4);
    ck_assert_int_eq(pl_sts_assume_role_with_web_identity(&aws, "arn:r", "s@1",
                                                          "a.b=", &keys, &err),
                     0);
    ck_assert_str_eq(keys.secret_key, "L");
    ck_assert_int_eq((int)(keys.expires_at - 1795395723), 3600);
    ck_assert(!was_sent("authorization"));
    ck_assert_ptr_nonnull(
        strstr(script.log,
               "POST /|Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
               "RoleArn=arn%3Ar&RoleSessionName=s%401&WebIdentityToken=a.b%3D"
               "\n"));
    ck_assert_int_eq(pl_sts_assume_role_with_web_identity(&aws, "arn:r", "s",
                                                          "t", &keys, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_SERVICE_UNAVAILABLE);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sts_assume_role_with_web_identity(&aws, "arn:r", "s",
                                                          "t", &keys, &err),
                     -1);
    ck_assert_int_eq(err.code, PL_ACCESS_DENIED);
}
END_TEST

UNIT_MAIN(
    "services", tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, athena_start, 0, UNIT_COUNT(starts));
    tcase_add_loop_test(tc, athena_start_refused, 0,
                        UNIT_COUNT(start_refusals));
    tcase_add_test(tc, text_that_is_not_utf8_is_not_dropped);
    tcase_add_test(tc, athena_token);
    tcase_add_loop_test(tc, athena_states, 0, UNIT_COUNT(states));
    tcase_add_test(tc, athena_execution); tcase_add_test(tc, athena_results);
    tcase_add_test(tc, athena_text); tcase_add_test(tc, the_same_page_again);
    tcase_add_test(tc, athena_workgroup); tcase_add_test(tc, pinpoint_create);
    tcase_add_loop_test(tc, pinpoint_job, 0, UNIT_COUNT(job_states));
    tcase_add_test(tc, pinpoint_find); tcase_add_test(tc, pinpoint_segment);
    tcase_add_test(tc, pinpoint_find_segment);
    tcase_add_loop_test(tc, sns_publish, 0, UNIT_COUNT(messages));
    tcase_add_loop_test(tc, sns_topics_that_are_none, 0, UNIT_COUNT(bad_arns));
    tcase_add_test(tc, sns_long_subject); tcase_add_test(tc, sts_identity);
    tcase_add_test(tc, sts_assume_role);)
