/*
 * fold.h - a manifest as people may read it: what could be anybody's data or
 * secret is masked, long texts are cut, one field a line.
 */
#ifndef LAKESEG_REPORT_FOLD_H
#define LAKESEG_REPORT_FOLD_H

#include "pipeline/manifest/manifest.h"

/* What is longer when printed is left out. */
#define FOLD_BYTES ((size_t)262144)

/* Appends the text; more than FOLD_BYTES: nothing. show_values: people's data
 * as they are; secrets never. */
int fold_manifest(const struct pl_manifest *m, bool show_values,
                  struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
