#include "pipeline/manifest/limits.h"

#define MAX_REJECT_PERCENT_DEFAULT 1.0
#define MIN_ROWS_DEFAULT 1

int pl_limits_check_percent(double percent, struct pl_err *err)
{
    if (percent >= 0 && percent <= 100)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "max_reject_percent must be from 0 to 100");
}

int pl_limits_read(const struct pl_manifest *m, struct pl_limits *limits,
                   struct pl_err *err)
{
    const struct pl_limits found = {
        .max_reject_percent =
            pl_manifest_real(m, "validate.limits.max_reject_percent",
                             MAX_REJECT_PERCENT_DEFAULT),
        .max_rejects = pl_manifest_int(m, "validate.limits.max_rejects", -1),
        .min_rows =
            pl_manifest_int(m, "validate.limits.min_rows", MIN_ROWS_DEFAULT),
        .max_rows = pl_manifest_int(m, "validate.limits.max_rows", -1)};

    if (pl_limits_check_percent(found.max_reject_percent, err) != 0)
        return -1;
    *limits = found;
    return 0;
}
