/*
 * csv.h - CSV after RFC 4180, strictly: rows of cells, quotes undone. Written
 * apart from pipeline/csv on purpose, as import_csv.c is.
 */
#ifndef LOCAL_CSV_H
#define LOCAL_CSV_H

#include "pipeline/base/io.h"

#define LOCAL_CSV_CELLS 1024

struct local_csv_row {
    const char *const *cells; /* each ends with a NUL */
    const size_t *lens;
    size_t count;
    uint64_t line; /* of the row's first byte, from 1 on */
};

struct local_csv_sink {
    void *ctx;
    /* The first row is the header. */
    int (*row)(void *ctx, const struct local_csv_row *row, struct pl_err *err);
};

/* -1 with PL_DATA_INVALID: the file as such is wrong. */
int local_csv_read(const struct pl_source *source,
                   const struct local_csv_sink *sink,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
