/*
 * limits.h - validate.limits of a manifest: what the counts of a run must keep
 * to, or nothing is imported.
 */
#ifndef PL_MANIFEST_LIMITS_H
#define PL_MANIFEST_LIMITS_H

#include "pipeline/manifest/manifest.h"

struct pl_limits {
    double max_reject_percent; /* of rows_in, 0 to 100 */
    int64_t max_rejects;       /* -1: none */
    int64_t min_rows;          /* of rows_out */
    int64_t max_rows;          /* of rows_out; -1: none */
};

/* With the defaults for what is not there. PL_CONFIG_INVALID. */
int pl_limits_read(const struct pl_manifest *m, struct pl_limits *limits,
                   struct pl_err *err) PL_MUST_CHECK;
/* Whether a percentage is one; PL_CONFIG_INVALID. */
int pl_limits_check_percent(double percent, struct pl_err *err) PL_MUST_CHECK;

#endif
