#include "pipeline/csv/dedupe.h"

#include <stdlib.h>

#include "pipeline/base/digest.h"

/* An entry is free when its key's hash is all zeros, which a key has with
 * odds of 2^-128. */
struct pl_dedupe_entry {
    uint64_t key[2];
    uint64_t row;
};

#define ENTRIES_FIRST ((uint64_t)1 << 12)

int pl_dedupe_open(struct pl_dedupe *d, struct pl_err *err)
{
    d->entries = calloc(ENTRIES_FIRST, sizeof(*d->entries));
    if (d->entries == NULL)
        return pl_fail_memory(err);
    d->mask = ENTRIES_FIRST - 1;
    d->count = 0;
    return pl_random(d->key, sizeof(d->key), err);
}

void pl_dedupe_release(struct pl_dedupe *d)
{
    free(d->entries);
    d->entries = NULL;
}

static struct pl_dedupe_entry *find(struct pl_dedupe_entry *entries,
                                    uint64_t mask, const uint64_t key[2])
{
    uint64_t i = key[0] & mask;

    while ((entries[i].key[0] != 0 || entries[i].key[1] != 0) &&
           (entries[i].key[0] != key[0] || entries[i].key[1] != key[1]))
        i = (i + 1) & mask;
    return &entries[i];
}

/* Doubles the table when it is 70 % full. */
static int make_room(struct pl_dedupe *d, struct pl_err *err)
{
    const uint64_t size = d->mask + 1;
    struct pl_dedupe_entry *grown;

    if (d->count < size / 10 * 7)
        return 0;
    grown = calloc(size * 2, sizeof(*grown));
    if (grown == NULL)
        return pl_fail_memory(err);
    for (uint64_t i = 0; i < size; i++)
        if (d->entries[i].key[0] != 0 || d->entries[i].key[1] != 0)
            *find(grown, size * 2 - 1, d->entries[i].key) = d->entries[i];
    free(d->entries);
    d->entries = grown;
    d->mask = size * 2 - 1;
    return 0;
}

int pl_dedupe_see(struct pl_dedupe *d, const void *key, size_t key_len,
                  const void *row, size_t row_len,
                  enum pl_dedupe_verdict *verdict, struct pl_err *err)
{
    uint64_t key_hash[2];
    uint64_t row_hash[2];
    struct pl_dedupe_entry *entry;

    if (make_room(d, err) != 0)
        return -1;
    pl_siphash128(d->key, key, key_len, key_hash);
    pl_siphash128(d->key, row, row_len, row_hash);
    entry = find(d->entries, d->mask, key_hash);
    if (entry->key[0] == 0 && entry->key[1] == 0) {
        entry->key[0] = key_hash[0];
        entry->key[1] = key_hash[1];
        entry->row = row_hash[0];
        d->count++;
        *verdict = PL_DEDUPE_NEW;
    } else {
        *verdict = entry->row == row_hash[0] ? PL_DEDUPE_IDENTICAL
                                             : PL_DEDUPE_CONFLICT;
    }
    return 0;
}
