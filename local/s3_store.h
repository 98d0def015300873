/*
 * s3_store.h - buckets and objects as files, and the uploads in progress.
 *
 * An object is a data file with a random name and a sidecar (JSON) named after
 * the key's SHA-256, so that no key can leave the folder. The sidecar is
 * renamed into place last: a reader sees the old object or the new one, and
 * whoever has the old data file open goes on reading it. One mutex guards the
 * index; bytes move outside of it.
 *
 * Functions that S3 could refuse return its error code ("NoSuchKey"), or NULL
 * when all went well; trouble of our own is "InternalError" and logged.
 */
#ifndef LOCAL_S3_STORE_H
#define LOCAL_S3_STORE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/io.h"

struct local_s3_object {
    char *key;
    json_t *meta; /* file, bytes, etag, modified_ms, headers, checksums */
};

struct local_s3_bucket {
    char *name;
    int64_t created_ms;
    struct local_s3_object *objects; /* sorted by the key's bytes */
    size_t count;
    size_t cap;
};

struct local_s3_part {
    unsigned number;
    char file[40];
    uint64_t bytes;
    unsigned char md5[16];
    int64_t modified_ms;
    json_t *checksums;
};

struct local_s3_upload {
    char id[40];
    char *bucket;
    char *key;
    int64_t created_ms;
    json_t *headers;
    char algorithm[16];          /* "CRC64NVME", or "" */
    char type[16];               /* "FULL_OBJECT", "COMPOSITE", or "" */
    struct local_s3_part *parts; /* sorted by number */
    size_t count;
    size_t cap;
};

struct local_s3 {
    char *dir;
    pthread_mutex_t lock;
    struct local_s3_bucket *buckets; /* sorted by name */
    size_t bucket_count;
    struct local_s3_upload **uploads;
    size_t upload_count;
    bool is_etag_opaque; /* ETags are no MD5, as in buckets with SSE-KMS */
};

/* Reads what is in dir; drops data that belongs to no object. */
int local_s3_open(struct local_s3 *s3, const char *dir,
                  struct pl_err *err) PL_MUST_CHECK;
void local_s3_release(struct local_s3 *s3);

bool local_s3_is_bucket_name(const char *name);
const char *local_s3_create_bucket(struct local_s3 *s3, const char *name);
/* Both need the lock. */
struct local_s3_bucket *local_s3_bucket(struct local_s3 *s3, const char *name);
const struct local_s3_object *local_s3_find(const struct local_s3_bucket *b,
                                            const char *key);
/* The place of the first key that is not before key. Needs the lock. */
size_t local_s3_lower(const struct local_s3_bucket *b, const char *key);
bool local_s3_has_bucket(struct local_s3 *s3, const char *name);

/* Bytes on their way in, with all digests that someone may ask for. */
struct local_s3_file {
    struct local_s3 *s3;
    char name[40]; /* "": none, or handed over */
    int fd;
    uint64_t bytes;
    struct pl_hash md5;
    struct pl_hash sha256;
    bool has_crc32s; /* also CRC32 and CRC32C */
    bool has_sha256;
    uint64_t crc64;
    uint32_t crc32;
    uint32_t crc32c;
    unsigned char md5_value[16];
    unsigned char sha256_value[32];
};

int local_s3_file_open(struct local_s3_file *file, struct local_s3 *s3,
                       struct pl_err *err) PL_MUST_CHECK;
int local_s3_file_write(struct local_s3_file *file, const void *data,
                        size_t len, struct pl_err *err) PL_MUST_CHECK;
int local_s3_file_end(struct local_s3_file *file,
                      struct pl_err *err) PL_MUST_CHECK;
void local_s3_file_release(struct local_s3_file *file);

struct local_s3_put {
    const char *bucket;
    const char *key;
    const char *if_none_match; /* NULL or "*" */
    const char *if_match;      /* NULL or an ETag */
    const char *etag;          /* without quotes; NULL: the MD5 */
    json_t *headers;           /* borrowed; may be NULL */
    json_t *checksums;         /* borrowed; may be NULL */
    const char *checksum_type;
    json_t *part_bytes; /* borrowed: sizes; NULL: not multipart */
};

/* Makes an ended file an object; the file is the store's from then on. */
const char *local_s3_commit(struct local_s3 *s3, const struct local_s3_put *put,
                            struct local_s3_file *file);
/* Makes the object go; one that is not there is no error. */
const char *local_s3_delete(struct local_s3 *s3, const char *bucket,
                            const char *key);
/* Opens an object for reading. *meta is a new reference. */
const char *local_s3_get(struct local_s3 *s3, const char *bucket,
                         const char *key, int *fd, json_t **meta);
/* Opens a data file by its name. */
int local_s3_data_open(const struct local_s3 *s3, const char *file,
                       struct pl_err *err) PL_MUST_CHECK;
void local_s3_data_remove(const struct local_s3 *s3, const char *file);

void local_s3_upload_free(struct local_s3 *s3, struct local_s3_upload *upload);

#endif
