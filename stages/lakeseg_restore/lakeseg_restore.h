/*
 * lakeseg_restore.h - the rows of an older run, to be imported again as that
 * run sent them, from the normalized files that it left.
 */
#ifndef LAKESEG_RESTORE_H
#define LAKESEG_RESTORE_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

/* PL_USAGE_INVALID for the manifest of a run that sent nothing. */
int lakeseg_restore_check(const struct pl_manifest *m,
                          struct pl_err *err) PL_MUST_CHECK;
/* What it will do, and what it cannot take back. */
int lakeseg_restore_text(const struct pl_manifest *m, struct pl_buf *text,
                         struct pl_err *err) PL_MUST_CHECK;
/*
 * Makes m the job of a new run that begins with its import. Files that an
 * import job finds by their prefix are copied to a prefix of their own, since
 * the service's jobs are known by theirs. *stage: the program that imports.
 */
int lakeseg_restore_prepare(struct pl_manifest *m, struct pl_aws *aws,
                            const char **stage,
                            struct pl_err *err) PL_MUST_CHECK;

#endif
