/*
 * fetch.h - an S3 object into a file: ranges in parallel, in place, checked.
 *
 * The bytes go to "<path>.part", and "<path>.part.journal" says which ranges
 * are there with which checksum; a fetch that was killed goes on with those
 * that still have it. The file appears under its name when it is whole and
 * has the checksum that S3 stores (and the one expected). A mismatch is
 * fetched once more, then it is PL_DATA_INVALID. Memory: one receive buffer
 * (512 KiB) for each thread.
 */
#ifndef PL_STREAM_FETCH_H
#define PL_STREAM_FETCH_H

#include "pipeline/stream/transfer.h"
#include "pipeline/stream/uri.h"

struct pl_fetched {
    int64_t bytes;
    int64_t had; /* of them, here from an earlier try */
    uint64_t crc64nvme;
};

/* A file of the right length and checksum is left as it is. expected_crc64nvme
 * may be NULL. what names the work in the progress. */
int pl_fetch(const struct pl_uri *from, const char *path,
             const char *expected_crc64nvme, struct pl_aws *aws,
             const struct pl_transfer *t, const char *what,
             struct pl_fetched *fetched, struct pl_err *err) PL_MUST_CHECK;

#endif
