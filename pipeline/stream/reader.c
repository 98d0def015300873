#include "pipeline/stream/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/process.h"
#include "pipeline/stream/range.h"

#define RANGE_BYTES (INT64_C(4) << 20)
#define SLOTS 4
#define SLOTS_MAX 16

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
    r->slot_count = SLOTS;
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
    if (r->object.crc64nvme[0] != '\0')
        return 0; /* ours is kept anyway */
    return pl_checksum_open(&r->checksum, aws, &r->uri, &r->object, err);
}

static uint64_t range_count(const struct pl_reader *r)
{
    return (uint64_t)((r->bytes + RANGE_BYTES - 1) / RANGE_BYTES);
}

static int64_t range_bytes(const struct pl_reader *r, uint64_t number)
{
    const int64_t left = r->bytes - (int64_t)number * RANGE_BYTES;

    return left < RANGE_BYTES ? left : RANGE_BYTES;
}

static int slot_write(void *ctx, const void *data, size_t len,
                      struct pl_err *err)
{
    char **to = ctx;

    (void)err; /* there is room: a range has no more bytes than a slot */
    memcpy(*to, data, len);
    *to += len;
    return 0;
}

static int fetch_range(void *ctx, uint64_t number, struct pl_err *err)
{
    struct pl_reader *r = ctx;
    char *to = r->slots + (number % r->slot_count) * (size_t)RANGE_BYTES;
    const struct pl_sink sink = {.ctx = &to, .write = slot_write};

    return pl_range_get(r->aws, &r->uri, r->object.etag,
                        (int64_t)number * RANGE_BYTES, range_bytes(r, number),
                        &sink, err);
}

static int submit_ahead(struct pl_reader *r, struct pl_err *err)
{
    const uint64_t count = range_count(r);

    while (r->crew.submitted < count &&
           r->crew.submitted - r->crew.waited < r->slot_count)
        if (pl_crew_submit(&r->crew, err) != 0)
            return -1;
    return 0;
}

static int open_crew(struct pl_reader *r, struct pl_err *err)
{
    const uint64_t count = range_count(r);

    if (r->slot_count > SLOTS_MAX)
        r->slot_count = SLOTS_MAX;
    if (r->slot_count > count)
        r->slot_count = count;
    r->slots = malloc(r->slot_count * (size_t)RANGE_BYTES);
    if (r->slots == NULL)
        return pl_fail_memory(err);
    if (pl_crew_open(&r->crew, (int)r->slot_count, fetch_range, r, err) != 0)
        return -1;
    return submit_ahead(r, err);
}

/* Waits for the range that comes next. The one before it has been read, and
 * its slot goes to the one behind all that are under way. */
static int next_range(struct pl_reader *r, struct pl_err *err)
{
    if (r->slots == NULL && open_crew(r, err) != 0)
        return -1;
    if (r->has_range && submit_ahead(r, err) != 0)
        return -1;
    r->has_range = false;
    r->range_at = 0;
    while (!r->has_range) {
        const int rc = pl_crew_wait(&r->crew, 200, err);

        if (rc < 0 || (rc > 0 && pl_stop_check(err) != 0))
            return -1;
        r->has_range = rc == 0;
    }
    return 0;
}

static int64_t s3_read(struct pl_reader *r, void *buf, size_t cap,
                       struct pl_err *err)
{
    uint64_t number;
    size_t n;

    if (r->passed == r->bytes)
        return 0;
    if ((!r->has_range || r->passed % RANGE_BYTES == 0) &&
        next_range(r, err) != 0)
        return -1;
    number = (uint64_t)(r->passed / RANGE_BYTES);
    n = (size_t)range_bytes(r, number) - r->range_at;
    if (n > cap)
        n = cap;
    memcpy(buf,
           r->slots + (number % r->slot_count) * (size_t)RANGE_BYTES +
               r->range_at,
           n);
    r->range_at += n;
    if (pl_checksum_add(&r->checksum, buf, n, err) != 0)
        return -1;
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
    pl_crew_release(&reader->crew);
    free(reader->slots);
    reader->slots = NULL;
    pl_checksum_release(&reader->checksum);
    if (reader->fd > 0)
        (void)close(reader->fd);
    reader->fd = -1;
}

int pl_reader_verify(struct pl_reader *r, const char *expected_crc64nvme,
                     struct pl_err *err)
{
    if (r->bytes >= 0 && r->passed != r->bytes)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s': %" PRId64 " bytes read of %" PRId64, r->uri.path,
                       r->passed, r->bytes);
    if (pl_checksum_expect(r->crc64nvme, expected_crc64nvme, r->uri.path,
                           "the manifest", err) != 0 ||
        pl_checksum_expect(r->crc64nvme, r->object.crc64nvme, r->uri.path, "S3",
                           err) != 0)
        return -1;
    return pl_checksum_end(&r->checksum, &r->uri, err);
}
