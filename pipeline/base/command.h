/*
 * command.h - another program's output: run without a shell, within a time
 * and a size.
 *
 * Standard input is empty, so that the program cannot eat a manifest that
 * waits there. It leads a process group of its own, which is killed as a whole
 * when the time is over, the output too long, or a stop is asked for.
 */
#ifndef PL_BASE_COMMAND_H
#define PL_BASE_COMMAND_H

#include <stdint.h>

#include "pipeline/base/buf.h"

#define PL_COMMAND_WORDS_MAX 64

/* Words owned as one block; argv ends with NULL. */
struct pl_words {
    char *text;
    char *argv[PL_COMMAND_WORDS_MAX + 1];
    size_t count;
};
void pl_words_release(struct pl_words *words);
/* Splits a line as a POSIX shell splits words: blanks, single and double
 * quotes, backslashes; nothing is expanded. PL_CONFIG_INVALID on an open
 * quote, no word at all, or too many. */
int pl_words_split(const char *line, struct pl_words *words,
                   struct pl_err *err) PL_MUST_CHECK;

/*
 * Runs argv[0] (looked for in PATH) to its end. out and errors take what it
 * writes, each up to its buffer's maximum: more on out is an error, more on
 * errors is dropped. *status is the exit status, 128 + the signal for one that
 * was killed. Fails with PL_CONFIG_INVALID when there is no such program or
 * it takes longer than timeout_ms, PL_INTERRUPTED, PL_HOST_ERROR.
 */
int pl_command_run(const struct pl_words *words, int64_t timeout_ms,
                   struct pl_buf *out, struct pl_buf *errors, int *status,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
