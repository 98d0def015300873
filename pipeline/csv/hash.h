/*
 * hash.h - 64-bit keyed hashes of cells: two multiplications for every 16
 * bytes. Equal hashes make candidates and no more, so that nothing but time
 * hangs on their quality; the key, drawn for each run, keeps anybody from
 * making cells that collide.
 */
#ifndef PL_CSV_HASH_H
#define PL_CSV_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 pl_u128;

struct pl_csv_hash_key {
    uint64_t word[4];
};

static inline uint64_t pl_csv_mix(uint64_t a, uint64_t b)
{
    const pl_u128 product = (pl_u128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t pl_csv_word(const void *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

static inline uint64_t pl_csv_half_word(const void *p)
{
    uint32_t w;

    memcpy(&w, p, sizeof(w));
    return w;
}

/* Upper-case ASCII letters of eight bytes made lower case. */
static inline uint64_t pl_csv_fold(uint64_t w)
{
    const uint64_t low = w & UINT64_C(0x7F7F7F7F7F7F7F7F);
    const uint64_t from_a = low + UINT64_C(0x3F3F3F3F3F3F3F3F);
    const uint64_t above_z = low + UINT64_C(0x2525252525252525);

    return w | (((from_a & ~above_z & ~w) & UINT64_C(0x8080808080808080)) >> 2);
}

static inline uint64_t pl_csv_same(uint64_t w)
{
    return w;
}

#define PL_CSV_HASH_BODY(fold) \
    const unsigned char *p = text; \
    uint64_t h = key->word[0] ^ (len * UINT64_C(0x9E3779B97F4A7C15)); \
    uint64_t a; \
    uint64_t b; \
\
    for (; len > 16; p += 16, len -= 16) \
        h = pl_csv_mix(fold(pl_csv_word(p)) ^ key->word[1], \
                       fold(pl_csv_word(p + 8)) ^ h); \
    if (len >= 8) { \
        a = fold(pl_csv_word(p)); \
        b = fold(pl_csv_word(p + len - 8)); \
    } else if (len >= 4) { \
        a = fold(pl_csv_half_word(p)); \
        b = fold(pl_csv_half_word(p + len - 4)); \
    } else { \
        a = 0; \
        b = 0; \
        for (size_t i = 0; i < len; i++) \
            a = (a << 8) | p[i]; \
        a = fold(a); \
    } \
    return pl_csv_mix(pl_csv_mix(a ^ key->word[1], b ^ h) ^ key->word[2], \
                      key->word[3])

static inline uint64_t pl_csv_hash(const struct pl_csv_hash_key *key,
                                   const void *text, size_t len)
{
    PL_CSV_HASH_BODY(pl_csv_same);
}

/* The same for texts that differ in ASCII case only. */
static inline uint64_t pl_csv_hash_folded(const struct pl_csv_hash_key *key,
                                          const void *text, size_t len)
{
    PL_CSV_HASH_BODY(pl_csv_fold);
}

/* Whether one of eight bytes could be an upper-case letter: 40..5F. */
static inline uint64_t pl_csv_upper(uint64_t w)
{
    return w & ~(w << 1) & UINT64_C(0x4040404040404040);
}

/* pl_csv_hash_folded, quicker where there is nothing to fold. */
static inline uint64_t pl_csv_hash_key(const struct pl_csv_hash_key *key,
                                       const void *text, size_t len)
{
    const unsigned char *p = text;
    uint64_t upper = 0;

    if (len < 8)
        return pl_csv_hash_folded(key, text, len);
    for (size_t i = 0; i + 8 < len; i += 8)
        upper |= pl_csv_upper(pl_csv_word(p + i));
    upper |= pl_csv_upper(pl_csv_word(p + len - 8));
    return upper != 0 ? pl_csv_hash_folded(key, text, len)
                      : pl_csv_hash(key, text, len);
}

#endif
