/*
 * keys.h - what was seen before: keys, addresses, how many endpoints a user
 * has. Exact: a table of 64-bit entries (a hash cut short, a record number)
 * finds candidates, and the rows themselves, read again, decide.
 *
 * Rows are seen in the order of the file, so that the first of several wins
 * whatever the number of threads.
 */
#ifndef PL_CSV_KEYS_H
#define PL_CSV_KEYS_H

#include "pipeline/csv/check.h"
#include "pipeline/csv/store.h"

/* Hashes with something beside them, in one array; see keys.c. */
struct pl_csv_table {
    uint64_t *slots;
    uint64_t size;
    uint64_t count;
    unsigned payload_bits;
};

/* One row read again. */
struct pl_csv_reread {
    struct pl_csv_reference *reference;
    struct pl_buf raw;
    struct pl_csv_record record;
};

struct pl_csv_keys {
    const struct pl_csv_plan *plan;
    struct pl_csv_store *store;
    struct pl_csv_table rows;      /* key: record number */
    struct pl_csv_table addresses; /* (channel, address): record number */
    struct pl_csv_table users;     /* user: endpoints */
    uint64_t *groups;              /* where each 16th record begins */
    size_t group_count;
    size_t group_cap;
    uint64_t records;
    struct pl_csv_reread earlier;
    struct pl_csv_reread later;
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
/* Brings the places of a row's keys near. */
void pl_csv_keys_prefetch(const struct pl_csv_keys *keys,
                          const uint64_t hashes[3]);
/* The row is new, and from now on seen; or *verdict says what it repeats. */
int pl_csv_keys_see(struct pl_csv_keys *keys, const struct pl_csv_chunk *chunk,
                    size_t row, const uint64_t hashes[3],
                    enum pl_csv_seen *seen, struct pl_csv_verdict *verdict,
                    struct pl_err *err) PL_MUST_CHECK;
/* The row as it stands in the file, judged; valid until the next call. */
int pl_csv_keys_reread(struct pl_csv_keys *keys, uint64_t offset, size_t len,
                       struct pl_csv_reread *reread,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
