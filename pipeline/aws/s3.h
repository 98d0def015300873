/*
 * s3.h - Amazon S3 (aws-facts 4): REST with XML answers.
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

struct pl_s3_object {
    int64_t bytes;      /* of the whole object, -1 unknown */
    char etag[128];     /* with its quotes */
    char crc64nvme[16]; /* base64 of the full object, or "" */
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

struct pl_s3_put_options {
    const char *content_type; /* NULL: application/octet-stream */
    bool only_if_absent;      /* If-None-Match: * */
};
/* Sends x-amz-checksum-crc64nvme with the body; object->etag comes back. */
int pl_s3_put(struct pl_aws *aws, const char *bucket, const char *key,
              const void *data, size_t len,
              const struct pl_s3_put_options *options,
              struct pl_s3_object *object, struct pl_err *err) PL_MUST_CHECK;

struct pl_s3_part {
    int number;
    int64_t bytes;
    char etag[128];
    char crc64nvme[16];
};

int pl_s3_create_upload(struct pl_aws *aws, const char *bucket, const char *key,
                        const struct pl_s3_put_options *options,
                        char upload_id[1024], struct pl_err *err) PL_MUST_CHECK;
/* Fills part->etag and part->crc64nvme (the checksum sent) . */
int pl_s3_upload_part(struct pl_aws *aws, const char *bucket, const char *key,
                      const char *upload_id, int number, const void *data,
                      size_t len, struct pl_s3_part *part,
                      struct pl_err *err) PL_MUST_CHECK;
/* crc64nvme: of the whole object (base64), sent as FULL_OBJECT; NULL: none. */
int pl_s3_complete_upload(struct pl_aws *aws, const char *bucket,
                          const char *key, const char *upload_id,
                          const struct pl_s3_part *parts, size_t count,
                          const char *crc64nvme, struct pl_s3_object *object,
                          struct pl_err *err) PL_MUST_CHECK;
int pl_s3_abort_upload(struct pl_aws *aws, const char *bucket, const char *key,
                       const char *upload_id, struct pl_err *err) PL_MUST_CHECK;
/* All pages; *parts is malloc'ed, the caller frees. */
int pl_s3_list_parts(struct pl_aws *aws, const char *bucket, const char *key,
                     const char *upload_id, struct pl_s3_part **parts,
                     size_t *count, struct pl_err *err) PL_MUST_CHECK;

/* Calls each(ctx, key, bytes, etag) for every key under prefix, all pages, in
 * the order of UTF-8 bytes; a non-zero return of each ends it with -1. */
int pl_s3_list(struct pl_aws *aws, const char *bucket, const char *prefix,
               int (*each)(void *ctx, const char *key, int64_t bytes,
                           const char *etag, struct pl_err *err),
               void *ctx, struct pl_err *err) PL_MUST_CHECK;

#endif
