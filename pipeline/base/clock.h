/*
 * clock.h - time, injected so that tests take none; ISO 8601 text of it.
 */
#ifndef PL_BASE_CLOCK_H
#define PL_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct pl_clock {
    void *ctx;
    int64_t (*now_ms)(void *ctx);  /* Unix time, milliseconds */
    int64_t (*mono_ms)(void *ctx); /* never goes back; for durations */
    /* Waits; fails with PL_INTERRUPTED when the process is asked to stop. */
    int (*sleep_ms)(void *ctx, int64_t ms, struct pl_err *err);
};

/* The machine's own clock. */
extern const struct pl_clock pl_clock_real;

int64_t pl_now_ms(const struct pl_clock *clock);
int64_t pl_mono_ms(const struct pl_clock *clock);
int pl_sleep_ms(const struct pl_clock *clock, int64_t ms,
                struct pl_err *err) PL_MUST_CHECK;

#define PL_TIME_LEN 32 /* room for any text below, with its NUL */

/* "2026-11-23T01:02:03.004Z" */
void pl_time_iso(int64_t unix_ms, char out[PL_TIME_LEN]);
/* "20261123T010203Z", the form of x-amz-date. */
void pl_time_basic(int64_t unix_ms, char out[PL_TIME_LEN]);
/* Reads "2026-11-23T01:02:03[.fff](Z|+hh:mm)"; returns -1 when it is none. */
int pl_time_parse_iso(const char *text, int64_t *unix_ms) PL_MUST_CHECK;
/* Reads an HTTP date, "Mon, 23 Nov 2026 01:02:03 GMT". */
int pl_time_parse_http(const char *text, int64_t *unix_ms) PL_MUST_CHECK;

/* A clock for tests: time moves only by sleeping. Zeroed, it starts at 0. */
struct pl_fake_clock {
    int64_t now_ms;
    int64_t slept_ms; /* sum of all waits */
    unsigned sleeps;  /* count of waits */
};
struct pl_clock pl_fake_clock(struct pl_fake_clock *fake);

#endif
