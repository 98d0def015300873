/*
 * copy.h - one place to another, checked on the way: what s3-fetch and s3-put
 * have in common.
 */
#ifndef PL_STREAM_COPY_H
#define PL_STREAM_COPY_H

#include "pipeline/base/digest.h"
#include "pipeline/stream/transfer.h"

struct pl_copied {
    int64_t bytes;
    char crc64nvme[PL_CRC64_TEXT];
    int64_t had;    /* of them, in place from an earlier try */
    char etag[128]; /* to S3 only, else "" */
};

/*
 * Copies from to to: URIs, or "-" for standard input and output. The bytes
 * must have the length announced and, when not NULL, the expected CRC64NVME,
 * before to appears; otherwise PL_DATA_INVALID. An object to a file goes by
 * fetch.h, a file to an object by upload.h, all else from one end to the
 * other. how may be NULL. what names the work in the progress, and in the line
 * that ends it.
 */
int pl_copy(const char *from, const char *to, const char *expected_crc64nvme,
            struct pl_aws *aws, const struct pl_transfer *how, const char *what,
            struct pl_copied *copied, struct pl_err *err) PL_MUST_CHECK;

#endif
