#include "stages/profiles_import/rows.h"

#include <stdlib.h>
#include <string.h>

#define BUF_BYTES ((size_t)1 << 20)
#define RECORD_MAX ((size_t)16 << 20)

int profiles_rows_open(struct profiles_rows *rows, const char *uri,
                       struct pl_aws *aws, struct pl_err *err)
{
    memset(rows, 0, sizeof(*rows));
    rows->reader.fd = -1;
    if (pl_reader_open(&rows->reader, uri, aws, err) != 0)
        return -1;
    rows->reference = pl_csv_reference_open(err);
    rows->buf = malloc(BUF_BYTES);
    rows->cap = BUF_BYTES;
    if (rows->reference == NULL)
        return -1;
    return rows->buf != NULL ? 0 : pl_fail_memory(err);
}

void profiles_rows_release(struct profiles_rows *rows)
{
    pl_csv_reference_release(rows->reference);
    rows->reference = NULL;
    free(rows->buf);
    rows->buf = NULL;
    pl_reader_release(&rows->reader);
}

/* Makes room behind what is left, and fills it. */
static int fill(struct profiles_rows *rows, struct pl_err *err)
{
    const struct pl_source source = pl_reader_source(&rows->reader);
    size_t n = 0;

    memmove(rows->buf, rows->buf + rows->at, rows->len - rows->at);
    rows->len -= rows->at;
    rows->at = 0;
    if (rows->len == rows->cap) {
        char *more =
            rows->cap < RECORD_MAX ? realloc(rows->buf, rows->cap * 2) : NULL;

        if (more == NULL)
            return pl_fail(err, PL_DATA_INVALID,
                           "'%s' has a record that is too long",
                           rows->reader.uri.path);
        rows->buf = more;
        rows->cap *= 2;
    }
    if (pl_source_fill(&source, rows->buf + rows->len, rows->cap - rows->len,
                       &n, err) != 0)
        return -1;
    rows->is_end = n < rows->cap - rows->len;
    rows->len += n;
    return 0;
}

int profiles_rows_next(struct profiles_rows *rows, struct pl_csv_record *record,
                       struct pl_err *err)
{
    for (;;) {
        int64_t n = 0;

        if (rows->at < rows->len)
            n = pl_csv_reference_next(rows->reference, rows->buf + rows->at,
                                      rows->len - rows->at, rows->is_end,
                                      record, err);
        if (n < 0)
            return pl_context(err, "'%s'", rows->reader.uri.path);
        if (n > 0) {
            rows->at += (size_t)n;
            return 1;
        }
        if (rows->is_end)
            return 0;
        if (fill(rows, err) != 0)
            return -1;
    }
}
