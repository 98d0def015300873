/*
 * reader.h - what a record is. libcsv (strict) says what is well-formed; it is
 * the reference that the kernels are compared with, and it reads what they
 * cannot prove.
 *
 * NULL (nothing) and the empty string ("") stay apart. A record ends with LF,
 * CRLF or CR outside quotes. After a quoting error the bytes up to the next LF
 * belong to the bad record, which comes with is_malformed and no cells; the
 * next record starts behind it.
 */
#ifndef PL_CSV_READER_H
#define PL_CSV_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/phone.h"

#define PL_CSV_COLUMNS_MAX 100000

struct pl_csv_cell {
    char *data; /* may be changed in place; not ended by a NUL */
    size_t len;
    bool is_null;
};

struct pl_csv_record {
    struct pl_csv_cell *cells;
    size_t count;    /* 0: an empty line; cells holds PL_CSV_COLUMNS_MAX of
                        them at most */
    const char *raw; /* with its line end */
    size_t raw_len;
    bool is_malformed;
    bool may_hold_controls; /* or bytes that are not UTF-8: else they were */
    bool may_be_no_utf8;    /* looked for, and are not there */
    bool may_need_quotes;   /* a cell may hold a comma or a quote */
    char phone[PL_PHONE_BYTES]; /* what a cell may point to once it is judged */
};

struct pl_csv_reference;

struct pl_csv_reference *pl_csv_reference_open(struct pl_err *err);
void pl_csv_reference_release(struct pl_csv_reference *reference);

/*
 * Reads the record at data; *record is valid until the next call. Returns its
 * length, or 0 when data ends before it (is_end: nothing follows data; the
 * record then ends with it). -1 with PL_DATA_INVALID inside an open quote at
 * the end, or out of memory.
 */
int64_t pl_csv_reference_next(struct pl_csv_reference *reference,
                              const char *data, size_t len, bool is_end,
                              struct pl_csv_record *record,
                              struct pl_err *err) PL_MUST_CHECK;

#endif
