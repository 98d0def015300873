/*
 * process.h - the life of a program: signals, the request to stop, the end.
 *
 * A stage that still waits for its standard input ignores INT and TERM, so
 * that Ctrl-C in a pipe still ends in a message; pl_process_listen() is called
 * once the input is there. From then on the first INT or TERM asks for a clean
 * end: waits and transfers fail with PL_INTERRUPTED, and the code that stops a
 * query or gives back an upload runs between pl_stop_hold() and
 * pl_stop_unhold(), where the request is not seen for PL_STOP_HOLD_MS: then
 * there is just time to say what was not done before KILL comes (30 s after
 * TERM on Fargate).
 */
#ifndef PL_BASE_PROCESS_H
#define PL_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

#define PL_STOP_HOLD_MS 20000

/* Ignores SIGPIPE, INT and TERM, opens the log. Call it first. */
void pl_process_init(const char *name);
/* From here on INT and TERM ask the process to stop. */
void pl_process_listen(void);
/* Whether a stop was asked for and is not held back. Async-signal-safe. */
bool pl_stop_requested(void);
/* How many INT and TERM came since: the second one of a person means "at
 * once". */
int pl_stop_count(void);
void pl_stop_hold(void);
void pl_stop_unhold(void);
/* For a program that is given more time than a stage, in place of
 * PL_STOP_HOLD_MS. */
void pl_stop_set_hold_ms(int64_t ms);
/* How long ago INT or TERM came, held back or not; -1: none came. */
int64_t pl_stop_age_ms(void);
/* Fails with PL_INTERRUPTED if a stop was asked for, else returns 0. */
int pl_stop_check(struct pl_err *err) PL_MUST_CHECK;
/* Waits until the time is over (0) or a stop is asked for (-1, silently). */
int pl_stop_wait_ms(int64_t ms) PL_MUST_CHECK;
/* Logs err once and returns the exit status. */
int pl_process_exit(const struct pl_err *err);
/* Flushes standard output; a full disk shows up here. */
int pl_stdout_close(struct pl_err *err) PL_MUST_CHECK;

#endif
