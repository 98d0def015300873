/*
 * mapping.h - a job's own table of where columns go in a profile
 * (docs/profile-mapping.json is the default as such a file).
 */
#ifndef CSV_VALIDATE_MAPPING_H
#define CSV_VALIDATE_MAPPING_H

#include "pipeline/manifest/manifest.h"
#include "pipeline/target/mapping.h"

struct csv_mapping {
    struct pl_mapping mapping;
    struct pl_mapping_rule *rules;
    json_t *document; /* the rules' strings are its */
};
void csv_mapping_release(struct csv_mapping *m);

/* value: the table itself, or the path of a file that has it; NULL: the
 * default stays. PL_CONFIG_INVALID names the rule that is wrong. */
int csv_mapping_read(struct csv_mapping *m, json_t *value,
                     struct pl_err *err) PL_MUST_CHECK;
/* NULL: the default. */
const struct pl_mapping *csv_mapping_of(const struct csv_mapping *m);

#endif
