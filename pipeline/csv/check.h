/*
 * check.h - a chunk's rows judged. Column by column a kernel proves what it
 * can over all rows at once; the rows that it could not prove right are looked
 * at by rules.h, one by one. Nothing here depends on other chunks, so that any
 * number of threads may do it.
 */
#ifndef PL_CSV_CHECK_H
#define PL_CSV_CHECK_H

#include "pipeline/csv/cut.h"
#include "pipeline/csv/hash.h"
#include "pipeline/csv/rules.h"
#include "pipeline/csv/writer.h"

#define PL_CSV_LISTS 6 /* rows by what their channel wants as an address */

/* What is the same for all chunks. */
struct pl_csv_plan {
    const struct pl_csv_config *cfg;
    const struct pl_csv_kernel *kernel;
    bool is_kernel_reading; /* else the reference reads, and all is looked at */
    bool has_users;         /* endpoints of a user are counted */
    bool has_addresses;     /* beside Ids, addresses must differ */
    bool has_keys; /* rows must differ at all: those of a profile need not */
    struct pl_csv_shape shape;
    struct pl_csv_json_plan json;
    struct pl_csv_hash_key hash_key;
};

/* A piece of text that a row became; it ends where the next begins. */
struct pl_csv_piece {
    uint32_t row;
    enum pl_rule rule; /* that rejected it */
    size_t end;
};

struct pl_csv_pieces {
    struct pl_buf text;
    struct pl_csv_piece *list;
    size_t count;
    size_t cap;
};

/* A cell that is written otherwise than it stands, in a row that is right. */
struct pl_csv_patch {
    uint32_t row;
    uint32_t column;
    uint32_t from; /* of the cell in chunk.data, with its quotes */
    uint32_t to;   /* its end: a comma or a line end */
    size_t at;     /* of the value in patch_text */
    size_t len;
    bool is_null;
};

/* A chunk on its way, with all that it becomes. */
struct pl_csv_work {
    struct pl_csv_chunk chunk;
    uint64_t *keys;    /* of each row, its hashes: the key, the address and the
                       user, 3 a row; 0: none */
    size_t fast_count; /* rows that are still thought right */
    uint32_t *fast_rows;
    uint32_t *fast_firsts;
    unsigned char *doubts;
    struct pl_csv_edit *edits; /* of chunk.data */
    size_t edit_count;
    uint32_t *lists[PL_CSV_LISTS];
    size_t row_cap;
    struct pl_csv_patch *patches; /* in the order of the file */
    size_t patch_count;
    size_t patch_cap;
    struct pl_buf patch_text;
    struct pl_csv_pieces kept;    /* rows written anew */
    struct pl_buf kept_cells;     /* and what they hold, for report.h */
    struct pl_csv_pieces rejects; /* rows rejected for themselves */
    struct pl_csv_pieces late;    /* rejected for an earlier one */
    struct pl_buf whose;          /* both are, in any order */
    struct pl_buf out;
    uint64_t rows_out;
    struct pl_csv_reference *reference;
    struct pl_buf scratch; /* a copy of the row being looked at */
    struct pl_csv_cell *cells;
    size_t cell_cap;
    size_t line_at; /* line ends are counted up to here ... */
    uint64_t line;  /* ... and this is the line there */
};

void pl_csv_work_release(struct pl_csv_work *work);

/* Sets every row's state to 0 (right as it stands), PL_CSV_KEPT or
 * PL_CSV_REJECTED, and makes hashes and texts. */
int pl_csv_check(const struct pl_csv_plan *plan, struct pl_csv_work *work,
                 struct pl_err *err) PL_MUST_CHECK;

/* The key hashes of a record that was judged right. */
void pl_csv_hash_record(const struct pl_csv_plan *plan,
                        const struct pl_csv_cell *cells, uint64_t keys[3]);

/* The bytes of a row as they were read; valid until the next call. */
int pl_csv_row_as_read(struct pl_csv_work *work, size_t row, const char **raw,
                       struct pl_err *err) PL_MUST_CHECK;
/* The record that a row was; valid until the next call. */
int pl_csv_read_again(struct pl_csv_work *work, size_t row,
                      struct pl_csv_reference *reference,
                      struct pl_csv_record *record,
                      struct pl_err *err) PL_MUST_CHECK;

/* Puts late among rejects, in the order of the rows, up to the last one that
 * the chunk still has. */
int pl_csv_merge_rejects(struct pl_csv_work *work,
                         struct pl_err *err) PL_MUST_CHECK;

/* Words a reject of the row, at the end of pieces. */
int pl_csv_note_reject(const struct pl_csv_plan *plan, struct pl_csv_work *work,
                       struct pl_csv_pieces *pieces, uint32_t row,
                       struct pl_csv_record *record,
                       const struct pl_csv_verdict *verdict,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
