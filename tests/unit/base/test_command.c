#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/command.h"

static const struct {
    const char *line;
    const char *words; /* parted by "|"; NULL: refused */
} lines[] = {
    {"a", "a"},
    {"  a\tb \r\n c ", "a|b|c"},
    {"a 'b c' d", "a|b c|d"},
    {"a \"b c\" d", "a|b c|d"},
    {"a'b'\"c\"d", "abcd"},
    {"a '' \"\"", "a||"},
    {"a 'b\\c'", "a|b\\c"},
    {"a \"b\\c\\\"d\\\\\"", "a|b\\c\"d\\"},
    {"a b\\ c \\'", "a|b c|'"},
    {"a '\"' \"'\"", "a|\"|'"},
    {"a $HOME *;b", "a|$HOME|*;b"}, /* nothing is expanded */
    {"", NULL},
    {" \t", NULL},
    {"a 'b", NULL},
    {"a \"b", NULL},
    {"a \"b\\\"", NULL},
    {"a \\", NULL},
};

START_TEST(split_table)
{
    PL_AUTO(pl_words) words = {.text = NULL};
    struct pl_err err = {0};
    char joined[64] = "";
    const int rc = pl_words_split(lines[_i].line, &words, &err);

    if (lines[_i].words == NULL) {
        ck_assert_msg(rc == -1, "%s", lines[_i].line);
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        return;
    }
    ck_assert_int_eq(rc, 0);
    for (size_t i = 0; i < words.count; i++) {
        const size_t at = strlen(joined);

        (void)snprintf(joined + at, sizeof(joined) - at, "%s%s",
                       i > 0 ? "|" : "", words.argv[i]);
    }
    ck_assert_str_eq(joined, lines[_i].words);
    ck_assert_ptr_null(words.argv[words.count]);
}
END_TEST

START_TEST(too_many_words)
{
    PL_AUTO(pl_words) words = {.text = NULL};
    struct pl_err err = {0};
    char line[2 * PL_COMMAND_WORDS_MAX + 3] = "";

    memset(line, ' ', sizeof(line) - 1);
    for (size_t i = 0; i <= PL_COMMAND_WORDS_MAX; i++)
        line[2 * i] = 'a';
    ck_assert_int_eq(pl_words_split(line, &words, &err), -1);
    line[2] = ' ';
    pl_err_clear(&err);
    ck_assert_int_eq(pl_words_split(line, &words, &err), 0);
    ck_assert_uint_eq(words.count, PL_COMMAND_WORDS_MAX);
}
END_TEST

struct outcome {
    int rc;
    int status;
    struct pl_buf out;
    struct pl_buf errors;
    struct pl_err err;
};

static void outcome_release(struct outcome *o)
{
    pl_buf_release(&o->out);
    pl_buf_release(&o->errors);
}

static void run(struct outcome *o, const char *line, int64_t timeout_ms)
{
    PL_AUTO(pl_words) words = {.text = NULL};

    memset(o, 0, sizeof(*o));
    o->out.max_bytes = 100000;
    o->errors.max_bytes = 8;
    ck_assert_int_eq(pl_words_split(line, &words, &o->err), 0);
    o->rc = pl_command_run(&words, timeout_ms, &o->out, &o->errors, &o->status,
                           &o->err);
}

START_TEST(output_and_status)
{
    PL_AUTO(outcome) o = {.rc = 0};

    run(&o, "sh -c 'echo out; echo oops >&2; exit 7'", 20000);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_int_eq(o.status, 7);
    ck_assert_str_eq(o.out.data, "out\n");
    ck_assert_str_eq(o.errors.data, "oops\n");
}
END_TEST

START_TEST(standard_input_is_empty)
{
    PL_AUTO(outcome) o = {.rc = 0};

    run(&o, "cat", 20000);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_int_eq(o.status, 0);
    ck_assert_uint_eq(o.out.len, 0);
}
END_TEST

START_TEST(a_signal_is_a_status)
{
    PL_AUTO(outcome) o = {.rc = 0};

    run(&o, "sh -c 'kill -9 $$'", 20000);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_int_eq(o.status, 128 + 9);
}
END_TEST

START_TEST(complaints_beyond_the_limit_are_dropped)
{
    PL_AUTO(outcome) o = {.rc = 0};

    run(&o, "sh -c 'seq 20000 >&2; echo out'", 20000);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_str_eq(o.out.data, "out\n");
    ck_assert_uint_le(o.errors.len, 8);
}
END_TEST

static const struct {
    const char *line;
    const char *named;
} failures[] = {
    {"/nonexistent/program", "'/nonexistent/program'"},
    {"no-such-program-anywhere", "not in PATH"},
    {"seq 100000", "more than 100000 bytes"},
    {"sleep 30", "no end within"},
    {"sh -c 'exec >&- 2>&-; sleep 30'", "no end in time"},
    /* one of its children holds the pipes */
    {"sh -c 'sleep 30 & sleep 30'", "no end within"},
};

START_TEST(failures_are_named_and_nothing_is_left)
{
    PL_AUTO(outcome) o = {.rc = 0};
    const int64_t begun = pl_mono_ms(&pl_clock_real);

    run(&o, failures[_i].line, 1000);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_int_eq(o.err.code, PL_CONFIG_INVALID);
    ck_assert_msg(strstr(o.err.msg, failures[_i].named) != NULL, "%s",
                  o.err.msg);
    ck_assert_int_lt((int)(pl_mono_ms(&pl_clock_real) - begun), 15000);
}
END_TEST

UNIT_MAIN("command", tcase_add_loop_test(tc, split_table, 0, UNIT_COUNT(lines));
          tcase_add_test(tc, too_many_words);
          tcase_add_test(tc, output_and_status);
          tcase_add_test(tc, standard_input_is_empty);
          tcase_add_test(tc, a_signal_is_a_status);
          tcase_add_test(tc, complaints_beyond_the_limit_are_dropped);
          tcase_add_loop_test(tc, failures_are_named_and_nothing_is_left, 0,
                              UNIT_COUNT(failures));)
