#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/manifest/manifest.h"

static void parse(struct pl_manifest *m, const char *text)
{
    struct pl_err err = {0};

    ck_assert_msg(pl_manifest_parse(m, text, strlen(text), &err) == 0, "%s",
                  err.msg);
}

static const struct {
    const char *text;
    const char *message; /* how it begins */
} wrong[] = {
    {"", "no manifest"},
    {"{\"lakeseg\":1,\"run\":{", "no complete manifest: line 1"},
    {"{\"lakeseg\":1}{", "no complete manifest"},
    {"[]", "a manifest must be a JSON object"},
    {"{}", "not a manifest of format 1"},
    {"{\"lakeseg\":2}", "not a manifest of format 1"},
    {"{\"lakeseg\":\"1\"}", "not a manifest of format 1"},
    {"{\"lakeseg\":1,\"lakeseg\":1}", "no complete manifest"},
    {"{\"lakeseg\":1,\"query\":{\"sql\":5}}", "'query.sql' must be a string"},
    {"{\"lakeseg\":1,\"query\":[]}", "'query' must be an object"},
    {"{\"lakeseg\":1,\"data\":[{\"uri\":\"x\"}]}", "data[0] must have"},
    {"{\"lakeseg\":1,\"data\":[7]}", "data[0] must have"},
    {"{\"Query\":5}", "'Query' must be a string"},
    {"{\"lakeseg\":1,\"import\":{\"define_segment\":\"yes\"}}",
     "'import.define_segment' must be true or false"},
    {"{\"lakeseg\":1,\"validate\":{\"limits\":{\"min_rows\":1.5}}}",
     "'validate.limits.min_rows' must be a whole number"},
};

START_TEST(wrong_documents_are_refused)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_manifest_parse(&m, wrong[_i].text, strlen(wrong[_i].text), &err),
        -1);
    ck_assert_int_eq(err.code, PL_MANIFEST_INVALID);
    ck_assert_msg(
        strncmp(err.msg, wrong[_i].message, strlen(wrong[_i].message)) == 0,
        "%s: %s", wrong[_i].text, err.msg);
}
END_TEST

START_TEST(every_cut_of_a_document_is_refused)
{
    static const char text[] =
        "{\"lakeseg\":1,\"run\":{\"id\":\"x\"},\"status\":\"succeeded\"}";

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        PL_AUTO(pl_manifest) m = {0};
        struct pl_err err = {0};

        ck_assert_int_eq(pl_manifest_parse(&m, text, len, &err), -1);
        ck_assert_int_eq(err.code, PL_MANIFEST_INVALID);
    }
}
END_TEST

START_TEST(unknown_fields_pass_in_order)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    static const char text[] =
        "{\"zebra\":[1,2.5,null],\"lakeseg\":1,\"run\":{\"mine\":\"\xC3\xA9\"},"
        "\"big\":9223372036854775807}";

    parse(&m, text);
    ck_assert_int_eq(pl_manifest_print(&m, &out, &err), 0);
    ck_assert(out.data[out.len - 1] == '\n');
    out.data[out.len - 1] = '\0';
    ck_assert_str_eq(out.data, text);
}
END_TEST

START_TEST(historical_input)
{
    PL_AUTO(pl_manifest) m = {0};

    parse(&m, "{\"Query\":\"SELECT 1 AS Id\",\"note\":\"kept\"}");
    ck_assert_str_eq(pl_manifest_str(&m, "query.sql"), "SELECT 1 AS Id");
    ck_assert_str_eq(pl_manifest_str(&m, "note"), "kept");
    ck_assert_int_eq(pl_manifest_int(&m, "lakeseg", 0), 1);
    ck_assert_ptr_null(pl_manifest_get(&m, "Query"));
}
END_TEST

