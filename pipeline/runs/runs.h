/*
 * runs.h - the state folder of the supervisor: what every run left, and who
 * runs now (docs/runs.md).
 *
 *   runs/<run id>/job.json                   the job as it was started
 *   runs/<run id>/manifests/NN-<stage>.json  the manifest after every stage
 *   runs/<run id>/receipt.json               the last one, once the run is over
 *   jobs/<job>/lock, jobs/<job>/last         who runs, the last good run
 *
 * A name appears when its content is whole and on the disk. Only the holder of
 * a job's lock writes into the job's runs.
 */
#ifndef PL_RUNS_RUNS_H
#define PL_RUNS_RUNS_H

#include "pipeline/manifest/manifest.h"

#define PL_RUN_ID_MAX 128
#define PL_RUN_SAVED_MAX 99 /* NN has two digits */

struct pl_runs {
    struct pl_buf root; /* ends in "/" */
};

/* place NULL or "": $LAKESEG_STATE, $XDG_STATE_HOME/lakeseg,
 * ~/.local/state/lakeseg. Nothing is made. */
int pl_runs_open(struct pl_runs *runs, const char *place,
                 struct pl_err *err) PL_MUST_CHECK;
void pl_runs_release(struct pl_runs *runs);

/* Appends a job's name as it is in names of folders: run.name, percent-encoded;
 * a job without a name is known by its query; run.local makes it another one. */
int pl_job_folder(const struct pl_manifest *job, struct pl_buf *out,
                  struct pl_err *err) PL_MUST_CHECK;

struct pl_run {
    char id[PL_RUN_ID_MAX + 1];
    struct pl_buf dir; /* ends in "/" */
    bool is_over;      /* it has its receipt */
    size_t saved;      /* manifests that are there */
    struct {
        char stage[64];
    } stages[PL_RUN_SAVED_MAX]; /* whose they are, in order */
};
void pl_run_release(struct pl_run *run);

/* Whether id may be a run's: 1 to 128 of A-Z a-z 0-9 - _ . and no dot first,
 * and neither "last" nor a name that ends in .json. */
bool pl_run_id_is_good(const char *id);

/* Makes the run's folder with job.json. job has a run.id. PL_USAGE_INVALID
 * when there is such a run. Needs the job's lock. */
int pl_run_create(const struct pl_runs *runs, const struct pl_manifest *job,
                  struct pl_run *run, struct pl_err *err) PL_MUST_CHECK;
/* The run with this very id; PL_USAGE_INVALID when there is none. */
int pl_run_open(const struct pl_runs *runs, const char *id, struct pl_run *run,
                struct pl_err *err) PL_MUST_CHECK;
/* Whether there is one. */
bool pl_run_exists(const struct pl_runs *runs, const char *id);

/* The manifest after a stage: the next manifests/NN-<stage>.json. */
int pl_run_save(struct pl_run *run, const char *stage,
                const struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;
/* receipt.json: this is the run's one outcome. */
int pl_run_end(struct pl_run *run, const struct pl_manifest *m,
               struct pl_err *err) PL_MUST_CHECK;
/* A small file of the run's own, written as whole as the others, or removed
 * (text NULL). */
int pl_run_note(const struct pl_run *run, const char *name, const char *text,
                size_t len, struct pl_err *err) PL_MUST_CHECK;

int pl_run_read_note(const struct pl_run *run, const char *name,
                     struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

/* The job as it was started. */
int pl_run_first(const struct pl_run *run, struct pl_manifest *m,
                 struct pl_err *err) PL_MUST_CHECK;
/* The receipt, else the manifest after the last stage, else the job. */
int pl_run_last(const struct pl_run *run, struct pl_manifest *m,
                struct pl_err *err) PL_MUST_CHECK;

/* All runs, the youngest first. */
struct pl_runs_entry {
    char id[PL_RUN_ID_MAX + 1];
    int64_t begun_ms; /* when job.json was written, by the file system */
    bool is_over;
};
struct pl_runs_list {
    struct pl_runs_entry *entries;
    size_t count;
    size_t room;
};
int pl_runs_list(const struct pl_runs *runs, struct pl_runs_list *list,
                 struct pl_err *err) PL_MUST_CHECK;
/* Those that are not over: what a start looks at among thousands. */
int pl_runs_list_open(const struct pl_runs *runs, struct pl_runs_list *list,
                      struct pl_err *err) PL_MUST_CHECK;
void pl_runs_list_release(struct pl_runs_list *list);

/* word: a run's id, the beginning of just one (in either case), or "last", the
 * youngest of all. PL_USAGE_INVALID when that is none or several. */
int pl_runs_find(const struct pl_runs *runs, const char *word,
                 struct pl_run *run, struct pl_err *err) PL_MUST_CHECK;
/* What `lakeseg show`, report and restore take: a word as above, the path of
 * a manifest (it has a slash, or ends in .json), or "-". */
int pl_runs_read(const struct pl_runs *runs, const char *word,
                 struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

/*
 * One supervisor a job. The lock is held until lock is released and every
 * child that was started meanwhile has ended: a stage that outlives its
 * supervisor still keeps others out.
 */
struct pl_job_lock {
    int fd; /* -1 or, zeroed, 0: none */
};
/* PL_ALREADY_RUNNING at once when another holds it, saying which run that is;
 * it waits only for what a dead supervisor's stage still does. */
int pl_job_lock(const struct pl_runs *runs, const char *job_folder,
                const char *run_id, struct pl_job_lock *lock,
                struct pl_err *err) PL_MUST_CHECK;
void pl_job_lock_release(struct pl_job_lock *lock);

/* The id of the job's last successful run: "" when there is none. */
int pl_job_last(const struct pl_runs *runs, const char *job_folder,
                char id[PL_RUN_ID_MAX + 1], struct pl_err *err) PL_MUST_CHECK;
/* An older run does not take the place of one that began later. */
int pl_job_set_last(const struct pl_runs *runs, const char *job_folder,
                    const char *id, struct pl_err *err) PL_MUST_CHECK;

#endif
