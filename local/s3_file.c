/* Bytes on their way into the store, and the slots of multipart uploads. */
#include "local/s3_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "local/http.h"

#define PART_MIN_BYTES ((uint64_t)5 << 20)
#define PART_MAX_BYTES ((uint64_t)5 << 30)

bool local_s3_is_kms(const json_t *headers)
{
    const char *kind = json_string_value(
        json_object_get(headers, "x-amz-server-side-encryption"));

    return kind != NULL && strncmp(kind, "aws:kms", 7) == 0;
}

int local_s3_file_open(struct local_s3_file *file, struct local_s3 *s3,
                       struct pl_err *err)
{
    *file = (struct local_s3_file){
        .s3 = s3, .fd = -1, .has_md5 = !s3->has_opaque_etags};
    if (local_uuid(file->name, err) != 0)
        return -1;
    file->fd = local_s3_data_write(s3, file->name, O_CREAT | O_EXCL, err);
    if (file->fd < 0) {
        file->name[0] = '\0';
        return -1;
    }
    return 0;
}

struct local_s3_upload *local_s3_upload(struct local_s3 *s3, const char *id)
{
    for (size_t i = 0; id != NULL && i < s3->upload_count; i++)
        if (strcmp(s3->uploads[i]->id, id) == 0)
            return s3->uploads[i];
    return NULL;
}

/* The first part that comes says how long slots are. Needs the lock. */
static int make_slots(struct local_s3 *s3, struct local_s3_upload *u,
                      uint64_t bytes, struct pl_err *err)
{
    int fd;

    u->slots = calloc(LOCAL_S3_PARTS_MAX + 1, 1);
    if (u->slots == NULL)
        return pl_fail_memory(err);
    u->slot_bytes = bytes;
    if (local_uuid(u->joined, err) != 0) {
        u->joined[0] = '\0';
        return -1;
    }
    fd = local_s3_data_write(s3, u->joined, O_CREAT | O_EXCL, err);
    if (fd < 0) {
        u->joined[0] = '\0';
        return -1;
    }
    return close(fd);
}

/* Needs the lock. Leaves the file as it is when there is no room in a slot. */
static int open_slot(struct local_s3_file *file, struct local_s3_upload *u,
                     unsigned number, uint64_t bytes, struct pl_err *err)
{
    if (u->slots == NULL && bytes >= PART_MIN_BYTES &&
        bytes <= PART_MAX_BYTES && make_slots(file->s3, u, bytes, err) != 0)
        return -1;
    if (u->slots == NULL || u->joined[0] == '\0' || bytes > u->slot_bytes ||
        u->slots[number] != LOCAL_S3_SLOT_FREE)
        return 0;
    file->fd = local_s3_data_write(file->s3, u->joined, 0, err);
    if (file->fd < 0)
        return -1;
    u->slots[number] = LOCAL_S3_SLOT_WRITING;
    file->slot = number;
    file->offset = (number - 1) * u->slot_bytes;
    file->max_bytes = bytes;
    memcpy(file->upload, u->id, sizeof(file->upload));
    return 0;
}

int local_s3_part_open(struct local_s3_file *file, struct local_s3 *s3,
                       const char *upload, unsigned number, uint64_t bytes,
                       struct pl_err *err)
{
    struct local_s3_file part = {
        .s3 = s3, .fd = -1, .has_md5 = !s3->has_opaque_etags};
    struct local_s3_upload *u;
    int rc = 0;

    (void)pthread_mutex_lock(&s3->lock);
    u = local_s3_upload(s3, upload);
    if (u != NULL) {
        part.has_md5 = part.has_md5 && !local_s3_is_kms(u->headers);
        part.has_crc32s = strncmp(u->algorithm, "CRC32", 5) == 0;
        part.has_sha256 = strcmp(u->algorithm, "SHA256") == 0;
        if (number >= 1 && number <= LOCAL_S3_PARTS_MAX)
            rc = open_slot(&part, u, number, bytes, err);
    }
    (void)pthread_mutex_unlock(&s3->lock);
    if (rc == 0 && part.upload[0] == '\0') {
        const struct local_s3_file wanted = part;

        rc = local_s3_file_open(&part, s3, err);
        part.has_md5 = wanted.has_md5;
        part.has_crc32s = wanted.has_crc32s;
        part.has_sha256 = wanted.has_sha256;
    }
    *file = part;
    return rc;
}

