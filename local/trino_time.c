#include "local/trino_time_impl.h"

#include <ctype.h>
#include <string.h>

#include "pipeline/base/text.h"

const char *const local_months[12] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
const char *const local_days[7] = {"Monday",   "Tuesday", "Wednesday",
                                   "Thursday", "Friday",  "Saturday",
                                   "Sunday"};

int64_t local_days_of(int64_t year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static void date_of(int64_t day, struct local_time *t)
{
    const int64_t z = day + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t of_era = z - era * 146097;
    const int64_t y =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    const int64_t m = (5 * of_year + 2) / 153;

    t->day = (int)(of_year - (153 * m + 2) / 5 + 1);
    t->month = (int)(m < 10 ? m + 3 : m - 9);
    t->year = y + era * 400 + (t->month <= 2);
    t->weekday = (int)(((day + 3) % 7 + 7) % 7);
    t->yearday = (int)(day - local_days_of(t->year, 1, 1) + 1);
}

static void time_of(int64_t micros, struct local_time *t)
{
    const int64_t day =
        (micros >= 0 ? micros : micros - LOCAL_DAY + 1) / LOCAL_DAY;
    const int64_t rest = micros - day * LOCAL_DAY;

    *t = (struct local_time){.half = 0};
    date_of(day, t);
    t->hour = (int)(rest / (3600 * LOCAL_SECOND));
    t->minute = (int)(rest / (60 * LOCAL_SECOND) % 60);
    t->second = (int)(rest / LOCAL_SECOND % 60);
    t->micro = (int)(rest % LOCAL_SECOND);
}

/* The ISO week and the year it belongs to. */
static int week_of(const struct local_time *t, int64_t *year)
{
    const int64_t day = local_days_of(t->year, t->month, t->day);
    const int64_t thursday = day - t->weekday + 3;
    struct local_time th;

    date_of(thursday, &th);
    *year = th.year;
    return (th.yearday - 1) / 7 + 1;
}

int local_month_length(int64_t year, int month)
{
    return (int)(local_days_of(month == 12 ? year + 1 : year,
                               month == 12 ? 1 : month + 1, 1) -
                 local_days_of(year, month, 1));
}

static size_t joda_element(const char *f, size_t len, struct local_element *e)
{
    size_t n = 1;

    if (isalpha((unsigned char)f[0])) {
        while (n < len && f[n] == f[0])
            n++;
        *e = (struct local_element){f[0], (unsigned)n, NULL, 0};
        return n;
    }
    if (f[0] != '\'') {
        *e = (struct local_element){'\0', 0, f, 1};
        return 1;
    }
    if (len > 1 && f[1] == '\'') { /* two quotes are one */
        *e = (struct local_element){'\0', 0, f, 1};
        return 2;
    }
    while (n < len && f[n] != '\'')
        n++;
    /* of two quotes inside, the first is text and the second opens again */
    *e = (struct local_element){'\0', 0, f + 1,
                                n + 1 < len && f[n + 1] == '\'' ? n : n - 1};
    return n < len ? n + 1 : n;
}

size_t local_next_element(enum local_time_form form, const char *f, size_t len,
                          struct local_element *e)
{
    if (form == LOCAL_TIME_JODA)
        return joda_element(f, len, e);
    if (f[0] != '%' || len < 2) {
        *e = (struct local_element){'\0', 0, f, 1};
        return 1;
    }
    *e = (struct local_element){f[1], 1, NULL, 0};
    if (f[1] == '\0' || strchr("abcdefHhIijklMmprSsTvWxYy", f[1]) == NULL)
        *e = (struct local_element){'\0', 0, f + 1, 1};
    return 2;
}

static int unknown(char letter, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "the format letter '%c' is not known",
                   letter);
}

/* 1 to 12 of an hour. */
static int twelve(int hour)
{
    return hour % 12 == 0 ? 12 : hour % 12;
}

static int format_mysql(const struct local_time *t, char letter,
                        struct pl_buf *out, struct pl_err *err)
{
    const char *half = t->hour < 12 ? "AM" : "PM";
    int64_t year;
    const int week = week_of(t, &year);

    switch (letter) {
    case 'a':
        return pl_buf_addf(out, err, "%.3s", local_days[t->weekday]);
    case 'b':
        return pl_buf_addf(out, err, "%.3s", local_months[t->month - 1]);
    case 'c':
        return pl_buf_addf(out, err, "%d", t->month);
    case 'd':
        return pl_buf_addf(out, err, "%02d", t->day);
    case 'e':
        return pl_buf_addf(out, err, "%d", t->day);
    case 'f':
        return pl_buf_addf(out, err, "%06d", t->micro);
    case 'H':
        return pl_buf_addf(out, err, "%02d", t->hour);
    case 'h':
    case 'I':
        return pl_buf_addf(out, err, "%02d", twelve(t->hour));
    case 'i':
        return pl_buf_addf(out, err, "%02d", t->minute);
    case 'j':
        return pl_buf_addf(out, err, "%03d", t->yearday);
    case 'k':
        return pl_buf_addf(out, err, "%d", t->hour);
    case 'l':
        return pl_buf_addf(out, err, "%d", twelve(t->hour));
    case 'M':
        return pl_buf_adds(out, local_months[t->month - 1], err);
    case 'm':
        return pl_buf_addf(out, err, "%02d", t->month);
    case 'p':
        return pl_buf_adds(out, half, err);
    case 'r':
        return pl_buf_addf(out, err, "%02d:%02d:%02d %s", twelve(t->hour),
                           t->minute, t->second, half);
    case 'S':
    case 's':
        return pl_buf_addf(out, err, "%02d", t->second);
    case 'T':
        return pl_buf_addf(out, err, "%02d:%02d:%02d", t->hour, t->minute,
                           t->second);
    case 'v':
        return pl_buf_addf(out, err, "%02d", week);
    case 'W':
        return pl_buf_adds(out, local_days[t->weekday], err);
    case 'x':
        return pl_buf_addf(out, err, "%04lld", (long long)year);
    case 'Y':
        return pl_buf_addf(out, err, "%04lld", (long long)t->year);
    case 'y':
        return pl_buf_addf(out, err, "%02d", (int)(t->year % 100));
    default:
        return unknown(letter, err);
    }
}

