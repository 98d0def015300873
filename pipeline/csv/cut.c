#include "pipeline/csv/cut.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void pl_csv_feed_release(struct pl_csv_feed *feed)
{
    pl_csv_reference_release(feed->reference);
    pl_buf_release(&feed->rest);
}

void pl_csv_chunk_release(struct pl_csv_chunk *c)
{
    if (c->data != NULL)
        free(c->data - PL_CSV_PAD);
    if (c->index.ends != NULL)
        free(c->index.ends - 1);
    free(c->index.rows);
    free(c->index.marks);
    free(c->index.suspects);
    pl_buf_release(&c->references);
    free(c->firsts);
    free(c->states);
}

static int grow(void **memory, size_t count, size_t size, struct pl_err *err)
{
    void *grown = realloc(*memory, count * size);

    if (grown == NULL)
        return pl_fail_memory(err);
    *memory = grown;
    return 0;
}

/* Room for cap bytes, and for an index of them: most of that is never
 * touched, since few bytes are commas. */
static int make_room(struct pl_csv_chunk *c, size_t cap, struct pl_err *err)
{
    struct pl_csv_index *x = &c->index;
    unsigned char *data = c->data != NULL ? c->data - PL_CSV_PAD : NULL;
    uint32_t *ends = x->ends != NULL ? x->ends - 1 : NULL;

    if (cap <= c->cap)
        return 0;
    if (cap > UINT32_MAX - 4 * PL_CSV_PAD)
        return pl_fail(err, PL_DATA_INVALID, "a record of more than 4 GB");
    data = realloc(data, cap + 2 * (size_t)PL_CSV_PAD);
    if (data == NULL)
        return pl_fail_memory(err);
    if (c->data == NULL)
        memset(data, '\n', PL_CSV_PAD);
    c->data = data + PL_CSV_PAD;
    memset(c->data + cap, '\n', PL_CSV_PAD);
    ends = realloc(ends, (cap + 2 + PL_CSV_PAD) * sizeof(*ends));
    if (ends == NULL)
        return pl_fail_memory(err);
    x->ends = ends + 1;
    if (grow((void **)&x->rows, cap + 1 + PL_CSV_PAD, sizeof(*x->rows), err) !=
            0 ||
        grow((void **)&x->marks, cap + 1 + PL_CSV_PAD, sizeof(*x->marks),
             err) != 0 ||
        grow((void **)&x->suspects, cap + 1 + PL_CSV_PAD, sizeof(*x->suspects),
             err) != 0)
        return -1;
    c->cap = cap;
    return 0;
}

static int too_long(const struct pl_csv_feed *f, uint64_t number, uint64_t line,
                    uint64_t offset, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID,
                   "record %" PRIu64 ", line %" PRIu64 ", byte %" PRIu64
                   ": longer than %zu bytes; is a quote left open?",
                   number, line, offset, f->max_record_bytes);
}

/* Reads until len bytes are there, or the data ends. */
static int fill(struct pl_csv_feed *f, struct pl_csv_chunk *c, size_t len,
                struct pl_err *err)
{
    size_t got;

    if (make_room(c, len, err) != 0)
        return -1;
    if (f->is_end || c->len >= len)
        return 0;
    if (pl_source_fill(f->in, c->data + c->len, len - c->len, &got, err) != 0)
        return -1;
    f->is_end = got < len - c->len;
    c->len += got;
    return 0;
}

/* The rows */

static size_t index_end(const struct pl_csv_index *x, size_t start)
{
    return x->row_count > 0 ? (size_t)x->rows[x->row_count - 1] + 1 : start;
}

/* Takes what the index has of the record at start back, and puts all of it in
 * as one row. */
static void put_reference_row(struct pl_csv_chunk *c, size_t start, size_t len)
{
    struct pl_csv_index *x = &c->index;
    const uint32_t last = (uint32_t)(start + len - 1);

    while (x->end_count > 0 && x->ends[x->end_count - 1] >= start)
        x->end_count--;
    x->ends[x->end_count++] = last;
    x->rows[x->row_count++] = last;
}

#define MALFORMED UINT32_C(0x80000000)

static int note_reference(struct pl_csv_chunk *c, size_t start, size_t len,
                          bool is_malformed, struct pl_err *err)
{
    const uint32_t row =
        (uint32_t)c->index.row_count | (is_malformed ? MALFORMED : 0);

    put_reference_row(c, start, len);
    return pl_buf_add(&c->references, &row, sizeof(row), err);
}

static uint64_t line_at(const struct pl_csv_chunk *c, size_t at)
{
    return c->line + pl_csv_kernel_by_name(NULL)->count_lines(
                         c->data + c->start, at - c->start);
}

