/*
 * kernel.h - the inner loops that go over bytes 64 at a time, written once in
 * kernel_impl.h over a small set of block operations and compiled for each
 * instruction set; the best one that the machine has is chosen at run time.
 *
 * A kernel proves, it never decides: what it cannot prove to be well-formed,
 * or right, it marks, and the row goes to the reference reader or to rules.h.
 */
#ifndef PL_CSV_KERNEL_H
#define PL_CSV_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that must be readable behind (and before) all data given here. */
#define PL_CSV_PAD 128

/* What a block of 64 bytes at base holds that its row must be looked at for. */
struct pl_csv_mark {
    uint32_t base;
    uint64_t text;    /* commas and doubled quotes inside quotes */
    uint64_t edge;    /* blanks at the edge of a cell, cells of "" */
    uint64_t control; /* control characters, line breaks inside quotes */
};

/* The structural index of a piece of CSV. */
struct pl_csv_index {
    const unsigned char *data;
    size_t at;  /* scanned up to here; always the start of a record on entry */
    size_t end; /* data ends */
    uint32_t *ends; /* of cells: commas and LFs outside quotes */
    size_t end_count;
    uint32_t *rows; /* of records: the LFs among them */
    size_t row_count;
    struct pl_csv_mark *marks;
    size_t mark_count;
    uint32_t *suspects; /* blocks that are not UTF-8 */
    size_t suspect_count;
    uint64_t empties; /* all bits: mark cells of "", too; else 0 */
};

/* Bytes that were changed in place: 0x20 was added to those of the bits. */
struct pl_csv_edit {
    uint32_t at;
    uint64_t bits;
};

/* Cells of one column, over the rows that are still thought right. */
struct pl_csv_cells {
    unsigned char *data;
    const uint32_t *ends;   /* of the index */
    const uint32_t *firsts; /* of each row: its first cell's place in ends */
    size_t count;           /* rows */
    size_t column;
    unsigned char *doubts;     /* of each row: set to 1 when not proven */
    struct pl_csv_edit *edits; /* in the order of the rows; room for all */
    size_t *edit_count;
};

struct pl_csv_kernel {
    const char *name;
    /* Scans on from at to end, or to the first byte that cannot be there in a
     * well-formed file, or to a CR outside quotes: its place is returned, else
     * SIZE_MAX. Only what stands before it is in the index. */
    size_t (*scan)(struct pl_csv_index *index);
    /* Copies without quotes; writes up to PL_CSV_PAD bytes too many. Returns
     * the length. */
    size_t (*strip)(unsigned char *to, const unsigned char *from, size_t len);
    /* As the inside of a JSON string; writes up to 6 * len + PL_CSV_PAD. */
    size_t (*escape)(unsigned char *to, const unsigned char *from, size_t len);
    /* LFs, and CRs that no LF follows. */
    size_t (*count_lines)(const unsigned char *data, size_t len);
    /* Ids: not empty, without $ { }, at most 64 bytes. */
    void (*ids)(const struct pl_csv_cells *cells);
    /* [-]digits[.digits][e[-]digits] of at most 15 characters, two of them
     * behind a power, or nothing. */
    void (*numbers)(const struct pl_csv_cells *cells);
    /* The two kinds of address, for the rows in list; channel codes decided
     * which. Domains are lower-cased in place. */
    void (*emails)(const struct pl_csv_cells *cells, const uint32_t *list,
                   size_t count);
    void (*phones)(const struct pl_csv_cells *cells, const uint32_t *list,
                   size_t count);
    /* Device tokens: visible ASCII, and only hex digits where is_hex[row]. */
    void (*tokens)(const struct pl_csv_cells *cells, const uint32_t *list,
                   size_t count, bool is_hex);
};

/* Each is there where its instruction set is (kernel.c). */
extern const struct pl_csv_kernel pl_csv_kernel_avx512;
extern const struct pl_csv_kernel pl_csv_kernel_avx2;
extern const struct pl_csv_kernel pl_csv_kernel_sse2;
extern const struct pl_csv_kernel pl_csv_kernel_neon;
extern const struct pl_csv_kernel pl_csv_kernel_scalar;

/* By name ("avx512", "avx2", "sse2", "neon", "scalar"), or the best one for
 * NULL; NULL when this machine or build has none of that name. */
const struct pl_csv_kernel *pl_csv_kernel_by_name(const char *name);

#endif
