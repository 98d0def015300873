/* Rules of faults as text, and which request they hit. */
#include "local/faults.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *text;
    struct local_fault want;
} good[] = {
    {"s3.GetObject=error:503:SlowDown",
     {"s3", "GetObject", LOCAL_FAULT_ERROR, "SlowDown", "", 503, 0, 0, 0, 1, 1,
      false}},
    {"s3.*=error:500",
     {"s3", "*", LOCAL_FAULT_ERROR, "InternalError", "", 500, 0, 0, 0, 1, 1,
      false}},
    {"s3.GetObject=cut:1000,count=2",
     {"s3", "GetObject", LOCAL_FAULT_CUT, "InternalError", "", 500, 0, 1000, 0,
      2, 1, false}},
    {"s3.GetObject=cut",
     {"s3", "GetObject", LOCAL_FAULT_CUT, "InternalError", "", 500, 0,
      LOCAL_FAULT_HALF, 0, 1, 1, false}},
    {"sns.Publish=lost,skip=3,count=0",
     {"sns", "Publish", LOCAL_FAULT_LOST, "InternalError", "", 500, 0, 0, 3, 0,
      1, true}},
    {"athena.GetQueryExecution=delay:250,probability=0.5",
     {"athena", "GetQueryExecution", LOCAL_FAULT_DELAY, "InternalError", "",
      500, 250, 0, 0, 1, 0.5, true}},
    {"sts.*=truncate:0,probability=0.25,count=4",
     {"sts", "*", LOCAL_FAULT_TRUNCATE, "InternalError", "", 500, 0, 0, 0, 4,
      0.25, false}},
    {"s3.GetObject=short:7",
     {"s3", "GetObject", LOCAL_FAULT_SHORT, "InternalError", "", 500, 0, 7, 0,
      1, 1, false}},
    {"s3.GetObject=corrupt:8",
     {"s3", "GetObject", LOCAL_FAULT_CORRUPT, "InternalError", "", 500, 0, 8, 0,
      1, 1, false}},
    {"s3.GetObject=slow:9",
     {"s3", "GetObject", LOCAL_FAULT_SLOW, "InternalError", "", 500, 0, 9, 0, 1,
      1, false}},
    {"s3.CompleteMultipartUpload=error200:SlowDown",
     {"s3", "CompleteMultipartUpload", LOCAL_FAULT_ERROR200, "SlowDown", "",
      500, 0, 0, 0, 1, 1, false}},
    {"pinpoint.ImportJob=outcome:FAILED",
     {"pinpoint", "ImportJob", LOCAL_FAULT_OUTCOME, "InternalError", "FAILED",
      500, 0, 0, 0, 1, 1, false}},
};

START_TEST(good_rules)
{
    const struct local_fault *want = &good[_i].want;
    struct local_fault f;
    struct pl_err err = {0};

    ck_assert_msg(
        local_fault_parse(good[_i].text, strlen(good[_i].text), &f, &err) == 0,
        "%s: %s", good[_i].text, err.msg);
    ck_assert_str_eq(f.service, want->service);
    ck_assert_str_eq(f.operation, want->operation);
    ck_assert_int_eq(f.kind, want->kind);
    ck_assert_str_eq(f.code, want->code);
    ck_assert_str_eq(f.outcome, want->outcome);
    ck_assert_int_eq(f.status, want->status);
    ck_assert_int_eq(f.delay_ms, want->delay_ms);
    ck_assert_uint_eq(f.bytes, want->bytes);
    ck_assert_uint_eq(f.skip, want->skip);
    ck_assert_uint_eq(f.count, want->count);
    ck_assert(f.probability <= want->probability &&
              f.probability >= want->probability);
    ck_assert_int_eq(f.is_endless, want->is_endless);
}
END_TEST

