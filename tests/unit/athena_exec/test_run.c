/* athena-exec in process, with a scripted service. */
#include "tests/unit/aws/script.h"

#include <math.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "stages/athena_exec/job.h"

/* Numbers */

static const struct {
    struct pl_athena_execution x;
    int64_t want;
} bills[] = {
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = 1}, 10000000},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = 10000000}, 10000000},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = 10000001}, 11000000},
    {{.state = PL_ATHENA_CANCELLED, .scanned_bytes = 5}, 10000000},
    {{.state = PL_ATHENA_FAILED, .scanned_bytes = 1000}, 0},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = 9, .is_reused = true}, 0},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = 0}, 0},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = -1}, -1},
    {{.state = PL_ATHENA_SUCCEEDED, .scanned_bytes = INT64_MAX}, INT64_MAX},
};

START_TEST(billed)
{
    ck_assert_int_eq(athena_billed_bytes(&bills[_i].x, 10000000),
                     bills[_i].want);
}
END_TEST

START_TEST(cost)
{
    ck_assert(fabs(athena_cost(INT64_C(2000000000000), 5.0) - 10.0) < 1e-9);
    ck_assert(fabs(athena_cost(10000000, 5.0) - 0.00005) < 1e-12);
}
END_TEST

START_TEST(pauses)
{
    int64_t last = 0;

    ck_assert_int_eq(athena_pause_ms(0, 5000, 0), 100);
    ck_assert_int_eq(athena_pause_ms(1, 5000, 0), 150);
    ck_assert_int_eq(athena_pause_ms(1, 5000, 0.999999), 76);
    ck_assert_int_eq(athena_pause_ms(0, 20, 0), 20);
    ck_assert_int_eq(athena_pause_ms(0, 1, 0.9), 1);
    for (unsigned i = 0; i < 100; i++) { /* never falls, ends at the most */
        const int64_t ms = athena_pause_ms(i, 5000, 0);

        ck_assert_int_ge(ms, last);
        ck_assert_int_le(ms, 5000);
        last = ms;
    }
    ck_assert_int_eq(last, 5000);
}
END_TEST

/* Stories */

#define GROUP \
    { \
        200, NULL, "{\"WorkGroup\":{\"State\":\"ENABLED\"}}" \
    }
#define STARTED(id) \
    { \
        200, NULL, "{\"QueryExecutionId\":\"" id "\"}" \
    }
#define SEEN(id, rest) \
    { \
        200, NULL, \
            "{\"QueryExecution\":{\"QueryExecutionId\":\"" id \
            "\",\"ResultConfiguration\":{\"OutputLocation\":" \
            "\"s3://bucket/o/q.csv\"},\"Status\":{" rest "}}}" \
    }
#define IN(id, state) SEEN(id, "\"State\":\"" state "\"")
#define FAILS(id, category, type, retryable) \
    SEEN(id, "\"State\":\"FAILED\",\"StateChangeReason\":\"why\"," \
             "\"AthenaError\":{\"ErrorCategory\":" category \
             ",\"ErrorType\":" type ",\"Retryable\":" retryable "}")
#define HEAD \
    { \
        200, "content-length: 9\netag: \"e\"", "" \
    }

#define JOB(rest) \
    "{\"lakeseg\":1,\"run\":{\"id\":\"r1\"},\"query\":{\"sql\":" \
    "\"SELECT id AS Id FROM t\",\"output_uri\":\"s3://bucket/o/\"" rest "}}"

struct story {
    const char *name;
    const char *job;
    struct athena_exec_config cfg;
    struct answer answers[13]; /* the last without a body */
    enum pl_code code;         /* PL_OK: it succeeds */
    const char *calls;         /* see letter_of() */
    const char *manifest;      /* must be in it */
};

#define CFG .cfg = ATHENA_EXEC_CONFIG_INIT
#define CFG_WITH(...) \
    .cfg = {.reuse_minutes = INT64_MIN, \
            .timeout_s = INT64_MIN, \
            .max_scanned_bytes = INT64_MIN, \
            .min_billed_bytes = INT64_MIN, \
            .poll_ms = INT64_MIN, \
            __VA_ARGS__}

