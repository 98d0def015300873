/*
 * job.h - what a job keeps between its runs, beside the results, at
 * <output>lakeseg/jobs/<job name>/ (the name as pl_job_folder writes it):
 *
 *   key               32 random bytes, in hex: made once, for all fingerprints
 *   <run id>.prints   the fingerprints of a run (file.h): a candidate, until
 *   last.json         says that they are the last run's
 *
 * last.json names the last run of which the service took every row, and the
 * runs since then that began to import and did not get there: what those sent,
 * nobody knows. It is replaced as a whole, and only over what was read before,
 * so that whoever dies leaves the old one or the new one, and of two that write
 * none loses what the other wrote.
 */
#ifndef PL_DELTA_JOB_H
#define PL_DELTA_JOB_H

#include "pipeline/aws/client.h"
#include "pipeline/delta/table.h"
#include "pipeline/manifest/manifest.h"

struct pl_delta_job {
    struct pl_aws *aws; /* NULL: the place is a folder */
    struct pl_buf place;
    json_t *state;  /* NULL: there is none */
    char why[256];  /* it is there, but cannot be used; else "" */
    char etag[128]; /* of the object last.json as it was read; "": none */
};

/* Whether the job keeps anything: it asks for a mode or for limits that look
 * at the last run. */
bool pl_delta_is_wanted(const struct pl_manifest *m);
/* Appends the job's place, ending in "/". PL_CONFIG_INVALID where the job has
 * no name. */
int pl_delta_place(const struct pl_manifest *m, struct pl_buf *out,
                   struct pl_err *err) PL_MUST_CHECK;

/* Reads last.json. place: as above. */
int pl_delta_job_open(struct pl_delta_job *job, const char *place,
                      struct pl_aws *aws, struct pl_err *err) PL_MUST_CHECK;
void pl_delta_job_release(struct pl_delta_job *job);
/* Reads last.json anew, lets change see to job->state, and replaces last.json by
 * it; again from the start when another run was quicker. change: 0, 1 (nothing
 * is to be written) or -1. */
int pl_delta_job_change(struct pl_delta_job *job,
                        int (*change)(void *ctx, struct pl_err *err), void *ctx,
                        struct pl_err *err) PL_MUST_CHECK;

/* The job's key; is_made: it is made where it is missing, else all zeros. */
int pl_delta_job_key(struct pl_delta_job *job, bool is_made,
                     struct pl_delta_key *key,
                     struct pl_err *err) PL_MUST_CHECK;

/* The last run's id, and how many rows it had; NULL, -1: there was none. */
const char *pl_delta_job_last(const struct pl_delta_job *job);
int64_t pl_delta_job_rows(const struct pl_delta_job *job);
/* The runs since then that are not settled, an array; NULL: none. */
const json_t *pl_delta_job_open_runs(const struct pl_delta_job *job);

struct pl_delta_load {
    size_t memory;        /* of the table (table.h) */
    const char *temp_dir; /* NULL: TMPDIR or /tmp */
    uint64_t meaning;     /* out: of the last run's rows */
    bool is_known;        /* out: the table is what the service has */
    char why[256];        /* out: why not, or "" where there was no run */
};
/* The last run's fingerprints, as far as later runs left them certain. What
 * cannot be used (a file that is gone, broken, or made with another key) is no
 * failure: is_known is false then. */
int pl_delta_job_load(struct pl_delta_job *job, const struct pl_delta_key *key,
                      struct pl_delta_load *load, struct pl_delta_table *table,
                      struct pl_err *err) PL_MUST_CHECK;

/* A full run is due after so many files (pl_delta_job_new_files). */
#define PL_DELTA_FILES_MAX 1000
/* The files since the last full run in which the job's rows are. */
int64_t pl_delta_job_new_files(const struct pl_delta_job *job);

#define PL_DELTA_DESTINATION 300
/* Where a job imports, in words: "application", its id, and the region where
 * the job names one (else NULL). */
void pl_delta_destination(const char *kind, const char *name,
                          const char *region, char out[PL_DELTA_DESTINATION]);

/* Removes a file of fingerprints below the job's place that nobody needs any
 * more; that it cannot be removed is no failure. */
void pl_delta_job_forget(struct pl_delta_job *job, const char *uri);

/* A small file of the job: 1 where there is none. */
int pl_delta_fetch(const char *uri, struct pl_aws *aws, struct pl_buf *to,
                   struct pl_err *err) PL_MUST_CHECK;
/* Whether a failure says that there is no such file or object. */
bool pl_delta_is_missing(const struct pl_err *err);

#endif
