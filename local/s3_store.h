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
    json_t *meta; /* file, bytes, etag, modified_ms, headers, checksums,
                     checksum_type; of a multipart object parts (their count)
                     and part_list, "bytes:checksum;" for each */
};

struct local_s3_bucket {
    char *name;
    char region[32]; /* "": the server's own */
    int64_t created_ms;
    struct local_s3_object *objects; /* sorted by the key's bytes */
    size_t count;
    size_t cap;
};

struct local_s3_part {
    unsigned number;
    char file[40]; /* "": in its slot of the joined file */
    uint64_t bytes;
    unsigned char md5[16];
    uint64_t crc64;
    uint32_t crc32;
    uint32_t crc32c;
    int64_t modified_ms;
    json_t *checksums;
};

#define LOCAL_S3_PARTS_MAX 10000

/* Of a place in the joined file. */
enum local_s3_slot {
    LOCAL_S3_SLOT_FREE,
    LOCAL_S3_SLOT_WRITING,
    LOCAL_S3_SLOT_HELD
};

/*
 * Parts of the usual size are written where they will be in the object, so
 * that completing moves no bytes: the joined file has a slot for each number,
 * as long as the first part that came. What does not fit there (a longer part,
 * a number sent again) gets a file of its own and is copied in the end.
 */
struct local_s3_upload {
    char id[40];
    char joined[40]; /* "": none yet */
    uint64_t slot_bytes;
    unsigned char *slots; /* an enum local_s3_slot for each number */
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
    bool has_opaque_etags; /* no MD5, as in buckets under SSE-KMS */
    pthread_mutex_t lock;
    struct local_s3_bucket *buckets; /* sorted by name */
    size_t bucket_count;
    struct local_s3_upload **uploads;
    size_t upload_count;
};

/* Reads what is in dir; drops data that belongs to no object. */
int local_s3_open(struct local_s3 *s3, const char *dir,
                  struct pl_err *err) PL_MUST_CHECK;
void local_s3_release(struct local_s3 *s3);

bool local_s3_is_bucket_name(const char *name);
/* region NULL: the server's own. */
const char *local_s3_create_bucket(struct local_s3 *s3, const char *name,
                                   const char *region);
/* Both need the lock. */
struct local_s3_bucket *local_s3_bucket(struct local_s3 *s3, const char *name);
const struct local_s3_object *local_s3_find(const struct local_s3_bucket *b,
                                            const char *key);
/* The place of the first key that is not before key. Needs the lock. */
size_t local_s3_lower(const struct local_s3_bucket *b, const char *key);
bool local_s3_has_bucket(struct local_s3 *s3, const char *name);
/* Where a bucket is: "" when it is here or not at all. */
void local_s3_region(struct local_s3 *s3, const char *name, char region[32]);
/* Whether a bucket was declared in this region. */
bool local_s3_knows_region(struct local_s3 *s3, const char *region);

/* Bytes on their way in, with all digests that someone may ask for. */
struct local_s3_file {
    struct local_s3 *s3;
    char name[40]; /* "": none, handed over, or in a slot */
    int fd;
    uint64_t offset; /* where the file's bytes begin */
    uint64_t bytes;
    uint64_t max_bytes; /* of a slot */
    char upload[40];    /* whose slot it is, or "" */
    unsigned slot;
    struct pl_hash md5;
    struct pl_hash sha256;
    bool has_md5;    /* else the value is random, as an opaque ETag is */
    bool has_crc32s; /* also CRC32 and CRC32C */
    bool has_sha256;
    uint64_t crc64;
    uint32_t crc32;
    uint32_t crc32c;
    unsigned char md5_value[16];
    unsigned char sha256_value[32];
};

/* The three digests that cost time are chosen between open and the first
 * write. */
int local_s3_file_open(struct local_s3_file *file, struct local_s3 *s3,
                       struct pl_err *err) PL_MUST_CHECK;
/* The same for a part: into its slot if that can be. Learns from the upload
 * which digests are wanted. */
int local_s3_part_open(struct local_s3_file *file, struct local_s3 *s3,
                       const char *upload, unsigned number, uint64_t bytes,
                       struct pl_err *err) PL_MUST_CHECK;
int local_s3_file_write(struct local_s3_file *file, const void *data,
                        size_t len, struct pl_err *err) PL_MUST_CHECK;
int local_s3_file_end(struct local_s3_file *file,
                      struct pl_err *err) PL_MUST_CHECK;
void local_s3_file_release(struct local_s3_file *file);
/* Whether these headers ask for SSE-KMS, under which no ETag is an MD5. */
bool local_s3_is_kms(const json_t *headers);

struct local_s3_put {
    const char *bucket;
    const char *key;
    const char *if_none_match; /* NULL or "*" */
    const char *if_match;      /* NULL or an ETag */
    const char *etag;          /* without quotes; NULL: the MD5 */
    json_t *headers;           /* borrowed; may be NULL */
    json_t *checksums;         /* borrowed; may be NULL */
    const char *checksum_type;
    unsigned part_count;   /* 0: not multipart */
    const char *part_list; /* "bytes:checksum;..." */
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
int local_s3_data_write(const struct local_s3 *s3, const char *file, int flags,
                        struct pl_err *err) PL_MUST_CHECK;
void local_s3_data_remove(const struct local_s3 *s3, const char *file);
/* Moves a data file out of the store; path is on the same file system. */
int local_s3_data_move(const struct local_s3 *s3, const char *file,
                       const char *path, struct pl_err *err) PL_MUST_CHECK;

/* Needs the lock. */
struct local_s3_upload *local_s3_upload(struct local_s3 *s3, const char *id);
void local_s3_upload_free(struct local_s3 *s3, struct local_s3_upload *upload);

#endif
