/*
 * input.h - what the transformer reads: one file of CSV, or any number of
 * parts with JSON lines (pipeline/csv/jsonl.h), each in gzip, zstd or as it
 * is.
 */
#ifndef CSV_VALIDATE_INPUT_H
#define CSV_VALIDATE_INPUT_H

#include "pipeline/csv/jsonl.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/reader.h"
#include "stages/csv_validate/csv_validate.h"

struct csv_input {
    struct pl_aws *aws;
    bool is_jsonl;
    char **uris; /* in the order of data[] */
    char **crcs; /* of each; NULL: unknown */
    size_t count;
    size_t opened;  /* the last of them is the one being read */
    int64_t bytes;  /* of all together; 0: unknown */
    int64_t passed; /* of those that were read */
    struct pl_reader reader;
    struct pl_source read;
    struct pl_inflate inflate;
    struct pl_jsonl_config lines;
    char *names; /* --columns, taken apart */
    const char **columns;
    struct pl_jsonl *jsonl;
    struct pl_csv_origin origin;
    struct pl_csv_again again;
    struct pl_source source;
};
void csv_input_release(struct csv_input *input);

/* "csv" or "jsonl", by how a file's name ends. */
const char *csv_input_format(const char *name);

/* What data[] and the settings say; no I/O. PL_MANIFEST_INVALID when there is
 * nothing, PL_CONFIG_INVALID when it cannot be read together. */
int csv_input_find(struct csv_input *input,
                   const struct csv_validate_config *cfg,
                   const struct pl_manifest *m,
                   struct pl_err *err) PL_MUST_CHECK;
/* Opens what must be there before anything is written, and tells csv. The
 * input must stay where it is. */
int csv_input_open(struct csv_input *input, struct pl_aws *aws,
                   struct pl_csv_config *csv, struct pl_err *err) PL_MUST_CHECK;
/* Once all was read: compares lengths and checksums of the last part; those of
 * the others were compared when they ended. */
int csv_input_verify(struct csv_input *input, struct pl_err *err) PL_MUST_CHECK;

/* Bytes that are still to be read, as they stand in the file; -1: unknown, or
 * they are no measure of what comes out. */
int64_t csv_input_left(const struct csv_input *input);
/* Bytes read so far, as they stand in the files. */
uint64_t csv_input_passed(const struct csv_input *input);

#endif
