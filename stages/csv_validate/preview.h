/*
 * preview.h - what a run would change, for people: in how many of the changed
 * rows each column differs, and a few rows of each kind, masked unless asked
 * otherwise. Rows of earlier runs are read from the files that those sent.
 */
#ifndef CSV_VALIDATE_PREVIEW_H
#define CSV_VALIDATE_PREVIEW_H

#include "pipeline/base/sorter.h"
#include "stages/csv_validate/delta.h"

#define CSV_PREVIEW_SAMPLES 5 /* rows of each kind */

struct csv_preview {
    bool has_values; /* samples are not masked */
    struct csv_delta *delta;
    json_t *fresh; /* samples */
    json_t *changed;
    json_t *gone;
    json_t *columns; /* of changed rows: name: count */
    struct pl_sorter rows;
    unsigned char *is_changed; /* a bit for each place of the table */
    json_t *headers;           /* of the files that rows came from */
    size_t unread;             /* files of earlier runs that are not there */
};

/* Watches the rows of delta, before it is opened. */
int csv_preview_open(struct csv_preview *p, struct csv_delta *delta,
                     bool has_values, struct pl_err *err) PL_MUST_CHECK;
void csv_preview_release(struct csv_preview *p);
/* delta's row (filter.h). */
int csv_preview_row(void *ctx, enum pl_delta_kind kind, size_t place,
                    const char *line, size_t len, struct pl_err *err);
/* All rows went through: validate.result.preview. */
int csv_preview_record(struct csv_preview *p, struct pl_manifest *m,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
