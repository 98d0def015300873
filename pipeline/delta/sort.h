/*
 * sort.h - fingerprints that come in any order, handed out by id. They are
 * parted by the upper bits of their ids; parts go to a temporary file as they
 * fill, and are sorted one by one when they are read.
 *
 * Memory: 2 MiB of buffers, from the first fingerprint on; later one part, a
 * 256th of all, twice.
 */
#ifndef PL_DELTA_SORT_H
#define PL_DELTA_SORT_H

#include "pipeline/base/err.h"
#include "pipeline/delta/print.h"

#define PL_DELTA_PARTS 256

struct pl_delta_part;

struct pl_delta_sort {
    const char *temp_dir; /* NULL: TMPDIR or /tmp */
    struct pl_delta_part *parts;
    int fd; /* has_file */
    bool has_file;
    uint64_t file_bytes;
    uint64_t count;
    /* reading */
    size_t part;
    struct pl_delta_print *list; /* of the part, in order, and behind it room
                                    for as many */
    size_t cap;
    size_t used;
    size_t at;
};

int pl_delta_sort_add(struct pl_delta_sort *s, const struct pl_delta_print *p,
                      struct pl_err *err) PL_MUST_CHECK;
/* All are there: the next one, borrowed until the next call; NULL at the end
 * and on failure (*err then has a code). */
const struct pl_delta_print *pl_delta_sort_next(struct pl_delta_sort *s,
                                                struct pl_err *err);
void pl_delta_sort_release(struct pl_delta_sort *s);

#endif
