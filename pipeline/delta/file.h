/*
 * file.h - a file of fingerprints, sorted by id: what a run sent, or what the
 * service has when it is over. Little-endian, in zstd.
 *
 *   8    "lsprint1": the version is in it
 *   8    mark of the key (print.h)
 *   8    hash of what rows mean: the target and its columns
 *   8    how many fingerprints
 *   blocks of at most 4,096 fingerprints:
 *     4    how many
 *     8 * n   of each id its distance from the one before, as 8 planes: all
 *             lowest bytes, then all second ones, ... of which the upper ones
 *             are zeros that compress
 *     16 * n  the hashes of the rows
 *   4    0: no more blocks
 *   8    CRC-64/NVME of all before
 *
 * Ids never descend. A file is hostile until its last byte was seen: then it
 * is PL_DATA_INVALID or what it was when it was written.
 */
#ifndef PL_DELTA_FILE_H
#define PL_DELTA_FILE_H

#include "pipeline/base/buf.h"
#include "pipeline/base/io.h"
#include "pipeline/delta/print.h"

#define PL_DELTA_BLOCK 4096
#define PL_DELTA_ROWS_MAX (UINT64_C(1) << 36)

struct pl_delta_head {
    uint64_t key_mark;
    uint64_t meaning;
    uint64_t count;
};

/* The text of the file, not compressed yet. */
struct pl_delta_file_writer {
    const struct pl_sink *out; /* borrowed */
    struct pl_delta_print block[PL_DELTA_BLOCK];
    size_t used;
    uint64_t last;
    uint64_t left; /* of the count that was announced */
    uint64_t crc;
    struct pl_buf text;
};
int pl_delta_write_open(struct pl_delta_file_writer *w,
                        const struct pl_sink *out,
                        const struct pl_delta_head *head,
                        struct pl_err *err) PL_MUST_CHECK;
/* In the order of ids. */
int pl_delta_write(struct pl_delta_file_writer *w,
                   const struct pl_delta_print *print,
                   struct pl_err *err) PL_MUST_CHECK;
/* PL_INTERNAL_ERROR unless there were as many as announced. */
int pl_delta_write_end(struct pl_delta_file_writer *w,
                       struct pl_err *err) PL_MUST_CHECK;
void pl_delta_write_release(struct pl_delta_file_writer *w);

struct pl_delta_file_reader {
    const struct pl_source *in; /* borrowed; of what is inside the zstd */
    struct pl_delta_head head;
    struct pl_delta_print block[PL_DELTA_BLOCK];
    size_t at;
    size_t used;
    uint64_t last;
    uint64_t left;
    uint64_t crc;
    bool is_end; /* and it is whole */
};
/* PL_DATA_INVALID for what is no such file. */
int pl_delta_read_open(struct pl_delta_file_reader *r,
                       const struct pl_source *in,
                       struct pl_err *err) PL_MUST_CHECK;
/* The next one, borrowed until the next call; NULL at the end, where the file
 * is known to be whole, and on failure (*err then has a code). */
const struct pl_delta_print *pl_delta_read(struct pl_delta_file_reader *r,
                                           struct pl_err *err);

#endif
