#include "tests/unit/unit.h"

#include <string.h>

#include "stages/lakeseg_run/view.h"

static const struct {
    const char *name;
    struct run_view view;
    const char *want;
} lines[] = {
    {"nothing said yet",
     {.stage = "athena-exec", .columns = 80, .done = -1, .left_s = -1},
     "athena-exec              running       12.3 s"},
    {"a total, a rate, time left",
     {.stage = "s3-fetch",
      .columns = 120,
      .done = 52428800,
      .total = 104857600,
      .rate = 10485760,
      .left_s = 65,
      .unit = "B"},
     "s3-fetch                 running       12.3 s  52.4 M of 104.9 MB  10.5 "
     "MB/s  1:05 left"},
    {"rows beside bytes",
     {.stage = "csv-validate-normalize",
      .columns = 120,
      .done = 9999,
      .total = -1,
      .rows = 12345,
      .rate = 0,
      .left_s = -1,
      .unit = "B",
      .what = "validating"},
     "csv-validate-normalize   running       12.3 s  12.3 k rows  9999 B  "
     "validating"},
    {"rows alone",
     {.stage = "pinpoint-import",
      .columns = 120,
      .done = 3,
      .total = 10,
      .rate = 1,
      .left_s = 7,
      .unit = " rows"},
     "pinpoint-import          running       12.3 s  3 of 10 rows  1 rows/s  "
     "0:07 left"},
    {"a narrow terminal: one column stays free",
     {.stage = "athena-exec", .columns = 20, .done = -1, .left_s = -1},
     "athena-exec        "},
    {"one of no width",
     {.stage = "athena-exec", .columns = 0, .done = -1, .left_s = -1},
     "a"},
    {"cut between characters",
     {.stage = "athena-exec",
      .columns = 49,
      .done = -1,
      .left_s = -1,
      .what = "\xC3\xA9\xC3\xA9"},
     "athena-exec              running       12.3 s  "},
};

START_TEST(live_lines)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct run_view view = lines[_i].view;
    struct pl_err err = {0};

    view.began_ms = 1000;
    ck_assert_int_eq(run_view_text(&view, 13345, &out, &err), 0);
    ck_assert_msg(strcmp(out.data, lines[_i].want) == 0, "%s: '%s'",
                  lines[_i].name, out.data);
}
END_TEST

static const struct {
    const char *stage;
    const char *manifest;
    const char *want;
} figures[] = {
    {"athena-exec", "{\"lakeseg\":1}", ""},
    {"athena-exec",
     "{\"lakeseg\":1,\"query\":{\"result\":{\"scanned_bytes\":1234567}}}",
     "1.2 MB scanned"},
    {"csv-validate",
     "{\"lakeseg\":1,\"validate\":{\"result\":{\"rows_in\":3,\"rows_out\":2,"
     "\"rows_rejected\":1}}}",
     "3 rows in, 2 out, 1 rejected"},
    {"profiles-import",
     "{\"lakeseg\":1,\"import\":{\"result\":{\"jobs\":[{\"processed\":3,"
     "\"failed\":1},{\"processed\":4,\"failed\":null}]}}}",
     "7 rows processed, 1 failed"},
    {"sns-notify", "{\"lakeseg\":1,\"status\":\"succeeded\"}", "successful"},
    {"s3-put", "{\"lakeseg\":1}", ""},
};

START_TEST(what_a_stage_achieved)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_manifest_parse(&m, figures[_i].manifest,
                                       strlen(figures[_i].manifest), &err),
                     0);
    ck_assert_int_eq(run_view_figures(&m, figures[_i].stage, &out, &err), 0);
    ck_assert_str_eq(pl_buf_str(&out), figures[_i].want);
}
END_TEST

UNIT_MAIN("view", tcase_add_loop_test(tc, live_lines, 0, UNIT_COUNT(lines));
          tcase_add_loop_test(tc, what_a_stage_achieved, 0,
                              UNIT_COUNT(figures));)