static int write_at(int fd, const char *data, size_t len, uint64_t at,
                    struct pl_err *err)
{
    while (len > 0) {
        const ssize_t n = pwrite(fd, data, len, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pl_fail_errno(err, PL_FILE_ERROR, "cannot write an object");
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

int local_s3_file_write(struct local_s3_file *file, const void *data,
                        size_t len, struct pl_err *err)
{
    if (file->upload[0] != '\0' && len > file->max_bytes - file->bytes)
        return pl_fail(err, PL_DATA_INVALID,
                       "the body is longer than its length");
    if ((file->has_md5 && file->md5.impl == NULL &&
         pl_hash_open_md5(&file->md5, err) != 0) ||
        (file->has_sha256 && file->sha256.impl == NULL &&
         pl_hash_open_sha256(&file->sha256, err) != 0))
        return -1;
    if (file->has_md5)
        pl_hash_add(&file->md5, data, len);
    if (file->has_sha256)
        pl_hash_add(&file->sha256, data, len);
    file->crc64 = pl_crc64nvme(file->crc64, data, len);
    if (file->has_crc32s) {
        file->crc32 = pl_crc32(file->crc32, data, len);
        file->crc32c = pl_crc32c(file->crc32c, data, len);
    }
    if (write_at(file->fd, data, len, file->offset + file->bytes, err) != 0)
        return -1;
    file->bytes += len;
    return 0;
}

int local_s3_file_end(struct local_s3_file *file, struct pl_err *err)
{
    if (local_s3_file_write(file, "", 0, err) != 0) /* opens the digests */
        return -1;
    if (file->has_md5)
        pl_hash_end(&file->md5, file->md5_value);
    else if (pl_random(file->md5_value, sizeof(file->md5_value), err) != 0)
        return -1;
    if (file->has_sha256)
        pl_hash_end(&file->sha256, file->sha256_value);
    if (close(file->fd) != 0) {
        file->fd = -1;
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write an object");
    }
    file->fd = -1;
    return 0;
}

/* A part that came to nothing leaves its slot to the next. */
static void leave_slot(const struct local_s3_file *file)
{
    const struct local_s3_upload *u;

    (void)pthread_mutex_lock(&file->s3->lock);
    u = local_s3_upload(file->s3, file->upload);
    if (u != NULL && u->slots != NULL)
        u->slots[file->slot] = LOCAL_S3_SLOT_FREE;
    (void)pthread_mutex_unlock(&file->s3->lock);
}

void local_s3_file_release(struct local_s3_file *file)
{
    if (file->s3 == NULL)
        return;
    pl_hash_release(&file->md5);
    pl_hash_release(&file->sha256);
    if (file->fd >= 0)
        (void)close(file->fd);
    if (file->upload[0] != '\0')
        leave_slot(file);
    if (file->name[0] != '\0')
        local_s3_data_remove(file->s3, file->name);
    *file = (struct local_s3_file){.fd = -1};
}

void local_s3_upload_free(struct local_s3 *s3, struct local_s3_upload *upload)
{
    if (upload == NULL)
        return;
    for (size_t i = 0; i < upload->count; i++) {
        if (upload->parts[i].file[0] != '\0')
            local_s3_data_remove(s3, upload->parts[i].file);
        json_decref(upload->parts[i].checksums);
    }
    if (upload->joined[0] != '\0')
        local_s3_data_remove(s3, upload->joined);
    json_decref(upload->headers);
    free(upload->slots);
    free(upload->parts);
    free(upload->bucket);
    free(upload->key);
    free(upload);
}
