/*
 * cut.h - bytes into chunks of whole records: read, scanned by a kernel, cut
 * into rows. One after another, in the order of the file; what is done with a
 * chunk then can be done beside the next.
 */
#ifndef PL_CSV_CUT_H
#define PL_CSV_CUT_H

#include "pipeline/base/io.h"
#include "pipeline/csv/kernel.h"
#include "pipeline/csv/reader.h"

/* What is to be done with a row; 0: proven well-formed, nothing seen yet. */
enum pl_csv_state {
    PL_CSV_LOOK = 0x01,      /* by rules.h, cell by cell */
    PL_CSV_CONTROLS = 0x02,  /* control characters are in it */
    PL_CSV_SUSPECT = 0x04,   /* perhaps it is not UTF-8 */
    PL_CSV_REFERENCE = 0x08, /* only the reference can say what it is */
    PL_CSV_KEPT = 0x10,      /* looked at: right, and its text is aside */
    PL_CSV_REJECTED = 0x20,
    PL_CSV_DROPPED = 0x40,   /* an identical duplicate */
    PL_CSV_MALFORMED = 0x48, /* before it is looked at */
    PL_CSV_TEXT = 0x80       /* commas or doubled quotes stand inside quotes */
};

struct pl_csv_chunk {
    unsigned char *data; /* PL_CSV_PAD bytes before and behind it */
    size_t cap;
    size_t len;      /* bytes held */
    size_t used;     /* of whole records */
    uint64_t offset; /* of data in the file */
    uint64_t number; /* of the first row; the header's is 0 */
    uint64_t line;   /* of the first row, from 1 */
    size_t start;    /* of the first row in data */
    struct pl_csv_index index;
    size_t row_count;
    size_t row_cap;
    struct pl_buf references; /* the rows that the reference read: uint32_t
                                 each, the top bit where they are malformed */
    uint32_t *firsts;         /* of each row: its first cell's place in
                                 index.ends, and one more */
    unsigned char *states;    /* of each row: enum pl_csv_state */
};

struct pl_csv_feed {
    const struct pl_source *in;
    const struct pl_csv_kernel *kernel; /* NULL: the reference reads all */
    struct pl_csv_reference *reference;
    size_t chunk_bytes;
    size_t max_record_bytes;
    size_t columns;     /* 0 until the header is known */
    uint64_t empties;   /* of the index */
    struct pl_buf rest; /* of the last chunk: a record that goes on */
    uint64_t offset;    /* of what comes next */
    uint64_t number;
    uint64_t line;
    bool is_end; /* nothing comes behind rest */
    /* The first record; its failure ends the reading. Sets columns. */
    int (*header)(void *ctx, struct pl_csv_record *record, struct pl_err *err);
    void *ctx;
};

void pl_csv_feed_release(struct pl_csv_feed *feed);

/* The next chunk: 1, or 0 when there is none. Fails with what in said, or with
 * PL_DATA_INVALID where a record is too long or a quote never closed: the
 * chunk then holds the records before it. */
int pl_csv_cut(struct pl_csv_feed *feed, struct pl_csv_chunk *chunk,
               struct pl_err *err) PL_MUST_CHECK;

/* Fills firsts and states: where each row's cells are, and which rows must be
 * looked at. Rows are cut by then, and chunks do not depend on each other. */
int pl_csv_lay_out(size_t columns, struct pl_csv_chunk *chunk,
                   struct pl_err *err) PL_MUST_CHECK;

/* Where a row starts in data, and how long it is with its line end. */
size_t pl_csv_row_start(const struct pl_csv_chunk *chunk, size_t row);
size_t pl_csv_row_len(const struct pl_csv_chunk *chunk, size_t row);

/* So many rows that a level-1 cache holds them: when columns are gone over one
 * by one for that many, only the first one waits for memory. */
size_t pl_csv_rows_at_once(const struct pl_csv_chunk *chunk);

/* A cell as it stands between commas becomes what it means, in place: quotes
 * go, doubled ones become one, blanks around what has none are cut off. */
void pl_csv_cut_cell(struct pl_csv_cell *cell, bool may_be_escaped);

void pl_csv_chunk_release(struct pl_csv_chunk *chunk);

#endif
