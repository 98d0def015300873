/*
 * parts.h - a run in parts (docs/scale.md): the result of the query is
 * partitioned by a hash of the Id, each partition has a transformer of its
 * own, and all of them are imported together.
 */
#ifndef PL_MANIFEST_PARTS_H
#define PL_MANIFEST_PARTS_H

#include "pipeline/manifest/manifest.h"

#define PL_PARTITIONS_MAX 100 /* that one UNLOAD writes (sources 3.7) */
#define PL_PART_FILES_MAX 100 /* normalized files of a part */

/* How many partitions an option (PL_UNSET: none), query.partitions or
 * LAKESEG_PARTITIONS asks for; 0: the result stays whole. */
int pl_partitions(const struct pl_manifest *m, int64_t option, int64_t *count,
                  struct pl_err *err) PL_MUST_CHECK;

/* Whether every rule of the job can be decided within one partition, where an
 * Id is in one alone. PL_CONFIG_INVALID names the rule that cannot. */
int pl_partitions_allowed(const struct pl_manifest *m,
                          struct pl_err *err) PL_MUST_CHECK;

/* run.part, which the manifest of a part has. */
struct pl_part {
    int64_t number;       /* of the partition; -1: the run is whole */
    const char *work_uri; /* the place of the whole run; borrowed */
};
int pl_part_get(const struct pl_manifest *m, struct pl_part *part,
                struct pl_err *err) PL_MUST_CHECK;

/* The number of a part's file in import/pNNNN/; no two parts share one. */
int64_t pl_part_file(const struct pl_part *part, size_t file);

#endif
