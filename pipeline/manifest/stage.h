/*
 * stage.h - what every stage program does around its one job, so that none
 * can forget it: options, manifest in, manifest out, failure passed on.
 */
#ifndef PL_MANIFEST_STAGE_H
#define PL_MANIFEST_STAGE_H

#include "pipeline/base/opts.h"
#include "pipeline/manifest/manifest.h"

struct pl_stage {
    const struct pl_cli *cli;
    void *ctx;
    /* The job: changes m in place; *err on failure. Called with signals
     * listened to, run.id set and status not "failed". */
    int (*run)(void *ctx, struct pl_manifest *m, struct pl_err *err);
    /* With an operand on the command line no manifest is read: this makes one
     * of it. Returns 1 where standard output is taken for data, so that the
     * manifest must not go there. NULL: there are no operands. */
    int (*direct)(void *ctx, const char *operand, struct pl_manifest *m,
                  struct pl_err *err);
    /* sns-notify: called for every outcome, also when no manifest came; what
     * it fails with never changes the run's status. */
    bool is_last;
};

/*
 * The whole life of a stage program; returns the exit status of main.
 *
 * Reads one manifest from standard input with INT and TERM ignored. A failed
 * one is passed on with a "skipped" line and its own exit status. Otherwise
 * runs the job and writes the manifest, last thing, with the stage's line and,
 * if it failed, status and error.
 */
int pl_stage_main(const struct pl_stage *stage, int argc, char **argv);

#endif
