/*
 * print.h - the fingerprint of a row: 64 bits of a keyed hash of its id, by
 * which it is found again, and a 128-bit keyed hash of the whole row with its
 * id, which says whether it is still the same. SipHash-1-3, so that nobody who
 * does not know the key can make rows that pass for others, or find out by
 * trying whose fingerprints these are.
 *
 * Among n rows the chance that two ids have one hash is n * n / 2^65: 3 in a
 * million for 10 million rows. Even then no changed row passes for an
 * unchanged one: that takes 128 bits that are equal by chance.
 */
#ifndef PL_DELTA_PRINT_H
#define PL_DELTA_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PL_DELTA_KEY_BYTES 32

/* Drawn once for a job and kept beside its fingerprints. */
struct pl_delta_key {
    unsigned char id[16];
    unsigned char row[16];
};

struct pl_delta_print {
    uint64_t id;
    uint64_t row[2]; /* both 0: nobody knows what the service has */
};

/* What tells one key from another, without telling the key. */
uint64_t pl_delta_key_mark(const struct pl_delta_key *key);

/* Rows under other columns are other rows, whatever their bytes: of a row's
 * key and the text that says what rows mean, a new row's key. */
void pl_delta_key_bind(struct pl_delta_key *key, const void *meaning,
                       size_t len);

uint64_t pl_delta_id(const struct pl_delta_key *key, const void *id,
                     size_t len);
void pl_delta_row(const struct pl_delta_key *key, const void *row, size_t len,
                  uint64_t out[2]);

static inline bool pl_delta_is_known(const struct pl_delta_print *p)
{
    return (p->row[0] | p->row[1]) != 0;
}

#endif
