#include "stages/lakeseg_report/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"

void words_count(int64_t count, char out[WORDS_LEN])
{
    char digits[24];
    size_t len;
    size_t n = 0;

    if (count < 0) {
        (void)snprintf(out, WORDS_LEN, "?");
        return;
    }
    len = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count);
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
}

void words_bytes(int64_t bytes, char out[WORDS_LEN])
{
    static const char *const units[] = {"B",  "kB", "MB", "GB",
                                        "TB", "PB", "EB"};
    double value = (double)bytes;
    unsigned unit = 0;

    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
        value /= 1000;
        unit++;
    }
    if (bytes < 0)
        (void)snprintf(out, WORDS_LEN, "?");
    else
        (void)snprintf(out, WORDS_LEN, "%.*f %s",
                       unit > 0 && value < 99.95 ? 1 : 0, value, units[unit]);
}

void words_duration(int64_t ms, char out[WORDS_LEN])
{
    const int64_t s = (ms + 500) / 1000;

    if (ms < 0)
        (void)snprintf(out, WORDS_LEN, "?");
    else if (ms < 1000)
        (void)snprintf(out, WORDS_LEN, "%" PRId64 " ms", ms);
    else if (ms < 59950)
        (void)snprintf(out, WORDS_LEN, "%.1f s", (double)ms / 1000);
    else if (s < 3600)
        (void)snprintf(out, WORDS_LEN, "%" PRId64 " min %" PRId64 " s", s / 60,
                       s % 60);
    else
        (void)snprintf(out, WORDS_LEN, "%" PRId64 " h %" PRId64 " min",
                       s / 3600, s % 3600 / 60);
}

void words_percent(int64_t part, int64_t whole, char out[WORDS_LEN])
{
    const double percent = whole > 0 ? (double)part * 100 / (double)whole : 0;

    if (whole <= 0 || part < 0)
        (void)snprintf(out, WORDS_LEN, "-");
    else if (part > 0 && percent < 0.1)
        (void)snprintf(out, WORDS_LEN, "< 0.1 %%");
    else if (part < whole && percent > 99.9)
        (void)snprintf(out, WORDS_LEN, "> 99.9 %%");
    else if (part == 0 || part == whole)
        (void)snprintf(out, WORDS_LEN, "%.0f %%", percent);
    else
        (void)snprintf(out, WORDS_LEN, "%.1f %%", percent);
}

void words_cost(double cost, char out[WORDS_LEN])
{
    int places = 2;
    size_t len;

    if (cost > 0 && cost < 0.1)
        places = (int)ceil(-log10(cost)) + 1;
    (void)snprintf(out, WORDS_LEN, "%.*f", places < 12 ? places : 12, cost);
    for (len = strlen(out); places > 2 && out[len - 1] == '0'; places--)
        out[--len] = '\0';
}

void words_time(int64_t unix_ms, char out[WORDS_LEN])
{
    char iso[PL_TIME_LEN];

    pl_time_iso(unix_ms, iso);
    (void)snprintf(out, WORDS_LEN, "%.10s %.8s UTC", iso,
                   strlen(iso) > 18 ? iso + 11 : "");
}
