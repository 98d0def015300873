/*
 * text_value.h - values as Athena writes them into its CSV (sources 3.6).
 * Pure functions, free of DuckDB.
 */
#ifndef LOCAL_TEXT_VALUE_H
#define LOCAL_TEXT_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

/* As Java prints it: 1.5, 1.0E10, NaN, Infinity. */
void local_text_double(double value, char out[40]);
void local_text_float(float value, char out[40]);
/* A 128-bit integer with scale digits behind the point. */
void local_text_decimal(int64_t upper, uint64_t lower, unsigned scale,
                        char out[48]);
/* Days since 1970: "2026-11-23". */
void local_text_date(int32_t days, char out[40]);
/* Microseconds since midnight: "01:02:03.004". */
void local_text_time(int64_t micros, char out[40]);
/* Microseconds since 1970: "2026-11-23 01:02:03.004". */
void local_text_timestamp(int64_t micros, char out[40]);
/* Months, or days and microseconds: "1-2", "3 04:05:06.007". */
void local_text_interval(int32_t months, int32_t days, int64_t micros,
                         char out[64]);
/* Byte pairs with blanks: "31 32". */
int local_text_binary(struct pl_buf *out, const char *data, size_t len,
                      struct pl_err *err) PL_MUST_CHECK;
/* Appends a quoted field, inner quotes doubled. */
int local_text_field(struct pl_buf *out, const char *data, size_t len,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
