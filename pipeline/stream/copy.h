/*
 * copy.h - one place to another, checked on the way: what s3-fetch and s3-put
 * have in common.
 */
#ifndef PL_STREAM_COPY_H
#define PL_STREAM_COPY_H

#include "pipeline/aws/client.h"
#include "pipeline/base/digest.h"

struct pl_copied {
    int64_t bytes;
    char crc64nvme[PL_CRC64_TEXT];
    char etag[128]; /* to S3 only, else "" */
};

/*
 * Copies from to to (URIs). The bytes read must have the length announced and,
 * when not NULL, the expected CRC64NVME, before to appears; otherwise
 * PL_DATA_INVALID. what names the work in the progress line.
 */
int pl_copy(const char *from, const char *to, const char *expected_crc64nvme,
            struct pl_aws *aws, const char *what, struct pl_copied *copied,
            struct pl_err *err) PL_MUST_CHECK;

#endif
