#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/manifest/outcome.h"
#include "tests/unit/unit.h"

#define FIELDS \
    "\"lakeseg\":1,\"run\":{\"id\":\"r1\",\"name\":\"n\"," \
    "\"started_at\":\"2026-11-23T01:02:03.004Z\"}"
#define HEAD(subject) \
    "n: " subject "\nRun r1, started 2026-11-23T01:02:03.004Z\n"

static void text_of(const char *document, struct pl_buf *text)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_manifest_parse(&m, document, strlen(document), &err) == 0,
                  "%s", err.msg);
    ck_assert_int_eq(pl_outcome_text(&m, text, &err), 0);
    ck_assert_str_eq(pl_outcome_type(&m), strstr(document, "succeeded") != NULL
                                              ? "success"
                                              : "failure");
}

static const struct {
    const char *document;
    const char *text;
} outcomes[] = {
    {"{\"lakeseg\":1}", "incomplete\nRun ?, started ?\n"},
    {"{" FIELDS ",\"status\":\"failed\",\"error\":{\"stage\":\"athena-exec\","
     "\"name\":\"QueryFailed\",\"message\":\"cannot cast 'Ann' to int\","
     "\"exit\":69},\"query\":{\"result\":{\"execution_id\":\"q1\",\"state\":"
     "\"FAILED\",\"scanned_bytes\":12}}}",
     HEAD("query failed") "\nQueryFailed in athena-exec: cannot cast '...' to "
                          "int\nTo be mended by: whoever the words of the "
                          "service point to: it said no\nWhat to do: Read "
                          "Athena's words: a table, a column or a value is not "
                          "as the query expects. Mend that, and run the job "
                          "again with a new run id.\n\nQuery: q1, FAILED, "
                          "12 bytes scanned\n"},
    {"{" FIELDS ",\"status\":\"failed\",\"error\":{\"stage\":\"s3-put\","
     "\"name\":\"AccessDenied\",\"message\":\"cannot write 's3://b/k'\","
     "\"exit\":77}}",
     HEAD("import failed: nothing imported") "\nAccessDenied in s3-put: cannot "
                                             "write 's3://b/k'\nTo be mended "
                                             "by: the operator\nWhat to do: "
                                             "Grant what the message names; "
                                             "'lakeseg doctor JOB' lists what "
                                             "is missing. Then run the job "
                                             "again.\n"},
    {"{" FIELDS ",\"status\":\"succeeded\",\"validate\":{\"result\":{"
     "\"rows_in\":5,\"rows_out\":3,\"rows_rejected\":1,\"rows_dropped\":1,"
     "\"by_rule\":{\"email\":1}}},\"data\":[{\"uri\":\"s3://b/r.jsonl\","
     "\"role\":\"rejects\",\"format\":\"jsonl\",\"rows\":1}],\"import\":{"
     "\"result\":{\"jobs\":[{\"id\":\"j1\",\"status\":\"COMPLETED\","
     "\"processed\":3,\"failed\":0,\"failures\":[\"x\"]}],\"segment\":{"
     "\"name\":\"s\",\"estimate\":7}}},\"report\":{\"uri\":\"/tmp/r.html\"}}",
     HEAD("successful") "Rows: 5 in, 3 out, 1 rejected, 1 dropped as "
                        "duplicates\n  email: 1\nRejects: s3://b/r.jsonl\n"
                        "Import job: j1, COMPLETED, 3 processed, 0 failed\n  1 "
                        "texts of the service about it: import.result.jobs in "
                        "the manifest\nSegment: s, about 7 profiles\nReport: "
                        "/tmp/r.html\n"},
};

START_TEST(outcomes_are_told)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    text_of(outcomes[_i].document, &text);
    ck_assert_str_eq(text.data, outcomes[_i].text);
}
END_TEST

#define CONSOLE "/s3/object/b-1?"
static const struct {
    const char *region;
    const char *uri;
    const char *link; /* NULL: none */
} links[] = {
    {"eu-west-1", "s3://b-1/a b/r.html",
     "https://eu-west-1.console.aws.amazon.com" CONSOLE
     "region=eu-west-1&prefix=a%20b/r.html"},
    {"", "s3://b-1/r.html",
     "https://console.aws.amazon.com" CONSOLE "prefix=r.html"},
    {"cn-north-1", "s3://b-1/r",
     "https://cn-north-1.console.amazonaws.cn" CONSOLE
     "region=cn-north-1&prefix=r"},
    {"us-iso-east-1", "s3://b-1/r", NULL},
    {"eu-west-1", "s3://b-1", NULL},
    {"eu-west-1", "s3://evil.example\"> /r", NULL},
};

START_TEST(reports_in_s3_have_a_link)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    PL_AUTO(pl_buf) document = PL_BUF_INIT;
    PL_AUTO(pl_buf) want = PL_BUF_INIT;
    PL_AUTO(pl_buf) quoted = PL_BUF_INIT;
    struct pl_err err = {0};

    (void)unsetenv("AWS_DEFAULT_REGION");
    (void)setenv("AWS_REGION", links[_i].region, 1);
    ck_assert_int_eq(
        pl_json_quote(&quoted, links[_i].uri, strlen(links[_i].uri), &err), 0);
    ck_assert_int_eq(pl_buf_addf(&document, &err,
                                 "{\"lakeseg\":1,\"report\":{\"uri\":%s}}",
                                 quoted.data),
                     0);
    ck_assert_int_eq(
        pl_buf_addf(&want, &err,
                    "incomplete\nRun ?, started ?\nReport: %s\n%s%s%s",
                    links[_i].uri, links[_i].link != NULL ? "  " : "",
                    links[_i].link != NULL ? links[_i].link : "",
                    links[_i].link != NULL ? "\n" : ""),
        0);
    text_of(document.data, &text);
    ck_assert_str_eq(text.data, want.data);
}
END_TEST

UNIT_MAIN("outcome",
          tcase_add_loop_test(tc, outcomes_are_told, 0, UNIT_COUNT(outcomes));
          tcase_add_loop_test(tc, reports_in_s3_have_a_link, 0,
                              UNIT_COUNT(links));)
