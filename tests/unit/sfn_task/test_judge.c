#include <signal.h>
#include <string.h>

#include "stages/sfn_task/judge.h"
#include "tests/unit/unit.h"

#define EXIT(status) ((status) << 8) /* as waitpid() says it on Linux */
#define GOOD "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},\"status\":\"pending\"}"
#define FAILED(stage, name) \
    "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},\"status\":\"failed\",\"error\":{" \
    "\"stage\":\"" stage "\",\"name\":\"" name "\",\"message\":\"m\"}}"
#define LOST \
    "{\"lakeseg\":1,\"run\":{\"id\":\"new\"},\"status\":\"failed\",\"error\":" \
    "{\"stage\":\"b\",\"name\":\"ManifestInvalid\",\"message\":\"m\"}}"

static const struct {
    const char *output;
    int a; /* how the two stages ended */
    int b;
    bool is_killed; /* by us */
    const char *name;
    const char *stage;
    const char *words; /* in the message */
} cases[] = {
    {GOOD, 0, 0, false, NULL, NULL, NULL},
    {FAILED("a", "QueryFailed"), EXIT(69), EXIT(69), false, "QueryFailed", "a",
     "m"},
    {FAILED("b", "DataInvalid"), 0, EXIT(65), false, "DataInvalid", "b", "m"},
    {FAILED("b", "ManifestInvalid"), 0, EXIT(66), false, "ManifestInvalid", "b",
     "m"}, /* it got one, of this run, that it cannot take */
    {LOST, SIGSEGV, EXIT(66), false, "InternalError", "a", "signal 11"},
    {LOST, SIGKILL, EXIT(66), false, "InternalError", "a", "out of memory"},
    {LOST, SIGKILL, EXIT(66), true, "Interrupted", "a", "did not end"},
    {LOST, SIGTERM, EXIT(66), true, "InternalError", "a", "signal 15"},
    {LOST, EXIT(71), EXIT(66), false, "InternalError", "a", "status 71"},
    {LOST, 0, EXIT(66), false, "InternalError", "a", "status 0"},
    {"", 0, SIGABRT, false, "InternalError", "b", "signal 6"},
    {GOOD, 0, SIGSEGV, false, "InternalError", "b", "signal 11"},
    {GOOD, 0, EXIT(3), false, "InternalError", "b", "status 3"},
    {"", 0, EXIT(127), false, "InternalError", "b", "status 127"},
    {"", 0, 0, false, "InternalError", "b", "status 0"},
    {"{\"lakeseg\":1}", 0, 0, false, "InternalError", "b", "status 0"},
};

START_TEST(verdicts)
{
    static const char *const a[] = {"a", NULL};
    static const char *const b[] = {"b", NULL};
    const struct sfn_pipe pipe = {.child = {{.argv = a, .status = cases[_i].a},
                                            {.argv = b, .status = cases[_i].b}},
                                  .count = 2,
                                  .is_killed = cases[_i].is_killed};
    const char *text = "{\"lakeseg\":1,\"run\":{\"id\":\"r\"},\"kept\":true}";
    PL_AUTO(pl_manifest) input = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) output = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_manifest_parse(&input, text, strlen(text), &err), 0);
    ck_assert_int_eq(pl_buf_adds(&output, cases[_i].output, &err), 0);
    ck_assert_int_eq(sfn_judge(&pipe, &output, &input, 0, &m, &err), 0);
    ck_assert_str_eq(pl_manifest_str(&m, "run.id"), "r");
    ck_assert(pl_manifest_is_failed(&m) == (cases[_i].name != NULL));
    if (cases[_i].name == NULL)
        return;
    ck_assert_str_eq(pl_manifest_str(&m, "error.name"), cases[_i].name);
    ck_assert_str_eq(pl_manifest_str(&m, "error.stage"), cases[_i].stage);
    ck_assert_msg(
        strstr(pl_manifest_str(&m, "error.message"), cases[_i].words) != NULL,
        "%s", pl_manifest_str(&m, "error.message"));
}
END_TEST

UNIT_MAIN("judge", tcase_add_loop_test(tc, verdicts, 0, UNIT_COUNT(cases));)
