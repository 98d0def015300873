/* rows.h - the records of a normalized file, one by one, and whether all of
 * it was there. */
#ifndef PROFILES_IMPORT_ROWS_H
#define PROFILES_IMPORT_ROWS_H

#include "pipeline/csv/reader.h"
#include "pipeline/stream/reader.h"

struct profiles_rows {
    struct pl_reader reader;
    struct pl_csv_reference *reference;
    char *buf;
    size_t at;  /* of the next record */
    size_t len; /* filled */
    size_t cap;
    bool is_end; /* the file has no more bytes */
};

/* Must stay where it is. */
int profiles_rows_open(struct profiles_rows *rows, const char *uri,
                       struct pl_aws *aws, struct pl_err *err) PL_MUST_CHECK;
/* 1: *record is valid until the next call; 0: the end; -1. */
int profiles_rows_next(struct profiles_rows *rows, struct pl_csv_record *record,
                       struct pl_err *err) PL_MUST_CHECK;
void profiles_rows_release(struct profiles_rows *rows);

#endif
