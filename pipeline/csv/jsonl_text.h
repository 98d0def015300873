/*
 * jsonl_text.h - 16 bytes of a JSON string at a time: how many of them stand
 * for themselves. Most values end within the first 16 or 32 bytes, so that
 * wider steps, and the choice of them at run time, would gain nothing.
 */
#ifndef PL_CSV_JSONL_TEXT_H
#define PL_CSV_JSONL_TEXT_H

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <stdint.h>
#endif

#define PL_JSONL_STEP 16U

/* 0 to 16: the bytes at p before the first quote, backslash or control
 * character. All 16 are read. */
static inline unsigned pl_jsonl_plain_portable(const unsigned char *p)
{
    unsigned i = 0;

    while (i < PL_JSONL_STEP && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

#if defined(__SSE2__)
static inline unsigned pl_jsonl_plain(const unsigned char *p)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
    const __m128i found =
        _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                       _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));

    return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(found) |
                                   1U << PL_JSONL_STEP);
}
#elif defined(__aarch64__)
static inline unsigned pl_jsonl_plain(const unsigned char *p)
{
    const uint8x16_t v = vld1q_u8(p);
    const uint8x16_t found = vorrq_u8(
        vcltq_u8(v, vdupq_n_u8(0x20)),
        vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\'))));
    const uint64_t bits = vget_lane_u64(
        vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(found), 4)), 0);

    return bits == 0 ? PL_JSONL_STEP : (unsigned)__builtin_ctzll(bits) / 4;
}
#else
#define pl_jsonl_plain pl_jsonl_plain_portable
#endif

#endif
