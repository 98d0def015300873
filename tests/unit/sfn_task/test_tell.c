#include <string.h>

#include "pipeline/aws/sfn.h"
#include "stages/sfn_task/tell.h"
#include "tests/unit/unit.h"

static void parse(struct pl_manifest *m, const char *text)
{
    struct pl_err err = {0};

    ck_assert_msg(pl_manifest_parse(m, text, strlen(text), &err) == 0, "%s",
                  err.msg);
}

START_TEST(outputs)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    parse(&m,
          "{\"lakeseg\":1,\"run\":{\"id\":\"r\",\"work_uri\":\"s3://b/w/\"},"
          "\"status\":\"succeeded\",\"validate\":{\"result\":{\"rows_in\":3,"
          "\"rows_out\":2,\"rows_rejected\":1}},\"import\":{\"result\":{"
          "\"jobs\":[{\"processed\":1,\"failed\":1},{\"processed\":1}]}}}");
    ck_assert_int_eq(
        sfn_tell_output(&m, "succeeded", "s3://b/m.json", &out, &err), 0);
    ck_assert_str_eq(
        out.data,
        "{\"status\":\"succeeded\",\"run_id\":\"r\",\"manifest_uri\":"
        "\"s3://b/m.json\",\"work_uri\":\"s3://b/w/\",\"report_uri\":null,"
        "\"subject\":\"successful\",\"text\":\"successful\\nRun r, started ?"
        "\\nRows: 3 in, 2 out, 1 rejected, 0 dropped as duplicates\\nImport "
        "job: ?, ?, 1 processed, 1 failed\\nImport job: ?, ?, 1 processed, 0 "
        "failed\\n\",\"rows_in\":3,\"rows_out\":2,\"rows_rejected\":1,"
        "\"processed\":2,\"failed\":1}");
}
END_TEST

START_TEST(outputs_of_what_is_not_known)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    parse(&m, "{\"lakeseg\":1}");
    ck_assert_int_eq(sfn_tell_output(&m, "pending", NULL, &out, &err), 0);
    ck_assert_str_eq(
        out.data,
        "{\"status\":\"pending\",\"run_id\":null,\"manifest_uri\":null,"
        "\"work_uri\":null,\"report_uri\":null,\"subject\":\"incomplete\","
        "\"text\":\"incomplete\\nRun ?, started ?\\nThe manifest could not be "
        "stored: see the log.\\n\",\"rows_in\":null,\"rows_out\":null,"
        "\"rows_rejected\":null,\"processed\":null,\"failed\":null}");
}
END_TEST

START_TEST(a_cause)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    parse(&m,
          "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},\"status\":\"failed\","
          "\"error\":{\"stage\":\"s3-put\",\"name\":\"FileError\",\"message\":"
          "\"disk full\",\"exit\":74},\"report\":{\"uri\":\"/r\"}}");
    ck_assert_int_eq(sfn_tell_cause(&m, "s3://b/m", &out, &err), 0);
    ck_assert_str_eq(
        out.data,
        "{\"subject\":\"import failed: nothing imported\",\"text\":\"import "
        "failed: nothing imported\\nRun r, started ?\\n\\nFileError in s3-put: "
        "disk full\\nTo be mended by: the operator of the host\\nWhat to do: "
        "Look at the path in the message: is it "
        "there, may it be used, is the disk full? Then run the job "
        "again.\\nReport: /r\\n"
        "\",\"run_id\":\"r\",\"manifest_uri\":\"s3://b/m\",\"report_uri\":"
        "\"/r\",\"stage\":\"s3-put\",\"exit\":74}");
}
END_TEST

static const char *const fillings[] = {"x",       "\\u0001",        "\\\"",
                                       "\\u20ac", "\\ud83d\\ude00", "\\n"};

/* Every text as long as it can be: the cause is still JSON, and whole. */
START_TEST(causes_within_the_limit)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) long_one = PL_BUF_INIT;
    PL_AUTO(pl_buf) document = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *root;

    for (int i = 0; i < 40000; i++)
        ck_assert_int_eq(pl_buf_adds(&long_one, fillings[_i], &err), 0);
    ck_assert_int_eq(
        pl_buf_addf(&document, &err,
                    "{\"lakeseg\":1,\"run\":{\"id\":\"%s\"},\"status\":"
                    "\"failed\",\"error\":{\"stage\":\"%s\",\"name\":\"X\","
                    "\"message\":\"m\"},\"report\":{\"uri\":\"%s\"}}",
                    long_one.data, long_one.data, long_one.data),
        0);
    parse(&m, document.data);
    ck_assert_int_eq(
        sfn_tell_cause(&m, pl_manifest_str(&m, "run.id"), &out, &err), 0);
    ck_assert_uint_le(out.len, PL_SFN_CAUSE_MAX);
    root = json_loadb(out.data, out.len, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "subject")),
                     "import failed: nothing imported");
    ck_assert_ptr_nonnull(strstr(
        json_string_value(json_object_get(root, "text")), "the rest is in"));
    json_decref(root);
    pl_buf_reset(&out);
    ck_assert_int_eq(sfn_tell_output(&m, "pending", "u", &out, &err), 0);
    ck_assert_uint_le(out.len, PL_SFN_OUTPUT_MAX);
}
END_TEST

UNIT_MAIN("tell", tcase_add_test(tc, outputs);
          tcase_add_test(tc, outputs_of_what_is_not_known);
          tcase_add_test(tc, a_cause);
          tcase_add_loop_test(tc, causes_within_the_limit, 0,
                              UNIT_COUNT(fillings));)
