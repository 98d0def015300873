#include "tests/unit/unit.h"

#include <string.h>

#include "stages/parts_collect/sum.h"

#define COUNTS(in, out, rejected) \
    "\"rows_in\":" #in ",\"rows_out\":" #out ",\"rows_rejected\":" #rejected \
    ",\"rows_dropped\":0,\"rows_merged\":0,\"rows_unchanged\":0"
#define RESULT(text) "{\"lakeseg\":1,\"validate\":{\"result\":{" text "}}}"
#define COLUMN(name, filled, longest) \
    "{\"name\":\"" name "\",\"filled\":" #filled \
    ",\"null\":1,\"empty\":2,\"longest\":" #longest ",\"distinct\":9}"

static int add(struct parts_sum *sum, const char *text, struct pl_err *err)
{
    PL_AUTO(pl_manifest) m = {0};

    ck_assert_msg(pl_manifest_parse(&m, text, strlen(text), err) == 0, "%s",
                  err->msg);
    return parts_sum_add(sum, &m, err);
}

START_TEST(added_up)
{
    PL_AUTO(parts_sum) sum = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(
        add(&sum,
            RESULT(COUNTS(10, 8, 2) ",\"by_rule\":{\"utf8\":2}"
                                    ",\"columns\":[" COLUMN("Id", 7, 5) "]"),
            &err),
        0);
    ck_assert_int_eq(
        add(&sum,
            RESULT(COUNTS(5, 3, 2) ",\"by_rule\":{\"utf8\":1,"
                                   "\"id-missing\":1}"
                                   ",\"columns\":[" COLUMN("Id", 2, 9) "]"),
            &err),
        0);
    ck_assert_int_eq(pl_manifest_init(&m, &err), 0);
    ck_assert_int_eq(parts_sum_record(&sum, &m, &err), 0);
    ck_assert_int_eq(pl_manifest_print(&m, &text, &err), 0);
    ck_assert_str_eq(
        text.data,
        RESULT("\"rows_in\":15,\"rows_out\":11,\"rows_rejected\":4,"
               "\"rows_dropped\":0,\"rows_merged\":0,\"rows_unchanged\":0,"
               "\"by_rule\":{\"utf8\":3,\"id-missing\":1},\"columns\":["
               "{\"name\":\"Id\",\"filled\":9,\"null\":2,\"empty\":4,"
               "\"longest\":9}]") "\n");
}
END_TEST

static const struct {
    const char *name;
    const char *text;
} bad[] = {
    {"no result", "{\"lakeseg\":1}"},
    {"a count below 0", RESULT(COUNTS(-1, 0, 0))},
    {"more than can be counted", RESULT(COUNTS(9223372036854775807, 0, 0))},
    {"a rule's count that is a text",
     RESULT(COUNTS(1, 1, 0) ",\"by_rule\":{\"utf8\":\"1\"}")},
    {"another column",
     RESULT(COUNTS(1, 1, 0) ",\"columns\":[" COLUMN("Address", 1, 1) "]")},
    {"one column more", RESULT(COUNTS(1, 1, 0) ",\"columns\":[" COLUMN(
                            "Id", 1, 1) "," COLUMN("Address", 1, 1) "]")},
    {"a column without a name",
     RESULT(COUNTS(1, 1, 0) ",\"columns\":[{\"filled\":1}]")},
    {"a column that is a number", RESULT(COUNTS(1, 1, 0) ",\"columns\":[1]")},
};

START_TEST(refused)
{
    PL_AUTO(parts_sum) sum = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(
        add(&sum,
            RESULT(COUNTS(10, 8, 2) ",\"by_rule\":{\"utf8\":2}"
                                    ",\"columns\":[" COLUMN("Id", 7, 5) "]"),
            &err),
        0);
    ck_assert_msg(add(&sum, bad[_i].text, &err) == -1, "%s", bad[_i].name);
    ck_assert_int_eq(err.code, PL_MANIFEST_INVALID);
}
END_TEST

static const struct {
    const char *limits;
    const char *why; /* in the message; NULL: they hold */
} limits[] = {
    {"{\"max_reject_percent\":20}", NULL},
    {"{\"max_reject_percent\":19.9}", "by rule utf8 (2)"},
    {"{}", "max_reject_percent 1 "},
    {"{\"max_reject_percent\":100,\"max_rejects\":1}", "max_rejects"},
    {"{\"max_reject_percent\":100,\"min_rows\":9}", "min_rows"},
    {"{\"max_reject_percent\":100,\"max_rows\":7}", "max_rows"},
};

START_TEST(judged)
{
    PL_AUTO(parts_sum) sum = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(add(&sum, RESULT(COUNTS(4, 4, 0) ",\"by_rule\":{}"), &err),
                     0);
    ck_assert_int_eq(
        add(&sum, RESULT(COUNTS(6, 4, 2) ",\"by_rule\":{\"utf8\":2}"), &err),
        0);
    ck_assert_int_eq(pl_buf_addf(&text, &err,
                                 "{\"lakeseg\":1,\"validate\":{\"limits\":%s}}",
                                 limits[_i].limits),
                     0);
    ck_assert_int_eq(pl_manifest_parse(&m, text.data, text.len, &err), 0);
    rc = parts_sum_judge(&sum, &m, &err);
    ck_assert_int_eq(rc, limits[_i].why == NULL ? 0 : -1);
    if (rc != 0) {
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
        ck_assert_msg(strstr(err.msg, limits[_i].why) != NULL, "%s", err.msg);
    }
}
END_TEST

UNIT_MAIN("parts_collect.sum", tcase_add_test(tc, added_up);
          tcase_add_loop_test(tc, refused, 0, UNIT_COUNT(bad));
          tcase_add_loop_test(tc, judged, 0, UNIT_COUNT(limits));)
