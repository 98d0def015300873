#include "local/text_value.h"

#include <math.h>

#include "tests/unit/unit.h"

static const struct {
    double value;
    const char *want;
} doubles[] = {
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {1.0, "1.0"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {100.0, "100.0"},
    {0.001, "0.001"},
    {0.0009, "9.0E-4"},
    {9999999.0, "9999999.0"},
    {1e7, "1.0E7"},
    {1e10, "1.0E10"},
    {1.23456789e-8, "1.23456789E-8"},
    {1e300, "1.0E300"},
    {123.456, "123.456"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1234567.125, "1234567.125"},
};

START_TEST(double_as_java_prints_it)
{
    char out[40];

    local_text_double(doubles[_i].value, out);
    ck_assert_str_eq(out, doubles[_i].want);
}
END_TEST

START_TEST(double_that_is_no_number)
{
    char out[40];

    local_text_double((double)NAN, out);
    ck_assert_str_eq(out, "NaN");
    local_text_double((double)-INFINITY, out);
    ck_assert_str_eq(out, "-Infinity");
    local_text_float(0.1F, out);
    ck_assert_str_eq(out, "0.1");
    local_text_float(1e10F, out);
    ck_assert_str_eq(out, "1.0E10");
}
END_TEST

static const struct {
    int64_t upper;
    uint64_t lower;
    unsigned scale;
    const char *want;
} decimals[] = {
    {0, 0, 0, "0"},
    {0, 0, 2, "0.00"},
    {0, 5, 2, "0.05"},
    {0, 12345, 2, "123.45"},
    {-1, (uint64_t)-5, 2, "-0.05"},
    {-1, (uint64_t)-12345, 0, "-12345"},
    {0, UINT64_MAX, 0, "18446744073709551615"},
    {1, 0, 0, "18446744073709551616"},
    {INT64_MAX, UINT64_MAX, 0, "170141183460469231731687303715884105727"},
    {INT64_MIN, 0, 0, "-170141183460469231731687303715884105728"},
    {INT64_MAX, UINT64_MAX, 38, "1.70141183460469231731687303715884105727"},
};

START_TEST(decimal)
{
    char out[48];

    local_text_decimal(decimals[_i].upper, decimals[_i].lower,
                       decimals[_i].scale, out);
    ck_assert_str_eq(out, decimals[_i].want);
}
END_TEST

static const struct {
    int64_t micros;
    const char *want;
} timestamps[] = {
    {0, "1970-01-01 00:00:00.000"},
    {-1, "1969-12-31 23:59:59.999"},
    {INT64_C(1795395723456789), "2026-11-23 01:02:03.456"},
    {INT64_C(951782400000000), "2000-02-29 00:00:00.000"},
    {INT64_C(-62135596800000000), "0001-01-01 00:00:00.000"},
};

START_TEST(timestamp)
{
    char out[40];

    local_text_timestamp(timestamps[_i].micros, out);
    ck_assert_str_eq(out, timestamps[_i].want);
}
END_TEST

START_TEST(intervals)
{
    char out[64];

    local_text_interval(14, 0, 0, out);
    ck_assert_str_eq(out, "1-2");
    local_text_interval(-1, 0, 0, out);
    ck_assert_str_eq(out, "-0-1");
    local_text_interval(0, 3, 14706007000, out);
    ck_assert_str_eq(out, "3 04:05:06.007");
    local_text_interval(0, 0, -1000, out);
    ck_assert_str_eq(out, "-0 00:00:00.001");
}
END_TEST

START_TEST(fields)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(local_text_field(&out, "", 0, &err), 0);
    ck_assert_int_eq(local_text_field(&out, "a\"b\n", 4, &err), 0);
    ck_assert_int_eq(local_text_field(&out, "\"", 1, &err), 0);
    ck_assert_str_eq(out.data, "\"\"\"a\"\"b\n\"\"\"\"\"");
    pl_buf_reset(&out);
    ck_assert_int_eq(local_text_binary(&out, "12", 2, &err), 0);
    ck_assert_str_eq(out.data, "31 32");
}
END_TEST

UNIT_MAIN("text_value", tcase_add_loop_test(tc, double_as_java_prints_it, 0,
                                            UNIT_COUNT(doubles));
          tcase_add_test(tc, double_that_is_no_number);
          tcase_add_loop_test(tc, decimal, 0, UNIT_COUNT(decimals));
          tcase_add_loop_test(tc, timestamp, 0, UNIT_COUNT(timestamps));
          tcase_add_test(tc, intervals); tcase_add_test(tc, fields);)
