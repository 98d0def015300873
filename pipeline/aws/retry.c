#include "pipeline/aws/retry.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define BUCKET 500
#define COST 5
#define COST_TIMEOUT 10
#define BASE_MS 1000
#define WAIT_MAX_MS 20000
#define ATTEMPTS_DEFAULT 3
#define ATTEMPTS_MAX 100

static bool is_one_of(const char *code, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(code, list[i]) == 0)
            return true;
    return false;
}

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

    if (code != NULL && is_one_of(code, throttle, PL_COUNT(throttle)))
        return PL_RETRY_THROTTLE;
    if (code != NULL && is_one_of(code, transient, PL_COUNT(transient)))
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
    memset(retry, 0, sizeof(*retry));
    retry->max_attempts =
        (int)env_number("AWS_MAX_ATTEMPTS", ATTEMPTS_DEFAULT, ATTEMPTS_MAX);
    retry->base_ms = env_number("LAKESEG_RETRY_BASE_MS", BASE_MS, WAIT_MAX_MS);
    retry->tokens = BUCKET;
    retry->random = system_random;
}

static int cost_of(enum pl_retry_kind kind)
{
    return kind == PL_RETRY_TIMEOUT ? COST_TIMEOUT : COST;
}

bool pl_retry_next(struct pl_retry *retry, enum pl_retry_kind kind, int attempt,
                   int64_t retry_after_ms, int64_t *wait_ms)
{
    int64_t most = retry->base_ms;

    if (kind == PL_RETRY_NONE || attempt >= retry->max_attempts ||
        retry->tokens < cost_of(kind))
        return false;
    retry->tokens -= cost_of(kind);
    for (int i = 1; i < attempt && most < WAIT_MAX_MS; i++)
        most *= 2;
    if (most > WAIT_MAX_MS)
        most = WAIT_MAX_MS;
    *wait_ms = (int64_t)(retry->random(retry->random_ctx) * (double)most);
    if (retry_after_ms > *wait_ms)
        *wait_ms = retry_after_ms < WAIT_MAX_MS ? retry_after_ms : WAIT_MAX_MS;
    return true;
}

void pl_retry_success(struct pl_retry *retry, enum pl_retry_kind last,
                      int attempts)
{
    retry->tokens += attempts > 1 && last != PL_RETRY_NONE ? cost_of(last) : 1;
    if (retry->tokens > BUCKET)
        retry->tokens = BUCKET;
}
