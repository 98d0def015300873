#include "pipeline/manifest/schema.h"

#include "pipeline/base/buf.h"
#include "tests/unit/unit.h"

static int note(void *ctx, const char *path, const char *what, bool is_error,
                struct pl_err *err)
{
    return pl_buf_addf(ctx, err, "%s%s %s\n", is_error ? "" : "? ", path, what);
}

/* A document, and what is found in it. */
static const struct {
    const char *document;
    const char *found;
} cases[] = {
    {"{\"lakeseg\":1}", ""},
    {"{\"lakeseg\":1,\"query\":{\"sql\":\"SELECT 1\",\"timeout_s\":1}}", ""},
    {"{}", " lacks 'lakeseg'\n"},
    {"{\"lakeseg\":2}", "lakeseg is another format\n"},
    {"{\"lakeseg\":1,\"query\":{\"timeout_s\":0}}",
     "query.timeout_s must be at least 1\n"},
    {"{\"lakeseg\":1,\"query\":{\"timeout_s\":1.5}}",
     "query.timeout_s must be of type integer\n"},
    {"{\"lakeseg\":1,\"query\":{\"reuse_minutes\":10081}}",
     "query.reuse_minutes must be at most 10080\n"},
    {"{\"lakeseg\":1,\"query\":{\"bucket_owner\":\"12\"}}",
     "query.bucket_owner must be like ^[0-9]{12}$\n"},
    {"{\"lakeseg\":1,\"query\":{\"sql\":null}}",
     "query.sql must be of type string\n"},
    {"{\"lakeseg\":1,\"query\":{\"parameters\":[1,{}]}}",
     "query.parameters[1] must be of type string, number or boolean\n"},
    {"{\"lakeseg\":1,\"import\":{\"destination\":\"mailchimp\"}}",
     "import.destination must be pinpoint or customer-profiles\n"},
    {"{\"lakeseg\":1,\"import\":{\"destination\":null}}", ""},
    {"{\"lakeseg\":1,\"run\":{\"id\":\"\"}}", "run.id must not be empty\n"},
    {"{\"lakeseg\":1,\"data\":[{\"uri\":\"x\",\"role\":\"y\",\"rows\":-1}]}",
     "data[0].rows must be at least 0\n"},
    {"{\"lakeseg\":1,\"data\":[{\"uri\":\"x\"}]}", "data[0] lacks 'role'\n"},
    {"{\"lakeseg\":1,\"validate\":{\"limits\":{\"max_reject_percnt\":1}}}",
     "? validate.limits.max_reject_percnt is unknown; did you mean "
     "'max_reject_percent'?\n"},
    {"{\"lakeseg\":1,\"run\":{\"team\":\"crm\"}}",
     "? run.team is unknown to lakeseg, and passed on\n"},
    {"{\"lakeseg\":1,\"validate\":{\"rules\":{\"anything\":1}}}", ""},
};

START_TEST(what_is_found)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *document = json_loads(cases[_i].document, 0, NULL);

    ck_assert_ptr_nonnull(document);
    ck_assert_int_eq(pl_schema_check(document, note, &text, &err), 0);
    ck_assert_str_eq(pl_buf_str(&text), cases[_i].found);
    json_decref(document);
}
END_TEST

static int refuse(void *ctx, const char *path, const char *what, bool is_error,
                  struct pl_err *err)
{
    (void)ctx;
    (void)path;
    (void)what;
    (void)is_error;
    return pl_fail_memory(err);
}

START_TEST(a_failing_listener_ends_it)
{
    struct pl_err err = {0};
    json_t *document = json_loads("{}", 0, NULL);

    ck_assert_int_eq(pl_schema_check(document, refuse, NULL, &err), -1);
    ck_assert_int_eq(err.code, PL_HOST_ERROR);
    json_decref(document);
}
END_TEST

UNIT_MAIN("manifest.schema",
          tcase_add_loop_test(tc, what_is_found, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, a_failing_listener_ends_it);)
