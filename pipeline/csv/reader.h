/*
 * reader.h - bytes into records: what libcsv (strict) says, with positions.
 *
 * NULL (nothing) and the empty string ("") stay apart. A record ends with LF,
 * CRLF or CR outside quotes. After a quoting error the bytes up to the next LF
 * belong to the bad record, which comes with is_malformed and no cells; the
 * next record starts behind it. The result does not depend on how the bytes
 * are cut into pieces.
 */
#ifndef PL_CSV_READER_H
#define PL_CSV_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

#define PL_CSV_COLUMNS_MAX 100000

struct pl_csv_cell {
    char *data; /* may be changed in place; not ended by a NUL */
    size_t len;
    bool is_null;
};

struct pl_csv_record {
    struct pl_csv_cell *cells;
    size_t count;    /* 0: an empty line */
    uint64_t number; /* 0: the header */
    uint64_t line;   /* of its first byte, from 1 */
    uint64_t offset; /* of its first byte */
    const char *raw; /* with its line end */
    size_t raw_len;
    bool is_malformed;
};

struct pl_csv_reader {
    void *impl;
};

/* each is called for every record, in order, with what is valid until it
 * returns; its failure ends the reading. */
int pl_csv_reader_open(struct pl_csv_reader *reader, size_t max_record_bytes,
                       int (*each)(void *ctx, struct pl_csv_record *record,
                                   struct pl_err *err),
                       void *ctx, struct pl_err *err) PL_MUST_CHECK;
int pl_csv_reader_feed(struct pl_csv_reader *reader, const char *data,
                       size_t len, struct pl_err *err) PL_MUST_CHECK;
/* The data ended. PL_DATA_INVALID, naming where, inside an open quote. */
int pl_csv_reader_end(struct pl_csv_reader *reader,
                      struct pl_err *err) PL_MUST_CHECK;
/* Bytes that were cut off before the first feed, a byte-order mark. */
void pl_csv_reader_skip(struct pl_csv_reader *reader, size_t bytes);
void pl_csv_reader_release(struct pl_csv_reader *reader);

#endif
