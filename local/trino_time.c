#include "local/trino_time.h"

#include <ctype.h>
#include <string.h>

#include "pipeline/base/text.h"

#define DAY INT64_C(86400000000)
#define SECOND INT64_C(1000000)
#define YEAR_MAX 9999

static const char *const months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Monday",   "Tuesday", "Wednesday",
                                   "Thursday", "Friday",  "Saturday",
                                   "Sunday"};

struct time {
    int64_t year;
    int month; /* 1 to 12 */
    int day;
    int hour;
    int minute;
    int second;
    int micro;
    int weekday;    /* 0: Monday */
    int yearday;    /* 1 to 366 */
    int half;       /* parsing: 0 none, 1 AM, 2 PM */
    int64_t offset; /* parsing: of the zone, in microseconds */
};

/* Days since 1970 of a date in the Gregorian calendar, and back. */
static int64_t days_of(int64_t year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year =
        (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static void date_of(int64_t day, struct time *t)
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
    t->yearday = (int)(day - days_of(t->year, 1, 1) + 1);
}

static void time_of(int64_t micros, struct time *t)
{
    const int64_t day = (micros >= 0 ? micros : micros - DAY + 1) / DAY;
    const int64_t rest = micros - day * DAY;

    *t = (struct time){.half = 0};
    date_of(day, t);
    t->hour = (int)(rest / (3600 * SECOND));
    t->minute = (int)(rest / (60 * SECOND) % 60);
    t->second = (int)(rest / SECOND % 60);
    t->micro = (int)(rest % SECOND);
}

/* The ISO week and the year it belongs to. */
static int week_of(const struct time *t, int64_t *year)
{
    const int64_t day = days_of(t->year, t->month, t->day);
    const int64_t thursday = day - t->weekday + 3;
    struct time th;

    date_of(thursday, &th);
    *year = th.year;
    return (th.yearday - 1) / 7 + 1;
}

static int month_length(int64_t year, int month)
{
    return (int)(days_of(month == 12 ? year + 1 : year,
                         month == 12 ? 1 : month + 1, 1) -
                 days_of(year, month, 1));
}

/* One element of a format: MySQL's %x, a run of one of Joda's letters, or a
 * literal. */
struct element {
    char letter; /* '\0': the text */
    unsigned count;
    const char *text;
    size_t len;
};

static size_t joda_element(const char *f, size_t len, struct element *e)
{
    size_t n = 1;

    if (isalpha((unsigned char)f[0])) {
        while (n < len && f[n] == f[0])
            n++;
        *e = (struct element){f[0], (unsigned)n, NULL, 0};
        return n;
    }
    if (f[0] != '\'') {
        *e = (struct element){'\0', 0, f, 1};
        return 1;
    }
    if (len > 1 && f[1] == '\'') { /* two quotes are one */
        *e = (struct element){'\0', 0, f, 1};
        return 2;
    }
    while (n < len && f[n] != '\'')
        n++;
    /* of two quotes inside, the first is text and the second opens again */
    *e = (struct element){'\0', 0, f + 1,
                          n + 1 < len && f[n + 1] == '\'' ? n : n - 1};
    return n < len ? n + 1 : n;
}

static size_t next_element(enum local_time_form form, const char *f, size_t len,
                           struct element *e)
{
    if (form == LOCAL_TIME_JODA)
        return joda_element(f, len, e);
    if (f[0] != '%' || len < 2) {
        *e = (struct element){'\0', 0, f, 1};
        return 1;
    }
    *e = (struct element){f[1], 1, NULL, 0};
    if (strchr("abcdefHhIijklMmprSsTvWxYy", f[1]) == NULL)
        *e = (struct element){'\0', 0, f + 1, 1};
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

static int format_mysql(const struct time *t, char letter, struct pl_buf *out,
                        struct pl_err *err)
{
    const char *half = t->hour < 12 ? "AM" : "PM";
    int64_t year;
    const int week = week_of(t, &year);

    switch (letter) {
    case 'a':
        return pl_buf_addf(out, err, "%.3s", days[t->weekday]);
    case 'b':
        return pl_buf_addf(out, err, "%.3s", months[t->month - 1]);
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
        return pl_buf_adds(out, months[t->month - 1], err);
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
        return pl_buf_adds(out, days[t->weekday], err);
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

static int format_joda(const struct time *t, const struct element *e,
                       struct pl_buf *out, struct pl_err *err)
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
                     : add_name(out, months[t->month - 1], n == 3, err);
    case 'd':
        return add_number(out, n, t->day, err);
    case 'D':
        return add_number(out, n, t->yearday, err);
    case 'w':
        return add_number(out, n, week, err);
    case 'e':
        return add_number(out, n, t->weekday + 1, err);
    case 'E':
        return add_name(out, days[t->weekday], n < 4, err);
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
    struct time t;

    time_of(micros, &t);
    for (size_t at = 0; at < len;) {
        struct element e;
        int rc;

        at += next_element(form, format + at, len - at, &e);
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

struct reader {
    const char *at;
    const char *end;
};

/* At least one digit, at most max. */
static bool read_number(struct reader *r, unsigned max, int64_t *out)
{
    unsigned n = 0;

    *out = 0;
    while (n < max && r->at < r->end && isdigit((unsigned char)*r->at)) {
        *out = *out * 10 + (*r->at++ - '0');
        n++;
    }
    return n > 0;
}

static bool read_int(struct reader *r, unsigned max, int *out)
{
    int64_t n;
    const bool is_there = read_number(r, max, &n);

    *out = (int)n;
    return is_there;
}

/* As many microseconds as the digits say; those behind the sixth are lost. */
static bool read_fraction(struct reader *r, unsigned max, int *micro)
{
    unsigned n = 0;
    int scale = 100000;

    *micro = 0;
    for (; n < max && r->at < r->end && isdigit((unsigned char)*r->at); n++) {
        *micro += (*r->at++ - '0') * scale;
        scale /= 10;
    }
    return n > 0;
}

/* A whole name, or its first three letters. */
static bool read_name(struct reader *r, const char *const *names, size_t count,
                      int *out)
{
    const size_t left = (size_t)(r->end - r->at);

    for (size_t i = 0; i < count; i++) {
        const size_t len = strlen(names[i]);

        if (left < 3 || !pl_ieqn(r->at, 3, names[i], 3))
            continue;
        r->at += left >= len && pl_ieqn(r->at, len, names[i], len) ? len : 3;
        *out = (int)i;
        return true;
    }
    return false;
}

static bool read_half(struct reader *r, int *half)
{
    if (r->end - r->at < 2 ||
        (!pl_ieqn(r->at, 2, "AM", 2) && !pl_ieqn(r->at, 2, "PM", 2)))
        return false;
    *half = pl_ieqn(r->at, 2, "AM", 2) ? 1 : 2;
    r->at += 2;
    return true;
}

/* Z, UTC, GMT, +hhmm, +hh:mm */
static bool read_zone(struct reader *r, int64_t *offset)
{
    const size_t left = (size_t)(r->end - r->at);
    const bool is_west = left > 0 && *r->at == '-';
    int hours = 0;
    int minutes = 0;

    if (left >= 3 &&
        (pl_ieqn(r->at, 3, "UTC", 3) || pl_ieqn(r->at, 3, "GMT", 3))) {
        r->at += 3;
        return true;
    }
    if (left > 0 && (*r->at == 'Z' || *r->at == 'z')) {
        r->at++;
        return true;
    }
    if (left == 0 || (*r->at != '+' && !is_west))
        return false;
    r->at++;
    if (!read_int(r, 2, &hours))
        return false;
    r->at += r->at < r->end && *r->at == ':';
    if (!read_int(r, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (hours * 60 + minutes) * 60 * SECOND * (is_west ? -1 : 1);
    return true;
}

static bool read_two_digit_year(struct reader *r, int64_t *year)
{
    int64_t n;

    if (!read_number(r, 2, &n))
        return false;
    *year = n + (n < 70 ? 2000 : 1900);
    return true;
}

static bool read_clock(struct reader *r, struct time *t)
{
    return read_int(r, 2, &t->hour) && r->at < r->end && *r->at++ == ':' &&
           read_int(r, 2, &t->minute) && r->at < r->end && *r->at++ == ':' &&
           read_int(r, 2, &t->second);
}

static bool read_month_name(struct reader *r, int *month)
{
    int i;

    if (!read_name(r, months, 12, &i))
        return false;
    *month = i + 1;
    return true;
}

static bool parse_mysql(struct reader *r, char letter, struct time *t)
{
    switch (letter) {
    case 'a':
    case 'W':
        return read_name(r, days, 7, &t->weekday);
    case 'b':
    case 'M':
        return read_month_name(r, &t->month);
    case 'c':
    case 'm':
        return read_int(r, 2, &t->month);
    case 'd':
    case 'e':
        return read_int(r, 2, &t->day);
    case 'f':
        return read_fraction(r, 9, &t->micro);
    case 'H':
    case 'k':
    case 'h':
    case 'I':
    case 'l':
        return read_int(r, 2, &t->hour);
    case 'i':
        return read_int(r, 2, &t->minute);
    case 'j':
        return read_int(r, 3, &t->yearday);
    case 'p':
        return read_half(r, &t->half);
    case 'r':
        return read_clock(r, t) && r->at < r->end && *r->at++ == ' ' &&
               read_half(r, &t->half);
    case 'S':
    case 's':
        return read_int(r, 2, &t->second);
    case 'T':
        return read_clock(r, t);
    case 'Y':
        return read_number(r, 4, &t->year);
    case 'y':
        return read_two_digit_year(r, &t->year);
    default:
        return false;
    }
}

/* is_packed: digits follow at once, so that the letters tell how many. */
static bool parse_joda(struct reader *r, const struct element *e,
                       bool is_packed, struct time *t)
{
    const unsigned n = is_packed ? e->count : e->count < 2 ? 2 : e->count;

    switch (e->letter) {
    case 'y':
    case 'Y':
        return e->count == 2 ? read_two_digit_year(r, &t->year)
                             : read_number(r, is_packed ? n : 9, &t->year);
    case 'M':
        return e->count < 3 ? read_int(r, n, &t->month)
                            : read_month_name(r, &t->month);
    case 'd':
        return read_int(r, n, &t->day);
    case 'D':
        return read_int(r, is_packed ? n : 3, &t->yearday);
    case 'E':
        return read_name(r, days, 7, &t->weekday);
    case 'a':
        return read_half(r, &t->half);
    case 'H':
    case 'k':
    case 'h':
    case 'K':
        return read_int(r, n, &t->hour);
    case 'm':
        return read_int(r, n, &t->minute);
    case 's':
        return read_int(r, n, &t->second);
    case 'S':
        return read_fraction(r, is_packed ? n : 9, &t->micro);
    case 'z':
    case 'Z':
        return read_zone(r, &t->offset);
    default:
        return false;
    }
}

/* Whether the fields are those of a real time; what was left out is the start
 * of 1970. */
static bool to_micros(struct time *t, int64_t *micros)
{
    if (t->half != 0) {
        if (t->hour < 1 || t->hour > 12)
            return false;
        t->hour = t->hour % 12 + (t->half == 2 ? 12 : 0);
    }
    if (t->year < 1 || t->year > YEAR_MAX || t->month < 1 || t->month > 12 ||
        t->day < 1 || t->day > month_length(t->year, t->month) ||
        t->hour > 23 || t->minute > 59 || t->second > 59 || t->yearday > 366)
        return false;
    *micros = (t->yearday > 0 ? days_of(t->year, 1, 1) + t->yearday - 1
                              : days_of(t->year, t->month, t->day)) *
                  DAY +
              (t->hour * 3600 + t->minute * 60 + t->second) * SECOND +
              t->micro - t->offset;
    return true;
}

static bool is_digits_next(enum local_time_form form, const char *format,
                           size_t len)
{
    struct element e;

    if (len == 0 || form != LOCAL_TIME_JODA)
        return false;
    (void)next_element(form, format, len, &e);
    return e.letter != '\0' && strchr("yYdDHkhKmsS", e.letter) != NULL
               ? true
               : e.letter == 'M' && e.count < 3;
}

int local_time_parse(const char *text, size_t text_len,
                     enum local_time_form form, const char *format, size_t len,
                     int64_t *micros, struct pl_err *err)
{
    struct time t = {.year = 1970, .month = 1, .day = 1};
    struct reader r = {text, text + text_len};
    bool is_good = true;

    for (size_t at = 0; is_good && at < len;) {
        struct element e;

        at += next_element(form, format + at, len - at, &e);
        if (e.letter == '\0') {
            is_good = (size_t)(r.end - r.at) >= e.len &&
                      memcmp(r.at, e.text, e.len) == 0;
            r.at += is_good ? e.len : 0;
        } else if (form == LOCAL_TIME_MYSQL) {
            is_good = parse_mysql(&r, e.letter, &t);
        } else {
            is_good = parse_joda(
                &r, &e, is_digits_next(form, format + at, len - at), &t);
        }
    }
    if (!is_good || r.at != r.end || !to_micros(&t, micros))
        return pl_fail(err, PL_DATA_INVALID,
                       "the time does not have the format that is asked for");
    return 0;
}

static const struct {
    const char *name;
    int64_t micros; /* or: */
    int months;
} units[] = {
    {"millisecond", 1000, 0},
    {"second", SECOND, 0},
    {"minute", 60 * SECOND, 0},
    {"hour", 3600 * SECOND, 0},
    {"day", DAY, 0},
    {"week", 7 * DAY, 0},
    {"month", 0, 1},
    {"quarter", 0, 3},
    {"year", 0, 12},
};

static int64_t add_months(int64_t micros, int64_t n)
{
    const int64_t day = (micros >= 0 ? micros : micros - DAY + 1) / DAY;
    struct time t;
    int64_t month;
    int last;

    date_of(day, &t);
    month = t.year * 12 + t.month - 1 + n;
    t.year = (month >= 0 ? month : month - 11) / 12;
    t.month = (int)(month - t.year * 12 + 1);
    last = month_length(t.year, t.month);
    return days_of(t.year, t.month, t.day < last ? t.day : last) * DAY +
           (micros - day * DAY);
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