/* One record by the reference: its length, 0 when it goes on behind data. */
static int64_t read_reference(struct pl_csv_feed *f, struct pl_csv_chunk *c,
                              size_t start, bool *is_malformed,
                              struct pl_err *err)
{
    struct pl_csv_record record = {0};
    struct pl_err why = {0};
    const int64_t len =
        pl_csv_reference_next(f->reference, (const char *)c->data + start,
                              c->len - start, f->is_end, &record, &why);
    const uint64_t number = c->number + c->index.row_count;

    *is_malformed = record.is_malformed;
    if (len >= 0)
        return len;
    if (why.code != PL_DATA_INVALID) {
        *err = why;
        return -1;
    }
    if (c->len - start > f->max_record_bytes)
        return too_long(f, number, line_at(c, start), c->offset + start, err);
    return pl_fail(err, PL_DATA_INVALID,
                   "the file is cut off: a quote is open at its end, in record "
                   "%" PRIu64 ", which begins in line %" PRIu64
                   ", byte %" PRIu64,
                   number, line_at(c, start), c->offset + start);
}

/* Fills the index and references. used is set, also on failure. */
static int scan(struct pl_csv_feed *f, struct pl_csv_chunk *c,
                struct pl_err *err)
{
    struct pl_csv_index *x = &c->index;
    const bool has_last_end =
        !f->is_end || (c->len > c->start && c->data[c->len - 1] == '\n');
    int rc = 0;

    x->data = c->data;
    x->at = c->start;
    x->end = c->len;
    x->end_count = x->row_count = x->mark_count = x->suspect_count = 0;
    x->ends[-1] = (uint32_t)c->start - 1;
    x->empties = f->empties;
    pl_buf_reset(&c->references);
    c->references.max_bytes = SIZE_MAX;
    if (!has_last_end && c->len > c->start) {
        c->data[c->len] = '\n'; /* as if there were one */
        x->end++;
    }
    memset(c->data + x->end, '\n', PL_CSV_PAD - 1); /* kernels look beyond */
    for (;;) {
        const size_t bad = f->kernel != NULL ? f->kernel->scan(x) : x->at;
        const size_t start = index_end(x, c->start);
        bool is_malformed;
        int64_t len;

        if (start >= c->len || (bad == SIZE_MAX && !f->is_end))
            break;
        len = read_reference(f, c, start, &is_malformed, err);
        if (len < 0)
            rc = -1;
        else if (len > 0)
            rc = note_reference(c, start, (size_t)len, is_malformed, err);
        if (rc != 0 || len <= 0)
            break;
        x->at = start + (size_t)len;
        if (f->kernel != NULL && x->at >= c->len)
            break;
    }
    c->used = index_end(x, c->start);
    return rc;
}

/* The states of the rows that a mark stands in. */
static void spread_marks(struct pl_csv_chunk *c)
{
    const struct pl_csv_index *x = &c->index;
    size_t row = 0;

    for (size_t i = 0; i < x->mark_count; i++) {
        const uint32_t base = x->marks[i].base;
        uint64_t bits =
            x->marks[i].text | x->marks[i].edge | x->marks[i].control;

        while (bits != 0) {
            const uint32_t place = base + (uint32_t)__builtin_ctzll(bits);
            uint64_t of_row = ~UINT64_C(0);

            while (row < c->row_count && x->rows[row] < place)
                row++;
            if (row == c->row_count)
                return;
            if (x->rows[row] - base < 63)
                of_row = (UINT64_C(2) << (x->rows[row] - base)) - 1;
            c->states[row] |= PL_CSV_LOOK;
            if ((x->marks[i].control & bits & of_row) != 0)
                c->states[row] |= PL_CSV_CONTROLS;
            if ((x->marks[i].text & bits & of_row) != 0)
                c->states[row] |= PL_CSV_TEXT;
            bits &= ~of_row;
        }
    }
}

/* Those of a block that may not be UTF-8: the last byte of the row before it
 * is an LF, so that what is wrong lies in the rows that the block touches. */
static void spread_suspects(struct pl_csv_chunk *c)
{
    const struct pl_csv_index *x = &c->index;
    size_t row = 0;

    for (size_t i = 0; i < x->suspect_count; i++) {
        while (row < c->row_count && x->rows[row] < x->suspects[i])
            row++;
        for (size_t r = row; r < c->row_count; r++) {
            c->states[r] |= PL_CSV_LOOK | PL_CSV_SUSPECT;
            if (x->rows[r] >= x->suspects[i] + 63)
                break;
        }
    }
}

/* Where each row's cells are; rows of another count than the header's must be
 * looked at. */
