/*
 * csv_validate.h - the transformer as a stage: the query's result in, exactly
 * the file that the target takes out, rejects set aside.
 *
 * Reads data[] with role "query-result", one file of CSV or parts of JSON
 * lines, from disk or S3, streaming, and writes where the input is: S3 input to the run's place in S3, local input to
 * the run's local place. The normalized parts appear only when the limits
 * hold; the reject file always.
 */
#ifndef CSV_VALIDATE_H
#define CSV_VALIDATE_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

/* Options; they win over the manifest. NULL, PL_UNSET, false: not given. */
struct csv_validate_config {
    const char *target;
    const char *output;       /* where to, instead of the run's place; "-" */
    const char *rejects;      /* the same */
    const char *rules;        /* "all", "basic" */
    const char *format;       /* "csv", "json" */
    const char *input_format; /* "csv", "jsonl" */
    const char *columns;      /* of JSON lines: names with commas between */
    const char *non_finite;   /* "keep", "null", "reject" */
    const char *rejects_format;
    const char *rejects_compression;
    const char *reader;             /* "libcsv", a kernel's name */
    const char *max_reject_percent; /* decimal */
    const char *mode;               /* "full", "changed" */
    const char *allow;              /* words of delta.h, commas between */
    int64_t max_rejects;
    int64_t min_rows;
    int64_t max_rows;
    int64_t max_part_bytes;
    int64_t threads;
    int64_t keys_memory; /* bytes */
    bool has_raw;        /* raw records in the reject file */
    bool has_sha256;     /* of the output, beside CRC64NVME */
    bool is_check;       /* nothing but the verdict */
    bool is_preview;     /* and what differs from the last run */
    bool has_values;     /* which shows cells as they are */
    bool has_no_report;
};
#define CSV_VALIDATE_CONFIG_INIT \
    { \
        .max_rejects = INT64_MIN, .min_rows = INT64_MIN, \
        .max_rows = INT64_MIN, .max_part_bytes = INT64_MIN, \
        .threads = INT64_MIN, .keys_memory = INT64_MIN \
    }

/* Whether the stage needs S3 for this manifest. */
bool csv_validate_needs_s3(const struct csv_validate_config *cfg,
                           const struct pl_manifest *m);

/* Makes a manifest of a file's name. Returns 1 where the output goes to
 * standard output. */
int csv_validate_direct(const struct csv_validate_config *cfg, const char *file,
                        struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

/*
 * Replaces the consumed data entries and fills validate.result; on
 * PL_DATA_INVALID the counts and the rejects' place are there too.
 * aws may be NULL when all is local.
 */
int csv_validate_run(const struct csv_validate_config *cfg, struct pl_aws *aws,
                     struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
