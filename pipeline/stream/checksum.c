#include "pipeline/stream/checksum.h"

#include <string.h>

#include "pipeline/base/log.h"

/* The size of the parts, if all but the last have the same. */
static int find_part_bytes(struct pl_checksum *sum, struct pl_aws *aws,
                           const struct pl_uri *uri,
                           const struct pl_s3_object *object,
                           struct pl_err *err)
{
    struct pl_err cause = {0};
    int64_t first = 0;
    int64_t last = 0;

    if (pl_s3_head_part(aws, uri->bucket, uri->path, object->etag, 1, &first,
                        &cause) != 0 ||
        pl_s3_head_part(aws, uri->bucket, uri->path, object->etag,
                        sum->stored.parts, &last, &cause) != 0) {
        if (cause.code == PL_INTERRUPTED) {
            *err = cause;
            return -1;
        }
        pl_warn("'s3://%s/%s': the checksum of its parts is not compared: %s",
                uri->bucket, uri->path, cause.msg);
        sum->stored.kind = PL_S3_NO_CHECKSUM;
    } else if (first * (sum->stored.parts - 1) + last != object->bytes) {
        pl_warn("'s3://%s/%s': the checksum of its parts is not compared: "
                "they have many sizes",
                uri->bucket, uri->path);
        sum->stored.kind = PL_S3_NO_CHECKSUM;
    }
    sum->part_bytes = sum->left = first;
    return 0;
}

int pl_checksum_open(struct pl_checksum *sum, struct pl_aws *aws,
                     const struct pl_uri *uri,
                     const struct pl_s3_object *object, struct pl_err *err)
{
    memset(sum, 0, sizeof(*sum));
    sum->stored = object->checksum;
    sum->left = INT64_MAX;
    if (sum->stored.parts > 0 &&
        find_part_bytes(sum, aws, uri, object, err) != 0)
        return -1;
    if (sum->stored.kind == PL_S3_SHA256)
        return pl_hash_open_sha256(&sum->hash, err);
    return 0;
}

bool pl_checksum_is_needed(const struct pl_checksum *sum)
{
    return sum->stored.kind != PL_S3_NO_CHECKSUM;
}

static void add_piece(struct pl_checksum *sum, const void *data, size_t len)
{
    switch (sum->stored.kind) {
    case PL_S3_CRC64NVME:
        sum->crc = pl_crc64nvme(sum->crc, data, len);
        break;
    case PL_S3_CRC32C:
        sum->crc = pl_crc32c((uint32_t)sum->crc, data, len);
        break;
    case PL_S3_CRC32:
        sum->crc = pl_crc32((uint32_t)sum->crc, data, len);
        break;
    case PL_S3_SHA256:
        pl_hash_add(&sum->hash, data, len);
        break;
    case PL_S3_NO_CHECKSUM:
    default:
        break;
    }
}

/* The checksum so far, most significant byte first, and a new beginning. */
static size_t take(struct pl_checksum *sum, unsigned char raw[PL_SHA256_BYTES])
{
    const size_t bytes = sum->stored.kind == PL_S3_SHA256      ? PL_SHA256_BYTES
                         : sum->stored.kind == PL_S3_CRC64NVME ? 8
                                                               : 4;

    if (sum->stored.kind == PL_S3_SHA256)
        pl_hash_end(&sum->hash, raw);
    else
        for (size_t i = 0; i < bytes; i++)
            raw[i] = (unsigned char)(sum->crc >> (8 * (bytes - 1 - i)));
    sum->crc = 0;
    return bytes;
}

static int end_part(struct pl_checksum *sum, struct pl_err *err)
{
    unsigned char raw[PL_SHA256_BYTES];
    const size_t n = take(sum, raw);

    sum->left = sum->part_bytes;
    if (sum->stored.kind == PL_S3_SHA256 &&
        pl_hash_open_sha256(&sum->hash, err) != 0)
        return -1;
    return pl_buf_add(&sum->parts, raw, n, err);
}

int pl_checksum_add(struct pl_checksum *sum, const void *data, size_t len,
                    struct pl_err *err)
{
    const char *p = data;

    if (!pl_checksum_is_needed(sum))
        return 0;
    while (len > 0) {
        const size_t n = (int64_t)len < sum->left ? len : (size_t)sum->left;

        add_piece(sum, p, n);
        p += n;
        len -= n;
        sum->left -= (int64_t)n;
        if (sum->left == 0 && end_part(sum, err) != 0)
            return -1;
    }
    return 0;
}

int pl_checksum_end(struct pl_checksum *sum, const struct pl_uri *uri,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char raw[PL_SHA256_BYTES];
    size_t n;

    if (!pl_checksum_is_needed(sum))
        return 0;
    if (sum->stored.parts > 0) {
        /* the last part, unless it was as long as the others */
        if (sum->left != sum->part_bytes && end_part(sum, err) != 0)
            return -1;
        add_piece(sum, pl_buf_str(&sum->parts), sum->parts.len);
    }
    n = take(sum, raw);
    if (pl_base64(&text, raw, n, err) != 0)
        return -1;
    if (strcmp(text.data, sum->stored.value) == 0)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "'s3://%s/%s': the checksum of the bytes is %s, but S3 "
                   "says %s",
                   uri->bucket, uri->path, text.data, sum->stored.value);
}

void pl_checksum_release(struct pl_checksum *sum)
{
    pl_hash_release(&sum->hash);
    pl_buf_release(&sum->parts);
}

int pl_checksum_expect(uint64_t crc64nvme, const char *expected,
                       const char *name, const char *whose, struct pl_err *err)
{
    char text[PL_CRC64_TEXT];

    pl_crc64_text(crc64nvme, text);
    if (expected == NULL || *expected == '\0' || strcmp(expected, text) == 0)
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "'%s': CRC64NVME is %s, but %s says %s", name, text, whose,
                   expected);
}
