/* NEON, which every 64-bit ARM has. */
#include <arm_neon.h>
#include <string.h>

#include "pipeline/csv/kernel.h"

typedef uint8x16x4_t block;
typedef uint8x16_t half;

static inline half half_load(const unsigned char *p)
{
    return vld1q_u8(p);
}

static inline block block_load(const unsigned char *p)
{
    return (block){
        {vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}

/* One bit of each byte of four masks: three rounds of pairwise sums. */
static inline uint64_t bits_of(uint8x16_t a, uint8x16_t b, uint8x16_t c,
                               uint8x16_t d)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128,
                                        1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t w = vld1q_u8(weights);
    const uint8x16_t ab = vpaddq_u8(vandq_u8(a, w), vandq_u8(b, w));
    const uint8x16_t cd = vpaddq_u8(vandq_u8(c, w), vandq_u8(d, w));
    const uint8x16_t sum = vpaddq_u8(ab, cd);

    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static inline uint32_t half_bits(uint8x16_t m)
{
    const uint8x16_t none = vdupq_n_u8(0);

    return (uint32_t)(bits_of(m, none, none, none) & 0xFFFF);
}

static inline uint8x16_t within(uint8x16_t v, unsigned char lo,
                                unsigned char hi)
{
    return vcleq_u8(vsubq_u8(v, vdupq_n_u8(lo)),
                    vdupq_n_u8((unsigned char)(hi - lo)));
}

static inline uint32_t half_is(half h, char c)
{
    return half_bits(vceqq_u8(h, vdupq_n_u8((unsigned char)c)));
}

static inline uint32_t half_within(half h, unsigned char lo, unsigned char hi)
{
    return half_bits(within(h, lo, hi));
}

#define FOUR(one) \
    bits_of(one(b.val[0]), one(b.val[1]), one(b.val[2]), one(b.val[3]))

static inline uint64_t block_is(block b, char c)
{
    const uint8x16_t all = vdupq_n_u8((unsigned char)c);

#define ONE(v) vceqq_u8((v), all)
    return FOUR(ONE);
#undef ONE
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
#define ONE(v) within((v), lo, hi)
    return FOUR(ONE);
#undef ONE
}

static inline uint64_t block_below(block b, unsigned char c)
{
    return block_within(b, 0, (unsigned char)(c - 1));
}

static inline uint64_t block_controls(block b)
{
    return block_below(b, 0x20) | block_is(b, 0x7F);
}

static inline uint64_t block_high(block b)
{
    return block_within(b, 0x80, 0xFF);
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    const uint8x16_t fold = vdupq_n_u8(0x20);

#define ONE(v) within(vorrq_u8((v), fold), lo, hi)
    return FOUR(ONE);
#undef ONE
}

#include "pipeline/csv/kernel_portable.h"

#define KERNEL(name) neon_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_neon = KERNEL_TABLE("neon");
