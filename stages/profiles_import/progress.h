/* progress.h - how far the way of objects came: a journal in the run's local
 * folder, and beside it what the service did not take, with its reasons. */
#ifndef PROFILES_IMPORT_PROGRESS_H
#define PROFILES_IMPORT_PROGRESS_H

#include "pipeline/stream/journal.h"
#include "stages/profiles_import/run.h"

struct profiles_progress {
    struct pl_journal journal;
    struct pl_buf path; /* of the rejects */
    struct pl_buf uri;  /* where they are in the end */
    int fd;             /* of the rejects; -1: none yet */
    int64_t done;       /* rows of all parts */
    int64_t failed;     /* of them */
    int64_t bytes;      /* of the rejects */
};

/* Reads what an earlier try left; what it wrote and did not count goes. */
int profiles_progress_open(struct profiles_progress *p,
                           const struct profiles_run *run,
                           struct pl_err *err) PL_MUST_CHECK;
/* One row that the service refused; counted by the next save. */
int profiles_progress_reject(struct profiles_progress *p, json_t *take,
                             struct pl_err *err) PL_MUST_CHECK;
/* After a batch: rows more are done. */
int profiles_progress_save(struct profiles_progress *p, int64_t rows,
                           struct pl_err *err) PL_MUST_CHECK;
/* Adds the rejects to the manifest's data, in S3 if the data is there. */
int profiles_progress_publish(struct profiles_progress *p,
                              struct profiles_run *run,
                              struct pl_err *err) PL_MUST_CHECK;
void profiles_progress_release(struct profiles_progress *p);

#endif
