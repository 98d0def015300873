/*
 * place.h - where manifests are: the state folder, files, S3, standard input.
 */
#ifndef LAKESEG_REPORT_PLACE_H
#define LAKESEG_REPORT_PLACE_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"
#include "pipeline/runs/runs.h"

/* An AWS client that is opened when it is first asked for: most reports need
 * none. */
struct report_aws {
    struct pl_aws aws;
    bool is_open;
};
void report_aws_release(struct report_aws *aws);
/* NULL and *err when there can be none. */
struct pl_aws *report_aws(struct report_aws *aws, struct pl_err *err);

/* RUN: a word that pl_runs_read() takes, or the S3 URI of a manifest. */
int report_read(const struct pl_runs *runs, const char *run,
                struct report_aws *aws, struct pl_manifest *m,
                struct pl_err *err) PL_MUST_CHECK;

/* The last successful run of m's job that began before m's, in the state
 * folder. Returns 1 with *before, or 0: none is known. */
int report_read_before(const struct pl_runs *runs, const struct pl_manifest *m,
                       struct pl_manifest *before);

/* Calls each(ctx, m) for every manifest of the folder, a path or an S3 URI
 * that is read as a prefix: files whose names end in .json. One that is no
 * manifest is passed over; *skipped counts them. */
typedef int report_each(void *ctx, const struct pl_manifest *m,
                        struct pl_err *err);
int report_each_of(const char *folder, struct report_aws *aws,
                   report_each *each, void *ctx, size_t *skipped,
                   struct pl_err *err) PL_MUST_CHECK;
/* The same for all runs of the state folder. */
int report_each_run(const struct pl_runs *runs, report_each *each, void *ctx,
                    size_t *skipped, struct pl_err *err) PL_MUST_CHECK;

#endif
