/*
 * s3_fetch.h - brings the data of a manifest to local files.
 *
 * Every entry of data[] that is in S3 is read in ranges pinned by its ETag,
 * checked (length, the CRC64NVME of the manifest and of S3), and appears under
 * its final name only when whole. Its entry then names the file.
 */
#ifndef S3_FETCH_H
#define S3_FETCH_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct s3_fetch_config {
    const char *dir; /* where to; NULL: the run's local place */
};

int s3_fetch_run(const struct s3_fetch_config *cfg, struct pl_aws *aws,
                 struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
