/*
 * trino_time.h - times in formats that a query computes: MySQL's, which
 * date_format and date_parse take, and Joda's, which format_datetime and
 * parse_datetime take; calendar arithmetic. Pure. Times are microseconds since
 * 1970, UTC.
 */
#ifndef LOCAL_TRINO_TIME_H
#define LOCAL_TRINO_TIME_H

#include <stdint.h>

#include "pipeline/base/buf.h"

enum local_time_form { LOCAL_TIME_MYSQL, LOCAL_TIME_JODA };

/* PL_DATA_INVALID: a letter that is not supported, a text that does not fit. */
int local_time_format(int64_t micros, enum local_time_form form,
                      const char *format, size_t len, struct pl_buf *out,
                      struct pl_err *err) PL_MUST_CHECK;
int local_time_parse(const char *text, size_t text_len,
                     enum local_time_form form, const char *format, size_t len,
                     int64_t *micros, struct pl_err *err) PL_MUST_CHECK;
/* 'day', 'month' ...: months keep the day or take the last there is. */
int local_time_add(const char *unit, size_t len, int64_t n, int64_t *micros,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
