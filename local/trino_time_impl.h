/*
 * trino_time_impl.h - what the two halves of trino_time.h share.
 */
#ifndef LOCAL_TRINO_TIME_IMPL_H
#define LOCAL_TRINO_TIME_IMPL_H

#include "local/trino_time.h"

#define LOCAL_DAY INT64_C(86400000000)
#define LOCAL_SECOND INT64_C(1000000)

extern const char *const local_months[12];
extern const char *const local_days[7]; /* from Monday on */

struct local_time {
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

/* Days since 1970 of a date in the Gregorian calendar. */
int64_t local_days_of(int64_t year, int month, int day);
int local_month_length(int64_t year, int month);

/* One element of a format: MySQL's %x, a run of one of Joda's letters, or a
 * literal. */
struct local_element {
    char letter; /* '\0': the text */
    unsigned count;
    const char *text;
    size_t len;
};

/* Reads one at the start of what is left of a format, at least one byte long;
 * returns the bytes that it takes. */
size_t local_next_element(enum local_time_form form, const char *format,
                          size_t len, struct local_element *element);

#endif
