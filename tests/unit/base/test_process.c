#include <signal.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/process.h"
#include "tests/unit/unit.h"

START_TEST(ignored_until_it_listens)
{
    struct pl_err err = {0};

    pl_process_init("test");
    (void)raise(SIGTERM);
    (void)raise(SIGINT);
    pl_process_listen();
    ck_assert(!pl_stop_requested());
    ck_assert_int_eq(pl_stop_check(&err), 0);
}
END_TEST

START_TEST(a_stop_ends_waits_but_not_held_work)
{
    struct pl_err err = {0};

    pl_process_init("test");
    pl_process_listen();
    (void)raise(SIGTERM);
    ck_assert(pl_stop_requested());
    ck_assert_int_eq(pl_sleep_ms(&pl_clock_real, 60000, &err), -1);
    ck_assert_int_eq(err.code, PL_INTERRUPTED);
    ck_assert_str_eq(err.msg, "stopped by signal TERM");
    pl_stop_hold();
    ck_assert(!pl_stop_requested());
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sleep_ms(&pl_clock_real, 1, &err), 0);
    pl_stop_unhold();
    ck_assert(pl_stop_requested());
}
END_TEST

START_TEST(holding_may_be_longer_or_not_at_all)
{
    pl_process_init("test");
    pl_process_listen();
    ck_assert_int_eq((int)pl_stop_age_ms(), -1);
    (void)raise(SIGTERM);
    pl_stop_hold();
    ck_assert(pl_stop_age_ms() >= 0);
    ck_assert(!pl_stop_requested());
    pl_stop_set_hold_ms(0);
    ck_assert(pl_stop_requested());
    pl_stop_set_hold_ms(PL_STOP_HOLD_MS);
    pl_stop_unhold();
}
END_TEST

UNIT_MAIN("process", tcase_add_test(tc, ignored_until_it_listens);
          tcase_add_test(tc, holding_may_be_longer_or_not_at_all);
          tcase_add_test(tc, a_stop_ends_waits_but_not_held_work);)
