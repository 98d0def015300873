/*
 * s3_put.h - carries the local data of a manifest to the run's place in S3.
 *
 * Entries with role "normalized" go to <work>import/p0000/, "rejects" to
 * <work>rejects/. What is read must have the CRC64NVME of the manifest; S3
 * checks the same value for what it stored. An upload that does not complete
 * is aborted.
 */
#ifndef S3_PUT_H
#define S3_PUT_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct s3_put_config {
    const char *work_uri; /* where to; NULL: the run's place */
};

int s3_put_run(const struct s3_put_config *cfg, struct pl_aws *aws,
               struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