static const struct story stories[] = {
    {"back to the queue and on",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), IN("q", "QUEUED"), IN("q", "RUNNING"),
      IN("q", "QUEUED"), IN("q", "RUNNING"), IN("q", "SUCCEEDED"), HEAD},
     PL_OK,
     "GSLLLLLh",
     "\"state\":\"SUCCEEDED\""},
    {"a word that nobody knows yet",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), IN("q", "RESUMING"), IN("q", "SUCCEEDED"), HEAD},
     PL_OK,
     "GSLLh",
     "\"execution_id\":\"q\""},
    {"cancelled by another hand",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), IN("q", "RUNNING"), IN("q", "CANCELLED")},
     PL_QUERY_CANCELLED,
     "GSLL",
     "\"state\":\"CANCELLED\""},
    {"cancelled before this start: anew",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), IN("q", "CANCELLED"), STARTED("p"),
      IN("p", "SUCCEEDED"), HEAD},
     PL_OK,
     "GSLSLh",
     "\"execution_id\":\"p\""},
    {"cancelled by its cut-off, which would be so again",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"),
      SEEN("q", "\"State\":\"CANCELLED\",\"StateChangeReason\":\"Bytes scanned "
                "limit was exceeded\"")},
     PL_QUERY_CANCELLED,
     "GSL",
     "\"state\":\"CANCELLED\""},
    {"failed for good",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), FAILS("q", "2", "1001", "false")},
     PL_QUERY_FAILED,
     "GSL",
     "\"athena_error\":{\"category\":2,\"type\":1001,\"retryable\":false}"},
    {"failed, and may be repeated",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), FAILS("q", "1", "100", "true"), STARTED("p"),
      IN("p", "SUCCEEDED"), HEAD},
     PL_OK,
     "GSLSLh",
     "\"attempt\":2"},
    {"throttled, which passes too",
     JOB(""),
     CFG,
     {GROUP, STARTED("q"), FAILS("q", "1", "1403", "false"), STARTED("p"),
      FAILS("p", "1", "1499", "false"), STARTED("o"),
      FAILS("o", "1", "1400", "false")},
     PL_QUERY_FAILED,
     "GSLSLSL",
     "\"type\":1400"},
    {"the service is away while the query runs",
     JOB(""),
     CFG,
     {GROUP,
      STARTED("q"),
      IN("q", "RUNNING"),
      {503, NULL, ""},
      {503, NULL, ""},
      {503, NULL, ""},
      IN("q", "SUCCEEDED"),
      HEAD},
     PL_OK,
     "GSLLLLLh",
     "\"state\":\"SUCCEEDED\""},
    {"no right to look any more: it is left to itself",
     JOB(""),
     CFG,
     {GROUP,
      STARTED("q"),
      {400, NULL, "{\"__type\":\"AccessDeniedException\"}"}},
     PL_ACCESS_DENIED,
     "GSL",
     "\"execution_id\":\"q\""},
    {"out of time: stopped, and the bill is known",
     JOB(",\"timeout_s\":1"),
     CFG,
     {GROUP,
      STARTED("q"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      IN("q", "RUNNING"),
      {200, NULL, ""},
      IN("q", "RUNNING"),
      IN("q", "CANCELLED")},
     PL_QUERY_TIMED_OUT,
     "GSLLLLLLLXLL",
     "\"state\":\"CANCELLED\""},
    {"only started",
     JOB(""),
     CFG_WITH(.is_start_only = true),
     {GROUP, STARTED("q"), IN("q", "QUEUED")},
     PL_OK,
     "GSL",
     "\"execution_id\":\"q\""},
    {"only started, and over already",
     JOB(""),
     CFG_WITH(.is_start_only = true),
     {GROUP, STARTED("q"), FAILS("q", "2", "1001", "false")},
     PL_OK,
     "GSL",
     "\"state\":\"FAILED\""},
    {"one look: not yet",
     JOB(""),
     CFG_WITH(.is_once = true),
     {GROUP, STARTED("q"), IN("q", "RUNNING")},
     PL_OK,
     "GSL",
     "\"state\":\"RUNNING\""},
    {"one look: done",
     JOB(""),
     CFG_WITH(.is_once = true),
     {GROUP, STARTED("q"), IN("q", "SUCCEEDED"), HEAD},
     PL_OK,
     "GSLh",
     "\"role\":\"query-result\""},
    {"one look: failed",
     JOB(""),
     CFG_WITH(.is_once = true),
     {GROUP, STARTED("q"), FAILS("q", "2", "1001", "false")},
     PL_QUERY_FAILED,
     "GSL",
     "\"state\":\"FAILED\""},
    {"somebody else's start",
     JOB(""),
     CFG_WITH(.wait_id = "q"),
     {GROUP,
      {200, NULL,
       "{\"QueryExecution\":{\"Query\":\" SELECT  id AS Id\\nFROM t\"}}"},
      IN("q", "RUNNING"),
      IN("q", "SUCCEEDED"),
      HEAD},
     PL_OK,
     "GLLLh",
     "\"execution_id\":\"q\""},
    {"somebody else's start of something else",
     JOB(""),
     CFG_WITH(.wait_id = "q"),
     {GROUP,
      {200, NULL,
       "{\"QueryExecution\":{\"Query\":\"SELECT idAS Id FROM t\"}}"}},
     PL_CONFIG_INVALID,
     "GL",
     "\"result\":{"},
    {"a good EXPLAIN comes first",
     JOB(",\"explain\":true"),
     CFG,
     {GROUP, STARTED("e"), IN("e", "SUCCEEDED"), STARTED("q"),
      IN("q", "SUCCEEDED"), HEAD},
     PL_OK,
     "GELSLh",
     "\"explain_id\":\"e\""},
    {"EXPLAIN says no: the query is not started",
     JOB(",\"explain\":true"),
     CFG,
     {GROUP, STARTED("e"), FAILS("e", "2", "1006", "false")},
     PL_QUERY_INVALID,
     "GEL",
     "\"explain_id\":\"e\""},
    {"EXPLAIN lacks a right, which is not the analyst's",
     JOB(",\"explain\":true"),
     CFG,
     {GROUP, STARTED("e"), FAILS("e", "2", "1500", "false")},
     PL_QUERY_FAILED,
     "GEL",
     "\"result\":{"},
    {"EXPLAIN fails inside the service",
     JOB(",\"explain\":true"),
     CFG,
     {GROUP, STARTED("e"), FAILS("e", "1", "100", "false")},
     PL_QUERY_FAILED,
     "GEL",
     "\"result\":{"},
    {"a guard without a cut-off",
     JOB(",\"max_scanned_bytes\":10000000"),
     CFG,
     {GROUP},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"a guard below the least",
     JOB(",\"max_scanned_bytes\":9999999"),
     CFG,
     {GROUP},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"a guard that is negative is not none",
     JOB(",\"max_scanned_bytes\":-1"),
     CFG,
     {GROUP},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"a guard with a higher cut-off",
     JOB(",\"max_scanned_bytes\":10000000"),
     CFG,
     {{200, NULL,
       "{\"WorkGroup\":{\"Configuration\":{\"BytesScannedCutoffPerQuery\":"
       "10000001}}}"}},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"a guard that holds",
     JOB(",\"max_scanned_bytes\":10000000"),
     CFG,
     {{200, NULL,
       "{\"WorkGroup\":{\"Configuration\":{\"BytesScannedCutoffPerQuery\":"
       "10000000}}}"},
      STARTED("q"),
      IN("q", "SUCCEEDED"),
      HEAD},
     PL_OK,
     "GSLh",
     "\"state\":\"SUCCEEDED\""},
    {"statistics that run over the limit",
     JOB(",\"max_scanned_bytes\":10000000"),
     CFG,
     {{200, NULL,
       "{\"WorkGroup\":{\"Configuration\":{\"BytesScannedCutoffPerQuery\":"
       "10000000}}}"},
      STARTED("q"),
      {200, NULL,
       "{\"QueryExecution\":{\"QueryExecutionId\":\"q\",\"Status\":{\"State\":"
       "\"RUNNING\"},\"Statistics\":{\"DataScannedInBytes\":10000001}}}"},
      {200, NULL, ""},
      IN("q", "CANCELLED")},
     PL_QUERY_FAILED,
     "GSLXL",
     "\"state\":\"CANCELLED\""},
    {"a guard that nobody may see",
     JOB(",\"max_scanned_bytes\":10000000"),
     CFG,
     {{400, NULL, "{\"__type\":\"AccessDeniedException\"}"}},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"a work group that is off",
     JOB(""),
     CFG,
     {{200, NULL, "{\"WorkGroup\":{\"State\":\"DISABLED\"}}"}},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"UNLOAD of a star",
     "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},\"query\":"
     "{\"sql\":\"SELECT * FROM t\",\"mode\":\"unload\"}}",
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"UNLOAD without a place",
     "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},"
     "\"query\":{\"sql\":\"SELECT id FROM t\",\"mode\":\"unload\"}}",
     CFG,
     {{200, NULL,
       "{\"WorkGroup\":{\"Configuration\":{\"ManagedQueryResults"
       "Configuration\":{\"Enabled\":true}}}}"}},
     PL_CONFIG_INVALID,
     "G",
     "\"result\":{"},
    {"values without places",
     JOB(",\"parameters\":[1]"),
     CFG,
     {{0}},
     PL_QUERY_INVALID,
     "",
     "\"result\":{"},
    {"a run's id that is none",
     JOB(""),
     CFG_WITH(.run_id = "a/b"),
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"encryption without its key",
     JOB(",\"encryption\":\"SSE_KMS\""),
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"a key too many",
     JOB(",\"encryption\":\"SSE_S3\",\"kms_key\":\"k\""),
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"a wrong owner",
     JOB(",\"bucket_owner\":\"12345678901a\""),
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"reuse for too long",
     JOB(",\"reuse_minutes\":10081"),
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"no such mode",
     JOB(",\"mode\":\"copy\""),
     CFG,
     {{0}},
     PL_CONFIG_INVALID,
     "",
     "\"result\":{"},
    {"two ways at once",
     JOB(""),
     CFG_WITH(.is_start_only = true, .wait_id = "q"),
     {{0}},
     PL_USAGE_INVALID,
     "",
     "\"result\":{"},
    {"a query that is refused",
     "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},"
     "\"query\":{\"sql\":\"DROP TABLE t\"}}",
     CFG,
     {{0}},
     PL_QUERY_INVALID,
     "",
     "\"result\":{"},
};

