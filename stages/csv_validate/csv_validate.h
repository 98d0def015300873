/*
 * csv_validate.h - the transformer as a stage: the query's result in, exactly
 * the file that the target takes out, rejects set aside.
 *
 * Reads data[] with role "query-result" from a file or S3, streaming, and
 * writes where the input is: S3 input to the run's place in S3, local input to
 * the run's local place. The normalized file appears only when the limits
 * hold; the reject file always.
 */
#ifndef CSV_VALIDATE_H
#define CSV_VALIDATE_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct csv_validate_config {
    const char *target;             /* options; they win over the manifest */
    const char *max_reject_percent; /* decimal */
    int64_t max_rejects;
    int64_t min_rows;
    bool has_raw; /* raw records in the reject file */
};
#define CSV_VALIDATE_CONFIG_INIT \
    { \
        .max_rejects = INT64_MIN, .min_rows = INT64_MIN \
    }

/* Whether the stage needs S3 for this manifest. */
bool csv_validate_needs_s3(const struct pl_manifest *m);

/*
 * Replaces the consumed data entries and fills validate.result; on
 * PL_DATA_INVALID the counts and the rejects' place are there too.
 * aws may be NULL when all is local.
 */
int csv_validate_run(const struct csv_validate_config *cfg, struct pl_aws *aws,
                     struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
