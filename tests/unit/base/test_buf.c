#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/io.h"

START_TEST(grows_and_stays_a_string)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_str_eq(pl_buf_str(&buf), "");
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(pl_buf_addf(&buf, &err, "%d,", i % 10), 0);
    ck_assert_uint_eq(buf.len, 2000);
    ck_assert_uint_eq(strlen(buf.data), 2000);
    pl_buf_reset(&buf);
    ck_assert_str_eq(pl_buf_str(&buf), "");
}
END_TEST

START_TEST(maximum_is_an_error_and_changes_nothing)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT_MAX(4);
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&buf, "abcd", &err), 0);
    ck_assert_int_eq(pl_buf_adds(&buf, "e", &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    ck_assert_str_eq(buf.data, "abcd");
}
END_TEST

START_TEST(take_leaves_it_empty)
{
    PL_AUTO(pl_buf) buf = PL_BUF_INIT;
    PL_AUTO_STR *first = NULL;
    PL_AUTO_STR *second = NULL;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&buf, "x", &err), 0);
    first = pl_buf_take(&buf);
    second = pl_buf_take(&buf);
    ck_assert_str_eq(first, "x");
    ck_assert_str_eq(second, "");
}
END_TEST

START_TEST(fill_reads_over_short_reads)
{
    struct pl_mem_source mem = {.data = "abcdefg", .len = 7, .bite = 2};
    const struct pl_source source = pl_mem_source(&mem);
    struct pl_err err = {0};
    char got[8] = "";
    size_t len = 0;

    ck_assert_int_eq(pl_source_fill(&source, got, 5, &len, &err), 0);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(got, "abcde", 5);
    ck_assert_int_eq(pl_source_fill(&source, got, 5, &len, &err), 0);
    ck_assert_uint_eq(len, 2);
}
END_TEST

UNIT_MAIN("buf", tcase_add_test(tc, grows_and_stays_a_string);
          tcase_add_test(tc, maximum_is_an_error_and_changes_nothing);
          tcase_add_test(tc, take_leaves_it_empty);
          tcase_add_test(tc, fill_reads_over_short_reads);)
