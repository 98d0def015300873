/* CSV after RFC 4180, strictly: one state machine, one record in memory. */
#include "local/import_file.h"

#include "pipeline/base/text.h"

#define READ_BYTES ((size_t)64 << 10)
#define RECORD_MAX ((size_t)256 << 10) /* bytes; an endpoint has 15 KB */
#define CELLS_MAX 1024

enum place { START, PLAIN, QUOTED, QUOTE, AFTER_CR };

struct reader {
    const struct local_import_sink *sink;
    enum place place;
    struct pl_buf text; /* the record's cells, each with a NUL */
    size_t starts[CELLS_MAX + 1];
    size_t count;
    uint64_t line;  /* of the record's first byte */
    uint64_t lines; /* read so far */
    bool has_header;
    struct pl_buf header; /* the names, each with a NUL */
    size_t names[CELLS_MAX];
    enum local_column kinds[CELLS_MAX];
    size_t columns;
    struct local_cell cells[CELLS_MAX];
};

static void reader_free(struct reader *r)
{
    pl_buf_release(&r->text);
    pl_buf_release(&r->header);
    free(r);
}

static int wrong(const struct reader *r, const char *what, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "line %llu: %s",
                   (unsigned long long)r->lines + 1, what);
}

static int end_cell(struct reader *r, struct pl_err *err)
{
    if (r->count == CELLS_MAX)
        return wrong(r, "too many columns", err);
    if (pl_buf_addc(&r->text, '\0', err) != 0)
        return -1;
    r->starts[++r->count] = r->text.len;
    return 0;
}

/* What a header must have: a key for new or for known endpoints, or a list of
 * users and nothing else. */
static int check_header(const struct reader *r, struct pl_err *err)
{
    bool has[LOCAL_COL_BAD + 1] = {false};

    for (size_t i = 0; i < r->columns; i++) {
        const enum local_column kind = r->kinds[i];
        const char *name = r->header.data + r->names[i];
        const bool may_repeat =
            kind == LOCAL_COL_ATTRIBUTE || kind == LOCAL_COL_USER_ATTRIBUTE;

        if (kind == LOCAL_COL_BAD)
            return pl_fail(err, PL_DATA_INVALID,
                           "header has the unknown column '%.80s'", name);
        for (size_t k = 0; k < i && !may_repeat; k++)
            if (strcmp(r->header.data + r->names[k], name) == 0)
                return pl_fail(err, PL_DATA_INVALID,
                               "header has the column '%.80s' twice", name);
        has[kind] = true;
    }
    if (has[LOCAL_COL_ID] ||
        (has[LOCAL_COL_CHANNEL] && has[LOCAL_COL_ADDRESS]) ||
        (r->columns == 1 && has[LOCAL_COL_USER_ID]))
        return 0;
    return pl_fail(err, PL_DATA_INVALID,
                   "header needs ChannelType and Address, or Id");
}

static int take_header(struct reader *r, struct pl_err *err)
{
    if (pl_buf_add(&r->header, pl_buf_str(&r->text), r->text.len, err) != 0)
        return -1;
    for (size_t i = 0; i < r->count; i++) {
        const char *name = r->header.data + r->starts[i];

        r->names[i] = r->starts[i];
        r->kinds[i] = strlen(name) == r->starts[i + 1] - r->starts[i] - 1
                          ? local_column_kind(name)
                          : LOCAL_COL_BAD;
    }
    r->columns = r->count;
    r->has_header = true;
    return check_header(r, err);
}

static const char *fault_of(const struct reader *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = local_cell_fault(&r->cells[i]);

        if (why != NULL)
            return why;
    }
    return NULL;
}

