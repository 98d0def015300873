/* What is known of a run, what is said of it, and what changed. */
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/csv/rules.h"
#include "stages/lakeseg_report/change.h"
#include "stages/lakeseg_report/fold.h"
#include "stages/lakeseg_report/history.h"
#include "stages/lakeseg_report/model.h"
#include "stages/lakeseg_report/rule_words.h"
#include "tests/unit/unit.h"

static void read(struct pl_manifest *m, const char *text, double price,
                 struct report_run *run)
{
    struct pl_err err = {0};

    ck_assert_msg(pl_manifest_parse(m, text, strlen(text), &err) == 0, "%s",
                  err.msg);
    report_model(m, price, run);
}

#define ROWS(in, out, rejected) \
    "\"validate\":{\"result\":{\"rows_in\":" #in ",\"rows_out\":" #out \
    ",\"rows_rejected\":" #rejected ",\"rows_dropped\":0,\"rows_merged\":0," \
    "\"rows_unchanged\":0}}"
#define JOBS(processed, failed) \
    "\"import\":{\"result\":{\"jobs\":[{\"id\":\"j\",\"status\":\"X\"," \
    "\"processed\":" #processed ",\"failed\":" #failed "}]}}"
#define FAILED(stage, name) \
    "\"status\":\"failed\",\"error\":{\"stage\":\"" stage \
    "\",\"name\":\"" name "\",\"message\":\"cannot cast 'Ann'\",\"exit\":69}"

static const struct {
    const char *manifest;
    enum report_state state;
    const char *sentence;
} verdicts[] = {
    {"{\"lakeseg\":1,\"status\":\"succeeded\"," ROWS(2000, 1988,
                                                     12) "," JOBS(1988, 0) "}",
     REPORT_GOOD,
     "Successful: 1,988 of 2,000 rows went to Amazon Pinpoint, 12 were "
     "rejected."},
    {"{\"lakeseg\":1,\"status\":\"succeeded\",\"validate\":{\"target\":"
     "\"customer-profiles\",\"result\":{\"rows_in\":5,\"rows_out\":5,"
     "\"rows_rejected\":0}}," JOBS(5, 1) "}",
     REPORT_GOOD,
     "Successful: all 5 rows went to Customer Profiles, 1 failed there."},
    {"{\"lakeseg\":1,\"status\":\"succeeded\"," ROWS(0, 0, 0) "}", REPORT_GOOD,
     "Successful: the query found nobody, so nothing was imported."},
    {"{\"lakeseg\":1,\"status\":\"succeeded\"," ROWS(2, 0, 2) "}", REPORT_GOOD,
     "Successful: of 2 rows none was left to import."},
    {"{\"lakeseg\":1,\"status\":\"succeeded\"}", REPORT_GOOD, "Successful."},
    {"{\"lakeseg\":1}", REPORT_OPEN,
     "Not finished: this manifest stops before an import, and names no "
     "failure."},
    {"{\"lakeseg\":1," FAILED("athena-exec", "QueryInvalid") "}", REPORT_BAD,
     "Query invalid: the query is not one that a job may run. Nothing was "
     "read, nothing was imported."},
    {"{\"lakeseg\":1," FAILED("athena-exec", "QueryFailed") "}", REPORT_BAD,
     "Query failed: Athena could not carry out the query. Nothing was "
     "imported."},
    {"{\"lakeseg\":1," FAILED("s3-put", "AccessDenied") "}", REPORT_BAD,
     "Import failed, nothing imported: a permission is missing."},
    {"{\"lakeseg\":1," FAILED("pinpoint-import",
                              "ImportPartial") "," JOBS(9, 4) "}",
     REPORT_BAD,
     "Import failed, perhaps partly imported: the destination took a part of "
     "the rows only; Amazon Pinpoint processed 9 rows."},
};

START_TEST(outcomes_are_said_in_a_sentence)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) said = PL_BUF_INIT;
    struct pl_err err = {0};
    struct report_run run;

    read(&m, verdicts[_i].manifest, -1, &run);
    ck_assert_int_eq(run.state, verdicts[_i].state);
    ck_assert_int_eq(report_verdict(&run, &said, &err), 0);
    ck_assert_str_eq(said.data, verdicts[_i].sentence);
}
END_TEST