int pl_csv_lay_out(size_t columns, struct pl_csv_chunk *c, struct pl_err *err)
{
    const struct pl_csv_index *x = &c->index;
    size_t at = 0;

    if (c->row_count >= c->row_cap) {
        const size_t cap = c->row_count + c->row_count / 4 + 64;

        if (grow((void **)&c->firsts, cap + 1, sizeof(*c->firsts), err) != 0 ||
            grow((void **)&c->states, cap + 8, 1, err) != 0)
            return -1;
        c->row_cap = cap;
    }
    memset(c->states, 0, c->row_count + 8);
    for (size_t row = 0; row < c->row_count; row++) {
        const uint32_t last = x->rows[row];

        c->firsts[row] = (uint32_t)at;
        if (at + columns <= x->end_count && x->ends[at + columns - 1] == last) {
            at += columns;
            continue;
        }
        c->states[row] = PL_CSV_LOOK;
        while (x->ends[at] != last)
            at++;
        at++;
    }
    c->firsts[c->row_count] = (uint32_t)at;
    spread_marks(c);
    spread_suspects(c);
    for (size_t i = 0; i < c->references.len; i += sizeof(uint32_t)) {
        uint32_t row;

        memcpy(&row, c->references.data + i, sizeof(row));
        if ((row & ~MALFORMED) < c->row_count)
            c->states[row & ~MALFORMED] = (row & MALFORMED) != 0
                                              ? PL_CSV_LOOK | PL_CSV_MALFORMED
                                              : PL_CSV_LOOK | PL_CSV_REFERENCE;
    }
    return 0;
}

size_t pl_csv_row_start(const struct pl_csv_chunk *c, size_t row)
{
    return row > 0 ? (size_t)c->index.rows[row - 1] + 1 : c->start;
}

size_t pl_csv_row_len(const struct pl_csv_chunk *c, size_t row)
{
    const size_t end = (size_t)c->index.rows[row] + 1;

    return (end < c->len ? end : c->len) - pl_csv_row_start(c, row);
}

#define CACHED_BYTES ((size_t)20 << 10)
#define CACHED_ROWS_LEAST 16

size_t pl_csv_rows_at_once(const struct pl_csv_chunk *c)
{
    const size_t bytes = c->used - c->start;
    const size_t rows =
        bytes > 0 ? CACHED_BYTES * c->row_count / bytes : c->row_count;

    return rows < CACHED_ROWS_LEAST ? CACHED_ROWS_LEAST : rows;
}

static int check_lengths(const struct pl_csv_feed *f, struct pl_csv_chunk *c,
                         struct pl_err *err)
{
    if (c->used - c->start <= f->max_record_bytes)
        return 0;
    for (size_t row = 0; row < c->row_count; row++) {
        if (pl_csv_row_len(c, row) <= f->max_record_bytes)
            continue;
        c->used = pl_csv_row_start(c, row);
        c->row_count = row;
        return too_long(f, c->number + row, line_at(c, c->used),
                        c->offset + c->used, err);
    }
    return 0;
}

/* The header */

/* What the first bytes say that a CSV in UTF-8 cannot begin with. */
static int check_magic(const unsigned char *data, size_t len,
                       struct pl_err *err)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } magic[] = {{"\xFF\xFE", 2, "UTF-16"}, {"\xFE\xFF", 2, "UTF-16"},
                 {"\x1F\x8B", 2, "gzip"},   {"\x28\xB5\x2F\xFD", 4, "zstd"},
                 {"PK\x03\x04", 4, "zip"},  {"BZh", 3, "bzip2"},
                 {"Obj\x01", 4, "Avro"},    {"ORC", 3, "ORC"},
                 {"PAR1", 4, "Parquet"}};

    for (size_t i = 0; i < PL_COUNT(magic); i++)
        if (len >= magic[i].len &&
            memcmp(data, magic[i].bytes, magic[i].len) == 0)
            return pl_fail(err, PL_DATA_INVALID,
                           "the file is %s, not CSV in UTF-8", magic[i].what);
    return 0;
}

/* Its length, 0 when there is nothing at all. A byte-order mark before it is
 * passed over: neither target takes one. */
static int64_t read_header(struct pl_csv_feed *f, struct pl_csv_chunk *c,
                           struct pl_err *err)
{
    struct pl_csv_record record;