static char calls[64];

/* The requests as letters: Group, Explain, Start, Look, stop (X), head. */
static char letter_of(const struct pl_http_request *req)
{
    if (was_sent("AmazonAthena.GetWorkGroup\n"))
        return 'G';
    if (was_sent("AmazonAthena.StartQueryExecution\n"))
        return strstr(req->body, "\"EXPLAIN (TYPE VALIDATE)") != NULL ? 'E'
                                                                      : 'S';
    if (was_sent("AmazonAthena.GetQueryExecution\n"))
        return 'L';
    if (was_sent("AmazonAthena.StopQueryExecution\n"))
        return 'X';
    return strcmp(req->method, "HEAD") == 0 ? 'h' : '?';
}

static int counted(void *ctx, const struct pl_http_request *req,
                   struct pl_http_response *resp, struct pl_err *err)
{
    const int rc = scripted(ctx, req, resp, err);
    const size_t n = strlen(calls);

    ck_assert_uint_lt(n, sizeof(calls) - 1);
    calls[n] = letter_of(req);
    calls[n + 1] = '\0';
    return rc;
}

static void open_story(const struct story *s, struct pl_aws *aws,
                       struct pl_manifest *m)
{
    struct pl_err err = {0};
    size_t count = 0;

    while (count < PL_COUNT(s->answers) && s->answers[count].body != NULL)
        count++;
    open_aws(aws, s->answers, count);
    aws->http.send = counted;
    calls[0] = '\0';
    ck_assert_msg(pl_manifest_parse(m, s->job, strlen(s->job), &err) == 0,
                  "%s: %s", s->name, err.msg);
}

