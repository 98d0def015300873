/*
 * s3_put.h - carries the local data of a manifest to the run's place in S3.
 *
 * Entries with role "normalized" go to <work>import/pNNNN/, "rejects" to
 * <work>rejects/. What is read must have the CRC64NVME of the manifest; S3
 * checks the same value for what it stored. An upload that does not complete
 * is aborted, unless it is to be kept; one that was killed is gone on with.
 * What is promised for interruptions: docs/transfers.md.
 */
#ifndef S3_PUT_H
#define S3_PUT_H

#include "pipeline/manifest/manifest.h"
#include "pipeline/stream/transfer.h"

struct s3_put_config {
    const char *work_uri; /* where to; NULL: the run's place */
    const char *to;       /* one file: its s3:// URI; ending in "/": a folder */
    bool is_direct;       /* set by s3_put_direct */
    struct pl_transfer_options transfer;
};

/* A manifest for one file, or "-" for standard input. */
int s3_put_direct(struct s3_put_config *cfg, const char *file,
                  struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

int s3_put_run(const struct s3_put_config *cfg, struct pl_aws *aws,
               struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