START_TEST(fields_by_path)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};

    parse(&m, "{\"lakeseg\":1,\"validate\":{\"limits\":{\"min_rows\":0,"
              "\"max_reject_percent\":2}},\"import\":{\"segment_name\":null}}");
    ck_assert_int_eq(pl_manifest_int(&m, "validate.limits.min_rows", 1), 0);
    ck_assert_int_eq(pl_manifest_int(&m, "validate.limits.max_rows", 7), 7);
    ck_assert_double_eq(
        pl_manifest_real(&m, "validate.limits.max_reject_percent", 1), 2.0);
    ck_assert_ptr_null(pl_manifest_str(&m, "import.segment_name"));
    ck_assert_int_eq(pl_manifest_set_str(&m, "a.b.c", "deep", &err), 0);
    ck_assert_str_eq(pl_manifest_str(&m, "a.b.c"), "deep");
    ck_assert_int_eq(pl_manifest_set_int(&m, "a.b", 5, &err), 0);
    ck_assert_int_eq(pl_manifest_int(&m, "a.b", 0), 5);
}
END_TEST

START_TEST(data_entries)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};
    struct pl_data data;

    parse(&m, "{\"lakeseg\":1,\"data\":[{\"uri\":\"s3://bkt/a/x.csv\","
              "\"role\":\"query-result\",\"rows\":null,\"mine\":1}]}");
    ck_assert_int_eq(pl_manifest_data_get(&m, 0, &data, &err), 0);
    ck_assert_int_eq(data.rows, -1);
    ck_assert_str_eq(data.format, "csv");
    data.uri = "/tmp/x";
    data.rows = 3;
    ck_assert_int_eq(pl_manifest_data_set(&m, 0, &data, &err), 0);
    ck_assert_int_eq(
        (int)json_integer_value(json_object_get(
            json_array_get(pl_manifest_get(&m, "data"), 0), "mine")),
        1);
    data.role = "normalized";
    ck_assert_int_eq(pl_manifest_data_add(&m, &data, &err), 0);
    ck_assert_uint_eq(pl_manifest_data_count(&m), 2);
    pl_manifest_data_drop(&m, "query-result");
    ck_assert_uint_eq(pl_manifest_data_count(&m), 1);
    ck_assert_int_eq(pl_manifest_data_get(&m, 0, &data, &err), 0);
    ck_assert_str_eq(data.role, "normalized");
    ck_assert_int_eq(data.rows, 3);
}
END_TEST

static const struct {
    const char *text;
    const char *uri;
} places[] = {
    {"{\"lakeseg\":1,\"run\":{\"id\":\"R\",\"work_uri\":\"s3://bkt/w\"}}",
     "s3://bkt/w/"},
    {"{\"lakeseg\":1,\"run\":{\"id\":\"R\"},\"query\":{\"output_uri\":"
     "\"s3://bkt/out\"}}",
     "s3://bkt/out/lakeseg/R/"},
    {"{\"lakeseg\":1,\"run\":{\"id\":\"R\"},\"data\":[{\"uri\":"
     "\"s3://bkt/d/x.csv\",\"role\":\"query-result\"}]}",
     "s3://bkt/d/lakeseg/R/"},
    {"{\"lakeseg\":1,\"run\":{\"id\":\"R\"}}", NULL},
};

START_TEST(place_of_the_run)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_err err = {0};

    parse(&m, places[_i].text);
    if (places[_i].uri == NULL) {
        ck_assert_int_eq(pl_manifest_work_uri(&m, &uri, &err), -1);
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        return;
    }
    ck_assert_int_eq(pl_manifest_work_uri(&m, &uri, &err), 0);
    ck_assert_str_eq(uri.data, places[_i].uri);
}
END_TEST

#define JOB ",\"import\":{\"result\":{\"jobs\":[{\"id\":\"j\"}]}}"
#define FAIL_WITH(stage, name, more) \
    "\"status\":\"failed\",\"error\":{\"stage\":\"" stage \
    "\",\"name\":\"" name "\"" more "}"
