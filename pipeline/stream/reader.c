#include "pipeline/stream/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"

#define RANGE_BYTES (INT64_C(8) << 20)
#define TRIES 5 /* of one range, each going on where the last one broke */

static int open_file(struct pl_reader *r, struct pl_err *err)
{
    struct stat st;

    r->fd = open(r->uri.path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'",
                             r->uri.path);
    if (S_ISDIR(st.st_mode))
        return pl_fail(err, PL_FILE_ERROR, "'%s' is a directory, not a file",
                       r->uri.path);
    r->bytes = S_ISREG(st.st_mode) ? st.st_size : -1;
    return 0;
}

int pl_reader_open(struct pl_reader *r, const char *uri, struct pl_aws *aws,
                   struct pl_err *err)
{
    memset(r, 0, sizeof(*r));
    r->fd = -1;
    r->aws = aws;
    r->range.max_bytes = (size_t)RANGE_BYTES;
    if (pl_uri_parse(uri, &r->uri, err) != 0)
        return -1;
    if (!r->uri.is_s3)
        return open_file(r, err);
    if (aws == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is in S3, which is not set up here", uri);
    if (pl_s3_head(aws, r->uri.bucket, r->uri.path, &r->object, err) != 0)
        return pl_context(err, "cannot read '%s'", uri);
    r->bytes = r->object.bytes;
    return 0;
}

/* Fetches the range that begins at r->passed. What a broken answer brought
 * is kept and the rest asked for again. */
static int next_range(struct pl_reader *r, struct pl_err *err)
{
    const int64_t left = r->bytes - r->passed;
    const int64_t want = left < RANGE_BYTES ? left : RANGE_BYTES;
    const struct pl_sink sink = pl_buf_sink(&r->range);
    int tries = 0;

    pl_buf_reset(&r->range);
    r->range_at = 0;
    while ((int64_t)r->range.len < want) {
        const size_t before = r->range.len;
        struct pl_err cause = {0};

        if (pl_s3_get(r->aws, r->uri.bucket, r->uri.path,
                      r->passed + (int64_t)before, r->passed + want - 1,
                      r->object.etag, &sink, NULL, &cause) == 0 &&
            (int64_t)r->range.len == want)
            return 0;
        if (cause.code == PL_OK)
            (void)pl_fail(&cause, PL_SERVICE_UNAVAILABLE,
                          "the answer ended early");
        if (cause.code != PL_SERVICE_UNAVAILABLE || ++tries == TRIES ||
            r->range.len == before) {
            *err = cause;
            return pl_context(err, "cannot read 's3://%s/%s' at byte %" PRId64,
                              r->uri.bucket, r->uri.path,
                              r->passed + (int64_t)before);
        }
        pl_warn("reading goes on at byte %" PRId64 ": %s",
                r->passed + (int64_t)r->range.len, cause.msg);
    }
    return 0;
}

static int64_t s3_read(struct pl_reader *r, void *buf, size_t cap,
                       struct pl_err *err)
{
    size_t n;

    if (r->range_at == r->range.len && r->passed < r->bytes &&
        next_range(r, err) != 0)
        return -1;
    n = r->range.len - r->range_at;
    if (n > cap)
        n = cap;
    if (n > 0)
        memcpy(buf, r->range.data + r->range_at, n);
    r->range_at += n;
    return (int64_t)n;
}

static int64_t reader_read(void *ctx, void *buf, size_t cap, struct pl_err *err)
{
    struct pl_reader *r = ctx;
    const struct pl_source file = pl_fd_source(&r->fd);
    const int64_t n = r->uri.is_s3 ? s3_read(r, buf, cap, err)
                                   : file.read(file.ctx, buf, cap, err);

    if (n > 0) {
        r->passed += n;
        r->crc64nvme = pl_crc64nvme(r->crc64nvme, buf, (size_t)n);
    }
    return n < 0 ? pl_context(err, "cannot read '%s'", r->uri.path) : n;
}

struct pl_source pl_reader_source(struct pl_reader *reader)
{
    return (struct pl_source){.ctx = reader, .read = reader_read};
}

void pl_reader_release(struct pl_reader *reader)
{
    if (reader->fd > 0)
        (void)close(reader->fd);
    reader->fd = -1;
    pl_buf_release(&reader->range);
}

static int verify_crc(const struct pl_reader *r, const char *expected,
                      const char *whose, struct pl_err *err)
{
    char text[PL_CRC64_TEXT];

    pl_crc64_text(r->crc64nvme, text);
    if (expected == NULL || *expected == '\0' || strcmp(expected, text) == 0)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "'%s': CRC64NVME is %s, but %s says %s", r->uri.path, text,
                   whose, expected);
}

int pl_reader_verify(const struct pl_reader *r, const char *expected_crc64nvme,
                     struct pl_err *err)
{
    if (r->bytes >= 0 && r->passed != r->bytes)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s': %" PRId64 " bytes read of %" PRId64, r->uri.path,
                       r->passed, r->bytes);
    if (verify_crc(r, expected_crc64nvme, "the manifest", err) != 0)
        return -1;
    return verify_crc(r, r->object.crc64nvme, "S3", err);
}
