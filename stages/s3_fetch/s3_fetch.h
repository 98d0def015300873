/*
 * s3_fetch.h - brings the data of a manifest to local files.
 *
 * Every entry of data[] that is in S3 is read in parallel ranges pinned by its
 * ETag, checked (length, the CRC64NVME of the manifest, the checksum of S3),
 * and appears under its final name only when whole. Its entry then names the
 * file. What is promised for interruptions: docs/transfers.md.
 */
#ifndef S3_FETCH_H
#define S3_FETCH_H

#include "pipeline/manifest/manifest.h"
#include "pipeline/stream/transfer.h"

struct s3_fetch_config {
    const char *dir;      /* where to; NULL: the run's local place */
    const char *output;   /* one object: its file, or "-"; NULL: "-" */
    const char *compress; /* "zstd": files are spooled so; NULL or "none" */
    bool is_direct;       /* set by s3_fetch_direct */
    struct pl_transfer_options transfer;
};

/* A manifest for one object; returns 1 when its bytes take standard output. */
int s3_fetch_direct(struct s3_fetch_config *cfg, const char *uri,
                    struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;
int s3_fetch_run(const struct s3_fetch_config *cfg, struct pl_aws *aws,
                 struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