START_TEST(what_a_service_quotes_is_masked)
{
    static const struct {
        const char *name;
        bool show;
        const char *said;
    } cases[] = {{"QueryFailed", false, "cannot cast '...'"},
                 {"QueryFailed", true, "cannot cast 'Ann'"},
                 {"ConfigInvalid", false, "cannot cast 'Ann'"}, /* ours */
                 {"Unheard", false, "cannot cast '...'"}};

    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        PL_AUTO(pl_manifest) m = {0};
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        PL_AUTO(pl_buf) said = PL_BUF_INIT;
        PL_AUTO(pl_buf) fold = PL_BUF_INIT;
        struct pl_err err = {0};
        struct report_run run;

        ck_assert_int_eq(
            pl_buf_addf(&text, &err,
                        "{\"lakeseg\":1,\"status\":\"failed\",\"error\":{"
                        "\"stage\":\"s\",\"name\":\"%s\",\"message\":\"cannot "
                        "cast 'Ann'\"}}",
                        cases[i].name),
            0);
        read(&m, text.data, -1, &run);
        ck_assert_int_eq(report_message(&run, cases[i].show, &said, &err), 0);
        ck_assert_str_eq(said.data, cases[i].said);
        ck_assert_int_eq(fold_manifest(&m, cases[i].show, &fold, &err), 0);
        ck_assert_ptr_nonnull(strstr(fold.data, cases[i].said));
    }
}
END_TEST

/* Names that stand in the query are no secret: the report shows it. */
START_TEST(words_of_the_query_are_not_masked)
{
    static const struct {
        const char *message;
        const char *said;
    } cases[] = {
        {"Column 'clicks' cannot be resolved", "Column 'clicks' cannot be "
                                               "resolved"},
        {"Column 'click' cannot be resolved", "Column '...' cannot be "
                                              "resolved"},
        {"cannot cast 'Ann' to \"db.t\"", "cannot cast '...' to \"db.t\""},
        {"'a' is no 'x y'", "'...' is no '...'"}, /* too short; two words */
        {"open 'clicks", "open '..."},
        {"''", "'...'"},
        {"", ""}};

    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        PL_AUTO(pl_buf) said = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_int_eq(report_mask(cases[i].message,
                                     "SELECT a, clicks FROM db.t", &said, &err),
                         0);
        ck_assert_str_eq(pl_buf_str(&said), cases[i].said);
    }
}
END_TEST

/* Numbers that would overflow a sum, negative ones and wrong types. */
START_TEST(impossible_numbers_are_unknown)
{
    PL_AUTO(pl_manifest) m = {0};
    struct report_run run;

    read(&m,
         "{\"lakeseg\":1,\"run\":{\"started_at\":\"yesterday\"},\"query\":{"
         "\"price_per_tb\":1e300,\"result\":{\"scanned_bytes\":-5,"
         "\"billed_bytes\":9223372036854775807,\"cost\":1e300}},\"validate\":{"
         "\"result\":{\"rows_in\":9223372036854775807,\"rows_out\":\"many\","
         "\"by_rule\":{\"a\":-1,\"b\":\"x\",\"c\":2},\"columns\":[7,{\"name\":"
         "null,\"filled\":1.5,\"top\":{}}]}},\"import\":{\"result\":{\"jobs\":"
         "[3,{\"processed\":9007199254740991},{\"processed\":5}]}},\"stages\":"
         "[\"x\",{\"stage\":1,\"started_at\":\"2026-11-23T01:02:03.004Z\"}]}",
         -1, &run);
    ck_assert_int_eq(run.started_ms, -1);
    ck_assert_int_eq(report_duration_ms(&run), -1);
    ck_assert_int_eq(run.query.scanned_bytes, -1);
    ck_assert_double_eq(run.query.cost, -1);
    ck_assert_int_eq(run.rows.in, -1);
    ck_assert_int_eq(run.rows.out, -1);
    ck_assert_uint_eq(run.rule_count, 2);
    ck_assert_str_eq(run.rules[0].name, "c");
    ck_assert_uint_eq(run.column_count, 2);
    ck_assert_int_eq(run.columns[1].filled, -1);
    ck_assert_ptr_null(run.columns[1].top);
    ck_assert_uint_eq(run.job_count, 3);
    ck_assert_int_ge(run.processed, 0);
    ck_assert_uint_eq(run.stage_count, 2);
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    struct report_run run;
    int rc = pl_buf_adds(
        &text, "{\"lakeseg\":1,\"validate\":{\"result\":{\"by_rule\":{", &err);

    for (int i = 0; i < 100; i++)
        rc |= pl_buf_addf(&text, &err, "%s\"r%d\":%d", i > 0 ? "," : "", i,
                          i + 1);
    rc |= pl_buf_adds(&text, "},\"columns\":[", &err);
    for (int i = 0; i < 300; i++)
        rc |= pl_buf_addf(&text, &err, "%s{\"name\":\"c%d\"}", i > 0 ? "," : "",
                          i);
    rc |= pl_buf_adds(&text, "]}}}", &err);
    ck_assert_int_eq(rc, 0);
    read(&m, text.data, -1, &run);
    ck_assert_uint_eq(run.rule_count, REPORT_RULES_MAX);
    ck_assert_uint_eq(run.rules_left, 100 - REPORT_RULES_MAX);
    ck_assert_int_eq(run.rules[0].count, 100); /* the most frequent stay */
    ck_assert_int_eq(run.rules[REPORT_RULES_MAX - 1].count, 37);
    ck_assert_uint_eq(run.columns_left, 300 - REPORT_COLUMNS_MAX);
}
END_TEST

