/*
 * merge.h - the rows of one key become one profile: for each column its
 * different values, in order, each with its place in the file. Which columns
 * the file has is known when all profiles are; until then they wait in a
 * temporary file.
 */
#ifndef PL_PROFILE_MERGE_H
#define PL_PROFILE_MERGE_H

#include "pipeline/csv/rules.h"
#include "pipeline/profile/cells.h"
#include "pipeline/profile/profile.h"

#define PL_PROFILE_CHANNELS 4 /* of enum pl_mapping_channel */
/* Values of one column that a profile may have: as many as an attribute of an
 * endpoint may (sources 1.7). */
#define PL_PROFILE_VALUES PL_TARGET_VALUES_MAX

/* A column of the file, in the order in which they were met. */
struct pl_profile_slot {
    struct pl_place place;
    uint64_t order; /* how they are written: by this */
    uint64_t filled;
};

struct pl_profile_values; /* of one column in the profile being made */

struct pl_profile_merge {
    const struct pl_profile_config *cfg;
    const struct pl_csv_shape *shape;
    struct pl_profile_cells cells;
    struct pl_profile_values *values; /* one for each name and channel */
    size_t value_count;
    size_t *values_of;  /* of each column, the first of its name */
    struct pl_buf text; /* of the values */
    struct pl_profile_slot slots[PL_PROFILE_COLUMNS_MAX];
    size_t slot_count;
    unsigned char tag_slot;
    /* profiles on their way to the file: the length of each, then for each
     * value its slot (1 byte), its length (4) and its bytes */
    struct pl_buf record;
    size_t begin; /* of the last one */
    int fd;
    uint64_t profiles;
};

int pl_profile_merge_open(struct pl_profile_merge *m,
                          const struct pl_profile_config *cfg,
                          const struct pl_csv_shape *shape,
                          struct pl_err *err) PL_MUST_CHECK;
void pl_profile_merge_release(struct pl_profile_merge *m);

/* A profile begins, with the value of its key. */
int pl_profile_merge_begin(struct pl_profile_merge *m, const char *key,
                           size_t len, struct pl_err *err) PL_MUST_CHECK;
/* A row of it. */
int pl_profile_merge_row(struct pl_profile_merge *m, const char *row,
                         size_t len, struct pl_err *err) PL_MUST_CHECK;
/* It is whole. */
int pl_profile_merge_end(struct pl_profile_merge *m,
                         struct pl_err *err) PL_MUST_CHECK;
/* No more profiles: what is buffered goes to the file. */
int pl_profile_merge_flush(struct pl_profile_merge *m,
                           struct pl_err *err) PL_MUST_CHECK;
/* Names and counts of values without a place. */
int pl_profile_merge_dropped(const struct pl_profile_merge *m,
                             struct pl_profile_report *report,
                             struct pl_err *err) PL_MUST_CHECK;

#endif