#define FAIL(stage, name) FAIL_WITH(stage, name, "")
#define BEGUN(stage, name) FAIL_WITH(stage, name, ",\"begun\":true")
static const struct {
    const char *fields;
    const char *subject;
} subjects[] = {
    {"\"status\":\"succeeded\"", "successful"},
    {"\"status\":\"pending\"", "incomplete"},
    {FAIL("athena-exec", "QueryInvalid"), "query invalid"},
    {FAIL("query-validate", "QueryInvalid"), "query invalid"},
    {FAIL("athena-exec", "QueryFailed"), "query failed"},
    {FAIL("athena-exec", "QueryCancelled"), "query failed"},
    {FAIL("athena-exec", "QueryTimedOut"), "query failed"},
    {FAIL("athena-exec", "CredentialsMissing"), "query failed"},
    {FAIL("csv-validate-normalize", "DataInvalid"),
     "import failed: nothing imported"},
    {FAIL("pinpoint-import", "ConfigInvalid"),
     "import failed: nothing imported"},
    {FAIL("sns-notify", "ManifestInvalid"), "import failed: nothing imported"},
    {FAIL("pinpoint-import", "ImportFailed") JOB,
     "import failed: partly imported"},
    {FAIL("pinpoint-import", "ImportPartial") JOB,
     "import failed: partly imported"},
    {FAIL("pinpoint-import", "Interrupted") JOB,
     "import failed: partly imported"},
    {FAIL("profiles-import", "InternalError"),
     "import failed: partly imported"},
    {FAIL("pinpoint-import", "TaskLost"), "import failed: partly imported"},
    {FAIL("csv-validate-normalize", "InternalError"),
     "import failed: nothing imported"},
    {FAIL("pinpoint-import", "Interrupted"), "import failed: nothing imported"},
    {BEGUN("pinpoint-import", "Interrupted"), "import failed: partly imported"},
    {BEGUN("profiles-import", "HostError"), "import failed: partly imported"},
    {BEGUN("csv-validate-normalize", "HostError"),
     "import failed: nothing imported"},
    {FAIL("query-validate", "AlreadyRunning"), "query failed"},
};

START_TEST(subjects_of_outcomes)
{
    PL_AUTO(pl_manifest) m = {0};
    char text[512];

    (void)snprintf(text, sizeof(text), "{\"lakeseg\":1,%s}",
                   subjects[_i].fields);
    parse(&m, text);
    ck_assert_str_eq(pl_manifest_subject(&m), subjects[_i].subject);
}
END_TEST

START_TEST(beginning_and_failing)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err cause = {0};
    struct pl_err err = {0};

    parse(&m, "{\"lakeseg\":1}");
    ck_assert_int_eq(pl_manifest_begin(&m, 1795395723004, &err), 0);
    ck_assert_uint_eq(strlen(pl_manifest_str(&m, "run.id")), 26);
    ck_assert_str_eq(pl_manifest_str(&m, "run.started_at"),
                     "2026-11-23T01:02:03.004Z");
    ck_assert_str_eq(pl_manifest_str(&m, "status"), "pending");
    (void)pl_fail(&cause, PL_THROTTLED, "slow");
    ck_assert_int_eq(pl_manifest_set_error(&m, "s3-put", &cause, &err), 0);
    ck_assert(pl_manifest_is_failed(&m));
    ck_assert_int_eq(pl_manifest_int(&m, "error.exit", 0), 75);
    ck_assert(pl_manifest_bool(&m, "error.retryable", false));
    ck_assert_int_eq(
        pl_manifest_add_stage(&m, "s3-put", 0, 1000, "failed", &err), 0);
    ck_assert_uint_eq(json_array_size(pl_manifest_get(&m, "stages")), 1);
}
END_TEST

UNIT_MAIN("manifest", tcase_add_loop_test(tc, wrong_documents_are_refused, 0,
                                          UNIT_COUNT(wrong));
          tcase_add_test(tc, every_cut_of_a_document_is_refused);
          tcase_add_test(tc, unknown_fields_pass_in_order);
          tcase_add_test(tc, historical_input);
          tcase_add_test(tc, fields_by_path); tcase_add_test(tc, data_entries);
          tcase_add_loop_test(tc, place_of_the_run, 0, UNIT_COUNT(places));
          tcase_add_loop_test(tc, subjects_of_outcomes, 0,
                              UNIT_COUNT(subjects));
          tcase_add_test(tc, beginning_and_failing);)
