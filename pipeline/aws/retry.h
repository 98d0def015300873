/*
 * retry.h - standard-mode retries (sources 8.12), the one module for all
 * services: codes before statuses, a token bucket, capped exponential waits
 * with jitter, what the service wishes, a total deadline. Clock and random
 * source are injected, so tests take no time.
 *
 * The AWS SDKs have two generations of this; the newer one is asked for with
 * AWS_NEW_RETRIES_2026=true, as there.
 */
#ifndef PL_AWS_RETRY_H
#define PL_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct pl_retry {
    int max_attempts;    /* AWS_MAX_ATTEMPTS; default 3, 1: no retry */
    int64_t base_ms;     /* LAKESEG_RETRY_BASE_MS (1 to 20000; less only for
                            tests and the demo); default 1000 */
    bool is_2026;        /* AWS_NEW_RETRIES_2026 */
    int tokens;          /* bucket: 500 at first */
    int64_t deadline_ms; /* LAKESEG_RETRY_DEADLINE_MS: for all attempts of a
                            call; 0: none */
    void *random_ctx;
    double (*random)(void *ctx); /* 0 <= x < 1 */
};

enum pl_retry_kind {
    PL_RETRY_NONE,
    PL_RETRY_TRANSIENT,
    PL_RETRY_THROTTLE,
    PL_RETRY_TIMEOUT /* no answer in time: costs twice the tokens */
};

/* What the service wishes, in milliseconds; -1: nothing. */
struct pl_retry_hint {
    int64_t after_ms; /* Retry-After: the wait is at least this, if <= 20 s */
    int64_t amz_ms;   /* x-amz-retry-after: at least this, but no more than
                         5 s above the wait that we would choose */
};
#define PL_RETRY_NO_HINT ((struct pl_retry_hint){-1, -1})

/* By the service's code first, then the status (0: a connection fault). */
enum pl_retry_kind pl_retry_classify(int status, const char *code);

/* The defaults, with what LAKESEG_RETRY_* and AWS_NEW_RETRIES_2026 say; jitter
 * from the system's generator. */
void pl_retry_init(struct pl_retry *retry);
/* max_attempts and mode as AWS_MAX_ATTEMPTS and AWS_RETRY_MODE word them, "" or
 * NULL: the default. The modes legacy and adaptive are taken for standard;
 * anything else is PL_CONFIG_INVALID. */
int pl_retry_configure(struct pl_retry *retry, const char *max_attempts,
                       const char *mode, struct pl_err *err) PL_MUST_CHECK;
/* Whether attempt number attempt (1 = first) may be followed by another; takes
 * tokens and gives the wait. */
bool pl_retry_next(struct pl_retry *retry, enum pl_retry_kind kind, int attempt,
                   struct pl_retry_hint hint, int64_t *wait_ms);
/* After a success: gives back what the last retry took, or one token when
 * there was none. last: of the attempt before; attempts: how many it took. */
void pl_retry_success(struct pl_retry *retry, enum pl_retry_kind last,
                      int attempts);

#endif
