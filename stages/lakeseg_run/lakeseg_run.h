/*
 * lakeseg_run.h - a whole run: the stage programs started and joined by pipes,
 * their end awaited, the last manifest read.
 *
 * The stages are the real programs; this is what a shell's pipe does, plus one
 * place that knows how all of them ended.
 */
#ifndef LAKESEG_RUN_H
#define LAKESEG_RUN_H

#include "pipeline/manifest/manifest.h"

#define LAKESEG_RUN_STAGES_MAX 8

struct lakeseg_run_config {
    const char *bin_dir; /* where the programs are, ending in "/" */
    const char *stages;  /* "athena-exec,csv-validate,..."; NULL: by where the
                            job goes */
};

/* Default: data stays in S3 all the way. */
#define LAKESEG_RUN_STAGES \
    "athena-exec,csv-validate-normalize,pinpoint-import,sns-notify"
#define LAKESEG_RUN_STAGES_PROFILES \
    "athena-exec,csv-validate-normalize,profiles-import,sns-notify"

/*
 * Runs job through the stages. On return 0 *m is the last manifest and
 * *status the exit status of the run: the last stage's, or that of the first
 * stage which died without one. -1 only when no pipe could be made.
 */
int lakeseg_run(const struct lakeseg_run_config *cfg,
                const struct pl_manifest *job, struct pl_manifest *m,
                int *status, struct pl_err *err) PL_MUST_CHECK;

/* One line a stage and a summary of the figures, as text. */
int lakeseg_run_summary(const struct pl_manifest *m, struct pl_buf *text,
                        struct pl_err *err) PL_MUST_CHECK;

/* A lakeseg-local of our own for the time of a run. */
struct lakeseg_local {
    pid_t pid;
    char dir[64]; /* of the ready file */
    char url[128];
};

/*
 * Starts lakeseg-local over lake, with the bucket, application and topic that
 * job names, and points the environment's AWS_* variables to it. state: where
 * it keeps its objects; NULL: nowhere for long.
 */
int lakeseg_local_start(struct lakeseg_local *local, const char *bin_dir,
                        const char *lake, const char *state,
                        const struct pl_manifest *job,
                        struct pl_err *err) PL_MUST_CHECK;
void lakeseg_local_release(struct lakeseg_local *local);

#endif