START_TEST(costs_are_reckoned_with_the_price_that_is_there)
{
    static const struct {
        const char *query;
        double price;
        double cost;
        double stated;
    } cases[] = {
        {"\"result\":{\"billed_bytes\":10000000,\"cost\":0.00005}", 7, 0.00005,
         5},
        {"\"price_per_tb\":6,\"result\":{\"billed_bytes\":1000000000000}", 7, 6,
         6},
        {"\"result\":{\"billed_bytes\":1000000000000}", 7, 7, 7},
        {"\"result\":{\"billed_bytes\":1000000000000}", -1, -1, -1},
        {"\"result\":{\"billed_bytes\":0}", 7, 0, 7},
    };

    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        PL_AUTO(pl_manifest) m = {0};
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        struct pl_err err = {0};
        struct report_run run;

        ck_assert_int_eq(pl_buf_addf(&text, &err,
                                     "{\"lakeseg\":1,\"query\":{%s}}",
                                     cases[i].query),
                         0);
        read(&m, text.data, cases[i].price, &run);
        ck_assert_double_eq_tol(run.query.cost, cases[i].cost, 1e-9);
        ck_assert_double_eq_tol(run.query.price_per_tb, cases[i].stated, 1e-9);
    }
}
END_TEST

/* A rule that people meet in a report is explained there. */
START_TEST(every_rule_is_explained)
{
    ck_assert_ptr_nonnull(rule_words(pl_rule_code((enum pl_rule)_i)));
}
END_TEST

#define COLUMN(name, filled, null) \
    "{\"name\":\"" name "\",\"filled\":" #filled ",\"null\":" #null \
    ",\"empty\":0,\"longest\":1}"

START_TEST(changes_are_found)
{
    static const char *const want[] = {"rows found: 10, 20, +10",
                                       "rejected: 0, 0, the same",
                                       "rejected by gone: 2, 0, -2",
                                       "rejected by new: 0, 3, +3",
                                       "filled A: 50.0 %, 100.0 %, +50.0 %",
                                       "new column C: -, 100.0 %, -",
                                       "column gone B: 100.0 %, -, -"};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_manifest) n = {0};
    struct report_run before;
    struct report_run now;
    struct changes c;

    read(&m,
         "{\"lakeseg\":1,\"validate\":{\"result\":{\"rows_in\":10,"
         "\"rows_rejected\":0,\"by_rule\":{\"gone\":2,\"same\":1},\"columns\":"
         "[" COLUMN("A", 5, 5) "," COLUMN("B", 1, 0) "]}}}",
         -1, &before);
    read(&n,
         "{\"lakeseg\":1,\"validate\":{\"result\":{\"rows_in\":20,"
         "\"rows_rejected\":0,\"by_rule\":{\"same\":1,\"new\":3},\"columns\":"
         "[" COLUMN("A", 8, 0) "," COLUMN("C", 1, 0) "]}}}",
         -1, &now);
    changes_find(&before, &now, &c);
    ck_assert_uint_eq(c.count, PL_COUNT(want));
    for (size_t i = 0; i < PL_COUNT(want); i++) {
        bool is_there = false;

        for (size_t k = 0; k < c.count; k++) {
            char w[CHANGE_WORDS][WORDS_LEN];
            char text[256];

            change_words(&c.list[k], w);
            (void)snprintf(text, sizeof(text), "%s%s%s: %s, %s, %s",
                           c.list[k].label, c.list[k].name != NULL ? " " : "",
                           c.list[k].name != NULL ? c.list[k].name : "", w[0],
                           w[1], w[2]);
            is_there |= strcmp(text, want[i]) == 0;
        }
        ck_assert_msg(is_there, "%s", want[i]);
    }
}
END_TEST

