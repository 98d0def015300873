/*
 * own_mapping.h - a job's own table of where columns go in a profile
 * (docs/profile-mapping.json is the default as such a file).
 */
#ifndef PL_TARGET_OWN_MAPPING_H
#define PL_TARGET_OWN_MAPPING_H

#include <jansson.h>

#include "pipeline/target/mapping.h"

struct pl_own_mapping {
    struct pl_mapping mapping;
    struct pl_mapping_rule *rules;
    json_t *document; /* the rules' strings are its */
};
void pl_own_mapping_release(struct pl_own_mapping *own);

/* value (import.mapping): the table itself, or the path of a file that has it;
 * NULL: the default stays. target then has it, as long as own is there; one
 * without profiles has no use for it. PL_CONFIG_INVALID names the rule that is
 * wrong. */
int pl_own_mapping_choose(struct pl_own_mapping *own, json_t *value,
                          struct pl_target *target,
                          struct pl_err *err) PL_MUST_CHECK;

#endif
