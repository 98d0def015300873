/*
 * transform.h - the local CSV transformer: a query's result in, exactly the
 * file that the target takes out, rejects aside (docs/rules.md).
 *
 * Rooms: reader.h cuts bytes into records, rules.h judges and normalizes one,
 * dedupe.h knows the keys seen, writer.h words rows and rejects. Memory: one
 * record and 24 to 68 bytes a key.
 */
#ifndef PL_CSV_TRANSFORM_H
#define PL_CSV_TRANSFORM_H

#include "pipeline/base/io.h"
#include "pipeline/target/target.h"

struct pl_csv_rules {
    enum { PL_CSV_BREAKS_BLANK, PL_CSV_BREAKS_REJECT } line_breaks;
    enum { PL_CSV_EMPTY_KEEP, PL_CSV_EMPTY_NULL, PL_CSV_EMPTY_REJECT } empty;
    enum { PL_CSV_UNKNOWN_REFUSE, PL_CSV_UNKNOWN_DROP } unknown_columns;
    bool has_raw; /* the raw record in the reject file */
};

struct pl_csv_limits {
    double max_reject_percent; /* of rows_in */
    int64_t max_rejects;       /* -1: none */
    int64_t min_rows;          /* of rows_out */
    int64_t max_rows;          /* of rows_out; -1: none */
};

struct pl_csv_config {
    const struct pl_target *target;
    struct pl_csv_rules rules;
    struct pl_csv_limits limits;
    const struct pl_source *in;
    const struct pl_sink *out;
    const struct pl_sink *rejects;                              /* JSON Lines */
    void (*progress)(void *ctx, uint64_t bytes, uint64_t rows); /* or NULL */
    void *progress_ctx;
    size_t chunk_bytes;      /* read at a time; 0: 256 KiB */
    size_t max_record_bytes; /* 0: 16 MiB */
};

struct pl_csv_column {
    char *name; /* as written */
    uint64_t filled;
    uint64_t null;
    uint64_t empty;
    uint64_t longest; /* characters */
};

struct pl_csv_rule_count {
    const char *code;
    uint64_t count;
};

struct pl_csv_report {
    uint64_t rows_in; /* all data records, also malformed ones */
    uint64_t rows_out;
    uint64_t rows_rejected;
    uint64_t rows_dropped; /* identical duplicates */
    uint64_t rows_merged;
    uint64_t rows_unchanged;
    struct pl_csv_rule_count *rules; /* every rule, in the docs' order */
    size_t rule_count;
    struct pl_csv_column *columns; /* of the rows written */
    size_t column_count;
};
void pl_csv_report_release(struct pl_csv_report *report);

/*
 * Transforms all of in. Fails with PL_DATA_INVALID, and *report filled as far
 * as it came, when the header is wrong, the file is cut off inside quotes, a
 * record is too large, or a limit does not hold; what out got must then not be
 * used. PL_INTERRUPTED on a request to stop; else what in or a sink said.
 */
int pl_csv_transform(const struct pl_csv_config *cfg,
                     struct pl_csv_report *report,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
