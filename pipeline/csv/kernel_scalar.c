/* No vector instructions: a block is where it stands, eight bytes at a time.
 * Slow next to its sisters, and what they are compared with. */
#include <string.h>

#include "pipeline/csv/kernel.h"

typedef const unsigned char *block;
typedef const unsigned char *half;

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

static inline uint64_t word(const unsigned char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/* The top bit of each byte, as eight bits. */
static inline uint64_t gather(uint64_t tops)
{
    return ((tops & TOPS) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline block block_load(const unsigned char *p)
{
    return p;
}

static inline uint64_t block_is(block b, char c)
{
    const uint64_t all = ONES * (unsigned char)c;
    uint64_t bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        const uint64_t w = word(b + 8 * i) ^ all;
        const uint64_t zero = ~(((w & ~TOPS) + ~TOPS) | w | ~TOPS);

        bits |= gather(zero) << (8 * i);
    }
    return bits;
}

static inline uint64_t block_high(block b)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 8; i++)
        bits |= gather(word(b + 8 * i)) << (8 * i);
    return bits;
}

/* c <= 0x80: bytes of ASCII below c */
static inline uint64_t block_below(block b, unsigned char c)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        const uint64_t w = word(b + 8 * i);
        const uint64_t up = (w & ~TOPS) + ONES * (unsigned char)(0x80 - c);

        bits |= gather(~(up | w)) << (8 * i);
    }
    return bits;
}

static inline uint64_t within(const unsigned char *p, size_t len,
                              unsigned char fold, unsigned char lo,
                              unsigned char hi)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = p[i] | fold;

        bits |= (uint64_t)(c >= lo && c <= hi) << i;
    }
    return bits;
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
    return within(b, 64, 0, lo, hi);
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    return within(b, 64, 0x20, lo, hi);
}

static inline uint32_t half_is(half h, char c)
{
    return (uint32_t)within(h, 16, 0, (unsigned char)c, (unsigned char)c);
}

static inline uint32_t half_within(half h, unsigned char lo, unsigned char hi)
{
    return (uint32_t)within(h, 16, 0, lo, hi);
}

static inline half half_load(const unsigned char *p)
{
    return p;
}

#include "pipeline/csv/kernel_portable.h"

#define KERNEL(name) scalar_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_scalar = KERNEL_TABLE("scalar");
