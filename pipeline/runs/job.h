/*
 * job.h - a job file as people write it (docs/runs.md): a manifest, where the
 * query may stand in a file of its own ("sql_file") and some values may name
 * variables ("${NAME}").
 */
#ifndef PL_RUNS_JOB_H
#define PL_RUNS_JOB_H

#include "pipeline/manifest/manifest.h"

#define PL_JOB_SQL_MAX ((size_t)1 << 20) /* bytes of a file of SQL */

/* Reads a job from a file, or from standard input where path is "-". */
int pl_job_read(const char *path, struct pl_manifest *job,
                struct pl_err *err) PL_MUST_CHECK;

/*
 * The same from text. dir: where query.sql_file is looked for, "" or ending in
 * "/"; NULL: it is refused. A comment is PL_MANIFEST_INVALID, and named; a
 * variable that is not set PL_CONFIG_INVALID.
 */
int pl_job_parse(struct pl_manifest *job, const char *text, size_t len,
                 const char *dir, struct pl_err *err) PL_MUST_CHECK;

#endif
