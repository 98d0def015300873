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

    for (size_t i = 0; i < 8; i++) {
        const uint64_t w = word(b + 8 * i) ^ all;
        const uint64_t zero = ~(((w & ~TOPS) + ~TOPS) | w | ~TOPS);

        bits |= gather(zero) << (8 * i);
    }
    return bits;
}

static inline uint64_t block_high(block b)
{
    uint64_t any = 0;
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++)
        any |= word(b + 8 * i);
    for (size_t i = 0; (any & TOPS) != 0 && i < 8; i++)
        bits |= gather(word(b + 8 * i)) << (8 * i);
    return bits;
}

/* c <= 0x80: bytes of ASCII below c */
static inline uint64_t block_below(block b, unsigned char c)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++) {
        const uint64_t w = word(b + 8 * i);
        const uint64_t up = (w & ~TOPS) + ONES * (unsigned char)(0x80 - c);

        bits |= gather(~(up | w)) << (8 * i);
    }
    return bits;
}

static inline uint64_t block_controls(block b)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++) {
        const uint64_t w = word(b + 8 * i);
        const uint64_t low = w & ~TOPS;
        const uint64_t printable = low + ONES * 0x60;
        const uint64_t is_delete = low + ONES;

        bits |= gather((~printable | is_delete) & ~w) << (8 * i);
    }
    return bits;
}

/* Of eight bytes: ASCII, and lo <= byte | fold <= hi. */
static inline uint64_t within(const unsigned char *p, unsigned char fold,
                              unsigned char lo, unsigned char hi)
{
    const uint64_t w = word(p);
    const uint64_t low = (w | (ONES * fold)) & ~TOPS;
    const uint64_t from = low + ONES * (unsigned char)(0x80 - lo);
    const uint64_t above = low + ONES * (unsigned char)(0x7F - hi);

    return gather(from & ~above & ~w);
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++)
        bits |= within(b + 8 * i, 0, lo, hi) << (8 * i);
    return bits;
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < 8; i++)
        bits |= within(b + 8 * i, 0x20, lo, hi) << (8 * i);
    return bits;
}

static inline uint32_t half_within(half h, unsigned char lo, unsigned char hi)
{
    return (uint32_t)(within(h, 0, lo, hi) | within(h + 8, 0, lo, hi) << 8);
}

static inline uint32_t half_is(half h, char c)
{
    return half_within(h, (unsigned char)c, (unsigned char)c);
}

static inline half half_load(const unsigned char *p)
{
    return p;
}

#include "pipeline/csv/kernel_portable.h"

#define KERNEL(name) scalar_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_scalar = KERNEL_TABLE("scalar");
