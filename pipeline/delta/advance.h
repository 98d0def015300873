/*
 * advance.h - what an import does to the job's memory of what the service has.
 *
 * Before it starts anything it writes down that it begins: from then on nobody
 * knows what the service has of the rows it sends. Once the service took every
 * row this run becomes the job's last one. A run that is entered again finds
 * what it wrote, and does neither a second time. The section of the manifest,
 * validate.result.delta, is csv-validate's; where it is missing nothing is
 * done.
 */
#ifndef PL_DELTA_ADVANCE_H
#define PL_DELTA_ADVANCE_H

#include "pipeline/delta/job.h"

struct pl_delta_import {
    struct pl_delta_job job;
    const struct pl_manifest *m; /* NULL: the job keeps nothing */
    const char *destination;
    bool is_done;  /* the run was the last one before */
    bool took_all; /* pl_delta_end */
};

/*
 * destination says in words where rows go. With changes alone that must be
 * where the last run went (else PL_CONFIG_INVALID), and no other run of the job
 * may have begun since they were taken (else PL_DATA_INVALID). m must outlive
 * the import.
 */
int pl_delta_begin(struct pl_delta_import *d, const struct pl_manifest *m,
                   struct pl_aws *aws, const char *destination,
                   struct pl_err *err) PL_MUST_CHECK;
/* The import succeeded; took_all: without one row that failed. Where another run
 * became the last one meanwhile nobody knows whose rows came later: this one
 * stays among those that are not settled. */
int pl_delta_end(struct pl_delta_import *d, bool took_all,
                 struct pl_err *err) PL_MUST_CHECK;
void pl_delta_import_release(struct pl_delta_import *d);

#endif
