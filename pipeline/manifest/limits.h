/*
 * limits.h - validate.limits of a manifest: what the counts of a run must keep
 * to, or nothing is imported.
 */
#ifndef PL_MANIFEST_LIMITS_H
#define PL_MANIFEST_LIMITS_H

#include "pipeline/base/opts.h"
#include "pipeline/manifest/manifest.h"

/* As a command line has them; they win over the manifest. */
struct pl_limits_options {
    const char *max_reject_percent; /* NULL: not given */
    int64_t max_rejects;            /* PL_UNSET: not given */
    int64_t min_rows;
    int64_t max_rows;
};
#define PL_LIMITS_OPTIONS \
    { \
        .max_rejects = PL_UNSET, .min_rows = PL_UNSET, .max_rows = PL_UNSET \
    }

struct pl_limits {
    double max_reject_percent; /* of rows_in, 0 to 100 */
    int64_t max_rejects;       /* -1: none */
    int64_t min_rows;          /* of rows_out */
    int64_t max_rows;          /* of rows_out; -1: none */
};

/* Options, manifest, LAKESEG_MAX_REJECT_PERCENT and LAKESEG_MIN_ROWS,
 * defaults. PL_USAGE_INVALID for an option, PL_CONFIG_INVALID for anything else
 * that is none. */
int pl_limits_choose(const struct pl_manifest *m,
                     const struct pl_limits_options *options,
                     struct pl_limits *limits,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
