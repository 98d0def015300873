/*
 * transform.h - the local CSV transformer: a query's result in, exactly the
 * file that the target takes out, rejects aside (docs/rules.md).
 *
 * Rooms: reader.h says what a record is, kernel.h goes over the bytes, cut.h
 * makes chunks of whole records, check.h proves rows right or has rules.h
 * judge them, keys.h finds what comes twice (by sieve.h, or by spill.h with
 * little memory), report.h counts, writer.h words rows and rejects.
 *
 * Memory: 4 MiB or so a thread, 10 bytes for each key, half a byte for each
 * record; with more keys than keys_memory has room for, a few MiB and temporary
 * files.
 */
#ifndef PL_CSV_TRANSFORM_H
#define PL_CSV_TRANSFORM_H

#include "pipeline/base/io.h"
#include "pipeline/target/target.h"

struct pl_csv_rules {
    enum { PL_CSV_BREAKS_BLANK, PL_CSV_BREAKS_REJECT } line_breaks;
    enum { PL_CSV_EMPTY_REJECT, PL_CSV_EMPTY_NULL, PL_CSV_EMPTY_KEEP } empty;
    enum { PL_CSV_UNKNOWN_REFUSE, PL_CSV_UNKNOWN_DROP } unknown_columns;
    enum {
        PL_CSV_DUPLICATES_REJECT, /* the later ones */
        PL_CSV_DUPLICATES_KEEP_LAST,
        PL_CSV_DUPLICATES_FAIL
    } duplicates;            /* with other values */
    bool has_effective_date; /* the column is taken */
    const char *country; /* of national phone numbers; NULL: they are wrong */
    uint64_t off;        /* 1 << enum pl_rule: not looked at (rules.h) */
    bool has_json;       /* records were lines of JSON (jsonl.h) */
};

struct pl_csv_limits {
    double max_reject_percent;   /* of rows_in */
    int64_t max_rejects;         /* -1: none */
    int64_t min_rows;            /* of rows_out */
    int64_t max_rows;            /* of rows_out; -1: none */
    const char *const *required; /* columns that must be there; ends with
                                     NULL, or NULL */
};

/* The bytes of the input at any place, as often as wanted. */
struct pl_csv_again {
    void *ctx;
    /* As pread: 0 at the end, -1 and *err on failure; from any thread. */
    int64_t (*read_at)(void *ctx, uint64_t offset, void *buf, size_t cap,
                       struct pl_err *err);
};

/* Of an input that was put together: where its records come from. */
struct pl_csv_origin {
    void *ctx;
    /* The name of the file that had the record, and *line of it, from 1; of
     * any record that was read, from any thread. */
    const char *(*find)(void *ctx, uint64_t record, uint64_t *line);
};

struct pl_csv_config {
    const struct pl_target *target;
    struct pl_csv_rules rules;
    struct pl_csv_limits limits;
    const struct pl_source *in;
    int64_t in_bytes;   /* 0: not known; then */
    int64_t most_bytes; /* a guess of how many at most, by which keys are kept
                           in memory or not; 0: none */
    /* NULL: what was read is kept in a temporary file */
    const struct pl_csv_again *again;
    /* NULL: in is one file, and rejects have the offset in it */
    const struct pl_csv_origin *origin;
    const char *temp_dir;      /* NULL: TMPDIR or /tmp */
    const struct pl_sink *out; /* NULL: nothing is written */
    enum { PL_CSV_OUT_CSV, PL_CSV_OUT_JSON } format;
    /* A part of out is full: what follows goes to a new one. */
    uint64_t max_part_bytes; /* 0: there is one part */
    int (*next_part)(void *ctx, uint64_t rows, struct pl_err *err);
    void *part_ctx;
    /* Where each row stood that comes out, before its bytes do; NULL: nobody
     * asks. Called by one thread at a time. */
    int (*place)(void *ctx, uint64_t number, uint64_t offset,
                 struct pl_err *err);
    void *place_ctx;
    const struct pl_sink *rejects; /* NULL: they are counted only */
    bool has_raw;                  /* the raw record in the reject file */
    /* NULL, or whose rows are rejected, as far as they say it: a line of CSV
     * for each, the Id, or the channel and the address in the order of their
     * columns, or the user's id, in their right form. */
    const struct pl_sink *rejected;
    enum { PL_CSV_REJECTS_JSON, PL_CSV_REJECTS_CSV } rejects_format;
    bool has_report; /* columns are counted */
    /* After a chunk; at most one call at a time, from any thread. */
    void (*progress)(void *ctx, uint64_t bytes, uint64_t rows);
    void *progress_ctx;
    unsigned threads;        /* 0: one */
    const char *reader;      /* "libcsv", a kernel's name; NULL: the best */
    uint64_t keys_memory;    /* bytes; 0: as many as there are keys */
    size_t chunk_bytes;      /* read at a time; 0: 128 KiB */
    size_t max_record_bytes; /* 0: 16 MiB */
};

/* Values of a column that has few. */
#define PL_CSV_TOP 10
struct pl_csv_value {
    char *text; /* UTF-8, ended by a NUL */
    uint64_t count;
};

struct pl_csv_column {
    char *name; /* as written */
    uint64_t filled;
    uint64_t null;
    uint64_t empty;
    uint64_t longest;  /* characters */
    uint64_t distinct; /* values */
    bool is_estimate;  /* distinct is, with a standard error of 1.6 % */
    struct pl_csv_value top[PL_CSV_TOP]; /* the most frequent first */
    size_t top_count; /* 0 also where values are many or nobody's business */
};

struct pl_csv_rule_count {
    const char *code;
    uint64_t count;
};

struct pl_csv_report {
    uint64_t rows_in; /* all data records, also malformed ones */
    uint64_t rows_out;
    uint64_t rows_rejected;
    uint64_t rows_dropped;           /* identical duplicates */
    uint64_t rows_merged;            /* 0 here */
    uint64_t rows_unchanged;         /* 0 here */
    struct pl_csv_rule_count *rules; /* every rule, in the docs' order */
    size_t rule_count;
    /* Columns whose names hold # : ? \ or /, which the service's console cannot
     * show, and the first of them. */
    size_t odd_count;
    char odd_name[160];
    uint64_t last_part_rows;       /* of those behind the last next_part */
    struct pl_csv_column *columns; /* of the rows written; with has_report */
    size_t column_count;
};
void pl_csv_report_release(struct pl_csv_report *report);

/*
 * Transforms all of in. Fails with PL_DATA_INVALID, and *report filled as far
 * as it came, when the header is wrong, the file is cut off inside quotes, a
 * record is too large, or a limit does not hold; what out got must then not be
 * used. PL_CONFIG_INVALID where there is no such reader. PL_INTERRUPTED on a
 * request to stop; else what in or a sink said.
 *
 * The same bytes, counts and order come out whatever the number of threads,
 * the reader and the size of a chunk. The sinks, in and progress are called by
 * one thread at a time.
 */
int pl_csv_transform(const struct pl_csv_config *cfg,
                     struct pl_csv_report *report,
                     struct pl_err *err) PL_MUST_CHECK;

/* Whether the counts add up (else PL_INTERNAL_ERROR) and keep to the limits
 * (else PL_DATA_INVALID): for who goes on where pl_csv_transform ended, which
 * did the same. */
int pl_csv_check_limits(const struct pl_csv_config *cfg,
                        const struct pl_csv_report *report,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
