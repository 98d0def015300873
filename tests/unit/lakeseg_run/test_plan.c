#include "tests/unit/unit.h"

#include <string.h>

#include "stages/lakeseg_run/plan.h"

static const struct {
    const char *name;
    const char *job;
    const char *list;
    const char *from;
    bool has_report;
    const char *want; /* NULL: refused */
} plans[] = {
    {"the default", "{\"lakeseg\":1}", NULL, NULL, false,
     "athena-exec,csv-validate-normalize,pinpoint-import,sns-notify"},
    {"by the destination",
     "{\"lakeseg\":1,\"import\":{\"destination\":\"customer-profiles\"}}", NULL,
     NULL, false,
     "athena-exec,csv-validate-normalize,profiles-import,sns-notify"},
    {"the job's own", "{\"lakeseg\":1,\"run\":{\"stages\":[\"a\",\"b\"]}}",
     NULL, NULL, false, "a,b"},
    {"the option wins", "{\"lakeseg\":1,\"run\":{\"stages\":[\"a\"]}}", "b,c",
     NULL, false, "b,c"},
    {"from the middle", "{\"lakeseg\":1}", "a,b,c", "b", false, "b,c"},
    {"from what is not there", "{\"lakeseg\":1}", "a,b,c", "d", false, NULL},
    {"the report comes before the notification", "{\"lakeseg\":1}",
     "a,sns-notify", NULL, true, "a,lakeseg-report,sns-notify"},
    {"or last", "{\"lakeseg\":1}", "a,b", NULL, true, "a,b,lakeseg-report"},
    {"or where it is already", "{\"lakeseg\":1}", "lakeseg-report,b", NULL,
     true, "lakeseg-report,b"},
    {"nothing", "{\"lakeseg\":1,\"run\":{\"stages\":[]}}", NULL, NULL, false,
     NULL},
    {"an empty name", "{\"lakeseg\":1}", "a,,b", NULL, false, NULL},
    {"a path", "{\"lakeseg\":1}", "a/b", NULL, false, NULL},
    {"a hidden file", "{\"lakeseg\":1}", ".a", NULL, false, NULL},
    {"the name of our own manifests", "{\"lakeseg\":1}", "lakeseg", NULL, false,
     NULL},
    {"no string", "{\"lakeseg\":1,\"run\":{\"stages\":[1]}}", NULL, NULL, false,
     NULL},
    {"too many", "{\"lakeseg\":1}", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL,
     false, NULL},
};

START_TEST(choosing)
{
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct run_plan plan;
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(
        pl_manifest_parse(&job, plans[_i].job, strlen(plans[_i].job), &err), 0);
    rc = run_plan_choose(&job, plans[_i].list, plans[_i].from,
                         plans[_i].has_report, &err);
    ck_assert_msg((rc == 0) == (plans[_i].want != NULL), "%s: %s",
                  plans[_i].name, err.msg);
    if (rc != 0) {
        ck_assert_int_eq(err.code, PL_USAGE_INVALID);
        return;
    }
    ck_assert_int_eq(run_plan_read(&job, &plan, &err), 0);
    for (size_t i = 0; i < plan.count; i++)
        ck_assert_int_eq(
            pl_buf_addf(&text, &err, "%s%s", i > 0 ? "," : "", plan.stages[i]),
            0);
    ck_assert_str_eq(text.data, plans[_i].want);
}
END_TEST

UNIT_MAIN("plan", tcase_add_loop_test(tc, choosing, 0, UNIT_COUNT(plans));)