START_TEST(story)
{
    const struct story *s = &stories[_i];
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    int rc;

    open_story(s, &aws, &m);
    rc = athena_exec_run(&s->cfg, &aws, &m, &err);
    ck_assert_msg(err.code == s->code, "%s: %s", s->name, err.msg);
    ck_assert_int_eq(rc, s->code == PL_OK ? 0 : -1);
    ck_assert_msg(strcmp(calls, s->calls) == 0, "%s: %s", s->name, calls);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_manifest_print(&m, &text, &err), 0);
    ck_assert_msg(strstr(text.data, s->manifest) != NULL, "%s: %s", s->name,
                  text.data);
}
END_TEST

/* What is sent: the token is of this run, and the same the next time. */
START_TEST(start_again)
{
    static const struct story again = {
        "again", JOB(",\"database\":\"d\""),
        CFG,     {GROUP, STARTED("q"), IN("q", "SUCCEEDED"), HEAD},
        PL_OK,   "GSLh",
        ""};
    char logs[2][sizeof(script.log)];
    struct pl_err err = {0};

    for (int i = 0; i < 2; i++) {
        PL_AUTO(pl_aws) aws = {0};
        PL_AUTO(pl_manifest) m = {0};

        open_story(&again, &aws, &m);
        ck_assert_int_eq(athena_exec_run(&again.cfg, &aws, &m, &err), 0);
        memcpy(logs[i], script.log, sizeof(script.log));
    }
    ck_assert_str_eq(logs[0], logs[1]);
    ck_assert_ptr_nonnull(strstr(logs[0], "\"ClientRequestToken\":\""));
}
END_TEST

