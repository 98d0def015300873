/*
 * settings.h - options, manifest and environment made into what the transformer
 * is asked for (docs/settings.md, docs/rules.md).
 */
#ifndef CSV_VALIDATE_SETTINGS_H
#define CSV_VALIDATE_SETTINGS_H

#include "pipeline/csv/transform.h"
#include "pipeline/target/own_mapping.h"
#include "stages/csv_validate/csv_validate.h"

struct csv_settings {
    struct pl_csv_config csv; /* but for what is read and written */
    struct pl_target target;  /* csv's */
    struct pl_own_mapping mapping;
    const char **required; /* csv's; the names are the manifest's */
    bool is_zstd;          /* rejects are compressed */
    bool has_sha256;       /* of the normalized parts */
};
void csv_settings_release(struct csv_settings *settings);

/* PL_CONFIG_INVALID or PL_USAGE_INVALID, naming the setting. */
int csv_settings_choose(struct csv_settings *settings,
                        const struct csv_validate_config *cfg,
                        const struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
