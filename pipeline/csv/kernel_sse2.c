/* SSE2, which every x86-64 has: no byte shuffle, no carry-less product. */
#include <emmintrin.h>
#include <string.h>

#include "pipeline/csv/kernel.h"

typedef struct {
    __m128i v[4];
} block;
typedef __m128i half;

static inline half half_load(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline block block_load(const unsigned char *p)
{
    return (block){{half_load(p), half_load(p + 16), half_load(p + 32),
                    half_load(p + 48)}};
}

static inline uint32_t half_is(half h, char c)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(h, _mm_set1_epi8(c)));
}

static inline uint32_t half_within(half h, unsigned char lo, unsigned char hi)
{
    const __m128i most = _mm_set1_epi8((char)(hi - lo));
    const __m128i from = _mm_sub_epi8(h, _mm_set1_epi8((char)lo));

    return (uint32_t)_mm_movemask_epi8(
        _mm_cmpeq_epi8(_mm_max_epu8(from, most), most));
}

#define FOUR(call) \
    uint64_t bits = 0; \
    for (unsigned i = 0; i < 4; i++) \
        bits |= (uint64_t)(uint32_t)(call) << (16 * i); \
    return bits

static inline uint64_t block_is(block b, char c)
{
    FOUR(half_is(b.v[i], c));
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
    FOUR(half_within(b.v[i], lo, hi));
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
    FOUR(_mm_movemask_epi8(b.v[i]));
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    FOUR(half_within(_mm_or_si128(b.v[i], _mm_set1_epi8(0x20)), lo, hi));
}

#include "pipeline/csv/kernel_portable.h"

#define KERNEL(name) sse2_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_sse2 = KERNEL_TABLE("sse2");
