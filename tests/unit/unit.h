/* unit.h - the main of every unit test: one suite, its cases, CK_FORK obeyed. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

#define UNIT_MAIN(name, ...) \
    int main(void) \
    { \
        Suite *suite = suite_create(name); \
        TCase *tc = tcase_create("all"); \
        SRunner *runner; \
        int failed; \
        tcase_set_timeout(tc, 600); \
        __VA_ARGS__ \
        suite_add_tcase(suite, tc); \
        runner = srunner_create(suite); \
        srunner_run_all(runner, CK_ENV); \
        failed = srunner_ntests_failed(runner); \
        srunner_free(runner); \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
    }

#define UNIT_COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#endif
