/* AVX-512 with VBMI2: Intel since Ice Lake, AMD since Zen 4. */
#include <immintrin.h>

#include "pipeline/csv/kernel.h"

typedef __m512i block;
typedef __m128i half;

static inline block block_load(const unsigned char *p)
{
    return _mm512_loadu_si512((const void *)p);
}

static inline uint64_t block_is(block b, char c)
{
    return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c));
}

static inline uint64_t block_below(block b, unsigned char c)
{
    return _mm512_cmplt_epu8_mask(b, _mm512_set1_epi8((char)c));
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
    return _mm512_cmple_epu8_mask(
        _mm512_sub_epi8(b, _mm512_set1_epi8((char)lo)),
        _mm512_set1_epi8((char)(hi - lo)));
}

static inline uint64_t block_controls(block b)
{
    return block_below(b, 0x20) | block_is(b, 0x7F);
}

static inline uint64_t block_high(block b)
{
    return _mm512_movepi8_mask(b);
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    return block_within(_mm512_or_si512(b, _mm512_set1_epi8(0x20)), lo, hi);
}

#define ROW16(...) _mm512_broadcast_i32x4(_mm_setr_epi8(__VA_ARGS__))
#define UTF8_SHIFT_4(v) \
    _mm512_and_si512(_mm512_srli_epi16((v), 4), _mm512_set1_epi8(0x0F))
#define UTF8_LOW_4(v) _mm512_and_si512((v), _mm512_set1_epi8(0x0F))
#define UTF8_LOOK(table, v) _mm512_shuffle_epi8((table), (v))
#define UTF8_AND(a, b) _mm512_and_si512((a), (b))
#define UTF8_OR(a, b) _mm512_or_si512((a), (b))
#define UTF8_XOR(a, b) _mm512_xor_si512((a), (b))
#define UTF8_SUBS(a, c) _mm512_subs_epu8((a), _mm512_set1_epi8((char)(c)))
#define UTF8_BYTE(c) _mm512_set1_epi8((char)(c))
#define UTF8_LOAD(p) _mm512_loadu_si512((const void *)(p))
#include "pipeline/csv/kernel_utf8.h"

static inline bool block_utf8_errors(const unsigned char *p)
{
    const __m512i wrong = utf8_wrong(p);

    return _mm512_test_epi8_mask(wrong, wrong) != 0;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
        _mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xFF), 0));
}

static inline uint32_t *extract(uint32_t *to, uint64_t bits, uint32_t base)
{
    const unsigned count = (unsigned)__builtin_popcountll(bits);
    const __m512i bytes = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46,
        45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28,
        27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
        9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i places = _mm512_maskz_compress_epi8(bits, bytes);
    const __m512i start = _mm512_set1_epi32((int)base);

    _mm512_storeu_si512(
        (void *)to,
        _mm512_add_epi32(start,
                         _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places))));
    if (count > 16) {
        _mm512_storeu_si512(
            (void *)(to + 16),
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(
                                        _mm512_extracti32x4_epi32(places, 1))));
        _mm512_storeu_si512(
            (void *)(to + 32),
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(
                                        _mm512_extracti32x4_epi32(places, 2))));
        _mm512_storeu_si512(
            (void *)(to + 48),
            _mm512_add_epi32(start, _mm512_cvtepu8_epi32(
                                        _mm512_extracti32x4_epi32(places, 3))));
    }
    return to + count;
}

static inline uint32_t *extract_few(uint32_t *to, uint64_t bits, uint32_t base)
{
    return extract(to, bits, base);
}

static inline unsigned char *strip_block(unsigned char *to,
                                         const unsigned char *p, uint64_t keep)
{
    _mm512_storeu_si512((void *)to,
                        _mm512_maskz_compress_epi8(keep, block_load(p)));
    return to + __builtin_popcountll(keep);
}

static inline void lower_at(unsigned char *p, uint64_t bits)
{
    _mm512_mask_storeu_epi8(
        (void *)p, bits,
        _mm512_add_epi8(block_load(p), _mm512_set1_epi8(0x20)));
}

static inline half half_load(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint32_t half_is(half h, char c)
{
    return _mm_cmpeq_epi8_mask(h, _mm_set1_epi8(c));
}

static inline uint32_t half_within(half h, unsigned char lo, unsigned char hi)
{
    return _mm_cmple_epu8_mask(_mm_sub_epi8(h, _mm_set1_epi8((char)lo)),
                               _mm_set1_epi8((char)(hi - lo)));
}

#define KERNEL(name) avx512_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_avx512 = KERNEL_TABLE("avx512");
