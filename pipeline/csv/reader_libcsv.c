#include <csv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/reader.h"

/* Where a cell stands in the text buffer, which may move while it grows. */
struct span {
    size_t at;
    size_t len;
    bool is_null;
};

struct reader {
    struct csv_parser parser;
    int (*each)(void *ctx, struct pl_csv_record *record, struct pl_err *err);
    void *ctx;
    struct pl_buf text; /* the cells of the record, unquoted */
    struct span *spans;
    struct pl_csv_cell *cells;
    size_t count;
    size_t cap;
    struct pl_buf raw; /* the record so far */
    uint64_t number;
    uint64_t offset;    /* of the record's first byte */
    uint64_t line;      /* of the record's first byte */
    uint64_t lines;     /* line ends passed inside the record */
    bool is_row;        /* libcsv ended a row in this piece */
    bool is_after_cr;   /* a record just ended with CR: a LF belongs to it */
    bool is_cr;         /* the last byte was a CR, for counting lines */
    bool is_skipping;   /* after a quoting error, up to the next LF */
    struct pl_err *err; /* of the call in progress; callbacks return void */
};

#define OPTIONS \
    (CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL | CSV_REPALL_NL)

static void on_field(void *data, size_t len, void *ctx)
{
    struct reader *r = ctx;

    if (r->err->code != PL_OK)
        return;
    if (r->count == r->cap) {
        const size_t cap = r->cap == 0 ? 64 : r->cap * 2;
        struct span *spans = NULL;
        struct pl_csv_cell *cells = NULL;

        if (r->count >= PL_CSV_COLUMNS_MAX) {
            (void)pl_fail(r->err, PL_DATA_INVALID,
                          "record %" PRIu64 ", line %" PRIu64
                          ": more than %d columns",
                          r->number, r->line, PL_CSV_COLUMNS_MAX);
            return;
        }
        spans = realloc(r->spans, cap * sizeof(*spans));
        if (spans != NULL)
            r->spans = spans;
        cells = realloc(r->cells, cap * sizeof(*cells));
        if (cells != NULL)
            r->cells = cells;
        if (spans == NULL || cells == NULL) {
            (void)pl_fail_memory(r->err);
            return;
        }
        r->cap = cap;
    }
    r->spans[r->count++] = (struct span){r->text.len, len, data == NULL};
    if (data != NULL && pl_buf_add(&r->text, data, len, r->err) != 0)
        return;
}

static void on_row(int end, void *ctx)
{
    struct reader *r = ctx;

    r->is_row = true;
    r->is_after_cr = end == '\r';
}

/* Hands the record on and begins the next. */
static int emit(struct reader *r, bool is_malformed)
{
    struct pl_csv_record record = {.cells = r->cells,
                                   .count = is_malformed ? 0 : r->count,
                                   .number = r->number,
                                   .line = r->line,
                                   .offset = r->offset,
                                   .raw = pl_buf_str(&r->raw),
                                   .raw_len = r->raw.len,
                                   .is_malformed = is_malformed};

    if (pl_buf_reserve(&r->text, 0, r->err) != 0)
        return -1;
    for (size_t i = 0; i < record.count; i++)
        r->cells[i] =
            (struct pl_csv_cell){r->text.data + r->spans[i].at, r->spans[i].len,
                                 r->spans[i].is_null};
    if (r->each(r->ctx, &record, r->err) != 0)
        return -1;
    r->number++;
    r->offset += r->raw.len;
    r->line += r->lines;
    r->lines = 0;
    r->count = 0;
    pl_buf_reset(&r->text);
    pl_buf_reset(&r->raw);
    r->is_row = false;
    return 0;
}

static int too_large(struct reader *r)
{
    struct pl_err *err = r->err;

    if (err->code != PL_DATA_INVALID)
        return -1;
    pl_err_clear(err);
    return pl_fail(err, PL_DATA_INVALID,
                   "record %" PRIu64 ", line %" PRIu64 ", byte %" PRIu64
                   ": longer than %zu bytes; is a quote left open?",
                   r->number, r->line, r->offset, r->raw.max_bytes);
}