static int add_number(struct pl_buf *out, unsigned width, int64_t n,
                      struct pl_err *err)
{
    return pl_buf_addf(out, err, "%0*lld", width < 20 ? (int)width : 20,
                       (long long)n);
}

/* A fraction has as many digits as letters. */
static int add_fraction(struct pl_buf *out, unsigned count, int micro,
                        struct pl_err *err)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%06d000000000000", micro);
    return pl_buf_add(out, digits, count < 18 ? count : 18, err);
}

static int add_name(struct pl_buf *out, const char *name, bool is_short,
                    struct pl_err *err)
{
    return pl_buf_add(out, name, is_short ? 3 : strlen(name), err);
}

static int format_joda(const struct local_time *t,
                       const struct local_element *e, struct pl_buf *out,
                       struct pl_err *err)
{
    const unsigned n = e->count;
    int64_t year;
    const int week = week_of(t, &year);

    switch (e->letter) {
    case 'y':
    case 'Y':
        return n == 2 ? add_number(out, 2, t->year % 100, err)
                      : add_number(out, n, t->year, err);
    case 'x':
        return n == 2 ? add_number(out, 2, year % 100, err)
                      : add_number(out, n, year, err);
    case 'M':
        return n < 3 ? add_number(out, n, t->month, err)
                     : add_name(out, local_months[t->month - 1], n == 3, err);
    case 'd':
        return add_number(out, n, t->day, err);
    case 'D':
        return add_number(out, n, t->yearday, err);
    case 'w':
        return add_number(out, n, week, err);
    case 'e':
        return add_number(out, n, t->weekday + 1, err);
    case 'E':
        return add_name(out, local_days[t->weekday], n < 4, err);
    case 'a':
        return pl_buf_adds(out, t->hour < 12 ? "AM" : "PM", err);
    case 'H':
        return add_number(out, n, t->hour, err);
    case 'k':
        return add_number(out, n, t->hour == 0 ? 24 : t->hour, err);
    case 'h':
        return add_number(out, n, twelve(t->hour), err);
    case 'K':
        return add_number(out, n, t->hour % 12, err);
    case 'm':
        return add_number(out, n, t->minute, err);
    case 's':
        return add_number(out, n, t->second, err);
    case 'S':
        return add_fraction(out, n, t->micro, err);
    case 'z':
        return pl_buf_adds(out, "UTC", err);
    case 'Z':
        return pl_buf_adds(out,
                           n == 1   ? "+0000"
                           : n == 2 ? "+00:00"
                                    : "UTC",
                           err);
    default:
        return unknown(e->letter, err);
    }
}

int local_time_format(int64_t micros, enum local_time_form form,
                      const char *format, size_t len, struct pl_buf *out,
                      struct pl_err *err)
{
    struct local_time t;

    time_of(micros, &t);
    for (size_t at = 0; at < len;) {
        struct local_element e;
        int rc;

        at += local_next_element(form, format + at, len - at, &e);
        if (e.letter == '\0')
            rc = pl_buf_add(out, e.text, e.len, err);
        else if (form == LOCAL_TIME_MYSQL)
            rc = format_mysql(&t, e.letter, out, err);
        else
            rc = format_joda(&t, &e, out, err);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static const struct {
    const char *name;
    int64_t micros; /* or: */
    int months;
} units[] = {
    {"millisecond", 1000, 0},
    {"second", LOCAL_SECOND, 0},
    {"minute", 60 * LOCAL_SECOND, 0},
    {"hour", 3600 * LOCAL_SECOND, 0},
    {"day", LOCAL_DAY, 0},
    {"week", 7 * LOCAL_DAY, 0},
    {"month", 0, 1},
    {"quarter", 0, 3},
    {"year", 0, 12},
};

static int64_t add_months(int64_t micros, int64_t n)
{
    const int64_t day =
        (micros >= 0 ? micros : micros - LOCAL_DAY + 1) / LOCAL_DAY;
    struct local_time t;
    int64_t month;
    int last;

    date_of(day, &t);
    month = t.year * 12 + t.month - 1 + n;
    t.year = (month >= 0 ? month : month - 11) / 12;
    t.month = (int)(month - t.year * 12 + 1);
    last = local_month_length(t.year, t.month);
    return local_days_of(t.year, t.month, t.day < last ? t.day : last) *
               LOCAL_DAY +
           (micros - day * LOCAL_DAY);
}

int local_time_add(const char *unit, size_t len, int64_t n, int64_t *micros,
                   struct pl_err *err)
{
    int64_t step;
    int64_t sum;

    for (size_t i = 0; i < PL_COUNT(units); i++) {
        if (!pl_ieqn(unit, len, units[i].name, strlen(units[i].name)))
            continue;
        if (units[i].months > 0) {
            if (n < -120000 || n > 120000)
                break;
            *micros = add_months(*micros, n * units[i].months);
            return 0;
        }
        if (__builtin_mul_overflow(n, units[i].micros, &step) ||
            __builtin_add_overflow(*micros, step, &sum))
            break;
        *micros = sum;
        return 0;
    }
    return pl_fail(err, PL_DATA_INVALID,
                   "no such unit, or a time that is out of range");
}
