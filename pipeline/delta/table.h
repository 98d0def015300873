/*
 * table.h - the fingerprints of the last run, to be looked up.
 *
 * An array with gaps, in the order of ids: an id's place follows from its
 * upper bits, and where that is taken the next free one behind is. It is filled
 * from sorted files from front to back, and read the same way at the end; a
 * look-up waits for memory once, and a batch of them not even that, since
 * places are brought near beforehand.
 *
 * Memory: 32 bytes for each fingerprint. Beyond a limit the array lies in a
 * temporary file without a name, of which the system keeps near what is used.
 */
#ifndef PL_DELTA_TABLE_H
#define PL_DELTA_TABLE_H

#include "pipeline/delta/file.h"

#define PL_DELTA_SOURCES 16 /* files that are merged */

struct pl_delta_table {
    struct pl_delta_print *places; /* NULL: nothing is known */
    uint64_t *marks;               /* a bit for each place: seen; behind them
                                      as many for pl_delta_table_once */
    size_t cap;
    size_t bytes;
    uint64_t count;
};

/*
 * The files together, 1 to PL_DELTA_SOURCES of them, each open: an id that is
 * not in all of them, or not with the same row, comes without a row. memory:
 * bytes beyond which a temporary file in temp_dir is used.
 */
int pl_delta_table_load(struct pl_delta_table *t,
                        struct pl_delta_file_reader *const files[],
                        size_t file_count, size_t memory, const char *temp_dir,
                        struct pl_err *err) PL_MUST_CHECK;
void pl_delta_table_release(struct pl_delta_table *t);

static inline size_t pl_delta_home(const struct pl_delta_table *t, uint64_t id)
{
    __extension__ typedef unsigned __int128 wide;

    return (size_t)(((wide)id * t->cap) >> 64);
}

static inline void pl_delta_table_near(const struct pl_delta_table *t,
                                       uint64_t id)
{
    if (t->places != NULL)
        __builtin_prefetch(&t->places[pl_delta_home(t, id)]);
}

/* The place of the id; SIZE_MAX: none has it. Of several with one hash the
 * first that was not seen yet. */
size_t pl_delta_table_find(const struct pl_delta_table *t, uint64_t id);

/* The first place of the id, seen or not. */
size_t pl_delta_table_first(const struct pl_delta_table *t, uint64_t id);

static inline bool pl_delta_is_seen(const struct pl_delta_table *t, size_t at)
{
    return (t->marks[at / 64] >> (at % 64) & 1) != 0;
}

static inline void pl_delta_table_see(struct pl_delta_table *t, size_t at)
{
    t->marks[at / 64] |= UINT64_C(1) << (at % 64);
}
/* Whether this is the first call for the place: for what is to be done once. */
bool pl_delta_table_once(struct pl_delta_table *t, size_t at);

/* The next place from at on that holds something; SIZE_MAX: none. */
size_t pl_delta_table_next(const struct pl_delta_table *t, size_t at);

#endif
