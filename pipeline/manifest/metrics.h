/*
 * metrics.h - the figures of a run as one line that CloudWatch Logs makes
 * metrics of (its embedded metric format): namespace "lakeseg", dimension Job.
 */
#ifndef PL_MANIFEST_METRICS_H
#define PL_MANIFEST_METRICS_H

#include "pipeline/manifest/manifest.h"

/* Appends the line, with its line end, of a run that is over. Figures that
 * the manifest does not hold are left out. */
int pl_metrics_print(const struct pl_manifest *m, int64_t now_ms,
                     struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
