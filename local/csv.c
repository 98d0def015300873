#include "local/csv.h"

#include "pipeline/base/buf.h"

#define READ_BYTES ((size_t)64 << 10)
#define RECORD_MAX ((size_t)1 << 20)

enum place { START, PLAIN, QUOTED, QUOTE, AFTER_CR };

struct reader {
    const struct local_csv_sink *sink;
    enum place place;
    struct pl_buf text; /* the record's cells, each with a NUL */
    size_t starts[LOCAL_CSV_CELLS + 1];
    size_t count;
    uint64_t line;  /* of the record's first byte */
    uint64_t lines; /* read so far */
    const char *cells[LOCAL_CSV_CELLS];
    size_t lens[LOCAL_CSV_CELLS];
};

static int wrong(const struct reader *r, const char *what, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "line %llu: %s",
                   (unsigned long long)r->lines + 1, what);
}

static int end_cell(struct reader *r, struct pl_err *err)
{
    if (r->count == LOCAL_CSV_CELLS)
        return wrong(r, "too many columns", err);
    if (pl_buf_addc(&r->text, '\0', err) != 0)
        return -1;
    r->starts[++r->count] = r->text.len;
    return 0;
}

static int end_row(struct reader *r, struct pl_err *err)
{
    struct local_csv_row row = {.cells = r->cells, .lens = r->lens};
    int rc;

    if (end_cell(r, err) != 0)
        return -1;
    r->lines++;
    for (size_t i = 0; i < r->count; i++) {
        r->cells[i] = r->text.data + r->starts[i];
        r->lens[i] = r->starts[i + 1] - r->starts[i] - 1;
    }
    row.count = r->count;
    row.line = r->line;
    rc = r->sink->row(r->sink->ctx, &row, err);
    pl_buf_reset(&r->text);
    r->count = 0;
    r->place = START;
    r->line = r->lines + 1;
    return rc;
}

/* What may follow a cell: a comma, LF, or CR before LF. */
static int behind_cell(struct reader *r, char c, struct pl_err *err)
{
    if (c == ',') {
        r->place = START;
        return end_cell(r, err);
    }
    if (c == '\n')
        return end_row(r, err);
    r->place = AFTER_CR;
    return 0;
}

static bool is_end(char c)
{
    return c == ',' || c == '\n' || c == '\r';
}

static int take(struct reader *r, char c, struct pl_err *err)
{
    switch (r->place) {
    case QUOTED:
        r->lines += c == '\n';
        if (c != '"')
            return pl_buf_addc(&r->text, c, err);
        r->place = QUOTE;
        return 0;
    case QUOTE:
        if (is_end(c))
            return behind_cell(r, c, err);
        if (c != '"')
            return wrong(r, "text behind a closing quote", err);
        r->place = QUOTED;
        return pl_buf_addc(&r->text, c, err);
    case AFTER_CR:
        return c == '\n' ? end_row(r, err) : wrong(r, "a CR without LF", err);
    case START:
    case PLAIN:
    default:
        if (is_end(c))
            return behind_cell(r, c, err);
        if (c == '"' && r->place == PLAIN)
            return wrong(r, "a quote in a value that is not quoted", err);
        r->place = c == '"' ? QUOTED : PLAIN;
        return c == '"' ? 0 : pl_buf_addc(&r->text, c, err);
    }
}

static int take_end(struct reader *r, struct pl_err *err)
{
    if (r->place == QUOTED)
        return wrong(r, "a quote is not closed at the end of the file", err);
    if (r->place == AFTER_CR)
        return wrong(r, "a CR without LF", err);
    return r->place != START || r->count > 0 ? end_row(r, err) : 0;
}

static int read_all(struct reader *r, const struct pl_source *source,
                    char *block, struct pl_err *err)
{
    int64_t n;

    while ((n = source->read(source->ctx, block, READ_BYTES, err)) > 0)
        for (int64_t i = 0; i < n; i++)
            if (take(r, block[i], err) != 0)
                return -1;
    return n < 0 ? -1 : take_end(r, err);
}

int local_csv_read(const struct pl_source *source,
                   const struct local_csv_sink *sink, struct pl_err *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    char *block = malloc(READ_BYTES);
    int rc = -1;

    if (r == NULL || block == NULL) {
        (void)pl_fail_memory(err);
    } else {
        r->sink = sink;
        r->line = 1;
        r->text.max_bytes = RECORD_MAX;
        rc = read_all(r, source, block, err);
        pl_buf_release(&r->text);
    }
    free(r);
    free(block);
    return rc;
}
