/*
 * filter.h - a sink for the normalized rows of a run, header first, that lets
 * through what is new or changed since the last run, counts the rest, and
 * knows afterwards what is gone. It makes the parts of the output itself.
 *
 * Rows are looked up a few thousand at a time, all those of a piece together
 * and in the order of the table, so that none waits for memory. The last ones
 * come out with pl_delta_filter_settle.
 */
#ifndef PL_DELTA_FILTER_H
#define PL_DELTA_FILTER_H

#include "pipeline/base/io.h"
#include "pipeline/delta/row.h"
#include "pipeline/delta/sort.h"
#include "pipeline/delta/table.h"

enum pl_delta_kind {
    PL_DELTA_NEW,
    PL_DELTA_CHANGED,
    PL_DELTA_UNCHANGED,
    PL_DELTA_KINDS
};

/* A row on its way. */
struct pl_delta_line {
    const char *text;
    size_t len; /* without the line end */
    size_t place;
    enum pl_delta_kind kind;
    struct pl_delta_print print;
};

struct pl_delta_filter_config {
    enum pl_delta_rows kind;
    bool is_folded; /* of profiles: their key, without case */
    struct pl_delta_key key;
    bool is_full; /* unchanged rows are let through, too */
    const char *temp_dir;
    const struct pl_sink *out;
    uint64_t max_part_bytes; /* 0: there is one part */
    int (*next_part)(void *ctx, uint64_t rows, struct pl_err *err);
    void *part_ctx;
    /* Each row as it is known, before it is written; NULL: nobody asks. place:
     * where the table has it, SIZE_MAX if it is new. */
    int (*row)(void *ctx, enum pl_delta_kind kind, size_t place,
               const char *line, size_t len, struct pl_err *err);
    void *row_ctx;
};

struct pl_delta_filter {
    const struct pl_delta_filter_config *cfg;
    struct pl_delta_table *last;
    struct pl_delta_columns columns;
    bool has_header;
    bool has_failed;
    struct pl_buf header;        /* with its line end */
    struct pl_buf piece;         /* rows that wait to be looked up */
    struct pl_delta_line *lines; /* of the piece */
    uint32_t *order;
    size_t line_count;
    size_t line_cap;
    struct pl_buf text; /* of headers that wait to be written */
    const char *run;    /* rows behind each other that are let through */
    size_t run_len;
    uint64_t part_bytes;
    uint64_t part_rows;
    uint64_t counts[PL_DELTA_KINDS];
    struct pl_delta_sort fresh; /* ids that the table does not have */
    struct pl_delta_sort held;  /* ids of rows that are not let through */
    uint64_t kept;              /* of them, those that the last run had */
};

/* last may be empty; it is borrowed, and changed. */
void pl_delta_filter_open(struct pl_delta_filter *f,
                          const struct pl_delta_filter_config *cfg,
                          struct pl_delta_table *last);
struct pl_sink pl_delta_filter_sink(struct pl_delta_filter *f);
void pl_delta_filter_release(struct pl_delta_filter *f);

/* A row with this id is there but was rejected: the service keeps what the last
 * run sent of it, and it is not gone. id: the cells that say whose it is, in
 * the order of their columns, as they would stand in a row. */
int pl_delta_filter_hold(struct pl_delta_filter *f, const char *id, size_t len,
                         struct pl_err *err) PL_MUST_CHECK;
/* All rows are there: counts are known, and the last are written. */
int pl_delta_filter_settle(struct pl_delta_filter *f,
                           struct pl_err *err) PL_MUST_CHECK;

uint64_t pl_delta_filter_rows(const struct pl_delta_filter *f);
/* Of the last run's rows, once this one's are settled. */
uint64_t pl_delta_filter_gone(const struct pl_delta_filter *f);

/* Writes the fingerprints of what the service then has: this run's rows, and
 * those that were kept. Once. */
int pl_delta_filter_write(struct pl_delta_filter *f, const struct pl_sink *out,
                          struct pl_err *err) PL_MUST_CHECK;

#endif
