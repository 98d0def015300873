/*
 * tell.h - what a state machine is told of a task: small JSON texts, within
 * the limits of the service.
 */
#ifndef SFN_TASK_TELL_H
#define SFN_TASK_TELL_H

#include "pipeline/manifest/manifest.h"

/* status "pending", "succeeded" or "duplicate". manifest_uri NULL: it could
 * not be stored. */
int sfn_tell_output(const struct pl_manifest *m, const char *status,
                    const char *manifest_uri, struct pl_buf *out,
                    struct pl_err *err) PL_MUST_CHECK;
/* Of a manifest that failed; at most PL_SFN_CAUSE_MAX bytes. Replaces what is
 * in out. */
int sfn_tell_cause(const struct pl_manifest *m, const char *manifest_uri,
                   struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
