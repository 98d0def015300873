/*
 * journal.h - a small file beside a transfer's local file that says how far it
 * came, so that a transfer which died goes on where it was.
 *
 * Its first line says what is moved; it counts only when that is the same.
 * Each later line is written whole, by one call; a torn last one is no line.
 * The program that writes it holds a lock on it.
 */
#ifndef PL_STREAM_JOURNAL_H
#define PL_STREAM_JOURNAL_H

#include <stdbool.h>

#include "pipeline/base/buf.h"

struct pl_journal {
    int fd;              /* -1: there is none, and nothing is kept */
    struct pl_buf path;  /* "" when there is none */
    struct pl_buf lines; /* of the earlier try, each with its line end */
};

/*
 * Opens path and reads it; what an other head began is dropped, and *is_other
 * says so, with its lines in lines. A file that cannot be made is no error:
 * there is no journal then. PL_FILE_ERROR when another process has it.
 */
int pl_journal_open(struct pl_journal *journal, const char *path,
                    const char *head, bool *is_other,
                    struct pl_err *err) PL_MUST_CHECK;
/* line: with its line end. */
int pl_journal_add(struct pl_journal *journal, const char *line,
                   struct pl_err *err) PL_MUST_CHECK;
/* Empties it but for the head. */
int pl_journal_restart(struct pl_journal *journal, const char *head,
                       struct pl_err *err) PL_MUST_CHECK;
/* Removes the file: the transfer is over. */
void pl_journal_remove(struct pl_journal *journal);
void pl_journal_release(struct pl_journal *journal);

#endif
