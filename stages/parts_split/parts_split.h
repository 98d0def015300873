/*
 * parts_split.h - a manifest whose result is in partitions becomes one manifest
 * for each of them, in S3, and a list that a Distributed Map reads
 * (docs/scale.md).
 */
#ifndef PARTS_SPLIT_H
#define PARTS_SPLIT_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

/*
 * Below the run's place it writes parts/pNN/manifests/input.json for each
 * partition that has data, and parts/items.json; m gets the section parts. A
 * result without partitions is one part.
 *
 * Fails with PL_CONFIG_INVALID where the job cannot be split,
 * PL_MANIFEST_INVALID without a result.
 */
int parts_split_run(struct pl_aws *aws, struct pl_manifest *m,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
