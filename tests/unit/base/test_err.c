#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "pipeline/base/err.h"

START_TEST(first_failure_wins)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_fail(&err, PL_DATA_INVALID, "row %d", 3), -1);
    ck_assert_int_eq(pl_fail(&err, PL_FILE_ERROR, "later"), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    ck_assert_str_eq(err.msg, "row 3");
}
END_TEST

START_TEST(context_stands_in_front)
{
    struct pl_err err = {0};

    (void)pl_fail(&err, PL_THROTTLED, "slow\ndown");
    ck_assert_int_eq(pl_context(&err, "cannot send part %d", 2), -1);
    ck_assert_str_eq(err.msg, "cannot send part 2: slow down");
    for (int i = 0; i < 50; i++) /* never past the end */
        (void)pl_context(&err, "%0200d", 1);
    ck_assert_uint_lt(strlen(err.msg), sizeof(err.msg));
}
END_TEST

START_TEST(errno_is_told)
{
    struct pl_err err = {0};

    errno = ENOENT;
    (void)pl_fail_errno(&err, PL_FILE_ERROR, "cannot open 'x'");
    ck_assert_str_eq(err.msg, "cannot open 'x': No such file or directory");
    ck_assert_int_eq(err.sys, ENOENT);
}
END_TEST

/* The contract of design: every name, its exit status, who may retry. */
static const struct {
    const char *name;
    int exit;
    bool is_retryable;
} table[] = {
    {"UsageInvalid", 64, false},
    {"QueryInvalid", 65, false},
    {"DataInvalid", 65, false},
    {"ManifestInvalid", 66, false},
    {"QueryFailed", 69, false},
    {"QueryCancelled", 69, false},
    {"QueryTimedOut", 69, false},
    {"ImportFailed", 69, false},
    {"ImportPartial", 69, false},
    {"ImportTimedOut", 69, false},
    {"ServiceRefused", 69, false},
    {"InternalError", 70, false},
    {"HostError", 71, false},
    {"FileError", 74, false},
    {"ServiceUnavailable", 75, true},
    {"Throttled", 75, true},
    {"Interrupted", 75, false},
    {"AlreadyRunning", 75, false},
    {"TaskLost", 75, false},
    {"AccessDenied", 77, false},
    {"CredentialsMissing", 77, false},
    {"CredentialsExpired", 77, false},
    {"SignatureRefused", 77, false},
    {"ConfigInvalid", 78, false},
    {"Retired", 78, false},
};

START_TEST(codes_are_the_contract)
{
    const enum pl_code code = pl_code_by_name(table[_i].name);

    ck_assert_str_eq(pl_code_info(code)->name, table[_i].name);
    ck_assert_int_eq(pl_code_info(code)->exit, table[_i].exit);
    ck_assert_int_eq(pl_code_info(code)->is_retryable, table[_i].is_retryable);
}
END_TEST

START_TEST(all_codes_are_in_the_table)
{
    ck_assert_int_eq(UNIT_COUNT(table), PL_CODE_COUNT - 1);
    ck_assert_int_eq(pl_code_by_name("Nonsense"), PL_INTERNAL_ERROR);
}
END_TEST

UNIT_MAIN("err", tcase_add_test(tc, first_failure_wins);
          tcase_add_test(tc, context_stands_in_front);
          tcase_add_test(tc, errno_is_told);
          tcase_add_loop_test(tc, codes_are_the_contract, 0, UNIT_COUNT(table));
          tcase_add_test(tc, all_codes_are_in_the_table);)
