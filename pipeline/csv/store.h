/*
 * store.h - the bytes of the input once more, at any place: to look at a row
 * again that is long gone. A file is simply read again; what can be read only
 * once (a pipe, a download, what was compressed) is kept in a temporary file
 * without a name while it passes.
 */
#ifndef PL_CSV_STORE_H
#define PL_CSV_STORE_H

#include "pipeline/base/io.h"
#include "pipeline/csv/transform.h"

struct pl_csv_store {
    const struct pl_csv_again *again; /* NULL: the temporary file */
    const struct pl_source *in;
    int fd;                /* -1: none */
    uint64_t next;         /* where the second reading stands */
    unsigned char *window; /* what was read last, PL_CSV_PAD around it */
    size_t window_len;
    size_t window_cap;
    uint64_t window_at;
};

int pl_csv_store_open(struct pl_csv_store *store,
                      const struct pl_csv_config *cfg,
                      struct pl_err *err) PL_MUST_CHECK;
void pl_csv_store_release(struct pl_csv_store *store);
/* The input, kept while it is read where that is needed. */
struct pl_source pl_csv_store_source(struct pl_csv_store *store);
/* The input from its beginning once more. */
struct pl_source pl_csv_store_again(struct pl_csv_store *store);

/* At least len bytes at offset, fewer only at the end; *got says how many.
 * Valid until the next call; PL_CSV_PAD bytes around them can be read. */
int pl_csv_store_at(struct pl_csv_store *store, uint64_t offset, size_t len,
                    const char **data, size_t *got,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
