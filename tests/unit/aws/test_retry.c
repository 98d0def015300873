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
    int64_t retry_after_ms;
    int64_t wait_ms;
} waits[] = {
    {1, 0.5, -1, 500},    {2, 0.5, -1, 1000},        {3, 0.5, -1, 2000},
    {5, 0.5, -1, 8000},   {6, 0.5, -1, 10000}, /* 32 s becomes 20 s */
    {90, 0.5, -1, 10000}, {1, 0.0, -1, 0},           {1, 0.5, 0, 500},
    {1, 0.5, 300, 500}, /* sooner than ours */
    {1, 0.5, 7000, 7000}, {1, 0.5, 86400000, 20000},
};

START_TEST(wait_table)
{
    struct pl_retry retry = {
        .max_attempts = 100, .base_ms = 1000, .tokens = 500, .random = given};
    int64_t wait_ms = -1;

    next_random = waits[_i].random;
    ck_assert(pl_retry_next(&retry, PL_RETRY_TRANSIENT, waits[_i].attempt,
                            waits[_i].retry_after_ms, &wait_ms));
    ck_assert_int_eq((int)wait_ms, (int)waits[_i].wait_ms);
    ck_assert_int_eq(retry.tokens, 495);
}
END_TEST

START_TEST(attempts_are_counted)
{
    struct pl_retry retry = {
        .max_attempts = 3, .base_ms = 1, .tokens = 500, .random = given};
    int64_t wait_ms = 0;

    ck_assert(pl_retry_next(&retry, PL_RETRY_THROTTLE, 1, -1, &wait_ms));
    ck_assert(pl_retry_next(&retry, PL_RETRY_THROTTLE, 2, -1, &wait_ms));
    ck_assert(!pl_retry_next(&retry, PL_RETRY_THROTTLE, 3, -1, &wait_ms));
    ck_assert(!pl_retry_next(&retry, PL_RETRY_NONE, 1, -1, &wait_ms));
    ck_assert_int_eq(retry.tokens, 490);
    retry.max_attempts = 1;
    ck_assert(!pl_retry_next(&retry, PL_RETRY_THROTTLE, 1, -1, &wait_ms));
}
END_TEST

START_TEST(the_bucket_empties_and_fills)
{
    struct pl_retry retry = {
        .max_attempts = 1000, .base_ms = 1, .tokens = 500, .random = given};
    int64_t wait_ms = 0;
    int count = 0;

    while (pl_retry_next(&retry, PL_RETRY_TIMEOUT, 1, -1, &wait_ms))
        count++;
    ck_assert_int_eq(count, 50); /* of 10 tokens */
    ck_assert(!pl_retry_next(&retry, PL_RETRY_TRANSIENT, 1, -1, &wait_ms));
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

static const struct {
    const char *attempts;
    const char *base;
    int max_attempts;
    int base_ms;
} settings[] = {
    {NULL, NULL, 3, 1000},
    {"7", "10", 7, 10},
    {"1", "1", 1, 1},
    {"0", "0", 3, 1000},
    {"x", "-5", 3, 1000},
    {"", "", 3, 1000},
    {"1000", "999999", 100, 20000},
};

static void set(const char *name, const char *value)
{
    if (value != NULL)
        (void)setenv(name, value, 1);
    else
        (void)unsetenv(name);
}

START_TEST(settings_from_the_environment)
{
    struct pl_retry retry;
    double x;

    set("AWS_MAX_ATTEMPTS", settings[_i].attempts);
    set("LAKESEG_RETRY_BASE_MS", settings[_i].base);
    pl_retry_init(&retry);
    ck_assert_int_eq(retry.max_attempts, settings[_i].max_attempts);
    ck_assert_int_eq((int)retry.base_ms, settings[_i].base_ms);
    ck_assert_int_eq(retry.tokens, 500);
    x = retry.random(retry.random_ctx);
    ck_assert(x >= 0.0 && x < 1.0);
}
END_TEST

UNIT_MAIN("retry", tcase_add_loop_test(tc, kind_table, 0, UNIT_COUNT(kinds));
          tcase_add_loop_test(tc, wait_table, 0, UNIT_COUNT(waits));
          tcase_add_test(tc, attempts_are_counted);
          tcase_add_test(tc, the_bucket_empties_and_fills);
          tcase_add_loop_test(tc, settings_from_the_environment, 0,
                              UNIT_COUNT(settings));)