    if (fill(f, c, 4, err) != 0 || check_magic(c->data, c->len, err) != 0)
        return -1;
    for (;;) {
        const size_t skip =
            c->len >= 3 && memcmp(c->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        int64_t len;

        if (c->len == skip && f->is_end)
            return 0;
        len = pl_csv_reference_next(f->reference, (const char *)c->data + skip,
                                    c->len - skip, f->is_end, &record, err);
        if (len < 0)
            return pl_context(err, "the header");
        if (len > 0 && f->header(f->ctx, &record, err) != 0)
            return -1;
        if (len > 0)
            return len + (int64_t)skip;
        if (c->len > f->max_record_bytes)
            return too_long(f, 0, 1, f->offset, err);
        if (fill(f, c, c->len * 2, err) != 0)
            return -1;
    }
}

static int take_header(struct pl_csv_feed *f, struct pl_csv_chunk *c,
                       struct pl_err *err)
{
    const int64_t len = read_header(f, c, err);

    if (len <= 0)
        return (int)len;
    c->start = (size_t)len;
    f->line += pl_csv_kernel_by_name(NULL)->count_lines(c->data, c->start);
    f->number = 1;
    return 1;
}

/* Records that no line break is in have a line each. */
static uint64_t count_lines(const struct pl_csv_chunk *c)
{
    uint64_t controls = c->references.len;

    for (size_t i = 0; i < c->index.mark_count; i++)
        controls |= c->index.marks[i].control;
    return controls == 0 && c->row_count == c->index.row_count
               ? c->row_count
               : pl_csv_kernel_by_name(NULL)->count_lines(c->data + c->start,
                                                          c->used - c->start);
}

/* Carries what is behind the last whole record over to the next chunk. */
static int pass_on(struct pl_csv_feed *f, struct pl_csv_chunk *c,
                   struct pl_err *err)
{
    f->offset += c->used;
    f->number += c->row_count;
    f->line += count_lines(c);
    pl_buf_reset(&f->rest);
    f->rest.max_bytes = SIZE_MAX;
    if (c->used >= c->len)
        return 0;
    return pl_buf_add(&f->rest, c->data + c->used, c->len - c->used, err);
}

int pl_csv_cut(struct pl_csv_feed *f, struct pl_csv_chunk *c,
               struct pl_err *err)
{
    const size_t rest = f->rest.len;
    size_t want = f->chunk_bytes;
    struct pl_err why = {0};
    int rc;

    c->len = 0;
    c->start = 0;
    c->row_count = 0;
    c->offset = f->offset;
    while (want < rest + rest / 2)
        want *= 2;
    if (make_room(c, want, err) != 0)
        return -1;
    if (rest > 0)
        memcpy(c->data, f->rest.data, rest);
    c->len = rest;
    if (fill(f, c, want, err) != 0)
        return -1;
    if (f->number == 0) {
        rc = take_header(f, c, err);
        if (rc <= 0)
            return rc;
    }
    c->number = f->number;
    c->line = f->line;
    for (;;) {
        rc = scan(f, c, &why);
        if (rc != 0 || c->used > c->start || f->is_end)
            break;
        if (c->len - c->start > f->max_record_bytes) {
            rc = too_long(f, c->number, c->line, c->offset + c->start, &why);
            break;
        }
        if (fill(f, c, c->len * 2, err) != 0)
            return -1;
    }
    c->row_count = c->index.row_count;
    if (rc == 0)
        rc = check_lengths(f, c, &why);
    if (pass_on(f, c, err) != 0)
        return -1;
    if (rc != 0) {
        *err = why;
        return -1;
    }
    return c->row_count > 0 || c->start > 0 ? 1 : 0;
}

/* Cells */

/* What libcsv makes of the blanks around a cell without quotes. */
static void trim_unquoted(struct pl_csv_cell *cell)
{
    while (cell->len > 0 && (cell->data[0] == ' ' || cell->data[0] == '\t')) {
        cell->data++;
        cell->len--;
    }
    while (cell->len > 0 && (cell->data[cell->len - 1] == ' ' ||
                             cell->data[cell->len - 1] == '\t'))
        cell->len--;
    cell->is_null = cell->len == 0;
}

/* Doubled quotes become one. */
static size_t unescape(char *text, size_t len)
{
    const char *end = text + len;
    char *to = text;
    const char *quote;

    while ((quote = memchr(text, '"', (size_t)(end - text))) != NULL) {
        const size_t part = (size_t)(quote + 1 - text);

        memmove(to, text, part);
        to += part;
        text += part + 1;
    }
    memmove(to, text, (size_t)(end - text));
    return len - (size_t)(text - to);
}

/* A cell as it stands becomes what it means. */
void pl_csv_cut_cell(struct pl_csv_cell *cell, bool may_be_escaped)
{
    if (cell->len < 2 || cell->data[0] != '"') {
        trim_unquoted(cell);
        return;
    }
    cell->data++;
    cell->len -= 2;
    cell->is_null = false;
    if (may_be_escaped)
        cell->len = unescape(cell->data, cell->len);
}
