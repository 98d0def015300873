/*
 * Checksums that S3 stores, reflected: by carry-less multiplication where the
 * processor can (crc_fold.h), else by slices of eight bytes (2 GB/s). The
 * three go one way; those of 32 bits leave the upper half of a state zero.
 */
#include <pthread.h>

#include "pipeline/base/crc_fold.h"
#include "pipeline/base/digest.h"

#define NIBBLES 16 /* of a length */

/* What a polynomial needs, made from poly and bits. */
struct crc {
    uint64_t poly; /* reflected */
    int bits;
    uint64_t table[8][256];
    /* x^(8 d 16^i) mod P: what d << (4 * i) bytes behind do to a checksum */
    uint64_t power[NIBBLES][16];
    struct pl_crc_folds folds;
};

static struct crc crcs[PL_CRC_KINDS] = {
    [PL_CRC64NVME] = {.poly = UINT64_C(0x9A6C9329AC4BC9B5), .bits = 64},
    [PL_CRC32] = {.poly = UINT64_C(0xEDB88320), .bits = 32},
    [PL_CRC32C] = {.poly = UINT64_C(0x82F63B78), .bits = 32},
};
static const struct pl_crc_kernel *kernels[PL_CRC_KERNELS_MAX];
static size_t kernel_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* a x mod P. Without a branch: the bit is as good as random. */
static uint64_t times_x(const struct crc *c, uint64_t a)
{
    return (a >> 1) ^ (c->poly & (0 - (a & 1)));
}

/* a b mod P */
static uint64_t times(const struct crc *c, uint64_t a, uint64_t b)
{
    uint64_t sum = 0;

    for (int i = c->bits - 1; i >= 0; i--) {
        sum ^= a & (0 - ((b >> i) & 1));
        a = times_x(c, a);
    }
    return sum;
}

static void make_tables(struct crc *c)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t crc = i;

        for (int bit = 0; bit < 8; bit++)
            crc = times_x(c, crc);
        c->table[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++) {
            const uint64_t prev = c->table[k - 1][i];

            c->table[k][i] = (prev >> 8) ^ c->table[0][prev & 0xff];
        }
}

static void make_powers(struct crc *c)
{
    const uint64_t one = UINT64_C(1) << (c->bits - 1);
    uint64_t step = one >> 8; /* x^8: one byte */

    for (int i = 0; i < NIBBLES; i++) {
        c->power[i][0] = one;
        for (int d = 1; d < 16; d++)
            c->power[i][d] = times(c, c->power[i][d - 1], step);
        step = times(c, c->power[i][15], step);
    }
}

/* The constants that move 16 bytes by so many bits. */
static void make_fold(const struct crc *c, int bits, uint64_t k[2])
{
    uint64_t a = UINT64_C(1) << (c->bits - 1);

    for (int n = 0; n < bits - 1; n++)
        a = times_x(c, a);
    k[1] = a << (64 - c->bits); /* x^(bits - 1) */
    for (int n = 0; n < 64; n++)
        a = times_x(c, a);
    k[0] = a << (64 - c->bits); /* x^(bits + 63) */
}

static void make_all(void)
{
    for (int kind = 0; kind < PL_CRC_KINDS; kind++) {
        struct crc *c = &crcs[kind];

        make_tables(c);
        make_powers(c);
        make_fold(c, 128, c->folds.by128);
        make_fold(c, 512, c->folds.by512);
        make_fold(c, 1024, c->folds.by1024);
        make_fold(c, 2048, c->folds.by2048);
    }
    kernel_count = pl_crc_kernels(kernels);
}

static uint64_t by_tables(const struct crc *c, uint64_t state,
                          const unsigned char *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t w = 0;

        for (int i = 7; i >= 0; i--)
            w = (w << 8) | p[i];
        w ^= state;
        state = 0;
        for (int i = 0; i < 8; i++)
            state ^= c->table[7 - i][(w >> (8 * i)) & 0xff];
    }
    while (len-- > 0)
        state = (state >> 8) ^ c->table[0][(state ^ *p++) & 0xff];
    return state;
}

uint64_t pl_crc_run(enum pl_crc_kind kind, size_t first, uint64_t crc,
                    const void *data, size_t len)
{
    const unsigned char *p = data;
    const struct crc *c = &crcs[kind];
    uint64_t ones;
    uint64_t state;

    (void)pthread_once(&once, make_all);
    ones = UINT64_MAX >> (64 - c->bits);
    state = crc ^ ones;
    while (first < kernel_count && len < kernels[first]->min_bytes)
        first++;
    if (first < kernel_count) {
        const size_t n = len - len % PL_CRC_BLOCK;
        unsigned char rest[PL_CRC_BLOCK];

        kernels[first]->fold(&c->folds, state, p, n, rest);
        state = by_tables(c, 0, rest, sizeof(rest));
        p += n;
        len -= n;
    }
    return by_tables(c, state, p, len) ^ ones;
}

/* What stands before len_b bytes weighs x^(8 len_b) as much; what the
 * checksums begin and end with (all ones) cancels out. */
static uint64_t combine(enum pl_crc_kind kind, uint64_t crc_a, uint64_t crc_b,
                        uint64_t len_b)
{
    const struct crc *c = &crcs[kind];

    (void)pthread_once(&once, make_all);
    for (int i = 0; len_b != 0; i++, len_b >>= 4)
        if ((len_b & 15) != 0)
            crc_a = times(c, crc_a, c->power[i][len_b & 15]);
    return crc_a ^ crc_b;
}

uint64_t pl_crc64nvme(uint64_t crc, const void *data, size_t len)
{
    return pl_crc_run(PL_CRC64NVME, 0, crc, data, len);
}

uint32_t pl_crc32(uint32_t crc, const void *data, size_t len)
{
    return (uint32_t)pl_crc_run(PL_CRC32, 0, crc, data, len);
}

uint32_t pl_crc32c(uint32_t crc, const void *data, size_t len)
{
    return (uint32_t)pl_crc_run(PL_CRC32C, 0, crc, data, len);
}

uint64_t pl_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t len_b)
{
    return combine(PL_CRC64NVME, crc_a, crc_b, len_b);
}

uint32_t pl_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    return (uint32_t)combine(PL_CRC32, crc_a, crc_b, len_b);
}

uint32_t pl_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    return (uint32_t)combine(PL_CRC32C, crc_a, crc_b, len_b);
}

void pl_crc64_text(uint64_t crc, char out[PL_CRC64_TEXT])
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned bits = 0;
    uint32_t acc = 0;
    size_t n = 0;

    for (int i = 7; i >= 0; i--) {
        acc = (acc << 8) | (uint32_t)((crc >> (8 * i)) & 0xff);
        for (bits += 8; bits >= 6; bits -= 6)
            out[n++] = set[(acc >> (bits - 6)) & 63];
    }
    out[n++] = set[(acc << (6 - bits)) & 63]; /* 64 bits: four are left */
    out[n++] = '=';
    out[n] = '\0';
}
