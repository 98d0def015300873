/*
 * jsonl.h - a source before the transformer that turns JSON lines, what
 * UNLOAD writes, into the CSV that a query would have written: one record a
 * line, NULL for null and for keys that are not there. All rules, and all that
 * is done with rows, stay the same.
 *
 * A line that is no record (not JSON, a key of no column) becomes one that is
 * malformed CSV and says why, so that it is a reject and nothing beside it is
 * touched. Memory: 1 MiB or so, or three times the longest line.
 */
#ifndef PL_CSV_JSONL_H
#define PL_CSV_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/io.h"
#include "pipeline/csv/transform.h"

#define PL_JSONL_LINE_MAX ((size_t)16 << 20)
/* What a line can become: every byte a quote, every column NULL. */
#define PL_JSONL_RECORD_MAX (2 * PL_JSONL_LINE_MAX + ((size_t)1 << 20))

/* NaN, Infinity and -Infinity, which JSON has no numbers for; some writers put
 * the word there, some a string of it. */
enum pl_jsonl_non_finite {
    PL_JSONL_NON_FINITE_KEEP, /* as text, which CSV has as well */
    PL_JSONL_NON_FINITE_NULL,
    PL_JSONL_NON_FINITE_REJECT
};

/* Why a line is no record. */
enum pl_jsonl_wrong {
    PL_JSONL_RIGHT,
    PL_JSONL_EMPTY,
    PL_JSONL_NO_OBJECT,
    PL_JSONL_CUT_OFF,
    PL_JSONL_SYNTAX,
    PL_JSONL_CONTROL,
    PL_JSONL_ESCAPE,
    PL_JSONL_SURROGATE,
    PL_JSONL_NUMBER,
    PL_JSONL_DEEP,
    PL_JSONL_BEHIND,
    PL_JSONL_TWICE,
    PL_JSONL_NOT_FINITE,
    PL_JSONL_UNKNOWN_KEY,
    PL_JSONL_WRONG_COUNT
};

struct pl_jsonl_config {
    size_t part_count;
    const char *const *part_names; /* for messages and rejects */
    /* Begins part i, in their order; the one before was read to its end. */
    int (*open_part)(void *ctx, size_t i, struct pl_source *in,
                     struct pl_err *err);
    void *part_ctx;
    /* The columns in their order; without them the first line names them, and
     * must be right. */
    const char *const *columns;
    size_t column_count;
    bool has_numbered_keys; /* c0, c1, ... instead of the columns' names */
    enum pl_jsonl_non_finite non_finite;
    size_t line_bytes_max; /* 0: PL_JSONL_LINE_MAX */
    size_t read_bytes;     /* at a time; 0: 256 KiB */
};

struct pl_jsonl;

/* cfg and what it points to must stay. NULL on failure: PL_CONFIG_INVALID when
 * two columns have the same key. */
struct pl_jsonl *pl_jsonl_open(const struct pl_jsonl_config *cfg,
                               struct pl_err *err);
/* Fails with PL_DATA_INVALID, naming part and line, when a line is too long or
 * the first one names no columns. */
struct pl_source pl_jsonl_source(struct pl_jsonl *jsonl);
/* Where a record stood: part and line. */
struct pl_csv_origin pl_jsonl_origin(struct pl_jsonl *jsonl);
void pl_jsonl_release(struct pl_jsonl *jsonl);

/* What stands before the line in a malformed record. */
#define PL_JSONL_MARK_BYTES 3
/* The reason that a malformed record of jsonl's tells. */
enum pl_jsonl_wrong pl_jsonl_wrong_of(const char *raw, size_t len);
const char *pl_jsonl_words(enum pl_jsonl_wrong wrong);

#endif
