/* columns.h - where the fields of a run stand in a file. */
#ifndef PROFILES_IMPORT_COLUMNS_H
#define PROFILES_IMPORT_COLUMNS_H

#include "stages/profiles_import/rows.h"
#include "stages/profiles_import/run.h"

struct profiles_columns {
    size_t at[PL_CUSTOMER_FIELDS_MAX]; /* of each field; SIZE_MAX: the file
                                          is without it */
    size_t width;                      /* of the header */
};

/* Reads the header. PL_DATA_INVALID for one that the service would not take
 * (sources 9.4), or that lacks a field. */
int profiles_columns_read(struct profiles_columns *columns,
                          const struct profiles_run *run,
                          const struct profiles_part *part,
                          struct profiles_rows *rows,
                          struct pl_err *err) PL_MUST_CHECK;

#endif
