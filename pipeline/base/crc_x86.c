/* CRC by PCLMULQDQ: 8 x 16 bytes at a time, or 4 x 64 with AVX-512. */
#include "pipeline/base/crc_fold.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define SSE __attribute__((target("sse4.1,pclmul")))
#define AVX __attribute__((target("avx512f,vpclmulqdq,sse4.1,pclmul")))

static inline SSE __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

/* Moves acc onto next: see crc_fold.h. */
static inline SSE __m128i fold(__m128i acc, __m128i k, __m128i next)
{
    const __m128i high = _mm_clmulepi64_si128(acc, k, 0x00);
    const __m128i low = _mm_clmulepi64_si128(acc, k, 0x11);

    return _mm_xor_si128(_mm_xor_si128(high, low), next);
}

static inline SSE __m128i first(uint64_t state, const unsigned char *p)
{
    return _mm_xor_si128(_mm_cvtsi64_si128((long long)state), load(p));
}

/* What comes behind the wide part, 16 bytes at a time. */
static inline SSE void finish(const struct pl_crc_folds *folds, __m128i acc,
                              const unsigned char *p, size_t len,
                              unsigned char out[PL_CRC_BLOCK])
{
    const __m128i k = load(folds->by128);
    void *to = out;

    for (; len >= 16; p += 16, len -= 16)
        acc = fold(acc, k, load(p));
    _mm_storeu_si128(to, acc);
}

/* Eight sums keep the multiplier busy: each waits for its own only. */
static SSE void fold_pclmul(const struct pl_crc_folds *folds, uint64_t state,
                            const unsigned char *p, size_t len,
                            unsigned char out[PL_CRC_BLOCK])
{
    const __m128i by1024 = load(folds->by1024);
    const __m128i by128 = load(folds->by128);
    __m128i acc[8];

    acc[0] = first(state, p);
    for (size_t i = 1; i < 8; i++)
        acc[i] = load(p + 16 * i);
    for (p += 128, len -= 128; len >= 128; p += 128, len -= 128) {
        acc[0] = fold(acc[0], by1024, load(p));
        acc[1] = fold(acc[1], by1024, load(p + 16));
        acc[2] = fold(acc[2], by1024, load(p + 32));
        acc[3] = fold(acc[3], by1024, load(p + 48));
        acc[4] = fold(acc[4], by1024, load(p + 64));
        acc[5] = fold(acc[5], by1024, load(p + 80));
        acc[6] = fold(acc[6], by1024, load(p + 96));
        acc[7] = fold(acc[7], by1024, load(p + 112));
    }
    for (int i = 1; i < 8; i++)
        acc[0] = fold(acc[0], by128, acc[i]);
    finish(folds, acc[0], p, len, out);
}

static inline AVX __m512i wide_fold(__m512i acc, __m512i k, __m512i next)
{
    const __m512i high = _mm512_clmulepi64_epi128(acc, k, 0x00);
    const __m512i low = _mm512_clmulepi64_epi128(acc, k, 0x11);

    return _mm512_ternarylogic_epi64(high, low, next, 0x96); /* xor of three */
}

static AVX void fold_vpclmul(const struct pl_crc_folds *folds, uint64_t state,
                             const unsigned char *p, size_t len,
                             unsigned char out[PL_CRC_BLOCK])
{
    const __m512i by2048 = _mm512_broadcast_i32x4(load(folds->by2048));
    const __m512i by512 = _mm512_broadcast_i32x4(load(folds->by512));
    const __m128i by128 = load(folds->by128);
    __m512i a = _mm512_loadu_si512(p);
    __m512i b = _mm512_loadu_si512(p + 64);
    __m512i c = _mm512_loadu_si512(p + 128);
    __m512i d = _mm512_loadu_si512(p + 192);
    __m128i acc;

    a = _mm512_inserti32x4(a, first(state, p), 0);
    for (p += 256, len -= 256; len >= 256; p += 256, len -= 256) {
        a = wide_fold(a, by2048, _mm512_loadu_si512(p));
        b = wide_fold(b, by2048, _mm512_loadu_si512(p + 64));
        c = wide_fold(c, by2048, _mm512_loadu_si512(p + 128));
        d = wide_fold(d, by2048, _mm512_loadu_si512(p + 192));
    }
    a = wide_fold(a, by512, b);
    a = wide_fold(a, by512, c);
    a = wide_fold(a, by512, d);
    for (; len >= 64; p += 64, len -= 64)
        a = wide_fold(a, by512, _mm512_loadu_si512(p));
    acc = _mm512_extracti32x4_epi32(a, 0);
    acc = fold(acc, by128, _mm512_extracti32x4_epi32(a, 1));
    acc = fold(acc, by128, _mm512_extracti32x4_epi32(a, 2));
    acc = fold(acc, by128, _mm512_extracti32x4_epi32(a, 3));
    finish(folds, acc, p, len, out);
}

size_t pl_crc_kernels(const struct pl_crc_kernel *kernels[PL_CRC_KERNELS_MAX])
{
    static const struct pl_crc_kernel vpclmul = {"vpclmulqdq", 256,
                                                 fold_vpclmul};
    static const struct pl_crc_kernel pclmul = {"pclmulqdq", 128, fold_pclmul};
    size_t count = 0;

    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("vpclmulqdq"))
        kernels[count++] = &vpclmul;
    if (__builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("pclmul"))
        kernels[count++] = &pclmul;
    return count;
}

#else

size_t pl_crc_kernels(const struct pl_crc_kernel *kernels[PL_CRC_KERNELS_MAX])
{
    (void)kernels;
    return 0; /* tables do it */
}

#endif
