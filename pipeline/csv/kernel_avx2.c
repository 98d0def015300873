/* AVX2 with BMI2 and PCLMUL: Intel since Haswell, AMD since Zen. */
#include <immintrin.h>
#include <string.h>

#include "pipeline/csv/kernel.h"

typedef struct {
    __m256i lo;
    __m256i hi;
} block;
typedef __m128i half;

static inline __m256i load(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline block block_load(const unsigned char *p)
{
    return (block){load(p), load(p + 32)};
}

static inline uint64_t bits_of(__m256i lo, __m256i hi)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(lo) |
           ((uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32);
}

static inline uint64_t block_is(block b, char c)
{
    const __m256i all = _mm256_set1_epi8(c);

    return bits_of(_mm256_cmpeq_epi8(b.lo, all), _mm256_cmpeq_epi8(b.hi, all));
}

static inline __m256i within(__m256i v, unsigned char lo, unsigned char hi)
{
    const __m256i most = _mm256_set1_epi8((char)(hi - lo));
    const __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8((char)lo));

    return _mm256_cmpeq_epi8(_mm256_max_epu8(from, most), most);
}

static inline uint64_t block_within(block b, unsigned char lo, unsigned char hi)
{
    return bits_of(within(b.lo, lo, hi), within(b.hi, lo, hi));
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
    return bits_of(b.lo, b.hi);
}

static inline uint64_t block_letters(block b, unsigned char lo,
                                     unsigned char hi)
{
    const __m256i fold = _mm256_set1_epi8(0x20);

    return bits_of(within(_mm256_or_si256(b.lo, fold), lo, hi),
                   within(_mm256_or_si256(b.hi, fold), lo, hi));
}

#define ROW16(...) \
    (block) \
    { \
        _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__)), \
            _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__)) \
    }
#define BOTH(op, a, b) ((block){op((a).lo, (b).lo), op((a).hi, (b).hi)})

static inline block utf8_shift_4(block v)
{
    const __m256i low = _mm256_set1_epi8(0x0F);

    return (block){_mm256_and_si256(_mm256_srli_epi16(v.lo, 4), low),
                   _mm256_and_si256(_mm256_srli_epi16(v.hi, 4), low)};
}

static inline block byte_block(int c)
{
    const __m256i v = _mm256_set1_epi8((char)c);

    return (block){v, v};
}

static inline block both_look(block table, block v)
{
    return BOTH(_mm256_shuffle_epi8, table, v);
}

static inline block both_and(block a, block b)
{
    return BOTH(_mm256_and_si256, a, b);
}

static inline block both_or(block a, block b)
{
    return BOTH(_mm256_or_si256, a, b);
}

static inline block both_xor(block a, block b)
{
    return BOTH(_mm256_xor_si256, a, b);
}

static inline block both_subs(block a, block b)
{
    return BOTH(_mm256_subs_epu8, a, b);
}

#define UTF8_SHIFT_4(v) utf8_shift_4(v)
#define UTF8_LOW_4(v) both_and((v), byte_block(0x0F))
#define UTF8_LOOK(table, v) both_look((table), (v))
#define UTF8_AND(a, b) both_and((a), (b))
#define UTF8_OR(a, b) both_or((a), (b))
#define UTF8_XOR(a, b) both_xor((a), (b))
#define UTF8_SUBS(a, c) both_subs((a), byte_block(c))
#define UTF8_BYTE(c) byte_block(c)
#define UTF8_LOAD(p) block_load(p)
#include "pipeline/csv/kernel_utf8.h"

static inline bool block_utf8_errors(const unsigned char *p)
{
    const block wrong = utf8_wrong(p);
    const __m256i any = _mm256_or_si256(wrong.lo, wrong.hi);

    return _mm256_testz_si256(any, any) == 0;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(
        _mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xFF), 0));
}

/* Eight places a step, whether they are there or not: few blocks have more
 * than sixteen, and a step costs less than a wrong guess. */
static inline uint32_t *extract(uint32_t *to, uint64_t bits, uint32_t base)
{
    uint32_t *const end = to + __builtin_popcountll(bits);

    do {
        for (size_t i = 0; i < 8; i++) {
            to[i] = base + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        to += 8;
    } while (to < end);
    return end;
}

static inline uint32_t *extract_few(uint32_t *to, uint64_t bits, uint32_t base)
{
    uint32_t *const end = to + __builtin_popcountll(bits);

    do {
        to[0] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
        to[1] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
        to += 2;
    } while (to < end);
    return end;
}

static inline unsigned char *strip_block(unsigned char *to,
                                         const unsigned char *p, uint64_t keep)
{
    if (keep == ~UINT64_C(0)) {
        memcpy(to, p, 64);
        return to + 64;
    }
    for (size_t i = 0; i < 8; i++) {
        const uint64_t bits = (keep >> (8 * i)) & 0xFF;
        uint64_t word;

        memcpy(&word, p + 8 * i, sizeof(word));
        word = _pext_u64(word,
                         _pdep_u64(bits, UINT64_C(0x0101010101010101)) * 0xFF);
        memcpy(to, &word, sizeof(word));
        to += __builtin_popcountll(bits);
    }
    return to;
}

/* Eight bytes at a time: the upper-case letters of a domain stand together. */
static inline void lower_at(unsigned char *p, uint64_t bits)
{
    for (size_t i = 0; bits >> (8 * i) != 0; i++) {
        uint64_t word;

        memcpy(&word, p + 8 * i, sizeof(word));
        word += _pdep_u64(bits >> (8 * i), UINT64_C(0x0101010101010101)) << 5;
        memcpy(p + 8 * i, &word, sizeof(word));
        if (i == 7)
            break;
    }
}

static inline half half_load(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
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

#define KERNEL(name) avx2_##name
#include "pipeline/csv/kernel_impl.h"

const struct pl_csv_kernel pl_csv_kernel_avx2 = KERNEL_TABLE("avx2");
