/*
 * s3.h - Amazon S3 (sources 4): REST with XML answers.
 *
 * Rules that callers need: parts are 5 MiB to 5 GiB (the last may be smaller),
 * 1 to 10,000 of them; a single PUT takes at most 5 GB; a complete can fail
 * inside a 200 answer, which is seen here.
 */
#ifndef PL_AWS_S3_H
#define PL_AWS_S3_H

#include "pipeline/aws/client.h"

#define PL_S3_PART_MIN (INT64_C(5) << 20) /* bytes; all parts but the last */
#define PL_S3_PART_MAX (INT64_C(5) << 30) /* bytes */
#define PL_S3_PARTS_MAX 10000

enum pl_s3_checksum_kind {
    PL_S3_NO_CHECKSUM,
    PL_S3_CRC64NVME,
    PL_S3_CRC32C,
    PL_S3_CRC32,
    PL_S3_SHA256
};

/* What S3 stores about an object (sources 4.9). */
struct pl_s3_checksum {
    enum pl_s3_checksum_kind kind;
    int parts;      /* > 0: of the checksums of so many parts (composite) */
    char value[48]; /* base64, without the "-N" of a composite one */
};

struct pl_s3_object {
    int64_t bytes;                  /* of the whole object, -1 unknown */
    char etag[128];                 /* with its quotes */
    char crc64nvme[16];             /* base64 of the full object, or "" */
    struct pl_s3_checksum checksum; /* the first in the order of the kinds,
                                       one of the whole before a composite */
};

/* Range first..last inclusive (last < 0: to the end; first < 0: no range).
 * if_match: an ETag or NULL. The bytes go to sink; *object may be NULL. A
 * changed object is PL_SERVICE_REFUSED with service "PreconditionFailed". */
int pl_s3_get(struct pl_aws *aws, const char *bucket, const char *key,
              int64_t first, int64_t last, const char *if_match,
              const struct pl_sink *sink, struct pl_s3_object *object,
              struct pl_err *err) PL_MUST_CHECK;
/* A missing key: -1 with err->http_status 404. */
int pl_s3_head(struct pl_aws *aws, const char *bucket, const char *key,
               struct pl_s3_object *object, struct pl_err *err) PL_MUST_CHECK;
/* The bytes of part number of an object that was uploaded in parts. */
int pl_s3_head_part(struct pl_aws *aws, const char *bucket, const char *key,
                    const char *if_match, int number, int64_t *bytes,
                    struct pl_err *err) PL_MUST_CHECK;

/* A key that is not there is no failure. */
int pl_s3_delete(struct pl_aws *aws, const char *bucket, const char *key,
                 struct pl_err *err) PL_MUST_CHECK;

#define PL_S3_METADATA_MAX 16

/* NULL or false: nothing is said, and the bucket's own setting holds. */
struct pl_s3_put_options {
    const char *content_type;  /* NULL: application/octet-stream */
    bool only_if_absent;       /* If-None-Match: * */
    const char *if_match;      /* only over the object with this ETag */
    const char *encryption;    /* "AES256", "aws:kms", "aws:kms:dsse" */
    const char *kms_key;       /* id or ARN */
    const char *kms_context;   /* a JSON object */
    bool use_bucket_key;       /* fewer calls to KMS */
    const char *storage_class; /* "STANDARD_IA", ... */
    const char *tags;          /* "name=value&name=value", URI-encoded */
    const char *metadata[PL_S3_METADATA_MAX]; /* "name=value"; NULL ends */
};
/*
 * Sends x-amz-checksum-crc64nvme with the body; object->etag comes back. Where
 * the object must be absent, or another one, and is there with the same bytes,
 * that is a success: an earlier try made it. Otherwise PL_SERVICE_REFUSED with
 * service "PreconditionFailed", and http_status 404 where the object that
 * must be there is gone.
 */
int pl_s3_put(struct pl_aws *aws, const char *bucket, const char *key,
              const struct pl_blob *blob,
              const struct pl_s3_put_options *options,
              struct pl_s3_object *object, struct pl_err *err) PL_MUST_CHECK;

struct pl_s3_part {
    int number;
    int64_t bytes;
    char etag[128];
    char crc64nvme[16];
    uint64_t crc; /* the same; of a part that we sent */
};

/* Not repeated after an unclear answer (PL_SERVICE_UNAVAILABLE): see
 * pl_s3_list_uploads for what it may have left. */
int pl_s3_create_upload(struct pl_aws *aws, const char *bucket, const char *key,
                        const struct pl_s3_put_options *options,
                        char upload_id[1024], struct pl_err *err) PL_MUST_CHECK;
/* Fills part->etag and part->crc64nvme (the checksum sent) . */
int pl_s3_upload_part(struct pl_aws *aws, const char *bucket, const char *key,
                      const char *upload_id, int number,
                      const struct pl_blob *blob, struct pl_s3_part *part,
                      struct pl_err *err) PL_MUST_CHECK;
/* crc64nvme: of the whole object (base64), sent as FULL_OBJECT; NULL: none.
 * only_if_absent: as for pl_s3_put; 1 is returned where the object was there
 * with the same bytes, and the upload is still open; service "ConditionalRequestConflict" means
 * that the whole upload must be begun anew. */
int pl_s3_complete_upload(struct pl_aws *aws, const char *bucket,
                          const char *key, const char *upload_id,
                          const struct pl_s3_part *parts, size_t count,
                          const char *crc64nvme, bool only_if_absent,
                          struct pl_s3_object *object,
                          struct pl_err *err) PL_MUST_CHECK;
int pl_s3_abort_upload(struct pl_aws *aws, const char *bucket, const char *key,
                       const char *upload_id, struct pl_err *err) PL_MUST_CHECK;
/* All pages; *parts is malloc'ed, the caller frees. */
int pl_s3_list_parts(struct pl_aws *aws, const char *bucket, const char *key,
                     const char *upload_id, struct pl_s3_part **parts,
                     size_t *count, struct pl_err *err) PL_MUST_CHECK;

/* Calls each(ctx, upload_id, begun) for the unfinished uploads of just this
 * key, the first 1,000 of them; begun is an ISO 8601 time, "" unknown. */
int pl_s3_list_uploads(struct pl_aws *aws, const char *bucket, const char *key,
                       int (*each)(void *ctx, const char *upload_id,
                                   const char *begun, struct pl_err *err),
                       void *ctx, struct pl_err *err) PL_MUST_CHECK;

/* Calls each(ctx, key, bytes, etag) for every key under prefix, all pages, in
 * the order of UTF-8 bytes; a non-zero return of each ends it with -1. */
int pl_s3_list(struct pl_aws *aws, const char *bucket, const char *prefix,
               int (*each)(void *ctx, const char *key, int64_t bytes,
                           const char *etag, struct pl_err *err),
               void *ctx, struct pl_err *err) PL_MUST_CHECK;

#endif
