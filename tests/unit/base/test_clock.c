#include "tests/unit/unit.h"

#include "pipeline/base/clock.h"

static const struct {
    const char *text;
    int64_t ms; /* -1: must be refused */
} iso[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-23T01:02:03.004Z", INT64_C(1795395723004)},
    {"2026-11-23T01:02:03.1Z", INT64_C(1795395723100)},
    {"2026-11-23T02:02:03+01:00", INT64_C(1795395723000)},
    {"2026-11-22T20:32:03-0430", INT64_C(1795395723000)},
    {"2024-02-29T12:00:00Z", INT64_C(1709208000000)},
    {"2026-11-23", -1},
    {"2026-11-23T01:02:03", -1},
    {"2026-13-23T01:02:03Z", -1},
    {"2026-11-23T25:02:03Z", -1},
    {"x026-11-23T01:02:03Z", -1},
    {"", -1},
};

START_TEST(iso_table)
{
    int64_t ms = 7;
    const int rc = pl_time_parse_iso(iso[_i].text, &ms);

    ck_assert_msg((rc == 0) == (iso[_i].ms >= 0), "%s", iso[_i].text);
    if (rc == 0)
        ck_assert_int_eq(ms, iso[_i].ms);
}
END_TEST

START_TEST(http_dates)
{
    int64_t ms = 0;

    ck_assert_int_eq(pl_time_parse_http("Mon, 23 Nov 2026 01:02:03 GMT", &ms),
                     0);
    ck_assert_int_eq(ms, INT64_C(1795395723000));
    ck_assert_int_eq(pl_time_parse_http("Mon, 23 Nov 2026", &ms), -1);
    ck_assert_int_eq(pl_time_parse_http("Mon, 23 ovD 2026 01:02:03 GMT", &ms),
                     -1);
    ck_assert_int_eq(pl_time_parse_http("", &ms), -1);
    ck_assert_int_eq(pl_time_parse_http("Mon, 23 Nov -999 01:02:03 GMT", &ms),
                     -1);
    ck_assert_int_eq(pl_time_parse_http("Mon, 01 Jan 0001 00:00:00 GMT", &ms),
                     0);
    ck_assert_int_eq(ms, INT64_C(-62135596800000));
}
END_TEST

START_TEST(texts_of_a_time)
{
    char text[PL_TIME_LEN];

    pl_time_iso(INT64_C(1795395723004), text);
    ck_assert_str_eq(text, "2026-11-23T01:02:03.004Z");
    pl_time_basic(INT64_C(1795395723004), text);
    ck_assert_str_eq(text, "20261123T010203Z");
    pl_time_iso(INT64_C(-62135596800000), text);
    ck_assert_str_eq(text, "0001-01-01T00:00:00.000Z");
    pl_time_basic(INT64_C(-62135596800000), text);
    ck_assert_str_eq(text, "00010101T000000Z");
}
END_TEST

START_TEST(fake_time_moves_by_sleeping)
{
    struct pl_fake_clock fake = {.now_ms = 5};
    const struct pl_clock clock = pl_fake_clock(&fake);
    struct pl_err err = {0};

    ck_assert_int_eq(pl_sleep_ms(&clock, 100, &err), 0);
    ck_assert_int_eq(pl_now_ms(&clock), 105);
    ck_assert_int_eq(fake.slept_ms, 100);
}
END_TEST

UNIT_MAIN("clock", tcase_add_loop_test(tc, iso_table, 0, UNIT_COUNT(iso));
          tcase_add_test(tc, http_dates); tcase_add_test(tc, texts_of_a_time);
          tcase_add_test(tc, fake_time_moves_by_sleeping);)
