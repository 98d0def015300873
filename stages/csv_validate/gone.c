/* The rows of earlier runs that this one does not have: found in the files
 * that those runs sent, the newest first, and sent once more with the value
 * that says so. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/writer.h"
#include "pipeline/stream/reader.h"
#include "stages/csv_validate/delta.h"

#define READ_BYTES ((size_t)256 << 10)
#define ROW_BYTES_MAX ((size_t)32 << 20)

struct gone {
    struct csv_delta *d;
    size_t next_part;
    struct pl_delta_columns columns; /* of the file being read */
    size_t at; /* of its columns the one that gets the value; SIZE_MAX: a new
                  one */
    struct pl_buf value;  /* as a cell */
    struct pl_buf header; /* of what is written, "" before the first file */
    struct pl_buf head;   /* that the file asks for */
    struct pl_buf text;
    uint64_t part_bytes;
    uint64_t part_rows;
    size_t missing; /* files */
};

static void gone_release(struct gone *g)
{
    pl_delta_columns_release(&g->columns);
    pl_buf_release(&g->value);
    pl_buf_release(&g->header);
    pl_buf_release(&g->head);
    pl_buf_release(&g->text);
}

static bool is_profiles(const struct gone *g)
{
    return g->d->cfg.kind == PL_DELTA_PROFILES;
}

static int flush(struct gone *g, struct pl_err *err)
{
    const int rc = pl_sink_write(g->d->cfg.out, g->text.data, g->text.len, err);

    pl_buf_reset(&g->text);
    return rc;
}

/* A part of its own, since its columns may be others than those before. */
static int begin_part(struct gone *g, struct pl_err *err)
{
    const uint64_t before =
        g->d->gone_sent == 0 ? g->d->filter.part_rows : g->part_rows;

    if ((g->text.len > 0 && flush(g, err) != 0) ||
        g->d->cfg.next_part(g->d->cfg.part_ctx, before, err) != 0)
        return -1;
    if (g->d->first_gone_part == SIZE_MAX)
        g->d->first_gone_part = g->next_part;
    g->part_rows = 0;
    g->part_bytes = g->head.len;
    pl_buf_reset(&g->header);
    return pl_buf_add(&g->header, g->head.data, g->head.len, err) != 0 ||
                   pl_buf_add(&g->text, g->head.data, g->head.len, err) != 0
               ? -1
               : 0;
}

static int take_header(struct gone *g, const char *line, size_t len,
                       struct pl_err *err)
{
    const char *name = g->d->set.gone_column;
    const char *at = line;
    struct pl_delta_cell cell;
    size_t column = 0;

    pl_delta_columns_release(&g->columns);
    if (pl_delta_columns_open(&g->columns, g->d->cfg.kind, g->d->cfg.is_folded,
                              &g->d->cfg.key, line, len, err) != 0)
        return -1;
    g->at = SIZE_MAX;
    pl_buf_reset(&g->head);
    if (is_profiles(g))
        return pl_buf_addf(&g->head, err, "%s,%s\n", g->d->key_header,
                           g->d->tag_header);
    for (; pl_delta_cell(&at, line + len, &cell); column++)
        if (cell.len == strlen(name) && memcmp(cell.text, name, cell.len) == 0)
            g->at = column; /* of several the last one */
    if (pl_buf_add(&g->head, line, len, err) != 0 ||
        (g->at == SIZE_MAX && pl_buf_addf(&g->head, err, ",%s", name) != 0))
        return -1;
    return pl_buf_addc(&g->head, '\n', err);
}

/* Endpoints are sent whole, with the one value set. */
static int put_endpoint(struct gone *g, const char *line, size_t len,
                        struct pl_err *err)
{
    const char *at = line;
    struct pl_delta_cell cell;

    for (size_t column = 0; pl_delta_cell(&at, line + len, &cell); column++) {
        if (column == g->at)
            cell = (struct pl_delta_cell){g->value.data, g->value.len};
        if ((column > 0 && pl_buf_addc(&g->text, ',', err) != 0) ||
            pl_buf_add(&g->text, cell.text, cell.len, err) != 0)
            return -1;
    }
    if (g->at == SIZE_MAX &&
        (pl_buf_addc(&g->text, ',', err) != 0 ||
         pl_buf_add(&g->text, g->value.data, g->value.len, err) != 0))
        return -1;
    return pl_buf_addc(&g->text, '\n', err);
}

/* Of people the key alone: their other fields stay as they are. */
static int put_profile(struct gone *g, const char *line, size_t len,
                       struct pl_err *err)
{
    const char *at = line;
    struct pl_delta_cell cell;

    (void)pl_delta_cell(&at, line + len, &cell);
    return pl_buf_add(&g->text, cell.text, cell.len, err) != 0 ||
                   pl_buf_addc(&g->text, ',', err) != 0 ||
                   pl_buf_add(&g->text, g->value.data, g->value.len, err) != 0
               ? -1
               : pl_buf_addc(&g->text, '\n', err);
}

static bool is_other_header(const struct gone *g)
{
    return g->header.len != g->head.len ||
           memcmp(g->header.data, g->head.data, g->head.len) != 0;
}

static int put_row(struct gone *g, const char *line, size_t len,
                   struct pl_err *err)
{
    const uint64_t most = g->d->cfg.max_part_bytes;
    const uint64_t need = len + g->value.len + 2;

