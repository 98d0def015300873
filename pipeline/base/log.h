/*
 * log.h - what a program says on standard error: text on a terminal, else one
 * JSON object a line ({"time","level","stage","run","message"}).
 *
 * No secrets, no row contents; query text at debug level only. Errors are
 * logged once, by main.
 */
#ifndef PL_BASE_LOG_H
#define PL_BASE_LOG_H

#include <stdint.h>

#include "pipeline/base/attr.h"

enum pl_log_level { PL_LOG_ERROR, PL_LOG_WARN, PL_LOG_INFO, PL_LOG_DEBUG };

/* name is kept, not copied. The level comes from LAKESEG_LOG (error, warn,
 * info, debug; default info). */
void pl_log_init(const char *name);
void pl_log_set_run(const char *run_id); /* copied, cut at 63 bytes */
void pl_log_set_level(enum pl_log_level level);
const char *pl_log_name(void);

void pl_error(const char *fmt, ...) PL_PRINTF(1, 2);
void pl_warn(const char *fmt, ...) PL_PRINTF(1, 2);
void pl_info(const char *fmt, ...) PL_PRINTF(1, 2);
void pl_debug(const char *fmt, ...) PL_PRINTF(1, 2);

/* Progress of long work, from one thread: a bar on a terminal; elsewhere every
 * 10 s (LAKESEG_PROGRESS_SECONDS) a line with a member "progress": done, total
 * and seconds_left (-1 unknown), unit, per_second. total 0: unknown. unit:
 * "bytes", "rows". what: one address for one piece of work. With
 * LAKESEG_PROGRESS=json, for a supervisor that draws, five times a second. */
void pl_progress(const char *what, uint64_t done, uint64_t total,
                 const char *unit);
/* How many rows the next pl_progress() stands for, where its unit is another. */
void pl_progress_rows(uint64_t rows);
/* The work is over: clears the line on a terminal. */
void pl_progress_end(void);

#endif
