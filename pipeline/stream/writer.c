#include "pipeline/stream/writer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"

#define PART_BYTES ((size_t)8 << 20)
#define PART_BYTES_MAX ((size_t)64 << 20)
#define PARTS_PER_SIZE 1000

/* A device or a pipe is written as it is: it has no name to appear under. */
static int open_special(struct pl_writer *w, struct pl_err *err)
{
    w->fd = open(w->uri.path, O_WRONLY | O_CLOEXEC);
    return w->fd >= 0 ? 0
                      : pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'",
                                      w->uri.path);
}

static int open_file(struct pl_writer *w, struct pl_err *err)
{
    struct stat st;

    if (stat(w->uri.path, &st) == 0 && !S_ISREG(st.st_mode) &&
        !S_ISDIR(st.st_mode))
        return open_special(w, err);
    if (pl_mkdirs_for(w->uri.path, err) != 0 ||
        pl_buf_addf(&w->temp, err, "%s.XXXXXX", w->uri.path) != 0)
        return -1;
    w->fd = mkstemp(w->temp.data);
    if (w->fd < 0) {
        (void)pl_fail_errno(err, PL_FILE_ERROR, "cannot create '%s'",
                            w->uri.path);
        pl_buf_reset(&w->temp);
        return -1;
    }
    return 0;
}

int pl_writer_open(struct pl_writer *w, const char *uri,
                   const char *content_type, struct pl_aws *aws,
                   struct pl_err *err)
{
    memset(w, 0, sizeof(*w));
    w->fd = -1;
    w->aws = aws;
    w->content_type = content_type;
    w->part.max_bytes = PART_BYTES_MAX;
    if (pl_uri_parse(uri, &w->uri, err) != 0)
        return -1;
    if (!w->uri.is_s3)
        return open_file(w, err);
    if (aws == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is in S3, which is not set up here", uri);
    w->parts = calloc(PL_S3_PARTS_MAX, sizeof(*w->parts));
    return w->parts != NULL ? 0 : pl_fail_memory(err);
}

int pl_writer_hash(struct pl_writer *w, struct pl_err *err)
{
    return pl_hash_open_sha256(&w->hash, err);
}

void pl_writer_reserve(struct pl_writer *w, int64_t bytes)
{
    if (w->temp.len > 0 && bytes > 0 &&
        posix_fallocate(w->fd, 0, (off_t)bytes) == 0)
        w->reserved = bytes;
}

/* The size of the part that is being filled. */
static size_t part_bytes(const struct pl_writer *w)
{
    size_t bytes = PART_BYTES;

    for (size_t n = w->part_count / PARTS_PER_SIZE;
         n > 0 && bytes < PART_BYTES_MAX; n--)
        bytes *= 2;
    return bytes;
}

static int send_part(struct pl_writer *w, struct pl_err *err)
{
    const struct pl_s3_put_options options = {.content_type = w->content_type};
    const int number = (int)w->part_count + 1;

    if (w->upload_id[0] == '\0' &&
        pl_s3_create_upload(w->aws, w->uri.bucket, w->uri.path, &options,
                            w->upload_id, err) != 0)
        return pl_context(err, "cannot start the upload of 's3://%s/%s'",
                          w->uri.bucket, w->uri.path);
    if (number > PL_S3_PARTS_MAX)
        return pl_fail(err, PL_DATA_INVALID, "'s3://%s/%s': more than %d parts",
                       w->uri.bucket, w->uri.path, PL_S3_PARTS_MAX);
    if (pl_s3_upload_part(w->aws, w->uri.bucket, w->uri.path, w->upload_id,
                          number, w->part.data, w->part.len,
                          &w->parts[w->part_count], err) != 0)
        return pl_context(err, "cannot send part %d of 's3://%s/%s'", number,
                          w->uri.bucket, w->uri.path);
    w->part_count++;
    pl_buf_reset(&w->part);
    return 0;
}

static int s3_write(struct pl_writer *w, const char *data, size_t len,
                    struct pl_err *err)
{
    while (len > 0) {
        size_t n = part_bytes(w) - w->part.len;

        /* sent only when more follows: the last part goes with the commit */
        if (n == 0) {
            if (send_part(w, err) != 0)
                return -1;
            continue;
        }
        if (n > len)
            n = len;
        if (pl_buf_add(&w->part, data, n, err) != 0)
            return -1;
        data += n;
        len -= n;
    }
    return 0;
}

static int writer_write(void *ctx, const void *data, size_t len,
                        struct pl_err *err)
{
    struct pl_writer *w = ctx;