static int take_record(struct reader *r, struct pl_err *err)
{
    size_t count = 0;
    const char *why;
    char text[96];

    if (r->count != r->columns) {
        (void)snprintf(text, sizeof(text), "%zu values instead of %zu",
                       r->count, r->columns);
        return r->sink->bad(r->sink->ctx, r->line, text, err);
    }
    for (size_t i = 0; i < r->count; i++) {
        const size_t len = r->starts[i + 1] - r->starts[i] - 1;

        if (len == 0)
            continue;
        r->cells[count++] =
            (struct local_cell){r->kinds[i], r->header.data + r->names[i],
                                r->text.data + r->starts[i], len};
    }
    why = fault_of(r, count);
    if (why != NULL)
        return r->sink->bad(r->sink->ctx, r->line, why, err);
    return r->sink->record(r->sink->ctx, r->cells, count, r->line, err);
}

static int end_record(struct reader *r, struct pl_err *err)
{
    int rc;

    if (end_cell(r, err) != 0)
        return -1;
    r->lines++;
    rc = r->has_header ? take_record(r, err) : take_header(r, err);
    pl_buf_reset(&r->text);
    r->count = 0;
    r->place = START;
    r->line = r->lines + 1;
    return rc;
}

/* What may follow a cell: a comma, LF, or CR before LF. */
static int end_of_cell(struct reader *r, char c, struct pl_err *err)
{
    if (c == ',') {
        r->place = START;
        return end_cell(r, err);
    }
    if (c == '\r') {
        r->place = AFTER_CR;
        return 0;
    }
    return end_record(r, err);
}

static int take_quoted(struct reader *r, char c, struct pl_err *err)
{
    if (r->place == QUOTED) {
        if (c == '"') {
            r->place = QUOTE;
            return 0;
        }
        r->lines += c == '\n';
        return pl_buf_addc(&r->text, c, err);
    }
    if (c == '"') {
        r->place = QUOTED;
        return pl_buf_addc(&r->text, c, err);
    }
    if (strchr(",\r\n", c) == NULL || c == '\0')
        return wrong(r, "text behind a closing quote", err);
    return end_of_cell(r, c, err);
}

static int take_char(struct reader *r, char c, struct pl_err *err)
{
    switch (r->place) {
    case QUOTED:
    case QUOTE:
        return take_quoted(r, c, err);
    case AFTER_CR:
        return c == '\n' ? end_record(r, err)
                         : wrong(r, "a CR without LF", err);
    case START:
        if (c == '"') {
            r->place = QUOTED;
            return 0;
        }
        break;
    case PLAIN:
    default:
        if (c == '"')
            return wrong(r, "a quote in a value that is not quoted", err);
        break;
    }
    if (c == ',' || c == '\r' || c == '\n')
        return end_of_cell(r, c, err);
    r->place = PLAIN;
    return pl_buf_addc(&r->text, c, err);
}

static int take_end(struct reader *r, struct pl_err *err)
{
    if (r->place == QUOTED)
        return wrong(r, "a quote is not closed at the end of the file", err);
    if (r->place == AFTER_CR)
        return wrong(r, "a CR without LF", err);
    if ((r->place != START || r->count > 0) && end_record(r, err) != 0)
        return -1;
    return r->has_header
               ? 0
               : pl_fail(err, PL_DATA_INVALID, "the file has no header");
}

static int read_all(struct reader *r, const struct pl_source *source,
                    char *block, struct pl_err *err)
{
    int64_t n;

    while ((n = source->read(source->ctx, block, READ_BYTES, err)) > 0)
        for (int64_t i = 0; i < n; i++)
            if (take_char(r, block[i], err) != 0)
                return -1;
    return n < 0 ? -1 : take_end(r, err);
}

int local_import_csv(const struct pl_source *source,
                     const struct local_import_sink *sink, struct pl_err *err)
{
    struct reader *r = calloc(1, sizeof(*r));
    char *block = malloc(READ_BYTES);
    int rc;

    if (r == NULL || block == NULL) {
        free(r);
        free(block);
        return pl_fail_memory(err);
    }
    r->sink = sink;
    r->line = 1;
    r->text.max_bytes = RECORD_MAX;
    rc = read_all(r, source, block, err);
    reader_free(r);
    free(block);
    return rc;
}
