#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/opts.h"

static struct {
    const char *name;
    int64_t count;
    int64_t size;
    bool is_on;
} v;

static const struct pl_opt opts[] = {
    {"name", PL_OPT_STR, &v.name, "TEXT", "a text", NULL},
    {"count", PL_OPT_INT, &v.count, "N", "a number", NULL},
    {"size", PL_OPT_SIZE, &v.size, "BYTES", "a size", NULL},
    {"on", PL_OPT_FLAG, &v.is_on, NULL, "a flag", NULL},
    {.name = NULL},
};
static const struct pl_cli cli = {.name = "prog",
                                  .summary = "s",
                                  .text = "t",
                                  .see_also = "x(1)",
                                  .opts = opts};

/* Arguments parted by blanks. */
static int parse(const char *line, int *first, struct pl_err *err)
{
    static char copy[256];
    char *argv[16] = {copy};
    char *save = NULL;
    int argc = 0;

    memset(&v, 0, sizeof(v));
    v.count = PL_UNSET;
    (void)snprintf(copy, sizeof(copy), "prog %s", line);
    for (char *w = strtok_r(copy, " ", &save); w != NULL;
         w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return pl_opts_parse(&cli, argc, argv, first, err);
}

START_TEST(values_are_read)
{
    struct pl_err err = {0};

    ck_assert_int_eq(parse("--name x --count=-5 --size 8M --on", NULL, &err),
                     0);
    ck_assert_str_eq(v.name, "x");
    ck_assert_int_eq(v.count, -5);
    ck_assert_int_eq(v.size, 8 << 20);
    ck_assert(v.is_on);
    ck_assert_int_eq(parse("", NULL, &err), 0);
    ck_assert(v.count == PL_UNSET);
}
END_TEST

static const struct {
    const char *line;
    const char *message;
} wrong[] = {
    {"--nmae x", "unknown option '--nmae'; did you mean '--name'?"},
    {"--zzzzzzzzz", "unknown option '--zzzzzzzzz'"},
    {"--name", "option '--name' needs TEXT"},
    {"--count x", "option '--count': 'x' is not a whole number"},
    {"--size 8X", "option '--size': '8X' is not a size in bytes"},
    {"--on=1", "option '--on' takes no value"},
    {"-n x", "unknown option '-n'; options are long: '--name'"},
    {"more", "unexpected argument 'more'"},
    {"--log loud", "option '--log': 'loud' is not a log level"},
};

START_TEST(mistakes_are_named)
{
    struct pl_err err = {0};

    ck_assert_int_eq(parse(wrong[_i].line, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_USAGE_INVALID);
    ck_assert_str_eq(err.msg, wrong[_i].message);
}
END_TEST

START_TEST(operands_are_left)
{
    struct pl_err err = {0};
    int first = 0;

    ck_assert_int_eq(parse("--on a b", &first, &err), 0);
    ck_assert_int_eq(first, 2);
    ck_assert_int_eq(parse("-- --on", &first, &err), 0);
    ck_assert_int_eq(first, 2);
    ck_assert(!v.is_on);
}
END_TEST

START_TEST(settings_in_their_order)
{
    struct pl_err err = {0};
    int64_t n = 0;

    (void)setenv("LAKESEG_TEST", "12", 1);
    ck_assert_str_eq(pl_setting("opt", "LAKESEG_TEST", "def"), "opt");
    ck_assert_str_eq(pl_setting(NULL, "LAKESEG_TEST", "def"), "12");
    ck_assert_int_eq(pl_setting_int(3, "LAKESEG_TEST", 1, &n, &err), 0);
    ck_assert_int_eq(n, 3);
    ck_assert_int_eq(pl_setting_int(PL_UNSET, "LAKESEG_TEST", 1, &n, &err), 0);
    ck_assert_int_eq(n, 12);
    (void)setenv("LAKESEG_TEST", "x", 1);
    ck_assert_int_eq(pl_setting_int(PL_UNSET, "LAKESEG_TEST", 1, &n, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    (void)unsetenv("LAKESEG_TEST");
    ck_assert_str_eq(pl_setting("", "LAKESEG_TEST", "def"), "def");
}
END_TEST

UNIT_MAIN("opts", tcase_add_test(tc, values_are_read);
          tcase_add_loop_test(tc, mistakes_are_named, 0, UNIT_COUNT(wrong));
          tcase_add_test(tc, operands_are_left);
          tcase_add_test(tc, settings_in_their_order);)
