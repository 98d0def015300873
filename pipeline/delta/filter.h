/*
 * filter.h - a sink for the normalized rows of a run, header first, that lets
 * through what is new or changed since the last run, counts the rest, and
 * knows afterwards what is gone. It makes the parts of the output itself.
 *
 * Rows come in pieces; those of a piece are looked up together, so that none
 * waits for memory.
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
    struct pl_buf header; /* with its line end */
    struct pl_buf carry;  /* a row that is not whole yet */
    struct pl_buf text;   /* of the piece that lets through */
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

/* A row with this id, as it stands in a cell, is there but was rejected: the
 * service keeps what the last run sent of it, and it is not gone. */
int pl_delta_filter_hold(struct pl_delta_filter *f, const char *id, size_t len,
                         struct pl_err *err) PL_MUST_CHECK;
/* All rows are there. */
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
