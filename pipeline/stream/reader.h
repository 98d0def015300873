/*
 * reader.h - the bytes of a file or of an S3 object, in order.
 *
 * An object is read in ranges of 4 MiB pinned by its ETag, several at once, so
 * that a broken connection costs no more than the rest of a range and two
 * versions never mix. Memory: the ranges, at most 16 MiB by default.
 */
#ifndef PL_STREAM_READER_H
#define PL_STREAM_READER_H

#include "pipeline/aws/s3.h"
#include "pipeline/base/io.h"
#include "pipeline/stream/checksum.h"
#include "pipeline/stream/crew.h"
#include "pipeline/stream/uri.h"

struct pl_reader {
    struct pl_uri uri;
    struct pl_aws *aws; /* borrowed; NULL for local files only */
    int fd;
    struct pl_s3_object object;  /* S3: as the first answer told */
    struct pl_checksum checksum; /* S3: of what was handed out so far */
    struct pl_crew crew;         /* S3: fetches ahead, from the first read on */
    char *slots;                 /* S3: the ranges under way */
    uint64_t slot_count;         /* may be set before the first read */
    size_t range_at;             /* in the oldest slot */
    bool has_range;              /* which is there */
    int64_t bytes;               /* of the whole; -1 unknown (a pipe) */
    int64_t passed;              /* bytes handed out so far */
    uint64_t crc64nvme;          /* of what was handed out so far */
};

/* The reader must stay where it is. Fails with PL_FILE_ERROR (a directory, no such file), PL_CONFIG_INVALID (S3
 * without aws), or what S3 said. */
int pl_reader_open(struct pl_reader *reader, const char *uri,
                   struct pl_aws *aws, struct pl_err *err) PL_MUST_CHECK;
struct pl_source pl_reader_source(struct pl_reader *reader);
void pl_reader_release(struct pl_reader *reader);

/* Once, when all is read: fails with PL_DATA_INVALID when the length is not the one
 * announced, or expected_crc64nvme (base64, or NULL) or the checksum that S3
 * stores is another than that of the bytes. */
int pl_reader_verify(struct pl_reader *reader, const char *expected_crc64nvme,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
