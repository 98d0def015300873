/*
 * spill.h - duplicates without a table in memory: the hashes of all rows go to
 * temporary files, parted by their upper bits; what is equal there is read
 * again and compared, and what becomes of those rows is settled in the order
 * of the file. The input is read twice: once for the hashes, once with that
 * list at hand. It is also how the last of several rows is kept.
 *
 * Memory: 12 MiB of buffers, one part of one file at a time (a 256th of the
 * rows, 24 bytes each), and about 100 bytes for every row that repeats another.
 */
#ifndef PL_CSV_SPILL_H
#define PL_CSV_SPILL_H

#include "pipeline/csv/keys.h"

enum pl_csv_spill_kind {
    PL_CSV_SPILL_KEY,
    PL_CSV_SPILL_ADDRESS,
    PL_CSV_SPILL_USER,
    PL_CSV_SPILL_KINDS
};

/* A row that does not come out. */
struct pl_csv_settled {
    uint64_t offset;
    enum pl_csv_seen seen;
    enum pl_rule rule;
};

struct pl_csv_spill {
    struct pl_csv_spill_file *files[PL_CSV_SPILL_KINDS];
    struct pl_csv_settled *rows; /* in the order of the file */
    size_t row_count;
    size_t row_cap;
    size_t next; /* for pl_csv_spill_find */
};

int pl_csv_spill_open(struct pl_csv_spill *spill, const char *temp_dir,
                      struct pl_err *err) PL_MUST_CHECK;
void pl_csv_spill_release(struct pl_csv_spill *spill);
/* The hashes of a row that is right in itself; 0: none of that kind. */
int pl_csv_spill_add(struct pl_csv_spill *spill, uint64_t offset,
                     const uint64_t hashes[3],
                     struct pl_err *err) PL_MUST_CHECK;
/* Fills rows; keys reads the candidates again. */
int pl_csv_spill_settle(struct pl_csv_spill *spill, struct pl_csv_keys *keys,
                        struct pl_err *err) PL_MUST_CHECK;
/* What becomes of the row there; asked in the order of the file. NULL: it
 * comes out. */
const struct pl_csv_settled *pl_csv_spill_find(struct pl_csv_spill *spill,
                                               uint64_t offset);

#endif
