/*
 * profile.h - endpoints become profiles: the rows that the transformer found
 * right are put together by their key, one row a profile, and written as the
 * very file that Amazon Connect Customer Profiles takes (sources 9.4): no dot
 * in the header, no empty value, each column's place told.
 *
 * Rooms: cells.h cuts rows, id_map.h finds the users of endpoints, merge.h
 * puts the rows of a key together, write.h words what comes out. What goes
 * where is pipeline/target/mapping.h's.
 *
 * The order of the input does not matter: the rows of a key are taken in the
 * order of their Ids, or channels and addresses, so that the first number of a
 * person is the same in every run.
 *
 * Memory: memory_bytes twice, and a few MiB; the rest are temporary files.
 */
#ifndef PL_PROFILE_PROFILE_H
#define PL_PROFILE_PROFILE_H

#include "pipeline/base/io.h"
#include "pipeline/csv/transform.h"
#include "pipeline/target/mapping.h"

struct pl_profile_config {
    const struct pl_target *target;   /* with the job's key */
    const struct pl_mapping *mapping; /* NULL: the default */
    const struct pl_source *id_map;   /* CSV: Id, User.UserId; or NULL */
    bool keeps_opted_out; /* rows with OptOut ALL; their OptOut is an attribute
                             then */
    const char *tag;      /* an attribute that every profile gets; or NULL */
    const char *tag_value;
    const char *temp_dir;      /* NULL: TMPDIR or /tmp */
    size_t memory_bytes;       /* for sorting; 0: 64 MiB */
    uint64_t max_part_bytes;   /* 0: there is one part */
    const struct pl_sink *out; /* NULL: nothing is written */
    int (*next_part)(void *ctx, uint64_t rows, struct pl_err *err);
    void *part_ctx;
    /* How rejects are worded, and where to; as the transformer's. */
    const struct pl_csv_config *csv;
};

/* A column of the file, in the order in which they are written. */
struct pl_profile_field {
    struct pl_place place;
    uint64_t filled; /* profiles */
};

/* Values of a column that no profile has a place for. */
struct pl_profile_dropped {
    char column[160];
    uint64_t values;
};

struct pl_profile_report {
    uint64_t profiles;
    uint64_t merged;      /* rows that joined an earlier one's profile */
    uint64_t opted_out;   /* rows left out */
    uint64_t no_key;      /* rows rejected by key-missing */
    uint64_t unknown_key; /* and by key-unknown: the id map has no user */
    struct pl_profile_field *fields; /* the key's is the first */
    size_t field_count;
    struct pl_profile_dropped *dropped;
    size_t dropped_count;
    uint64_t last_part_rows;
};
void pl_profile_report_release(struct pl_profile_report *report);

struct pl_profile;

/* cfg is borrowed until the release. */
struct pl_profile *pl_profile_open(const struct pl_profile_config *cfg,
                                   struct pl_err *err);
void pl_profile_release(struct pl_profile *profile);

/* What the transformer writes to: the header first, then rows. */
struct pl_sink pl_profile_sink(struct pl_profile *profile);
/* The places of the rows that come next, before they do: pl_csv_config.place. */
int pl_profile_place(void *profile, uint64_t number, uint64_t offset,
                     struct pl_err *err) PL_MUST_CHECK;

/*
 * All rows are there: writes profiles, and the rejects of rows without a key
 * in the order of their records. Fails with PL_DATA_INVALID when profiles need
 * more than 25 fields, two columns lead to one field, or the id map is none;
 * what out got must then not be used, and *report is filled as far as it came.
 */
int pl_profile_finish(struct pl_profile *profile,
                      struct pl_profile_report *report,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
