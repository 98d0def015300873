/*
 * words.h - numbers as people read them, the same in page and terminal.
 */
#ifndef LAKESEG_REPORT_WORDS_H
#define LAKESEG_REPORT_WORDS_H

#include <stdint.h>

#define WORDS_LEN 48 /* room for any text below, with its NUL */

/* "1,234,567"; "?" below 0: unknown */
void words_count(int64_t count, char out[WORDS_LEN]);
/* "12.3 GB", decimal as the bills are */
void words_bytes(int64_t bytes, char out[WORDS_LEN]);
/* "340 ms", "4.2 s", "1 min 12 s", "2 h 5 min" */
void words_duration(int64_t ms, char out[WORDS_LEN]);
/* "12.3 %"; "< 0.1 %" of something never reads as nothing, nor "> 99.9 %" as
 * all. "-" where whole is 0. */
void words_percent(int64_t part, int64_t whole, char out[WORDS_LEN]);
/* "0.0234": as many places as it takes to see something */
void words_cost(double cost, char out[WORDS_LEN]);
/* "2026-11-23 01:02:03 UTC" */
void words_time(int64_t unix_ms, char out[WORDS_LEN]);

#endif
