#include "pipeline/manifest/setting.h"

#include "pipeline/base/opts.h"

int pl_manifest_setting_int(const struct pl_manifest *m, int64_t option,
                            const char *path, const char *env, int64_t fallback,
                            int64_t *out, struct pl_err *err)
{
    return pl_setting_int(
        option != PL_UNSET ? option : pl_manifest_int(m, path, PL_UNSET), env,
        fallback, out, err);
}
