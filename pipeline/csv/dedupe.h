/*
 * dedupe.h - the keys seen so far, by a keyed 128-bit hash: two keys are taken
 * for one with odds of n^2 / 2^129, and nobody who does not know the run's
 * random key can aim for it.
 */
#ifndef PL_CSV_DEDUPE_H
#define PL_CSV_DEDUPE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct pl_dedupe {
    unsigned char key[16];
    struct pl_dedupe_entry *entries;
    uint64_t mask;
    uint64_t count;
};

enum pl_dedupe_verdict {
    PL_DEDUPE_NEW,       /* not seen before; it is now */
    PL_DEDUPE_IDENTICAL, /* seen, with the same row */
    PL_DEDUPE_CONFLICT   /* seen, with another row */
};

int pl_dedupe_open(struct pl_dedupe *dedupe, struct pl_err *err) PL_MUST_CHECK;
void pl_dedupe_release(struct pl_dedupe *dedupe);
int pl_dedupe_see(struct pl_dedupe *dedupe, const void *key, size_t key_len,
                  const void *row, size_t row_len,
                  enum pl_dedupe_verdict *verdict,
                  struct pl_err *err) PL_MUST_CHECK;

#endif