static int restart(struct reader *r)
{
    csv_free(&r->parser);
    if (csv_init(&r->parser, OPTIONS) != 0)
        return pl_fail_memory(r->err);
    return 0;
}

/* A piece holds at most one line end, as its last byte. */
static int feed_piece(struct reader *r, const char *piece, size_t len)
{
    const char last = piece[len - 1];

    if (last == '\n' && !(len == 1 && r->is_cr))
        r->lines++;
    else if (last == '\r')
        r->lines++;
    r->is_cr = last == '\r';
    if (pl_buf_add(&r->raw, piece, len, r->err) != 0)
        return too_large(r);
    if (!r->is_skipping) {
        if (csv_parse(&r->parser, piece, len, on_field, on_row, r) == len)
            return r->err->code != PL_OK ? -1 : r->is_row ? emit(r, false) : 0;
        if (csv_error(&r->parser) != CSV_EPARSE)
            return pl_fail_memory(r->err);
        r->is_skipping = true;
    }
    if (last != '\n')
        return 0;
    r->is_skipping = false;
    r->is_after_cr = false;
    return restart(r) != 0 ? -1 : emit(r, true);
}

/* The length up to the first line end, it included, or all of it. */
static size_t piece_len(const char *data, size_t len)
{
    const char *lf = memchr(data, '\n', len);
    const size_t to_lf = lf != NULL ? (size_t)(lf - data) + 1 : len;
    const char *cr = memchr(data, '\r', to_lf);

    return cr != NULL ? (size_t)(cr - data) + 1 : to_lf;
}

int pl_csv_reader_feed(struct pl_csv_reader *reader, const char *data,
                       size_t len, struct pl_err *err)
{
    struct reader *r = reader->impl;

    r->err = err;
    while (len > 0) {
        const size_t n = piece_len(data, len);

        if (r->is_after_cr && *data == '\n') { /* the rest of a CRLF */
            r->offset++;
            r->is_cr = false;
            r->is_after_cr = false;
            data++;
            len--;
            continue;
        }
        r->is_after_cr = false;
        if (feed_piece(r, data, n) != 0)
            return -1;
        data += n;
        len -= n;
    }
    return 0;
}

int pl_csv_reader_end(struct pl_csv_reader *reader, struct pl_err *err)
{
    struct reader *r = reader->impl;

    r->err = err;
    if (r->is_skipping)
        return emit(r, true);
    if (csv_fini(&r->parser, on_field, on_row, r) != 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "the file is cut off: a quote is open at its end, in "
                       "record %" PRIu64 ", which begins in line %" PRIu64
                       ", byte %" PRIu64,
                       r->number, r->line, r->offset);
    if (err->code != PL_OK)
        return -1;
    return r->is_row ? emit(r, false) : 0;
}

void pl_csv_reader_skip(struct pl_csv_reader *reader, size_t bytes)
{
    struct reader *r = reader->impl;

    r->offset += bytes;
}

int pl_csv_reader_open(struct pl_csv_reader *reader, size_t max_record_bytes,
                       int (*each)(void *ctx, struct pl_csv_record *record,
                                   struct pl_err *err),
                       void *ctx, struct pl_err *err)
{
    struct reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return pl_fail_memory(err);
    reader->impl = r;
    r->each = each;
    r->ctx = ctx;
    r->line = 1;
    r->raw.max_bytes = max_record_bytes;
    r->text.max_bytes = max_record_bytes;
    return csv_init(&r->parser, OPTIONS) == 0 ? 0 : pl_fail_memory(err);
}

void pl_csv_reader_release(struct pl_csv_reader *reader)
{
    struct reader *r = reader->impl;

    if (r == NULL)
        return;
    csv_free(&r->parser);
    pl_buf_release(&r->text);
    pl_buf_release(&r->raw);
    free(r->spans);
    free(r->cells);
    free(r);
    reader->impl = NULL;
}
