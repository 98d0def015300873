/*
 * keep.h - where a task leaves what it made: the manifest, its copy for the
 * history, the report.
 */
#ifndef SFN_TASK_KEEP_H
#define SFN_TASK_KEEP_H

#include "stages/sfn_task/pipe.h"
#include "stages/sfn_task/sfn_task.h"

/* What a task of these stages is called: "query", "transform", "import", or
 * the last stage's name. */
const char *sfn_task_name(const struct sfn_task_config *cfg);

/* Appends the URI of this task's manifest: <work_uri>manifests/<task>.json. */
int sfn_keep_uri(const struct sfn_task_config *cfg, const struct pl_manifest *m,
                 struct pl_buf *uri, struct pl_err *err) PL_MUST_CHECK;
/* Marks that this try of the task begins, at <work_uri>manifests/<task>.started.
 * Whether an earlier one did, with another token; true, too, where that cannot
 * be seen. */
bool sfn_keep_is_again(const struct sfn_task_config *cfg,
                       const struct pl_manifest *m, struct pl_aws *aws);
/* Stores the manifest there. */
int sfn_keep_manifest(const struct pl_manifest *m, const char *uri,
                      struct pl_aws *aws, struct pl_err *err) PL_MUST_CHECK;
/* The copy; a failure is survived, and logged. */
void sfn_keep_history(const struct sfn_task_config *cfg,
                      const struct pl_manifest *m, struct pl_aws *aws);
/* Has lakeseg make the report, stores it and sets report.uri; a failure is
 * survived, and logged. */
void sfn_keep_report(const struct sfn_task_config *cfg, struct pl_manifest *m,
                     struct pl_aws *aws, struct sfn_beat *beat);

#endif
