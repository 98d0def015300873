#define _DEFAULT_SOURCE /* anonymous mappings, madvise */

#include "pipeline/csv/sieve.h"

#include <stdlib.h>
#include <sys/mman.h>

/*
 * 16 bits a hash, of which it has four in one word: two in a thousand are
 * looked for in vain when all of them are there. Counters need no more than 8,
 * since it takes many hashes to make one full. A part has about 1000 hashes.
 */
#define WORD_HASHES 4
#define WORD_HASHES_COUNTED 8
#define ROOM_FIRST ((uint64_t)1 << 12)
#define WORDS_MOST ((uint64_t)1 << 31)
#define PART_BITS_LEAST 10
#define PART_BITS_MOST 16
#define PART_HASHES 1024
#define BLOCK_BYTES PL_CSV_SIEVE_BLOCK_BYTES
#define BLOCK_SLOTS (BLOCK_BYTES / sizeof(union pl_csv_sieve_slot))
#define SLAB_SLOTS ((size_t)1 << 20)
#define SLAB_BYTES (SLAB_SLOTS * sizeof(union pl_csv_sieve_slot))

/* The words can be made anew from what a slot and its part tell. */
_Static_assert(PART_BITS_LEAST + 64 - PL_CSV_SIEVE_NUMBER_BITS >= 64 - 20,
               "bits of hashes that words need");
_Static_assert(sizeof(union pl_csv_sieve_slot) == 8, "slots are words");

/* Of zeros. Huge pages where there are some: random access is all that is
 * done here. */
static void *take_memory(uint64_t bytes, struct pl_err *err)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        (void)pl_fail_memory(err);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (bytes >= (uint64_t)4 << 20)
        (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void pl_csv_sieve_release(struct pl_csv_sieve *s)
{
    while (s->slab != NULL) {
        union pl_csv_sieve_slot *slab = s->slab;

        s->slab = slab->before;
        (void)munmap(slab, SLAB_BYTES);
    }
    if (s->words != NULL)
        (void)munmap(s->words, s->word_count * sizeof(*s->words));
    free(s->parts);
    s->words = NULL;
    s->parts = NULL;
}

static uint64_t part_of(const struct pl_csv_sieve *s, uint64_t hash)
{
    return hash >> (64 - s->part_bits);
}

static void note_all(struct pl_csv_sieve *s)
{
    for (uint64_t part = 0; part < UINT64_C(1) << s->part_bits; part++) {
        const union pl_csv_sieve_slot *at = s->parts[part];

        while (at != NULL) {
            for (at--; !pl_csv_sieve_is_end(at); at--)
                pl_csv_sieve_note(s, (part << (64 - s->part_bits)) |
                                         (at->entry >> s->part_bits));
            at = at->before;
        }
    }
}

static int open_parts(struct pl_csv_sieve *s, uint64_t expected,
                      struct pl_err *err)
{
    s->part_bits = PART_BITS_LEAST;
    while (s->part_bits < PART_BITS_MOST &&
           expected >> s->part_bits > PART_HASHES)
        s->part_bits++;
    s->parts =
        calloc((size_t)1 << s->part_bits, sizeof(union pl_csv_sieve_slot *));
    return s->parts != NULL ? 0 : pl_fail_memory(err);
}

int pl_csv_sieve_grow(struct pl_csv_sieve *s, uint64_t more, uint64_t expected,
                      struct pl_err *err)
{
    const uint64_t of_word =
        s->number_bits > 0 ? WORD_HASHES : WORD_HASHES_COUNTED;
    uint64_t room = s->room * 2;
    uint64_t *words;

    /* a quarter too many does little harm, words made anew cost more */
    if (s->words != NULL && s->count + more <= s->room + s->room / 4)
        return 0;
    if (s->words == NULL && open_parts(s, expected, err) != 0)
        return -1;
    if (room < ROOM_FIRST)
        room = ROOM_FIRST;
    if (s->words == NULL && room < expected)
        room = expected;
    while (room < s->count + more)
        room *= 2;
    if (room / of_word > WORDS_MOST)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "more keys than fit into memory at once; "
                       "--keys-memory says from which size on they go to "
                       "temporary files");
    words = take_memory(room / of_word * sizeof(*words), err);
    if (words == NULL)
        return -1;
    if (s->words != NULL)
        (void)munmap(s->words, s->word_count * sizeof(*s->words));
    s->words = words;
    s->word_count = room / of_word;
    s->room = room;
    note_all(s);
    return 0;
}

union pl_csv_sieve_slot *pl_csv_sieve_take_block(
    struct pl_csv_sieve *s, union pl_csv_sieve_slot *before, struct pl_err *err)
{
    union pl_csv_sieve_slot *block;

    if (s->slab == NULL || s->slab_used == SLAB_SLOTS) {
        union pl_csv_sieve_slot *slab = take_memory(SLAB_BYTES, err);

        if (slab == NULL)
            return NULL;
        slab->before = s->slab;
        s->slab = slab;
        s->slab_used = BLOCK_SLOTS;
    }
    block = s->slab + s->slab_used;
    s->slab_used += BLOCK_SLOTS;
    block->before = before;
    return block + 1;
}

const union pl_csv_sieve_slot *pl_csv_sieve_find(
    const struct pl_csv_sieve *s, uint64_t hash,
    const union pl_csv_sieve_slot *at)
{
    const uint64_t wanted = pl_csv_sieve_slot_hash(s, hash);

    if (at == NULL)
        at = s->parts[part_of(s, hash)];
    while (at != NULL) {
        const union pl_csv_sieve_slot *first =
            at - 1 - ((uintptr_t)(at - 1) & (BLOCK_BYTES - 1)) / sizeof(*at);

        for (size_t i = 1; first->before != NULL && i <= BLOCK_SLOTS; i += 8)
            __builtin_prefetch(first->before - i);
        while (--at > first)
            if ((at->entry ^ wanted) >> s->number_bits == 0)
                return at;
        at = first->before;
    }
    return NULL;
}

uint64_t pl_csv_sieve_bytes(uint64_t count)
{
    return count / (BLOCK_SLOTS - 1) * BLOCK_BYTES +
           count / WORD_HASHES * sizeof(uint64_t);
}
