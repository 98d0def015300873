#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/reader.h"

/* Where a cell stands in the text buffer, which may move while it grows. */
struct span {
    size_t at;
    size_t len;
    bool is_null;
};

struct pl_csv_reference {
    struct csv_parser parser;
    bool is_clean;      /* the parser stands before a record */
    struct pl_buf text; /* the cells of the record, unquoted */
    struct span *spans;
    struct pl_csv_cell *cells;
    size_t count; /* cells seen, also those above the limit */
    size_t cap;
    bool is_row;        /* libcsv ended the row */
    struct pl_err *err; /* of the call in progress; callbacks return void */
};

#define OPTIONS \
    (CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL | CSV_REPALL_NL)

#define BLOCK_BYTES ((size_t)4 << 10)

static int make_room(struct pl_csv_reference *r)
{
    const size_t cap = r->cap == 0 ? 64 : r->cap * 2;
    struct span *spans = realloc(r->spans, cap * sizeof(*spans));
    struct pl_csv_cell *cells;

    if (spans != NULL)
        r->spans = spans;
    cells = realloc(r->cells, cap * sizeof(*cells));
    if (cells != NULL)
        r->cells = cells;
    if (spans == NULL || cells == NULL)
        return pl_fail_memory(r->err);
    r->cap = cap;
    return 0;
}

static void on_field(void *data, size_t len, void *ctx)
{
    struct pl_csv_reference *r = ctx;
    const size_t i = r->count++;

    if (r->err->code != PL_OK || i >= PL_CSV_COLUMNS_MAX ||
        (i == r->cap && make_room(r) != 0))
        return;
    r->spans[i] = (struct span){r->text.len, len, data == NULL};
    if (data != NULL && pl_buf_add(&r->text, data, len, r->err) != 0)
        return;
}

static void on_row(int end, void *ctx)
{
    struct pl_csv_reference *r = ctx;

    (void)end;
    r->is_row = true;
}

static int start(struct pl_csv_reference *r)
{
    r->count = 0;
    r->is_row = false;
    pl_buf_reset(&r->text);
    if (r->is_clean)
        return 0;
    csv_free(&r->parser);
    if (csv_init(&r->parser, OPTIONS) != 0)
        return pl_fail_memory(r->err);
    r->is_clean = true;
    return 0;
}

/* The length up to the first line end, it included, or all of it. */
static size_t piece_len(const char *data, size_t len)
{
    const char *lf = memchr(data, '\n', len);
    const size_t to_lf = lf != NULL ? (size_t)(lf - data) + 1 : len;
    const char *cr = memchr(data, '\r', to_lf);

    return cr != NULL ? (size_t)(cr - data) + 1 : to_lf;
}

static int64_t hand_out(struct pl_csv_reference *r, const char *data,
                        size_t len, bool is_malformed,
                        struct pl_csv_record *record)
{
    *record = (struct pl_csv_record){.cells = r->cells,
                                     .count = is_malformed ? 0 : r->count,
                                     .raw = data,
                                     .raw_len = len,
                                     .is_malformed = is_malformed,
                                     .may_hold_controls = true,
                                     .may_be_no_utf8 = true,
                                     .may_need_quotes = true};
    if (pl_buf_reserve(&r->text, 0, r->err) != 0)
        return -1;
    for (size_t i = 0; i < record->count && i < PL_CSV_COLUMNS_MAX; i++)
        r->cells[i] =
            (struct pl_csv_cell){r->text.data + r->spans[i].at, r->spans[i].len,
                                 r->spans[i].is_null};
    return (int64_t)len;
}

/* A quoting error somewhere in the line at at: the record ends with the LF. */
static int64_t end_malformed(struct pl_csv_reference *r, const char *data,
                             size_t at, size_t len, bool is_end,
                             struct pl_csv_record *record)
{
    const char *lf = memchr(data + at, '\n', len - at);

    if (csv_error(&r->parser) != CSV_EPARSE)
        return pl_fail_memory(r->err);
    if (lf == NULL && !is_end)
        return 0;
    return hand_out(r, data, lf != NULL ? (size_t)(lf - data) + 1 : len, true,
                    record);
}

static int64_t end_of_data(struct pl_csv_reference *r, const char *data,
                           size_t len, struct pl_csv_record *record)
{
    if (csv_fini(&r->parser, on_field, on_row, r) != 0)
        return pl_fail(r->err, PL_DATA_INVALID, "a quote is open at the end");
    return r->err->code != PL_OK ? -1 : hand_out(r, data, len, false, record);
}

int64_t pl_csv_reference_next(struct pl_csv_reference *r, const char *data,
                              size_t len, bool is_end,
                              struct pl_csv_record *record, struct pl_err *err)
{
    size_t at = 0;

    r->err = err;
    if (start(r) != 0)
        return -1;
    r->is_clean = false;
    /* libcsv makes room for so many bytes at a time: few times for long cells */
    csv_set_blk_size(&r->parser, BLOCK_BYTES > len / 4 ? BLOCK_BYTES : len / 4);
    while (at < len) {
        const size_t n = piece_len(data + at, len - at);

        if (csv_parse(&r->parser, data + at, n, on_field, on_row, r) != n)
            return err->code != PL_OK
                       ? -1
                       : end_malformed(r, data, at, len, is_end, record);
        if (err->code != PL_OK)
            return -1;
        at += n;
        if (!r->is_row)
            continue;
        if (data[at - 1] == '\r') { /* a LF behind it belongs to it */
            if (at == len && !is_end)
                return 0;
            at += at < len && data[at] == '\n' ? 1 : 0;
        }
        r->is_clean = true;
        return hand_out(r, data, at, false, record);
    }
    return is_end ? end_of_data(r, data, len, record) : 0;
}

struct pl_csv_reference *pl_csv_reference_open(struct pl_err *err)
{
    struct pl_csv_reference *r = calloc(1, sizeof(*r));

    if (r == NULL || csv_init(&r->parser, OPTIONS) != 0) {
        free(r);
        (void)pl_fail_memory(err);
        return NULL;
    }
    r->is_clean = true;
    r->text.max_bytes = SIZE_MAX;
    return r;
}

void pl_csv_reference_release(struct pl_csv_reference *r)
{
    if (r == NULL)
        return;
    csv_free(&r->parser);
    pl_buf_release(&r->text);
    free(r->spans);
    free(r->cells);
    free(r);
}
