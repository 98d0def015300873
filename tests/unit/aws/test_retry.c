#include "tests/unit/unit.h"

#include "pipeline/aws/retry.h"

static double next_random;

static double given(void *ctx)
{
    (void)ctx;
    return next_random;
}

static const struct {
    int status;
    const char *code;
    enum pl_retry_kind kind;
} kinds[] = {
    {400, "Throttling", PL_RETRY_THROTTLE},
    {400, "ThrottlingException", PL_RETRY_THROTTLE},
    {400, "TooManyRequestsException", PL_RETRY_THROTTLE},
    {503, "SlowDown", PL_RETRY_THROTTLE}, /* the code before the status */
    {429, "", PL_RETRY_THROTTLE},
    {429, NULL, PL_RETRY_THROTTLE},
    {400, "RequestTimeout", PL_RETRY_TRANSIENT},
    {400, "IDPCommunicationError", PL_RETRY_TRANSIENT},
    {200, "InternalError", PL_RETRY_TRANSIENT},
    {0, NULL, PL_RETRY_TRANSIENT},
    {408, NULL, PL_RETRY_TRANSIENT},
    {500, "", PL_RETRY_TRANSIENT},
    {502, "Unknown", PL_RETRY_TRANSIENT},
    {503, "", PL_RETRY_TRANSIENT},
    {504, "", PL_RETRY_TRANSIENT},
    {501, "NotImplemented", PL_RETRY_NONE},
    {400, "InvalidRequestException", PL_RETRY_NONE},
    {403, "ExpiredToken", PL_RETRY_NONE},
    {404, "", PL_RETRY_NONE},
    {412, "PreconditionFailed", PL_RETRY_NONE},
};

START_TEST(kind_table)
{
    ck_assert_int_eq(pl_retry_classify(kinds[_i].status, kinds[_i].code),
                     kinds[_i].kind);
}
END_TEST

static const struct {
    int attempt;
    double random;
    int64_t after_ms; /* Retry-After */
    int64_t amz_ms;   /* x-amz-retry-after */
    int64_t wait_ms;
} waits[] = {
    {1, 0.5, -1, -1, 500},        {2, 0.5, -1, -1, 1000},
    {3, 0.5, -1, -1, 2000},       {5, 0.5, -1, -1, 8000},
    {6, 0.5, -1, -1, 10000}, /* 32 s becomes 20 s */
    {90, 0.5, -1, -1, 10000},     {1, 0.0, -1, -1, 0},
    {1, 0.5, 0, -1, 500},         {1, 0.5, 300, -1, 500}, /* sooner than ours */
    {1, 0.5, 7000, -1, 7000},     {1, 0.5, 86400000, -1, 20000},
    {1, 0.5, -1, 300, 500},       {1, 0.5, -1, 1234, 1234},
    {1, 0.5, -1, 86400000, 5500}, /* no more than 5 s above ours */
    {1, 0.5, 7000, 600, 600},     /* x-amz-retry-after is the closer word */
};

START_TEST(wait_table)
{
    struct pl_retry retry = {
        .max_attempts = 100, .base_ms = 1000, .tokens = 500, .random = given};
    int64_t wait_ms = -1;

    next_random = waits[_i].random;
    ck_assert(pl_retry_next(
        &retry, PL_RETRY_TRANSIENT, waits[_i].attempt,
        (struct pl_retry_hint){waits[_i].after_ms, waits[_i].amz_ms},
        &wait_ms));
    ck_assert_int_eq((int)wait_ms, (int)waits[_i].wait_ms);
    ck_assert_int_eq(retry.tokens, 495);
}
END_TEST

START_TEST(attempts_are_counted)
{
    struct pl_retry retry = {
        .max_attempts = 3, .base_ms = 1, .tokens = 500, .random = given};
    int64_t wait_ms = 0;

    ck_assert(pl_retry_next(&retry, PL_RETRY_THROTTLE, 1, PL_RETRY_NO_HINT,
                            &wait_ms));
    ck_assert(pl_retry_next(&retry, PL_RETRY_THROTTLE, 2, PL_RETRY_NO_HINT,
                            &wait_ms));
    ck_assert(!pl_retry_next(&retry, PL_RETRY_THROTTLE, 3, PL_RETRY_NO_HINT,
                             &wait_ms));
    ck_assert(
        !pl_retry_next(&retry, PL_RETRY_NONE, 1, PL_RETRY_NO_HINT, &wait_ms));
    ck_assert_int_eq(retry.tokens, 490);
    retry.max_attempts = 1;
    ck_assert(!pl_retry_next(&retry, PL_RETRY_THROTTLE, 1, PL_RETRY_NO_HINT,
                             &wait_ms));
}
END_TEST