static const char *const bad[] = {
    "",
    "s3",
    "s3=cut",
    ".GetObject=cut",
    "s3.=cut",
    "s3.GetObject",
    "s3.GetObject=",
    "s3.GetObject=nothing",
    "s3.GetObject=cut:",
    "s3.GetObject=cut:-1",
    "s3.GetObject=cut:1x",
    "s3.GetObject=cut:1:2",
    "s3.GetObject=lost:1",
    "s3.GetObject=error",
    "s3.GetObject=error:200",
    "s3.GetObject=error:600",
    "s3.GetObject=error:503:",
    "s3.GetObject=delay",
    "s3.GetObject=delay:1000001",
    "s3.GetObject=slow",
    "s3.GetObject=slow:0",
    "s3.GetObject=cut,count",
    "s3.GetObject=cut,count=",
    "s3.GetObject=cut,count=x",
    "s3.GetObject=cut,often=1",
    "s3.GetObject=cut,probability=0",
    "s3.GetObject=cut,probability=1.5",
    "s3.GetObject=cut,probability=nan",
    "s3.GetObject=cut,probability=",
    "s3.GetObject=cut,",
    "athousandservicesinonename.X=cut",
    "s3.AnOperationWithANameThatIsLongerThanAnyServiceEverHad=cut",
};

START_TEST(bad_rules)
{
    struct local_fault f = {.count = 77};
    struct pl_err err = {0};

    ck_assert_msg(local_fault_parse(bad[_i], strlen(bad[_i]), &f, &err) == -1,
                  "%s", bad[_i]);
    ck_assert_int_eq(err.code, PL_USAGE_INVALID);
    ck_assert_uint_eq(f.count, 77); /* untouched */
}
END_TEST

static void hits(const char *rules, const char *operation, const char *want)
{
    struct local_faults faults;
    struct local_fault f;
    struct pl_err err = {0};

    local_faults_init(&faults);
    ck_assert_msg(local_faults_add_text(&faults, rules, &err) == 0, "%s",
                  err.msg);
    for (const char *p = want; *p != '\0'; p++) {
        const bool hit = local_faults_take(&faults, "s3", operation, &f);

        ck_assert_msg(hit ? f.code[0] == *p : *p == '.', "%s: %s at %d", rules,
                      want, (int)(p - want));
    }
    local_faults_release(&faults);
}

START_TEST(which_request_is_hit)
{
    hits("s3.A=error:500:x", "A", "x..");
    hits("s3.B=error:500:x;sns.A=error:500:x", "A", "...");
    hits("s3.A=error:500:x;s3.*=error:500:y,count=2;", "A", "xyy.");
    hits("s3.A=error:500:x,skip=2;s3.A=error:500:y,skip=1", "A", ".yx.");
    hits("s3.A=error:500:x,count=0,skip=1", "A", ".xxxxx");
    hits("s3.*=error:500:x,count=0", "ImportJob", "...");
    hits("s3.*=outcome:FAILED", "A", "...");
}
END_TEST

START_TEST(probability_repeats)
{
    struct local_faults faults;
    struct local_fault f;
    struct pl_err err = {0};
    unsigned found[2] = {0, 0};

    for (int run = 0; run < 2; run++) {
        local_faults_init(&faults);
        ck_assert_int_eq(
            local_faults_add_text(&faults, "s3.*=lost,probability=0.1", &err),
            0);
        for (int i = 0; i < 10000; i++)
            found[run] += local_faults_take(&faults, "s3", "A", &f);
        local_faults_release(&faults);
    }
    ck_assert_uint_gt(found[0], 900);
    ck_assert_uint_lt(found[0], 1100);
    ck_assert_uint_eq(found[0], found[1]);
}
END_TEST

START_TEST(a_list_with_a_bad_rule_is_refused)
{
    struct local_faults faults;
    struct pl_err err = {0};

    local_faults_init(&faults);
    ck_assert_int_eq(local_faults_add_text(&faults, "s3.*=lost;s3", &err), -1);
    ck_assert_int_eq(err.code, PL_USAGE_INVALID);
    local_faults_release(&faults);
}
END_TEST

UNIT_MAIN("faults", tcase_add_loop_test(tc, good_rules, 0, UNIT_COUNT(good));
          tcase_add_loop_test(tc, bad_rules, 0, UNIT_COUNT(bad));
          tcase_add_test(tc, which_request_is_hit);
          tcase_add_test(tc, probability_repeats);
          tcase_add_test(tc, a_list_with_a_bad_rule_is_refused);)