START_TEST(folded_manifests_hold_no_secret)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    struct report_run run;

    read(&m,
         "{\"lakeseg\":1,\"mine\":{\"API_Token\":\"s3cret\",\"password\":["
         "\"s3cret\"],\"link\":\"https://b/k?X-Amz-Signature=s3cret\",\"list\":"
         "[\"https://b/k?X-Amz-Security-Token=s3cret\"],\"deep\":{\"x\":{"
         "\"client_secret\":{\"a\":\"s3cret\"}}}},\"validate\":{\"result\":{"
         "\"columns\":[{\"top\":[{\"value\":\"Ann\",\"count\":1}]}]}},"
         "\"import\":{\"result\":{\"jobs\":[{\"failures\":[\"Ann\"],\"reason\":"
         "\"Ann\"}]}}}",
         -1, &run);
    ck_assert_int_eq(fold_manifest(&m, true, &text, &err), 0);
    ck_assert_ptr_null(strstr(text.data, "s3cret"));
    ck_assert_ptr_nonnull(strstr(text.data, "Ann"));
    pl_buf_reset(&text);
    ck_assert_int_eq(fold_manifest(&m, false, &text, &err), 0);
    ck_assert_ptr_null(strstr(text.data, "Ann"));
    ck_assert_ptr_nonnull(strstr(text.data, "\"count\": 1"));
    /* the manifest itself is as it was */
    ck_assert_str_eq(pl_manifest_str(&m, "mine.API_Token"), "s3cret");
}
END_TEST

static void add_run(struct history *h, const char *name, int n)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_buf_addf(&text, &err,
                    "{\"lakeseg\":1,\"run\":{\"id\":\"r%d\",\"name\":\"%s\","
                    "\"started_at\":\"2026-11-23T%02d:%02d:00.000Z\"}}",
                    n, name, n / 60 % 24, n % 60),
        0);
    ck_assert_int_eq(pl_manifest_parse(&m, text.data, text.len, &err), 0);
    ck_assert_int_eq(history_add(h, &m, &err), 0);
}

START_TEST(history_keeps_the_youngest_in_order)
{
    PL_AUTO(history) h = {.runs = NULL};
    struct pl_err err = {0};

    ck_assert_int_eq(history_open(&h, "job", -1, &err), 0);
    for (int i = 0; i < HISTORY_MAX + 50; i++)
        add_run(&h, "job", i * 7 % (HISTORY_MAX + 50)); /* 7 divides neither */
    add_run(&h, "other", 5);
    ck_assert_uint_eq(h.count, HISTORY_MAX);
    ck_assert_uint_eq(h.left, 50);
    for (size_t i = 0; i < h.count; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "r%zu", i + 50);
        ck_assert_str_eq(h.runs[i].id, id);
    }
    add_run(&h, "job", 100); /* the same again: a copy */
    ck_assert_uint_eq(h.count, HISTORY_MAX);
    ck_assert_uint_eq(h.left, 50);
}
END_TEST

UNIT_MAIN("model", tcase_add_loop_test(tc, outcomes_are_said_in_a_sentence, 0,
                                       UNIT_COUNT(verdicts));
          tcase_add_test(tc, what_a_service_quotes_is_masked);
          tcase_add_test(tc, words_of_the_query_are_not_masked);
          tcase_add_test(tc, impossible_numbers_are_unknown);
          tcase_add_test(tc, what_does_not_fit_is_counted);
          tcase_add_test(tc, costs_are_reckoned_with_the_price_that_is_there);
          tcase_add_loop_test(tc, every_rule_is_explained, 1, PL_RULE_COUNT);
          tcase_add_test(tc, changes_are_found);
          tcase_add_test(tc, folded_manifests_hold_no_secret);
          tcase_add_test(tc, history_keeps_the_youngest_in_order);)
