#include <string.h>

#include "pipeline/manifest/metrics.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1795395723004) /* 2026-11-23T01:02:03.004Z */
#define FULL \
    "{\"lakeseg\":1,\"run\":{\"id\":\"r\",\"name\":\"daily\",\"started_at\":" \
    "\"2026-11-23T01:01:03.000Z\"},\"status\":\"succeeded\",\"query\":{" \
    "\"result\":{\"scanned_bytes\":42}},\"validate\":{\"result\":{\"rows_" \
    "in\":" \
    "8,\"rows_out\":6,\"rows_rejected\":2}},\"import\":{\"result\":{\"jobs\":" \
    "[{" \
    "\"processed\":4,\"failed\":1},{\"processed\":2,\"failed\":0}]}}}"

/* The line as a tree, after the checks that CloudWatch's format asks for. */
static json_t *line_of(const char *document)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *root;
    const json_t *directive;
    const json_t *metric;
    size_t i;

    ck_assert_int_eq(pl_manifest_parse(&m, document, strlen(document), &err),
                     0);
    ck_assert_int_eq(pl_metrics_print(&m, NOW, &text, &err), 0);
    ck_assert_ptr_eq(strchr(text.data, '\n'), text.data + text.len - 1);
    root = json_loads(text.data, JSON_REJECT_DUPLICATES, NULL);
    ck_assert(json_is_object(root));
    directive = json_object_get(json_object_get(root, "_aws"), "Timestamp");
    ck_assert(json_integer_value(directive) == NOW);
    directive = json_array_get(
        json_object_get(json_object_get(root, "_aws"), "CloudWatchMetrics"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(directive, "Namespace")),
                     "lakeseg");
    ck_assert_str_eq(
        json_string_value(json_array_get(
            json_array_get(json_object_get(directive, "Dimensions"), 0), 0)),
        "Job");
    ck_assert(json_is_string(json_object_get(root, "Job")));
    json_array_foreach(json_object_get(directive, "Metrics"), i, metric)
    {
        const char *name = json_string_value(json_object_get(metric, "Name"));

        ck_assert_msg(json_is_number(json_object_get(root, name)), "%s", name);
    }
    ck_assert_uint_ge(i, 2);
    return root;
}

static void check_number(const json_t *root, const char *name, double want)
{
    ck_assert_msg(json_is_number(json_object_get(root, name)), "%s", name);
    ck_assert_double_eq(json_number_value(json_object_get(root, name)), want);
}

START_TEST(figures_of_a_run)
{
    json_t *root = line_of(FULL);

    ck_assert_str_eq(json_string_value(json_object_get(root, "Job")), "daily");
    ck_assert_str_eq(json_string_value(json_object_get(root, "RunId")), "r");
    check_number(root, "RunsSucceeded", 1);
    check_number(root, "RunsFailed", 0);
    check_number(root, "ScannedBytes", 42);
    check_number(root, "RowsIn", 8);
    check_number(root, "RowsOut", 6);
    check_number(root, "RowsRejected", 2);
    check_number(root, "RejectPercent", 25);
    check_number(root, "Processed", 6);
    check_number(root, "Failed", 1);
    check_number(root, "DurationMs", 60004);
    json_decref(root);
}
END_TEST

START_TEST(a_failure_has_the_figures_that_there_are)
{
    json_t *root = line_of(
        "{\"lakeseg\":1,\"run\":{\"name\":\"\\u00e9 \\u0007\"},\"status\":"
        "\"failed\",\"error\":{\"stage\":\"s3-put\",\"name\":\"AccessDenied\","
        "\"message\":\"m\",\"exit\":77}}");

    check_number(root, "RunsSucceeded", 0);
    check_number(root, "RunsFailed", 1);
    ck_assert_ptr_null(json_object_get(root, "RowsIn"));
    ck_assert_ptr_null(json_object_get(root, "DurationMs"));
    ck_assert_str_eq(json_string_value(json_object_get(root, "Job")), "?? ?");
    ck_assert_str_eq(json_string_value(json_object_get(root, "ErrorName")),
                     "AccessDenied");
    json_decref(root);
}
END_TEST

START_TEST(a_job_without_a_name_has_one)
{
    json_t *root = line_of("{\"lakeseg\":1,\"run\":{\"name\":\" \"}}");

    ck_assert_str_eq(json_string_value(json_object_get(root, "Job")),
                     "unnamed");
    json_decref(root);
    root = line_of("{\"lakeseg\":1}");
    ck_assert_str_eq(json_string_value(json_object_get(root, "Job")),
                     "unnamed");
    json_decref(root);
}
END_TEST

UNIT_MAIN("metrics", tcase_add_test(tc, figures_of_a_run);
          tcase_add_test(tc, a_failure_has_the_figures_that_there_are);
          tcase_add_test(tc, a_job_without_a_name_has_one);)
