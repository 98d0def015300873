#include "local/trino_time_impl.h"

#include <ctype.h>
#include <string.h>

#include "pipeline/base/text.h"

#define YEAR_MAX 9999

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
    *offset = ((int64_t)hours * 60 + minutes) * 60 * LOCAL_SECOND *
              (is_west ? -1 : 1);
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

static bool read_clock(struct reader *r, struct local_time *t)
{
    return read_int(r, 2, &t->hour) && r->at < r->end && *r->at++ == ':' &&
           read_int(r, 2, &t->minute) && r->at < r->end && *r->at++ == ':' &&
           read_int(r, 2, &t->second);
}

static bool read_month_name(struct reader *r, int *month)
{
    int i;

    if (!read_name(r, local_months, 12, &i))
        return false;
    *month = i + 1;
    return true;
}

static bool parse_mysql(struct reader *r, char letter, struct local_time *t)
{
    switch (letter) {
    case 'a':
    case 'W':
        return read_name(r, local_days, 7, &t->weekday);
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
static bool parse_joda(struct reader *r, const struct local_element *e,
                       bool is_packed, struct local_time *t)
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
        return read_name(r, local_days, 7, &t->weekday);
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
static bool to_micros(struct local_time *t, int64_t *micros)
{
    if (t->half != 0) {
        if (t->hour < 1 || t->hour > 12)
            return false;
        t->hour = t->hour % 12 + (t->half == 2 ? 12 : 0);
    }
    if (t->year < 1 || t->year > YEAR_MAX || t->month < 1 || t->month > 12 ||
        t->day < 1 || t->day > local_month_length(t->year, t->month) ||
        t->hour > 23 || t->minute > 59 || t->second > 59 || t->yearday > 366)
        return false;
    *micros = (t->yearday > 0 ? local_days_of(t->year, 1, 1) + t->yearday - 1
                              : local_days_of(t->year, t->month, t->day)) *
                  LOCAL_DAY +
              (t->hour * 3600 + t->minute * 60 + t->second) * LOCAL_SECOND +
              t->micro - t->offset;
    return true;
}

static bool is_digits_next(enum local_time_form form, const char *format,
                           size_t len)
{
    struct local_element e;

    if (len == 0 || form != LOCAL_TIME_JODA)
        return false;
    (void)local_next_element(form, format, len, &e);
    return e.letter != '\0' && strchr("yYdDHkhKmsS", e.letter) != NULL
               ? true
               : e.letter == 'M' && e.count < 3;
}

int local_time_parse(const char *text, size_t text_len,
                     enum local_time_form form, const char *format, size_t len,
                     int64_t *micros, struct pl_err *err)
{
    struct local_time t = {.year = 1970, .month = 1, .day = 1};
    struct reader r = {text, text + text_len};
    bool is_good = true;

    for (size_t at = 0; is_good && at < len;) {
        struct local_element e;

        at += local_next_element(form, format + at, len - at, &e);
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
