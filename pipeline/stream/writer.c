#include "pipeline/stream/writer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"

/* A device or a pipe is written as it is: it has no name to appear under. */
static int open_special(struct pl_writer *w, struct pl_err *err)
{
    w->fd = open(w->uri.path, O_WRONLY | O_CLOEXEC);
    return w->fd >= 0 ? 0
                      : pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'",
                                      w->uri.path);
}

/* Whoever started the program may have led its output into a file, to go on
 * where that ends: neither the file nor the name in /dev is ours to replace. */
static int open_stdout(struct pl_writer *w, struct pl_err *err)
{
    w->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    return w->fd >= 0 ? 0
                      : pl_fail_errno(err, PL_FILE_ERROR,
                                      "cannot write standard output");
}

static int open_file(struct pl_writer *w, struct pl_err *err)
{
    struct stat st;

    if (strcmp(w->uri.path, "/dev/stdout") == 0)
        return open_stdout(w, err);
    if (stat(w->uri.path, &st) == 0 && !S_ISREG(st.st_mode) &&
        !S_ISDIR(st.st_mode))
        return open_special(w, err);
    if (pl_mkdirs_for(w->uri.path, err) != 0)
        return -1;
    w->fd = pl_file_temporary(w->uri.path, &w->temp, err);
    if (w->fd < 0)
        pl_buf_reset(&w->temp);
    return w->fd < 0 ? -1 : 0;
}

int pl_writer_open(struct pl_writer *w, const char *uri,
                   const struct pl_transfer *how, struct pl_aws *aws,
                   struct pl_err *err)
{
    memset(w, 0, sizeof(*w));
    w->fd = -1;
    w->aws = aws;
    if (pl_uri_parse(uri, &w->uri, err) != 0)
        return -1;
    if (!w->uri.is_s3)
        return open_file(w, err);
    if (aws == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is in S3, which is not set up here", uri);
    return pl_upload_open(&w->upload, &w->uri, aws, how, err);
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

static int writer_write(void *ctx, const void *data, size_t len,
                        struct pl_err *err)
{
    struct pl_writer *w = ctx;

    w->bytes += (int64_t)len;
    w->crc64nvme = pl_crc64nvme(w->crc64nvme, data, len);
    if (w->hash.impl != NULL)
        pl_hash_add(&w->hash, data, len);
    if (w->uri.is_s3)
        return pl_upload_write(&w->upload, data, len, err);
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
    if (pl_upload_commit(&w->upload, err) != 0)
        return -1;
    memcpy(w->etag, w->upload.etag, sizeof(w->etag));
    return 0;
}

int pl_writer_settle(struct pl_writer *w, struct pl_err *err)
{
    return w->uri.is_s3 ? pl_upload_settle(&w->upload, err) : 0;
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

void pl_writer_release(struct pl_writer *w)
{
    if (w->uri.is_s3 && w->aws != NULL)
        pl_upload_release(&w->upload);
    if (w->fd > 0)
        (void)close(w->fd);
    w->fd = -1;
    if (w->temp.len > 0)
        (void)unlink(w->temp.data);
    pl_hash_release(&w->hash);
    pl_buf_release(&w->temp);
    w->aws = NULL;
}
