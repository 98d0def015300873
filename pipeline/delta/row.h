/*
 * row.h - the rows of a normalized file: where the cells of a line of CSV are,
 * minimal quoting, no line break inside a cell; and which of them say whose
 * row it is.
 */
#ifndef PL_DELTA_ROW_H
#define PL_DELTA_ROW_H

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "pipeline/delta/print.h"

#define PL_DELTA_COLUMNS_MAX 100000

/* A cell as it stands, with its quotes. */
struct pl_delta_cell {
    const char *text;
    size_t len;
};

/* From *at on, which moves to the next cell; false: there is none. A line that
 * ends in a comma has an empty cell behind it. */
bool pl_delta_cell(const char **at, const char *end,
                   struct pl_delta_cell *cell);
/* The cell without its quotes, appended. */
int pl_delta_unquote(const struct pl_delta_cell *cell, struct pl_buf *to,
                     struct pl_err *err) PL_MUST_CHECK;

/* How rows are told apart. */
enum pl_delta_rows {
    PL_DELTA_ENDPOINTS, /* by Id without case, or channel and address, or the
                           user's id; the row is its bytes */
    PL_DELTA_PROFILES   /* by the first cell; the row is what its filled cells
                           are named and hold, since the columns of a file of
                           profiles are those that some profile fills */
};

struct pl_delta_columns {
    enum pl_delta_rows kind;
    bool folds_case; /* of the id */
    size_t count;
    size_t id[2]; /* the columns that make it; the second may be SIZE_MAX */
    char **names; /* of profiles */
    struct pl_delta_key key; /* bound to what rows mean */
    uint64_t meaning;
    struct pl_buf scratch;
};

/* Reads the header, a line without its end. is_folded: a profile's key is the
 * same without case. PL_INTERNAL_ERROR for none that is known. */
int pl_delta_columns_open(struct pl_delta_columns *c, enum pl_delta_rows kind,
                          bool is_folded, const struct pl_delta_key *key,
                          const char *header, size_t len,
                          struct pl_err *err) PL_MUST_CHECK;
void pl_delta_columns_release(struct pl_delta_columns *c);

/* The hash of an id: its cells as they stand in a row, a comma between. */
int pl_delta_id_of(struct pl_delta_columns *c, const char *cells, size_t len,
                   uint64_t *id, struct pl_err *err) PL_MUST_CHECK;

/* The fingerprint of a line without its end. */
int pl_delta_print_of(struct pl_delta_columns *c, const char *line, size_t len,
                      struct pl_delta_print *print,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
