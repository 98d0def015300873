#include "pipeline/aws/retry.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define BUCKET 500
#define BASE_MS 1000
#define BASE_2026_MS 50 /* but for throttling */
#define WAIT_MAX_MS 20000
#define WISH_MAX_MS 5000 /* of x-amz-retry-after, above our own wait */
#define DEADLINE_MAX_MS INT64_C(86400000)
#define ATTEMPTS_DEFAULT 3
#define ATTEMPTS_MAX 100

enum pl_retry_kind pl_retry_classify(int status, const char *code)
{
    static const char *const throttle[] = {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException"};
    static const char *const transient[] = {
        "RequestTimeout", "RequestTimeoutException", "InternalError",
        "IDPCommunicationError"};

    if (code != NULL && pl_is_one_of(code, throttle, PL_COUNT(throttle)))
        return PL_RETRY_THROTTLE;
    if (code != NULL && pl_is_one_of(code, transient, PL_COUNT(transient)))
        return PL_RETRY_TRANSIENT;
    if (status == 429)
        return PL_RETRY_THROTTLE;
    if (status == 0 || status == 408 || status == 500 || status == 502 ||
        status == 503 || status == 504)
        return PL_RETRY_TRANSIENT;
    return PL_RETRY_NONE;
}

static double system_random(void *ctx)
{
    struct pl_err ignored = {0};
    uint32_t bits = 0;

    (void)ctx;
    if (pl_random(&bits, sizeof(bits), &ignored) != 0)
        return 0.5;
    return (double)bits / 4294967296.0;
}

static int64_t env_number(const char *name, int64_t fallback, int64_t most)
{
    const char *text = getenv(name);
    uint64_t v = 0;

    if (text == NULL || pl_parse_u64(text, &v) != 0 || v < 1)
        return fallback;
    return v > (uint64_t)most ? most : (int64_t)v;
}

void pl_retry_init(struct pl_retry *retry)
{
    const char *is_2026 = pl_env("AWS_NEW_RETRIES_2026");

    memset(retry, 0, sizeof(*retry));
    retry->max_attempts = ATTEMPTS_DEFAULT;
    retry->base_ms = env_number("LAKESEG_RETRY_BASE_MS", BASE_MS, WAIT_MAX_MS);
    retry->deadline_ms =
        env_number("LAKESEG_RETRY_DEADLINE_MS", 0, DEADLINE_MAX_MS);
    retry->is_2026 = is_2026 != NULL && pl_ieq(is_2026, "true");
    retry->tokens = BUCKET;
    retry->random = system_random;
}

int pl_retry_configure(struct pl_retry *retry, const char *max_attempts,
                       const char *mode, struct pl_err *err)
{
    static const char *const others[] = {"legacy", "adaptive"};
    uint64_t attempts = 0;

    if (mode != NULL && pl_is_one_of(mode, others, PL_COUNT(others)))
        pl_debug("retry mode '%s' is taken for standard", mode);
    else if (mode != NULL && *mode != '\0' && strcmp(mode, "standard") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_RETRY_MODE (or retry_mode) '%s' is none of "
                       "standard, adaptive, legacy",
                       mode);
    if (max_attempts == NULL || *max_attempts == '\0')
        return 0;
    if (pl_parse_u64(max_attempts, &attempts) != 0 || attempts < 1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_MAX_ATTEMPTS (or max_attempts) '%s' must be a "
                       "number, 1 or more",
                       max_attempts);
    retry->max_attempts =
        attempts < ATTEMPTS_MAX ? (int)attempts : ATTEMPTS_MAX;
    return 0;
}

static int cost_of(const struct pl_retry *retry, enum pl_retry_kind kind)
{
    if (retry->is_2026)
        return kind == PL_RETRY_THROTTLE ? 5 : 14;
    return kind == PL_RETRY_TIMEOUT ? 10 : 5;
}

/* The longest that we would wait before jitter. */
static int64_t most_ms(const struct pl_retry *retry, enum pl_retry_kind kind,
                       int attempt)
{
    int64_t most = retry->base_ms;

    if (retry->is_2026 && kind != PL_RETRY_THROTTLE && most > BASE_2026_MS)
        most = BASE_2026_MS;
    for (int i = 1; i < attempt && most < WAIT_MAX_MS; i++)
        most *= 2;
    return most < WAIT_MAX_MS ? most : WAIT_MAX_MS;
}

bool pl_retry_next(struct pl_retry *retry, enum pl_retry_kind kind, int attempt,
                   struct pl_retry_hint hint, int64_t *wait_ms)
{
    int64_t own_ms;

    if (kind == PL_RETRY_NONE || attempt >= retry->max_attempts ||
        retry->tokens < cost_of(retry, kind))
        return false;
    retry->tokens -= cost_of(retry, kind);
    own_ms = (int64_t)(retry->random(retry->random_ctx) *
                       (double)most_ms(retry, kind, attempt));
    *wait_ms = own_ms;
    if (hint.amz_ms > own_ms)
        *wait_ms = hint.amz_ms < own_ms + WISH_MAX_MS ? hint.amz_ms
                                                      : own_ms + WISH_MAX_MS;
    else if (hint.amz_ms < 0 && hint.after_ms > own_ms)
        *wait_ms = hint.after_ms < WAIT_MAX_MS ? hint.after_ms : WAIT_MAX_MS;
    return true;
}

void pl_retry_success(struct pl_retry *retry, enum pl_retry_kind last,
                      int attempts)
{
    retry->tokens +=
        attempts > 1 && last != PL_RETRY_NONE ? cost_of(retry, last) : 1;
    if (retry->tokens > BUCKET)
        retry->tokens = BUCKET;
}
