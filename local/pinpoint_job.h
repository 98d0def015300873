/*
 * pinpoint_job.h - an import job while it is worked on: pinpoint_start.c makes
 * it, pinpoint_jobs.c does it.
 */
#ifndef LOCAL_PINPOINT_JOB_H
#define LOCAL_PINPOINT_JOB_H

#include "local/pinpoint.h"

struct local_job {
    struct local *local;
    char app[132];
    char id[40];
    char bucket[64];
    char *prefix;
    bool is_csv;
    bool is_registering;
    bool is_defining;
    char segment[40];                      /* "": none */
    struct local_members members;          /* of the segment, once done */
    uint64_t channels[LOCAL_CHANNELS_MAX]; /* of the members */
    json_t *keys;                          /* the objects under the prefix */
    uint64_t processed;
    uint64_t failed;
    json_t *failures;
    unsigned failed_pieces;
};

void local_job_free(struct local_job *j);
/* The job's whole life; frees it. */
void *local_job_work(void *job);

#endif
