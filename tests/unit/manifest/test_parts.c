#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/opts.h"
#include "pipeline/manifest/parts.h"

static void parse(struct pl_manifest *m, const char *text)
{
    struct pl_err err = {0};

    ck_assert_msg(pl_manifest_parse(m, text, strlen(text), &err) == 0, "%s",
                  err.msg);
}

static const struct {
    const char *text;
    const char *env;
    int64_t option;
    int64_t want; /* -1: ConfigInvalid */
} counts[] = {
    {"{\"lakeseg\":1}", NULL, PL_UNSET, 0},
    {"{\"lakeseg\":1,\"query\":{\"partitions\":16}}", NULL, PL_UNSET, 16},
    {"{\"lakeseg\":1,\"query\":{\"partitions\":16}}", "32", PL_UNSET, 16},
    {"{\"lakeseg\":1,\"query\":{\"partitions\":16}}", NULL, 8, 8},
    {"{\"lakeseg\":1}", "100", PL_UNSET, 100},
    {"{\"lakeseg\":1}", "101", PL_UNSET, -1},
    {"{\"lakeseg\":1}", "x", PL_UNSET, -1},
    {"{\"lakeseg\":1,\"query\":{\"partitions\":1}}", NULL, PL_UNSET, -1},
    {"{\"lakeseg\":1,\"query\":{\"partitions\":0}}", "4", PL_UNSET, 0},
};

START_TEST(count)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err err = {0};
    int64_t n = 7;
    int rc;

    parse(&m, counts[_i].text);
    if (counts[_i].env != NULL)
        ck_assert_int_eq(setenv("LAKESEG_PARTITIONS", counts[_i].env, 1), 0);
    rc = pl_partitions(&m, counts[_i].option, &n, &err);
    (void)unsetenv("LAKESEG_PARTITIONS");
    ck_assert_int_eq(rc, counts[_i].want < 0 ? -1 : 0);
    if (rc == 0)
        ck_assert_int_eq(n, counts[_i].want);
    else
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
}
END_TEST

#define BOTH_OFF "\"address-duplicate\":\"off\",\"user-endpoints\":\"off\""

static const struct {
    const char *validate;
    const char *env;
    const char *refused; /* what the message names; NULL: allowed */
} jobs[] = {
    {"{}", NULL, "address-duplicate"},
    {"{\"rules\":{\"preset\":\"basic\"}}", NULL, NULL},
    {"{\"rules\":{" BOTH_OFF "}}", NULL, NULL},
    {"{\"rules\":{\"address-duplicate\":\"off\"}}", NULL, "user-endpoints"},
    {"{\"rules\":{\"preset\":\"basic\",\"user-endpoints\":\"on\"}}", NULL,
     "user-endpoints"},
    {"{}", "basic", NULL},
    {"{\"rules\":{\"preset\":\"all\"}}", "basic", "address-duplicate"},
    {"{\"target\":\"customer-profiles\",\"rules\":{\"preset\":\"basic\"}}",
     NULL, "customer-profiles"},
};

START_TEST(allowed)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(pl_buf_addf(&text, &err, "{\"lakeseg\":1,\"validate\":%s}",
                                 jobs[_i].validate),
                     0);
    parse(&m, text.data);
    if (jobs[_i].env != NULL)
        ck_assert_int_eq(setenv("LAKESEG_RULES", jobs[_i].env, 1), 0);
    rc = pl_partitions_allowed(&m, &err);
    (void)unsetenv("LAKESEG_RULES");
    ck_assert_int_eq(rc, jobs[_i].refused != NULL ? -1 : 0);
    if (rc != 0) {
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        ck_assert_msg(strstr(err.msg, jobs[_i].refused) != NULL, "%s", err.msg);
    }
}
END_TEST

static const struct {
    const char *part;
    int64_t number; /* -2: ManifestInvalid */
} parts[] = {
    {"null", -1},
    {"{\"number\":3,\"work_uri\":\"s3://b/run/\"}", 3},
    {"{\"number\":100,\"work_uri\":\"s3://b/run/\"}", -2},
    {"{\"number\":3,\"work_uri\":\"s3://b/run\"}", -2},
    {"{\"number\":3}", -2},
    {"{\"work_uri\":\"s3://b/run/\"}", -2},
};

START_TEST(part)
{
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_part found;
    struct pl_err err = {0};
    int rc;

    ck_assert_int_eq(pl_buf_addf(&text, &err,
                                 "{\"lakeseg\":1,\"run\":{\"part\":%s}}",
                                 parts[_i].part),
                     0);
    parse(&m, text.data);
    rc = pl_part_get(&m, &found, &err);
    if (parts[_i].number == -2) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_MANIFEST_INVALID);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(found.number, parts[_i].number);
    if (found.number >= 0) {
        ck_assert_str_eq(found.work_uri, "s3://b/run/");
        ck_assert_int_eq(pl_part_file(&found, 7), 307);
    }
}
END_TEST

UNIT_MAIN("manifest.parts",
          tcase_add_loop_test(tc, count, 0, UNIT_COUNT(counts));
          tcase_add_loop_test(tc, allowed, 0, UNIT_COUNT(jobs));
          tcase_add_loop_test(tc, part, 0, UNIT_COUNT(parts));)
