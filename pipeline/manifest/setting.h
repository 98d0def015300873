/*
 * setting.h - a setting that option, manifest and environment may give, in
 * that order.
 */
#ifndef PL_MANIFEST_SETTING_H
#define PL_MANIFEST_SETTING_H

#include "pipeline/manifest/manifest.h"

/* option PL_UNSET: not given. PL_CONFIG_INVALID for a variable that is no
 * number, if it comes to that. */
int pl_manifest_setting_int(const struct pl_manifest *m, int64_t option,
                            const char *path, const char *env, int64_t fallback,
                            int64_t *out, struct pl_err *err) PL_MUST_CHECK;

#endif