/* Managed results: the CSV is what Athena writes, whatever is in the cells. */
static const struct story managed = {
    "managed",
    "{\"lakeseg\":1,\"run\":{\"id\":\"r1\"},\"query\":{\"sql\":"
    "\"SELECT id AS Id, a AS \\\"Attributes.A\\\" FROM t\"}}",
    CFG,
    {{200, NULL,
      "{\"WorkGroup\":{\"Configuration\":{\"ManagedQueryResultsConfiguration"
      "\":{\"Enabled\":true}}}}"},
     STARTED("q"),
     {200, NULL,
      "{\"QueryExecution\":{\"QueryExecutionId\":\"q\","
      "\"ManagedQueryResultsConfiguration\":{\"Enabled\":true},"
      "\"Status\":{\"State\":\"SUCCEEDED\"}}}"},
     {200, NULL,
      "{\"ResultSet\":{\"ResultSetMetadata\":{\"ColumnInfo\":["
      "{\"Name\":\"id\"},{\"Name\":\"Attributes.A\"}]}}}"},
     {200, NULL,
      "{\"NextToken\":\"n\",\"ResultSet\":{\"Rows\":[{\"Data\":["
      "{\"VarCharValue\":\"id\"},{\"VarCharValue\":\"Attributes.A\"}]},"
      "{\"Data\":[{\"VarCharValue\":\"1\"},{\"VarCharValue\":\"a\\\"b,\"}]},"
      "{\"Data\":[{\"VarCharValue\":\"2\"},{}]}]}}"},
     {200, NULL,
      "{\"ResultSet\":{\"Rows\":[{\"Data\":[{},{\"VarCharValue\":\"\"}]},"
      "{\"Data\":[{\"VarCharValue\":\"\\n\\u0000\"},{\"VarCharValue\":"
      "\"\\\"\"}]},{\"Data\":[{\"VarCharValue\":\"id\"},{\"VarCharValue\":"
      "\"Attributes.A\"}]}]}}"}},
    PL_OK,
    "GSL???",
    ""};
static const char managed_csv[] = "\"id\",\"Attributes.A\"\n"
                                  "\"1\",\"a\"\"b,\"\n"
                                  "\"2\",\n"
                                  ",\"\"\n"
                                  "\"\n\0\",\"\"\"\"\n"
                                  "\"id\",\"Attributes.A\"\n";

START_TEST(managed_result)
{
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) file = PL_BUF_INIT;
    char dir[] = "/tmp/lakeseg-unit-XXXXXX";
    char path[128];
    struct pl_data data = {0};
    struct pl_err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(setenv("LAKESEG_WORK", dir, 1), 0);
    open_story(&managed, &aws, &m);
    ck_assert_msg(athena_exec_run(&managed.cfg, &aws, &m, &err) == 0, "%s",
                  err.msg);
    ck_assert_str_eq(calls, managed.calls);
    ck_assert_ptr_null(strstr(script.log, "OutputLocation"));
    (void)snprintf(path, sizeof(path), "%s/r1/result/q.csv", dir);
    ck_assert_int_eq(pl_file_read(path, &file, &err), 0);
    ck_assert_uint_eq(file.len, sizeof(managed_csv) - 1);
    ck_assert_mem_eq(file.data, managed_csv, file.len);
    ck_assert_int_eq(pl_manifest_data_get(&m, 0, &data, &err), 0);
    ck_assert_str_eq(data.uri, path);
    ck_assert_int_eq(data.bytes, (int64_t)file.len);
    ck_assert_ptr_nonnull(data.crc64nvme);
    (void)unlink(path);
    for (int i = 0; i < 3; i++) {
        *strrchr(path, '/') = '\0';
        ck_assert_int_eq(rmdir(path), 0);
    }
}
END_TEST

UNIT_MAIN("run", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_loop_test(tc, billed, 0, UNIT_COUNT(bills));
          tcase_add_test(tc, cost); tcase_add_test(tc, pauses);
          tcase_add_loop_test(tc, story, 0, UNIT_COUNT(stories));
          tcase_add_test(tc, start_again); tcase_add_test(tc, managed_result);)
