/*
 * retry.h - standard-mode retries (aws-facts 8.12), the one module for all
 * services: codes before statuses, a token bucket, capped exponential waits
 * with jitter, Retry-After, a total deadline. Clock and random source are
 * injected, so tests take no time.
 */
#ifndef PL_AWS_RETRY_H
#define PL_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct pl_retry {
    int max_attempts;    /* AWS_MAX_ATTEMPTS; default 3, 1: no retry */
    int64_t base_ms;     /* LAKESEG_RETRY_BASE_MS (1 to 20000; less only for
                            tests and the demo); default 1000 */
    int tokens;          /* bucket: 500 at first */
    int64_t deadline_ms; /* for all attempts of a call; 0: none */
    void *random_ctx;
    double (*random)(void *ctx); /* 0 <= x < 1 */
};

enum pl_retry_kind {
    PL_RETRY_NONE,
    PL_RETRY_TRANSIENT,
    PL_RETRY_THROTTLE,
    PL_RETRY_TIMEOUT /* no answer in time: costs twice the tokens */
};

/* By the service's code first, then the status (0: a connection fault). */
enum pl_retry_kind pl_retry_classify(int status, const char *code);

/* max_attempts from AWS_MAX_ATTEMPTS, jitter from the system's generator. */
void pl_retry_init(struct pl_retry *retry);
/* Whether attempt number attempt (1 = first) may be followed by another; takes
 * tokens and gives the wait, at most 20 s. retry_after_ms: the service's wish,
 * or -1. */
bool pl_retry_next(struct pl_retry *retry, enum pl_retry_kind kind, int attempt,
                   int64_t retry_after_ms, int64_t *wait_ms);
/* After a success: gives back what the last retry took, or one token when
 * there was none. last: of the attempt before; attempts: how many it took. */
void pl_retry_success(struct pl_retry *retry, enum pl_retry_kind last,
                      int attempts);

#endif
