/*
 * lakeseg_run.h - whole runs, supervised: the stage programs one after
 * another, the manifest kept after each, so that a run that was killed at any
 * point goes on where it was (docs/reliability.md, docs/runs.md).
 */
#ifndef LAKESEG_RUN_H
#define LAKESEG_RUN_H

#include "pipeline/runs/runs.h"

struct run_view;

struct lakeseg_run_config {
    const char *bin_dir; /* where the programs are, ending in "/" */
    const char *stages;  /* "athena-exec,csv-validate,..."; NULL: the job's
                            run.stages, else by where the job goes */
    const char *from;    /* the first of them to run; NULL: the first of all */
    const char *until;   /* pause behind this one; NULL: do not */
    bool is_local;       /* against a lakeseg-local of its own */
    bool has_report;
    bool tells_stop;       /* a signal's stop is the run's outcome, and told */
    int64_t timeout_s;     /* PL_UNSET: run.timeout_s */
    struct run_view *view; /* NULL: nothing is drawn */
    /* Called for every older run that a start closes, with its last manifest;
     * is_told: not for one that --until paused. NULL: nobody cares. */
    void (*closed)(const struct pl_manifest *m, bool is_told);
};

/* Default: data stays in S3 all the way. */
#define LAKESEG_RUN_STAGES \
    "athena-exec,csv-validate-normalize,pinpoint-import,sns-notify"
#define LAKESEG_RUN_STAGES_PROFILES \
    "athena-exec,csv-validate-normalize,profiles-import,sns-notify"

struct lakeseg_outcome {
    struct pl_manifest m; /* the last one */
    int status;           /* for exit() */
};
void lakeseg_outcome_release(struct lakeseg_outcome *outcome);

/*
 * A new run of job, or, where job names a run that is there and not over, that
 * one. Runs of the same job that died and were not resumed are told first.
 * PL_ALREADY_RUNNING at once while another supervisor has the job.
 */
int lakeseg_run(const struct lakeseg_run_config *cfg,
                const struct pl_runs *runs, struct pl_manifest *job,
                struct lakeseg_outcome *outcome,
                struct pl_err *err) PL_MUST_CHECK;
/* On with the run that word means (pl_runs_find). PL_USAGE_INVALID when it is
 * over. */
int lakeseg_resume(const struct lakeseg_run_config *cfg,
                   const struct pl_runs *runs, const char *word,
                   struct lakeseg_outcome *outcome,
                   struct pl_err *err) PL_MUST_CHECK;

/* One line a stage (unless they were drawn) and a summary of the figures, as
 * text. */
int lakeseg_run_summary(const struct pl_manifest *m, bool has_stages,
                        struct pl_buf *text, struct pl_err *err) PL_MUST_CHECK;

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