    if ((is_other_header(g) ||
         (most > 0 && g->part_rows > 0 && g->part_bytes + need > most)) &&
        begin_part(g, err) != 0)
        return -1;
    if ((is_profiles(g) ? put_profile(g, line, len, err)
                        : put_endpoint(g, line, len, err)) != 0)
        return -1;
    g->part_rows++;
    g->part_bytes += need;
    g->d->gone_sent++;
    return g->text.len < READ_BYTES ? 0 : flush(g, err);
}

static int take_row(struct gone *g, const char *line, size_t len,
                    struct pl_err *err)
{
    struct csv_delta *d = g->d;
    struct pl_delta_print print;
    size_t place;

    if (pl_delta_print_of(&g->columns, line, len, &print, err) != 0)
        return -1;
    place = pl_delta_table_find(&d->table, print.id);
    return place == SIZE_MAX || !pl_delta_table_once(&d->table, place)
               ? 0
               : put_row(g, line, len, err);
}

/* Whole lines of what is there; the first of a file is the header. */
static int take_lines(struct gone *g, struct pl_buf *data, bool *has_header,
                      struct pl_err *err)
{
    const char *at = data->data;
    const char *end = at + data->len;
    const char *lf;

    while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if ((*has_header ? take_row(g, at, (size_t)(lf - at), err)
                         : take_header(g, at, (size_t)(lf - at), err)) != 0)
            return -1;
        *has_header = true;
        at = lf + 1;
    }
    memmove(data->data, at, (size_t)(end - at));
    data->len = (size_t)(end - at);
    return 0;
}

static int read_file(struct gone *g, const char *uri, struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    PL_AUTO(pl_buf) data = PL_BUF_INIT_MAX(ROW_BYTES_MAX);
    struct pl_source source;
    bool has_header = false;
    size_t got = READ_BYTES;

    if (pl_reader_open(&reader, uri, g->d->aws, err) != 0)
        return -1;
    source = pl_reader_source(&reader);
    while (got == READ_BYTES) {
        if (pl_stop_check(err) != 0 ||
            pl_buf_reserve(&data, READ_BYTES, err) != 0 ||
            pl_source_fill(&source, data.data + data.len, READ_BYTES, &got,
                           err) != 0)
            return -1;
        data.len += got;
        if (take_lines(g, &data, &has_header, err) != 0)
            return -1;
    }
    return pl_reader_verify(&reader, NULL, err);
}

/* A file that is not there any more is none; its rows are missed later. */
static int read_files(struct gone *g, const json_t *files, struct pl_err *err)
{
    for (size_t i = json_array_size(files); i > 0; i--) {
        const char *uri = json_string_value(
            json_object_get(json_array_get(files, i - 1), "uri"));
        struct pl_err why = {0};

        if (g->d->gone_sent == g->d->gone)
            return 0;
        if (uri == NULL || read_file(g, uri, &why) == 0)
            continue;
        if (!pl_delta_is_missing(&why)) {
            *err = why;
            return pl_context(err, "ids of rows that are gone");
        }
        g->missing++;
        pl_warn("'%s' is not there any more", uri);
    }
    return 0;
}

static int find_all(struct gone *g, struct pl_err *err)
{
    const json_t *state = g->d->job.state;
    const json_t *open = json_object_get(state, "open");

    for (size_t i = json_array_size(open); i > 0; i--)
        if (read_files(g, json_object_get(json_array_get(open, i - 1), "files"),
                       err) != 0)
            return -1;
    return read_files(g, json_object_get(state, "files"), err);
}

static int judge_unnamed(const struct gone *g, struct pl_err *err)
{
    const uint64_t left = g->d->gone - g->d->gone_sent;

    if (left == 0)
        return 0;
    if ((g->d->set.allow & CSV_DELTA_UNNAMED) != 0) {
        pl_warn("%" PRIu64 " rows are gone and cannot be named: they stay as "
                "they are",
                left);
        return 0;
    }
    return pl_fail(err, PL_DATA_INVALID,
                   "%" PRIu64 " of %" PRIu64
                   " rows that are gone cannot be named, for %zu files of "
                   "earlier runs are not there any more; nothing was imported. "
                   "To leave them as they are, allow it once: --allow unnamed, "
                   "LAKESEG_ALLOW_ONCE=unnamed",
                   left, g->d->gone, g->missing);
}

static int write_gone(struct gone *g, uint64_t *rows, struct pl_err *err)
{
    const char *value = g->d->set.gone_value;
    const struct pl_csv_cell cell = {.data = (char *)(uintptr_t)value,
                                     .len = strlen(value)};

    if (pl_csv_write_cell(&cell, &g->value, err) != 0 ||
        find_all(g, err) != 0 || judge_unnamed(g, err) != 0)
        return -1;
    if (g->d->gone_sent == 0)
        return 0;
    *rows = g->part_rows;
    pl_info("%" PRIu64 " rows that are gone are sent with '%s' set",
            g->d->gone_sent, g->d->set.gone_column);
    return g->text.len > 0 ? flush(g, err) : 0;
}

int csv_delta_write_gone(struct csv_delta *d, size_t next_part, uint64_t *rows,
                         struct pl_err *err)
{
    struct gone g = {.d = d, .next_part = next_part};
    int rc;

    g.text.max_bytes = SIZE_MAX;
    rc = write_gone(&g, rows, err);
    gone_release(&g);
    return rc;
}