    w->bytes += (int64_t)len;
    w->crc64nvme = pl_crc64nvme(w->crc64nvme, data, len);
    if (w->hash.impl != NULL)
        pl_hash_add(&w->hash, data, len);
    if (w->uri.is_s3)
        return s3_write(w, data, len, err);
    if (pl_fd_write_all(w->fd, data, len, err) != 0)
        return pl_context(err, "cannot write '%s'", w->uri.path);
    return 0;
}

struct pl_sink pl_writer_sink(struct pl_writer *writer)
{
    return (struct pl_sink){.ctx = writer, .write = writer_write};
}

static int close_file(struct pl_writer *w)
{
    const int rc = close(w->fd);

    w->fd = -1;
    return rc;
}

static int commit_file(struct pl_writer *w, struct pl_err *err)
{
    const mode_t mask = umask(0);

    (void)umask(mask);
    if (w->temp.len == 0)
        return 0;
    /* mkstemp made it private; give it the mode that a plain open would. Some
     * file systems only tell of a full disk when a file is closed. */
    if (fchmod(w->fd, 0666 & ~mask) != 0 ||
        (w->reserved > w->bytes && ftruncate(w->fd, (off_t)w->bytes) != 0) ||
        close_file(w) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             w->uri.path);
    if (rename(w->temp.data, w->uri.path) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot rename to '%s'",
                             w->uri.path);
    pl_buf_reset(&w->temp);
    return 0;
}

static int commit_s3(struct pl_writer *w, struct pl_err *err)
{
    const struct pl_s3_put_options options = {.content_type = w->content_type};
    struct pl_s3_object object = {0};
    char crc[PL_CRC64_TEXT];
    int rc;

    pl_crc64_text(w->crc64nvme, crc);
    if (w->upload_id[0] == '\0') {
        rc = pl_s3_put(w->aws, w->uri.bucket, w->uri.path, pl_buf_str(&w->part),
                       w->part.len, &options, &object, err);
    } else {
        rc = w->part.len > 0 ? send_part(w, err) : 0;
        if (rc == 0)
            rc = pl_s3_complete_upload(w->aws, w->uri.bucket, w->uri.path,
                                       w->upload_id, w->parts, w->part_count,
                                       crc, &object, err);
    }
    if (rc != 0)
        return pl_context(err, "cannot write 's3://%s/%s'", w->uri.bucket,
                          w->uri.path);
    w->upload_id[0] = '\0'; /* an object now, not ours to give back */
    memcpy(w->etag, object.etag, sizeof(w->etag));
    return 0;
}

int pl_writer_commit(struct pl_writer *w, struct pl_err *err)
{
    unsigned char sum[PL_SHA256_BYTES];

    if (w->hash.impl != NULL) {
        pl_hash_end(&w->hash, sum);
        pl_hex(sum, sizeof(sum), w->sha256);
    }
    return w->uri.is_s3 ? commit_s3(w, err) : commit_file(w, err);
}

/* S3 bills the parts of an unfinished upload until someone gives them back. */
static void abort_upload(struct pl_writer *w)
{
    struct pl_err err = {0};

    pl_stop_hold();
    if (pl_s3_abort_upload(w->aws, w->uri.bucket, w->uri.path, w->upload_id,
                           &err) != 0)
        pl_warn("cannot abort upload %s of 's3://%s/%s': %s", w->upload_id,
                w->uri.bucket, w->uri.path, err.msg);
    else
        pl_info("aborted the upload of 's3://%s/%s'", w->uri.bucket,
                w->uri.path);
    pl_stop_unhold();
    w->upload_id[0] = '\0';
}

void pl_writer_release(struct pl_writer *w)
{
    if (w->upload_id[0] != '\0')
        abort_upload(w);
    if (w->fd > 0)
        (void)close(w->fd);
    w->fd = -1;
    if (w->temp.len > 0)
        (void)unlink(w->temp.data);
    pl_hash_release(&w->hash);
    pl_buf_release(&w->temp);
    pl_buf_release(&w->part);
    free(w->parts);
    w->parts = NULL;
}
