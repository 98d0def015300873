/* The rows of earlier runs that this one does not have: found in the files
 * that those runs sent, the newest first, and sent once more with the value
 * that says so. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/writer.h"
#include "stages/csv_validate/earlier.h"

#define WRITE_BYTES ((size_t)256 << 10)

struct gone {
    struct csv_delta *d;
    size_t next_part;
    size_t file; /* whose header head is; SIZE_MAX: none yet */
    size_t at;   /* of its columns the one that gets the value; SIZE_MAX: a new
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

static int take_header(struct gone *g, const struct csv_earlier *file,
                       struct pl_err *err)
{
    const char *name = g->d->set.gone_column;
    const char *end = file->header.data + file->header.len;
    const char *at = file->header.data;
    struct pl_delta_cell cell;

    g->file = file->number;
    g->at = SIZE_MAX;
    pl_buf_reset(&g->head);
    if (is_profiles(g))
        return pl_buf_addf(&g->head, err, "%s,%s\n", g->d->key_header,
                           g->d->tag_header);
    for (size_t column = 0; pl_delta_cell(&at, end, &cell); column++)
        if (cell.len == strlen(name) && memcmp(cell.text, name, cell.len) == 0)
            g->at = column; /* of several the last one */
    if (pl_buf_add(&g->head, file->header.data, file->header.len, err) != 0 ||
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
    return g->text.len < WRITE_BYTES ? 0 : flush(g, err);
}

static int take_row(void *ctx, struct csv_earlier *file,
                    const struct pl_delta_print *print, const char *line,
                    size_t len, struct pl_err *err)
{
    struct gone *g = ctx;
    struct csv_delta *d = g->d;
    const size_t place = pl_delta_table_find(&d->table, print->id);

    if (place == SIZE_MAX || !pl_delta_table_once(&d->table, place))
        return 0;
    if (g->file != file->number && take_header(g, file, err) != 0)
        return -1;
    return put_row(g, line, len, err) != 0 ? -1 : d->gone_sent == d->gone;
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
        csv_earlier_read(g->d, take_row, g, &g->missing, err) != 0 ||
        judge_unnamed(g, err) != 0)
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
    struct gone g = {.d = d, .next_part = next_part, .file = SIZE_MAX};
    int rc;

    g.text.max_bytes = SIZE_MAX;
    rc = write_gone(&g, rows, err);
    gone_release(&g);
    return rc;
}
