/*
 * keys.h - what was seen before: keys, addresses, how many endpoints a user
 * has. Exact: hashes (sieve.h) find candidates, and the rows themselves, read
 * again, decide.
 *
 * Rows are seen in the order of the file, so that the first of several wins
 * whatever the number of threads.
 */
#ifndef PL_CSV_KEYS_H
#define PL_CSV_KEYS_H

#include "pipeline/csv/check.h"
#include "pipeline/csv/sieve.h"
#include "pipeline/csv/store.h"

/* One row read again. */
struct pl_csv_reread {
    struct pl_csv_reference *reference;
    struct pl_csv_record record;
};

struct pl_csv_keys {
    const struct pl_csv_plan *plan;
    struct pl_csv_store *store;
    struct pl_csv_sieve rows;      /* key, and record number */
    struct pl_csv_sieve addresses; /* (channel, address), and record number */
    struct pl_csv_sieve users;     /* counted */
    uint64_t *groups;              /* where each 16th record begins */
    size_t group_count;
    size_t group_cap;
    uint64_t records;
    struct pl_csv_reread earlier;
    struct pl_csv_reread later;
    bool has_later;            /* it is the row that is being seen */
    struct pl_csv_index index; /* of the records around the earlier one */
    size_t index_cap;
};

enum pl_csv_seen {
    PL_CSV_SEEN_NEW,
    PL_CSV_SEEN_SAME, /* an identical row was there */
    PL_CSV_SEEN_REJECT
};

int pl_csv_keys_open(struct pl_csv_keys *keys, const struct pl_csv_plan *plan,
                     struct pl_csv_store *store,
                     struct pl_err *err) PL_MUST_CHECK;
void pl_csv_keys_release(struct pl_csv_keys *keys);

/* Called for each chunk before its rows are seen: about rows more will come
 * in all (0: not known). */
int pl_csv_keys_begin(struct pl_csv_keys *keys,
                      const struct pl_csv_chunk *chunk, uint64_t rows,
                      struct pl_err *err) PL_MUST_CHECK;
/* Sees the rows of the chunk that are certainly new. The others are listed:
 * pl_csv_keys_see is to be called for them, in their order. */
int pl_csv_keys_sift(struct pl_csv_keys *keys, struct pl_csv_work *work,
                     uint32_t *list, size_t *count,
                     struct pl_err *err) PL_MUST_CHECK;
/* The row is new, and from now on seen; or *verdict says what it repeats, and
 * keys->later has it. */
int pl_csv_keys_see(struct pl_csv_keys *keys, struct pl_csv_work *work,
                    size_t row, enum pl_csv_seen *seen,
                    struct pl_csv_verdict *verdict,
                    struct pl_err *err) PL_MUST_CHECK;

enum pl_csv_same { PL_CSV_SAME_KEY, PL_CSV_SAME_ADDRESS, PL_CSV_SAME_ROW };

/* Reads the rows at two places again, and whether they are the same. */
int pl_csv_keys_compare(struct pl_csv_keys *keys, uint64_t earlier,
                        uint64_t later, enum pl_csv_same what, bool *is_same,
                        struct pl_err *err) PL_MUST_CHECK;

/* The row is rejected by a rule that looks at other rows, which is settled:
 * fills *verdict and keys->later. */
int pl_csv_keys_reject(struct pl_csv_keys *keys, struct pl_csv_work *work,
                       size_t row, enum pl_rule rule,
                       struct pl_csv_verdict *verdict,
                       struct pl_err *err) PL_MUST_CHECK;

/* Bytes of memory that rows need, about. */
uint64_t pl_csv_keys_bytes(const struct pl_csv_plan *plan, uint64_t rows);

#endif
