#include "pipeline/manifest/limits.h"

#include <stdlib.h>

#include "pipeline/manifest/setting.h"

#define MAX_REJECT_PERCENT_DEFAULT 1.0
#define MIN_ROWS_DEFAULT 1

static int choose_reject_percent(const struct pl_manifest *m,
                                 const char *option, double *percent,
                                 struct pl_err *err)
{
    static const char path[] = "validate.limits.max_reject_percent";
    static const char env[] = "LAKESEG_MAX_REJECT_PERCENT";
    const char *text = option;
    const char *from = "--max-reject-percent";
    char *end = NULL;

    if (text == NULL && pl_manifest_get(m, path) == NULL) {
        text = pl_env(env);
        from = env;
    }
    *percent = text != NULL
                   ? strtod(text, &end)
                   : pl_manifest_real(m, path, MAX_REJECT_PERCENT_DEFAULT);
    if (text != NULL && (end == text || *end != '\0'))
        return pl_fail(err, from == env ? PL_CONFIG_INVALID : PL_USAGE_INVALID,
                       "%s: '%s' is not a number", from, text);
    if (!(*percent >= 0 && *percent <= 100))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "max_reject_percent must be from 0 to 100");
    return 0;
}

static int64_t limit(int64_t option, const struct pl_manifest *m,
                     const char *path)
{
    return option != PL_UNSET ? option : pl_manifest_int(m, path, -1);
}

int pl_limits_choose(const struct pl_manifest *m,
                     const struct pl_limits_options *options,
                     struct pl_limits *limits, struct pl_err *err)
{
    struct pl_limits found = {
        .max_rejects =
            limit(options->max_rejects, m, "validate.limits.max_rejects"),
        .max_rows = limit(options->max_rows, m, "validate.limits.max_rows")};

    if (choose_reject_percent(m, options->max_reject_percent,
                              &found.max_reject_percent, err) != 0 ||
        pl_manifest_setting_int(m, options->min_rows,
                                "validate.limits.min_rows", "LAKESEG_MIN_ROWS",
                                MIN_ROWS_DEFAULT, &found.min_rows, err) != 0)
        return -1;
    *limits = found;
    return 0;
}
