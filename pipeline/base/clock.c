#include "pipeline/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/process.h"

static int64_t real_ms(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t real_now_ms(void *ctx)
{
    (void)ctx;
    return real_ms(CLOCK_REALTIME);
}

static int64_t real_mono_ms(void *ctx)
{
    (void)ctx;
    return real_ms(CLOCK_MONOTONIC);
}

static int real_sleep_ms(void *ctx, int64_t ms, struct pl_err *err)
{
    (void)ctx;
    return pl_stop_wait_ms(ms) == 0 ? 0 : pl_stop_check(err);
}

const struct pl_clock pl_clock_real = {
    .now_ms = real_now_ms, .mono_ms = real_mono_ms, .sleep_ms = real_sleep_ms};

int64_t pl_now_ms(const struct pl_clock *clock)
{
    return clock->now_ms(clock->ctx);
}

int64_t pl_mono_ms(const struct pl_clock *clock)
{
    return clock->mono_ms(clock->ctx);
}

int pl_sleep_ms(const struct pl_clock *clock, int64_t ms, struct pl_err *err)
{
    return clock->sleep_ms(clock->ctx, ms, err);
}

static void format_time(int64_t unix_ms, const char *fmt, char out[PL_TIME_LEN])
{
    int64_t ms = unix_ms % 1000;
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm = {0};
    char year[16]; /* which strftime() does not fill up with zeros */
    char rest[20] = "";

    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(year, sizeof(year), "%04d", tm.tm_year + 1900);
    if (strcmp(fmt, "iso") == 0) {
        (void)strftime(rest, sizeof(rest), "-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(out, PL_TIME_LEN, "%.5s%.15s.%03dZ", year, rest,
                       (int)ms);
    } else {
        (void)strftime(rest, sizeof(rest), "%m%dT%H%M%SZ", &tm);
        (void)snprintf(out, PL_TIME_LEN, "%.5s%.12s", year, rest);
    }
}

void pl_time_iso(int64_t unix_ms, char out[PL_TIME_LEN])
{
    format_time(unix_ms, "iso", out);
}

void pl_time_basic(int64_t unix_ms, char out[PL_TIME_LEN])
{
    format_time(unix_ms, "basic", out);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    int64_t era;
    int64_t doy;
    int64_t yoe;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int to_unix_ms(const int f[6], int64_t ms, int64_t offset_s,
                      int64_t *unix_ms)
{
    if (f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > 31 || f[3] > 23 ||
        f[4] > 59 || f[5] > 60)
        return -1;
    *unix_ms = ((days_from_civil(f[0], f[1], f[2]) * 24 + f[3]) * 3600 +
                (int64_t)f[4] * 60 + f[5] - offset_s) *
                   1000 +
               ms;
    return 0;
}

/* Reads exactly n digits; -1 when they are not there. */
static int digits(const char **p, int n)
{
    int v = 0;

    while (n-- > 0) {
        if (**p < '0' || **p > '9')
            return -1;
        v = v * 10 + (*(*p)++ - '0');
    }
    return v;
}

static int read_offset(const char *p, int64_t *offset_s)
{
    const int sign = *p == '-' ? -1 : 1;
    int h;
    int m;

    *offset_s = 0;
    if (*p == 'Z' && p[1] == '\0')
        return 0;
    if (*p != '+' && *p != '-')
        return -1;
    p++;
    h = digits(&p, 2);
    if (h < 0)
        return -1;
    if (*p == ':')
        p++;
    m = digits(&p, 2);
    if (m < 0 || *p != '\0')
        return -1;
    *offset_s = sign * ((int64_t)h * 3600 + (int64_t)m * 60);
    return 0;
}

int pl_time_parse_iso(const char *text, int64_t *unix_ms)
{
    static const char after[6] = {'-', '-', 'T', ':', ':', '\0'};
    const char *p = text;
    int64_t offset_s = 0;
    int64_t ms = 0;
    int f[6];

    for (int i = 0; i < 6; i++) {
        f[i] = digits(&p, i == 0 ? 4 : 2);
        if (f[i] < 0 || (i < 5 && *p++ != after[i]))
            return -1;
    }
    if (*p == '.') {
        int scale = 100;

        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            ms += (int64_t)(*p - '0') * scale;
    }
    if (read_offset(p, &offset_s) != 0)
        return -1;
    return to_unix_ms(f, ms, offset_s, unix_ms);
}

int pl_time_parse_http(const char *text, int64_t *unix_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4] = "";
    const char *at;
    int f[6] = {0};
    int used = 0;

    /* "Mon, 23 Nov 2026 01:02:03 GMT": the form every server must send */
    if (strlen(text) > 40 ||
        sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n", &f[2], month, &f[0],
               &f[3], &f[4], &f[5], &used) != 6 ||
        used == 0 || f[0] < 1 || f[3] < 0 || f[4] < 0 || f[5] < 0)
        return -1;
    at = strstr(months, month);
    if (at == NULL || strlen(month) != 3 || (at - months) % 3 != 0)
        return -1;
    f[1] = (int)((at - months) / 3 + 1);
    return to_unix_ms(f, 0, 0, unix_ms);
}

static int64_t fake_now_ms(void *ctx)
{
    const struct pl_fake_clock *fake = ctx;

    return fake->now_ms;
}

static int fake_sleep_ms(void *ctx, int64_t ms, struct pl_err *err)
{
    struct pl_fake_clock *fake = ctx;

    fake->now_ms += ms;
    fake->slept_ms += ms;
    fake->sleeps++;
    return pl_stop_check(err);
}

struct pl_clock pl_fake_clock(struct pl_fake_clock *fake)
{
    return (struct pl_clock){.ctx = fake,
                             .now_ms = fake_now_ms,
                             .mono_ms = fake_now_ms,
                             .sleep_ms = fake_sleep_ms};
}
