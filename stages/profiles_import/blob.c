#include "stages/profiles_import/blob.h"

#include <inttypes.h>
#include <string.h>

void profiles_blob_release(struct profiles_blob *b)
{
    if (b->is_open)
        pl_reader_release(&b->reader);
    b->is_open = false;
}

/* From the beginning, for another try. */
static int open_again(struct profiles_blob *b, struct pl_err *err)
{
    profiles_blob_release(b);
    if (pl_reader_open(&b->reader, b->part->data.uri, b->aws, err) != 0) {
        pl_reader_release(&b->reader);
        return -1;
    }
    b->is_open = true;
    if (b->reader.bytes < 0 || b->reader.bytes == b->part->data.bytes)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "'%s' has %" PRId64 " bytes now, the manifest says %" PRId64,
                   b->part->data.uri, b->reader.bytes, b->part->data.bytes);
}

static int skip(struct profiles_blob *b, int64_t to, struct pl_err *err)
{
    const struct pl_source source = pl_reader_source(&b->reader);
    char piece[16384];
    size_t n = 1;

    while (b->reader.passed < to && n > 0) {
        const int64_t left = to - b->reader.passed;

        if (pl_source_fill(&source, piece,
                           left < (int64_t)sizeof(piece) ? (size_t)left
                                                         : sizeof(piece),
                           &n, err) != 0)
            return -1;
    }
    return 0;
}

static int read_at(void *ctx, uint64_t at, void *buf, size_t n,
                   struct pl_err *err)
{
    struct profiles_blob *b = ctx;
    struct pl_source source;
    size_t got = 0;

    if ((!b->is_open || b->reader.passed > (int64_t)at) &&
        open_again(b, err) != 0)
        return -1;
    if (skip(b, (int64_t)at, err) != 0)
        return -1;
    source = pl_reader_source(&b->reader);
    if (pl_source_fill(&source, buf, n, &got, err) != 0)
        return -1;
    if (got < n)
        return pl_fail(err, PL_DATA_INVALID, "'%s' ends early: it was changed",
                       b->part->data.uri);
    if ((int64_t)(at + n) < b->part->data.bytes)
        return 0;
    return pl_reader_verify(&b->reader, b->part->data.crc64nvme, err);
}

struct pl_blob profiles_blob_of(struct profiles_blob *b)
{
    return (struct pl_blob){
        .len = (size_t)b->part->data.bytes, .ctx = b, .read_at = read_at};
}
