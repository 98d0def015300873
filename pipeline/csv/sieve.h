/*
 * sieve.h - 64-bit hashes that were there before, with a number beside each.
 * Words of bits, few enough for a cache, say of nearly every hash that it is
 * new; what may have been there is looked for in a log. The log is parted by
 * the upper bits of the hashes, so that a part is soon gone through, and is
 * only appended to, so that no other memory is touched.
 *
 * A hash that was added is found; one that is found has all its bits but the
 * last few in common, and may be another one's. What fails is memory.
 */
#ifndef PL_CSV_SIEVE_H
#define PL_CSV_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

/* A hash without its upper bits and, in their stead, a number at its end; or,
 * at the beginning of a block, the end of the block before it. */
union pl_csv_sieve_slot {
    uint64_t entry;
    union pl_csv_sieve_slot *before;
};

/* How often a hash was added is counted up to that. */
#define PL_CSV_SIEVE_MOST 15

struct pl_csv_sieve {
    unsigned number_bits; /* 30, or 0: hashes are kept whole, and counted */
    unsigned part_bits;
    uint64_t *words;
    uint64_t word_count; /* 0: nothing is there yet */
    uint64_t room;       /* of the words */
    uint64_t count;
    union pl_csv_sieve_slot **parts; /* the next place in each, at the end of a
                                        block: none */
    union pl_csv_sieve_slot *slab;   /* blocks are taken from here ... */
    size_t slab_used;                /* ... so many slots are */
};

#define PL_CSV_SIEVE_NUMBER_BITS 30
#define PL_CSV_SIEVE_BLOCK_BYTES ((size_t)1024)

void pl_csv_sieve_release(struct pl_csv_sieve *sieve);
/* Room for more hashes; about expected will come in all (0: not known). */
int pl_csv_sieve_grow(struct pl_csv_sieve *sieve, uint64_t more,
                      uint64_t expected, struct pl_err *err) PL_MUST_CHECK;
/* Has the words know of it, and no more: it is also found to be there when it
 * was not added to the log. */
static inline void pl_csv_sieve_note(struct pl_csv_sieve *sieve, uint64_t hash);
/* Adds it to the log, with a number that is not 0 if there are any. */
static inline int pl_csv_sieve_add(struct pl_csv_sieve *sieve, uint64_t hash,
                                   uint64_t number,
                                   struct pl_err *err) PL_MUST_CHECK;
/* The next place of the hash behind at (NULL: the first), or NULL. */
const union pl_csv_sieve_slot *pl_csv_sieve_find(
    const struct pl_csv_sieve *sieve, uint64_t hash,
    const union pl_csv_sieve_slot *at);
/* Bytes of memory for so many hashes, about. */
uint64_t pl_csv_sieve_bytes(uint64_t count);
/* The first slot of a new block that comes after a part's other ones. */
union pl_csv_sieve_slot *pl_csv_sieve_take_block(
    struct pl_csv_sieve *sieve, union pl_csv_sieve_slot *before,
    struct pl_err *err);

static inline uint64_t *pl_csv_sieve_word(const struct pl_csv_sieve *s,
                                          uint64_t hash)
{
    return &s->words[((hash >> 32) * s->word_count) >> 32];
}

/* The four bits of a hash in its word. */
static inline uint64_t pl_csv_sieve_bits(uint64_t hash)
{
    return (UINT64_C(1) << (hash >> 38 & 63)) |
           (UINT64_C(1) << (hash >> 32 & 63)) |
           (UINT64_C(1) << (hash >> 26 & 63)) |
           (UINT64_C(1) << (hash >> 20 & 63));
}

static inline bool pl_csv_sieve_may_have(const struct pl_csv_sieve *s,
                                         uint64_t hash)
{
    const uint64_t bits = pl_csv_sieve_bits(hash);

    return (*pl_csv_sieve_word(s, hash) & bits) == bits;
}

/* How often it was added at most, of hashes that are counted: it has two
 * counters of four bits in its word. */
static inline unsigned pl_csv_sieve_most(const struct pl_csv_sieve *s,
                                         uint64_t hash)
{
    const uint64_t word = *pl_csv_sieve_word(s, hash);
    const unsigned a = (word >> (hash >> 24 & 15) * 4) & 15;
    const unsigned b = (word >> (hash >> 20 & 15) * 4) & 15;

    return a < b ? a : b;
}

static inline void pl_csv_sieve_count_up(uint64_t *word, unsigned shift)
{
    *word += (uint64_t)((*word >> shift & 15) < PL_CSV_SIEVE_MOST) << shift;
}

static inline void pl_csv_sieve_note(struct pl_csv_sieve *s, uint64_t hash)
{
    uint64_t *word = pl_csv_sieve_word(s, hash);

    if (s->number_bits > 0) {
        *word |= pl_csv_sieve_bits(hash);
        return;
    }
    pl_csv_sieve_count_up(word, (hash >> 24 & 15) * 4);
    if ((hash >> 24 & 15) != (hash >> 20 & 15))
        pl_csv_sieve_count_up(word, (hash >> 20 & 15) * 4);
}

static inline bool pl_csv_sieve_is_end(const union pl_csv_sieve_slot *slot)
{
    return ((uintptr_t)slot & (PL_CSV_SIEVE_BLOCK_BYTES - 1)) == 0;
}

/* The bits of a slot that are a hash's. */
static inline uint64_t pl_csv_sieve_slot_hash(const struct pl_csv_sieve *s,
                                              uint64_t hash)
{
    return (hash << s->part_bits) >> s->number_bits << s->number_bits;
}

static inline int pl_csv_sieve_add(struct pl_csv_sieve *s, uint64_t hash,
                                   uint64_t number, struct pl_err *err)
{
    union pl_csv_sieve_slot **part = &s->parts[hash >> (64 - s->part_bits)];
    union pl_csv_sieve_slot *slot = *part;

    if (pl_csv_sieve_is_end(slot)) {
        slot = pl_csv_sieve_take_block(s, slot, err);
        if (slot == NULL)
            return -1;
    }
    slot->entry = pl_csv_sieve_slot_hash(s, hash) | number;
    *part = slot + 1;
    s->count++;
    return 0;
}

static inline uint64_t pl_csv_sieve_number(const struct pl_csv_sieve *s,
                                           const union pl_csv_sieve_slot *at)
{
    return at->entry & ((UINT64_C(1) << s->number_bits) - 1);
}

#endif
