/*
 * checksum.h - whether bytes are those whose checksum S3 stores with an object
 * (sources 4.9), a composite one made of those of its parts included.
 */
#ifndef PL_STREAM_CHECKSUM_H
#define PL_STREAM_CHECKSUM_H

#include "pipeline/base/digest.h"
#include "pipeline/stream/uri.h"

#include "pipeline/aws/s3.h"

struct pl_checksum {
    struct pl_s3_checksum stored;
    int64_t part_bytes; /* of a composite one: of all parts but the last */
    int64_t left;       /* of the part that is being added */
    uint64_t crc;
    struct pl_hash hash;
    struct pl_buf parts; /* their checksums, one behind the other */
};

/* Asks S3 for the size of the parts where it is needed; where it does not say,
 * or they are of many sizes, a warning, and nothing is compared. */
int pl_checksum_open(struct pl_checksum *sum, struct pl_aws *aws,
                     const struct pl_uri *uri,
                     const struct pl_s3_object *object,
                     struct pl_err *err) PL_MUST_CHECK;
/* Whether adding bytes leads to anything. */
bool pl_checksum_is_needed(const struct pl_checksum *sum);
/* All bytes of the object, in order. */
int pl_checksum_add(struct pl_checksum *sum, const void *data, size_t len,
                    struct pl_err *err) PL_MUST_CHECK;
/* PL_DATA_INVALID when they are others. */
int pl_checksum_end(struct pl_checksum *sum, const struct pl_uri *uri,
                    struct pl_err *err) PL_MUST_CHECK;
void pl_checksum_release(struct pl_checksum *sum);

/* PL_DATA_INVALID when name's bytes have this CRC64NVME, but whose says that it
 * is the one expected (as text; NULL or "": any). */
int pl_checksum_expect(uint64_t crc64nvme, const char *expected,
                       const char *name, const char *whose,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
