/*
 * parts_collect.h - what became of the parts of a run, as one manifest: counts
 * added up, limits judged by the sum, the files of all for one import
 * (docs/scale.md).
 */
#ifndef PARTS_COLLECT_H
#define PARTS_COLLECT_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

/* Below a part's place: where the task of its transformer leaves it. */
#define PARTS_COLLECT_MANIFEST "manifests/transform.json"

/*
 * Reads the manifests of all parts in m's section parts. Replaces the data of
 * the query by that of the parts and fills validate.result.
 *
 * Fails as the first part that failed did, naming it; with PL_TASK_LOST where
 * a part left no word; with PL_DATA_INVALID where the sum does not keep to the
 * limits: validate.result and the rejects are there too; with
 * PL_MANIFEST_INVALID for what is no part of this run.
 */
int parts_collect_run(struct pl_aws *aws, struct pl_manifest *m,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
