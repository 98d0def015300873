/* earlier.h - the rows that earlier runs of the job sent, the youngest run's
 * first: from the files that they left. */
#ifndef CSV_VALIDATE_EARLIER_H
#define CSV_VALIDATE_EARLIER_H

#include "stages/csv_validate/delta.h"

/* The file that a row stands in. */
struct csv_earlier {
    size_t number; /* of the files that were read, from 0 */
    struct pl_buf header;
};

/* 0: on with the next row; 1: it is enough; -1. */
typedef int csv_earlier_row(void *ctx, struct csv_earlier *file,
                            const struct pl_delta_print *print,
                            const char *line, size_t len, struct pl_err *err);

/* *missing: files that are not there any more, which is said. */
int csv_earlier_read(struct csv_delta *d, csv_earlier_row *row, void *ctx,
                     size_t *missing, struct pl_err *err) PL_MUST_CHECK;

#endif
