#include <string.h>

#include "tests/unit/unit.h"

#include "pipeline/base/advice.h"

/* A name without advice would tell people nothing, at night. */
START_TEST(every_name_has_advice)
{
    const struct pl_advice *advice = pl_advice((enum pl_code)_i);

    ck_assert_ptr_nonnull(advice->what);
    ck_assert_ptr_nonnull(advice->who);
    ck_assert_ptr_nonnull(advice->next);
    ck_assert_int_eq(advice->next[strlen(advice->next) - 1], '.');
}
END_TEST

/* The exit status says who can mend it: so does the advice. */
START_TEST(one_status_is_for_one_person)
{
    for (int other = 1; other < PL_CODE_COUNT; other++)
        if (pl_code_info((enum pl_code)_i)->exit ==
            pl_code_info((enum pl_code)other)->exit)
            ck_assert_str_eq(pl_advice((enum pl_code)_i)->who,
                             pl_advice((enum pl_code)other)->who);
}
END_TEST

START_TEST(an_unknown_code_is_ours)
{
    ck_assert_ptr_eq(pl_advice(PL_CODE_COUNT), pl_advice(PL_INTERNAL_ERROR));
}
END_TEST

UNIT_MAIN("advice",
          tcase_add_loop_test(tc, every_name_has_advice, 0, PL_CODE_COUNT);
          tcase_add_loop_test(tc, one_status_is_for_one_person, 1,
                              PL_CODE_COUNT);
          tcase_add_test(tc, an_unknown_code_is_ours);)
