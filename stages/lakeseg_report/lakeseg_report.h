/*
 * lakeseg_report.h - what people look at instead of logs: a run, or all runs
 * of a job, as one self-contained page or for a terminal (docs/report.md).
 *
 * It reads manifests and the first lines of a reject file, never the data.
 */
#ifndef LAKESEG_REPORT_H
#define LAKESEG_REPORT_H

#include "pipeline/base/buf.h"

/* A page of what a manifest of 16 MiB may hold is far below. */
#define LAKESEG_REPORT_MAX ((size_t)32 << 20)

/* Lines of text are no shorter and no longer. */
#define LAKESEG_REPORT_WIDTH_MIN 72
#define LAKESEG_REPORT_WIDTH_MAX 200

struct lakeseg_report_config {
    const char *previous; /* the run to compare with; NULL: the last good one
                             of the job in the state folder */
    double price_per_tb;  /* where the manifest says none; -1: none */
    bool is_text;
    bool is_utf8;     /* of text */
    size_t width;     /* of text */
    bool show_values; /* people's values: else masked */
};

/* run: what pl_runs_read() takes, or the S3 URI of a manifest. */
int lakeseg_report_run(const struct lakeseg_report_config *cfg, const char *run,
                       struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

/* folder: of manifests, a path or an S3 URI; NULL: the state folder. */
int lakeseg_report_job(const struct lakeseg_report_config *cfg, const char *job,
                       const char *folder, struct pl_buf *out,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