START_TEST(the_bucket_empties_and_fills)
{
    struct pl_retry retry = {
        .max_attempts = 1000, .base_ms = 1, .tokens = 500, .random = given};
    int64_t wait_ms = 0;
    int count = 0;

    while (
        pl_retry_next(&retry, PL_RETRY_TIMEOUT, 1, PL_RETRY_NO_HINT, &wait_ms))
        count++;
    ck_assert_int_eq(count, 50); /* of 10 tokens */
    ck_assert(!pl_retry_next(&retry, PL_RETRY_TRANSIENT, 1, PL_RETRY_NO_HINT,
                             &wait_ms));
    pl_retry_success(&retry, PL_RETRY_TIMEOUT, 2);
    ck_assert_int_eq(retry.tokens, 10);
    pl_retry_success(&retry, PL_RETRY_THROTTLE, 2);
    ck_assert_int_eq(retry.tokens, 15);
    pl_retry_success(&retry, PL_RETRY_NONE, 1);
    ck_assert_int_eq(retry.tokens, 16);
    retry.tokens = 500;
    pl_retry_success(&retry, PL_RETRY_NONE, 1);
    ck_assert_int_eq(retry.tokens, 500); /* never more */
}
END_TEST

/* The newer generation: other costs, short waits unless throttled. */
START_TEST(retries_of_2026)
{
    struct pl_retry retry = {.max_attempts = 9,
                             .base_ms = 1000,
                             .is_2026 = true,
                             .tokens = 500,
                             .random = given};
    int64_t wait_ms = 0;

    next_random = 1.0;
    ck_assert(pl_retry_next(&retry, PL_RETRY_TRANSIENT, 1, PL_RETRY_NO_HINT,
                            &wait_ms));
    ck_assert_int_eq((int)wait_ms, 50);
    ck_assert_int_eq(retry.tokens, 486);
    ck_assert(
        pl_retry_next(&retry, PL_RETRY_TIMEOUT, 3, PL_RETRY_NO_HINT, &wait_ms));
    ck_assert_int_eq((int)wait_ms, 200);
    ck_assert_int_eq(retry.tokens, 472);
    ck_assert(pl_retry_next(&retry, PL_RETRY_THROTTLE, 2, PL_RETRY_NO_HINT,
                            &wait_ms));
    ck_assert_int_eq((int)wait_ms, 2000);
    ck_assert_int_eq(retry.tokens, 467);
    pl_retry_success(&retry, PL_RETRY_TRANSIENT, 2);
    ck_assert_int_eq(retry.tokens, 481);
}
END_TEST

static const struct {
    const char *attempts;
    const char *mode;
    int max_attempts; /* 0: refused */
} settings[] = {
    {NULL, NULL, 3},
    {"", "", 3},
    {"7", "standard", 7},
    {"1", "adaptive", 1},
    {"1000", "legacy", 100},
    {"0", "", 0},
    {"x", "", 0},
    {"-1", "", 0},
    {"3", "sometimes", 0},
};

START_TEST(settings_table)
{
    struct pl_retry retry;
    struct pl_err err = {0};
    double x;
    int rc;

    pl_retry_init(&retry);
    rc = pl_retry_configure(&retry, settings[_i].attempts, settings[_i].mode,
                            &err);
    if (settings[_i].max_attempts == 0) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        ck_assert_int_eq(retry.max_attempts, 3);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(retry.max_attempts, settings[_i].max_attempts);
    ck_assert_int_eq(retry.tokens, 500);
    x = retry.random(retry.random_ctx);
    ck_assert(x >= 0.0 && x < 1.0);
}
END_TEST

static const struct {
    const char *value;
    int base_ms;
    int deadline_ms;
} variables[] = {{NULL, 1000, 0},
                 {"10", 10, 10},
                 {"0", 1000, 0},
                 {"x", 1000, 0},
                 {"999999", 20000, 999999}};

START_TEST(variables_table)
{
    struct pl_retry retry;

    if (variables[_i].value != NULL) {
        (void)setenv("LAKESEG_RETRY_BASE_MS", variables[_i].value, 1);
        (void)setenv("LAKESEG_RETRY_DEADLINE_MS", variables[_i].value, 1);
        (void)setenv("AWS_NEW_RETRIES_2026", "true", 1);
    }
    pl_retry_init(&retry);
    ck_assert_int_eq((int)retry.base_ms, variables[_i].base_ms);
    ck_assert_int_eq((int)retry.deadline_ms, variables[_i].deadline_ms);
    ck_assert(retry.is_2026 == (variables[_i].value != NULL));
    (void)unsetenv("LAKESEG_RETRY_BASE_MS");
    (void)unsetenv("LAKESEG_RETRY_DEADLINE_MS");
    (void)unsetenv("AWS_NEW_RETRIES_2026");
}
END_TEST

UNIT_MAIN("retry", tcase_add_loop_test(tc, kind_table, 0, UNIT_COUNT(kinds));
          tcase_add_loop_test(tc, wait_table, 0, UNIT_COUNT(waits));
          tcase_add_test(tc, attempts_are_counted);
          tcase_add_test(tc, the_bucket_empties_and_fills);
          tcase_add_test(tc, retries_of_2026);
          tcase_add_loop_test(tc, settings_table, 0, UNIT_COUNT(settings));
          tcase_add_loop_test(tc, variables_table, 0, UNIT_COUNT(variables));)
