#include "local/trino_time.h"

#include "tests/unit/unit.h"

#define NOON INT64_C(1767366245678901) /* 2026-01-02 15:04:05.678901, Friday */

static const struct {
    enum local_time_form form;
    int64_t micros;
    const char *format;
    const char *want; /* NULL: refused */
} formats[] = {
    {LOCAL_TIME_MYSQL, NOON, "%Y-%m-%d %H:%i:%s", "2026-01-02 15:04:05"},
    {LOCAL_TIME_MYSQL, NOON, "%a %b %c %e %f %h %I %j %k %l",
     "Fri Jan 1 2 678901 03 03 002 15 3"},
    {LOCAL_TIME_MYSQL, NOON, "%M %p %r %S %T %v %W %x %y %% %q",
     "January PM 03:04:05 PM 05 15:04:05 01 Friday 2026 26 % q"},
    {LOCAL_TIME_MYSQL, NOON, "100%", "100%"},
    {LOCAL_TIME_MYSQL, -1, "%Y-%m-%d %T.%f", "1969-12-31 23:59:59.999999"},
    {LOCAL_TIME_MYSQL, 0, "%h %p", "12 AM"},
    {LOCAL_TIME_JODA, NOON, "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
     "2026-01-02T15:04:05.678+0000"},
    {LOCAL_TIME_JODA, NOON, "yy M MMM MMMM d D E EEEE e w x a h K k",
     "26 1 Jan January 2 2 Fri Friday 5 1 2026 PM 3 3 15"},
    {LOCAL_TIME_JODA, NOON, "''y'' 'o''clock' SSSSSSSS z ZZ ZZZ",
     "'2026' o'clock 67890100 UTC +00:00 UTC"},
    {LOCAL_TIME_JODA, NOON, "'open", "open"},
    {LOCAL_TIME_JODA, NOON, "Q", NULL},
    {LOCAL_TIME_JODA, 0, "kk hh", "24 12"},
};

START_TEST(format_table)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const int rc = local_time_format(formats[_i].micros, formats[_i].form,
                                     formats[_i].format,
                                     strlen(formats[_i].format), &out, &err);

    ck_assert_int_eq(rc, formats[_i].want != NULL ? 0 : -1);
    if (formats[_i].want != NULL)
        ck_assert_str_eq(pl_buf_str(&out), formats[_i].want);
    else
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

static const struct {
    enum local_time_form form;
    const char *text;
    const char *format;
    const char *want; /* NULL: refused */
} parses[] = {
    {LOCAL_TIME_MYSQL, "2026-01-02 03:04:05.6", "%Y-%m-%d %H:%i:%s.%f",
     "2026-01-02 03:04:05.600000"},
    {LOCAL_TIME_MYSQL, "Fri 2 January 26 12 am", "%W %e %M %y %h %p",
     "2026-01-02 00:00:00.000000"},
    {LOCAL_TIME_MYSQL, "99 06:07:08 PM", "%y %r", "1999-01-01 18:07:08.000000"},
    {LOCAL_TIME_MYSQL, "2026 060 1:02:03", "%Y %j %T",
     "2026-03-01 01:02:03.000000"},
    {LOCAL_TIME_MYSQL, "2024-02-29", "%Y-%m-%d", "2024-02-29 00:00:00.000000"},
    {LOCAL_TIME_MYSQL, "2026-02-29", "%Y-%m-%d", NULL},
    {LOCAL_TIME_MYSQL, "2026-13-01", "%Y-%m-%d", NULL},
    {LOCAL_TIME_MYSQL, "2026-01-01 x", "%Y-%m-%d", NULL},
    {LOCAL_TIME_MYSQL, "2026-01", "%Y-%m-%d", NULL},
    {LOCAL_TIME_MYSQL, "13 PM", "%h %p", NULL},
    {LOCAL_TIME_MYSQL, "", "%Y", NULL},
    {LOCAL_TIME_MYSQL, "", "", "1970-01-01 00:00:00.000000"},
    {LOCAL_TIME_MYSQL, "1 2", "%v %x", NULL},
    {LOCAL_TIME_JODA, "20260102030405", "yyyyMMddHHmmss",
     "2026-01-02 03:04:05.000000"},
    {LOCAL_TIME_JODA, "2026-1-2", "yyyy-MM-dd", "2026-01-02 00:00:00.000000"},
    {LOCAL_TIME_JODA, "2026-01-02T03:04:05.123+02:30",
     "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2026-01-02 00:34:05.123000"},
    {LOCAL_TIME_JODA, "Fri, 2 Jan 2026 3 pm GMT", "EEE, d MMM yyyy h a z",
     "2026-01-02 15:00:00.000000"},
    {LOCAL_TIME_JODA, "2026 -0100", "yyyy Z", "2026-01-01 01:00:00.000000"},
    {LOCAL_TIME_JODA, "2026 +01", "yyyy Z", NULL},
    {LOCAL_TIME_JODA, "2026", "QQ", NULL},
};

START_TEST(parse_table)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    int64_t micros = 0;
    const int rc = local_time_parse(parses[_i].text, strlen(parses[_i].text),
                                    parses[_i].form, parses[_i].format,
                                    strlen(parses[_i].format), &micros, &err);

    ck_assert_int_eq(rc, parses[_i].want != NULL ? 0 : -1);
    if (parses[_i].want == NULL)
        return;
    ck_assert_int_eq(local_time_format(micros, LOCAL_TIME_MYSQL,
                                       "%Y-%m-%d %T.%f", 14, &out, &err),
                     0);
    ck_assert_str_eq(pl_buf_str(&out), parses[_i].want);
}
END_TEST

static const struct {
    const char *from;
    const char *unit;
    int64_t n;
    const char *want; /* NULL: refused */
} sums[] = {
    {"2026-01-31", "month", 1, "2026-02-28"},
    {"2024-01-31", "MONTH", 1, "2024-02-29"},
    {"2026-01-31", "month", -2, "2025-11-30"},
    {"2024-02-29", "year", 1, "2025-02-28"},
    {"2026-01-31", "quarter", 1, "2026-04-30"},
    {"2026-01-01", "week", -1, "2025-12-25"},
    {"2026-01-01", "millisecond", 86400000, "2026-01-02"},
    {"1969-12-31", "day", 1, "1970-01-01"},
    {"2026-01-01", "fortnight", 1, NULL},
    {"2026-01-01", "day", INT64_MAX, NULL},
    {"2026-01-01", "year", INT64_MAX, NULL},
};

START_TEST(add_table)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    int64_t micros = 0;
    int rc;

    ck_assert_int_eq(local_time_parse(sums[_i].from, 10, LOCAL_TIME_MYSQL,
                                      "%Y-%m-%d", 8, &micros, &err),
                     0);
    rc = local_time_add(sums[_i].unit, strlen(sums[_i].unit), sums[_i].n,
                        &micros, &err);
    ck_assert_int_eq(rc, sums[_i].want != NULL ? 0 : -1);
    if (sums[_i].want == NULL)
        return;
    ck_assert_int_eq(
        local_time_format(micros, LOCAL_TIME_MYSQL, "%Y-%m-%d", 8, &out, &err),
        0);
    ck_assert_str_eq(pl_buf_str(&out), sums[_i].want);
}
END_TEST

UNIT_MAIN("trino_time",
          tcase_add_loop_test(tc, format_table, 0, UNIT_COUNT(formats));
          tcase_add_loop_test(tc, parse_table, 0, UNIT_COUNT(parses));
          tcase_add_loop_test(tc, add_table, 0, UNIT_COUNT(sums));)
