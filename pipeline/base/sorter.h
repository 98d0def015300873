/*
 * sorter.h - records in the order of their keys, any number of them, in a
 * bounded amount of memory: what does not fit goes to a temporary file without
 * a name, sorted piece by piece, and is merged when it is read.
 *
 * Add all records, then take them out. Keys compare as bytes, a shorter one
 * before a longer one that begins with it; records with equal keys come out in
 * the order in which they were added.
 */
#ifndef PL_BASE_SORTER_H
#define PL_BASE_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct pl_sorter_run;

struct pl_sorter {
    const char *temp_dir; /* NULL: TMPDIR or /tmp; must outlive the sorter */
    size_t memory_bytes;
    unsigned char *arena; /* records behind each other */
    size_t used;
    struct pl_sorter_entry *entries; /* of the records in arena */
    size_t entry_count;
    size_t entry_cap;
    int fd; /* of the runs; -1: none was needed */
    uint64_t file_bytes;
    struct pl_sorter_run *runs;
    size_t run_count;
    size_t run_cap;
    size_t *heap; /* of runs, the least record first */
    size_t heap_count;
    size_t taken;               /* entries, where there are no runs */
    struct pl_sorter_run *last; /* whose record was handed out */
};

struct pl_sorted {
    const unsigned char *key;
    size_t key_len;
    const unsigned char *value;
    size_t value_len;
};

/* memory_bytes: for the records that are held, and later for reading; at least
 * 1 MiB. It is taken as it is needed. */
void pl_sorter_init(struct pl_sorter *s, const char *temp_dir,
                    size_t memory_bytes);
void pl_sorter_release(struct pl_sorter *s);

/* Copies both. Fails with PL_DATA_INVALID when a record alone is larger than
 * a quarter of the memory, PL_FILE_ERROR when the temporary file is full. */
int pl_sorter_add(struct pl_sorter *s, const void *key, size_t key_len,
                  const void *value, size_t value_len,
                  struct pl_err *err) PL_MUST_CHECK;
/* All are there: pl_sorter_next may be called. */
int pl_sorter_finish(struct pl_sorter *s, struct pl_err *err) PL_MUST_CHECK;
/* The next record; 1: there is one, 0: there are no more, -1. It is valid until
 * the next call. */
int pl_sorter_next(struct pl_sorter *s, struct pl_sorted *record,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
