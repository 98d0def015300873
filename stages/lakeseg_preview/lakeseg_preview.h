/*
 * lakeseg_preview.h - a run up to its import: what it would change against the
 * job's last run. athena-exec and csv-validate --preview, joined by a pipe;
 * nothing is kept of it but the query's result.
 */
#ifndef LAKESEG_PREVIEW_H
#define LAKESEG_PREVIEW_H

#include "pipeline/manifest/manifest.h"

struct lakeseg_preview_config {
    const char *bin_dir; /* where the programs are, ending in "/" */
    bool has_values;     /* samples are not masked */
};

/* m: the manifest that came out, of a run that failed, too. *status is the
 * last program's. */
int lakeseg_preview(const struct lakeseg_preview_config *cfg,
                    const struct pl_manifest *job, struct pl_manifest *m,
                    int *status, struct pl_err *err) PL_MUST_CHECK;

/* The figures, the columns and the samples as text. */
int lakeseg_preview_text(const struct pl_manifest *m, struct pl_buf *text,
                         struct pl_err *err) PL_MUST_CHECK;

#endif
