#include "pipeline/delta/filter.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/process.h"

#define PIECE_BYTES ((size_t)64 << 10) /* whose rows are looked up together */
#define ROW_BYTES_MAX ((size_t)32 << 20)
#define ZONES 1024 /* of the table, one of which a cache has room for */
#define ZONE_OF(id) ((id) >> 54)
#define AHEAD 12          /* rows whose places are brought near */
#define ROWS_A_LOOK 65536 /* between two looks for a signal */

void pl_delta_filter_open(struct pl_delta_filter *f,
                          const struct pl_delta_filter_config *cfg,
                          struct pl_delta_table *last)
{
    *f = (struct pl_delta_filter){.cfg = cfg, .last = last};
    f->piece.max_bytes = ROW_BYTES_MAX + PIECE_BYTES;
    f->fresh.temp_dir = f->held.temp_dir = cfg->temp_dir;
}

void pl_delta_filter_release(struct pl_delta_filter *f)
{
    pl_delta_columns_release(&f->columns);
    pl_delta_sort_release(&f->fresh);
    pl_delta_sort_release(&f->held);
    pl_buf_release(&f->header);
    pl_buf_release(&f->piece);
    free(f->lines);
    free(f->order);
    pl_buf_release(&f->text);
}

static int write_out(struct pl_delta_filter *f, const void *data, size_t len,
                     struct pl_err *err)
{
    return f->cfg->out == NULL || len == 0
               ? 0
               : pl_sink_write(f->cfg->out, data, len, err);
}

/* The header, if one waits, and the rows behind each other so far. */
static int write_run(struct pl_delta_filter *f, struct pl_err *err)
{
    const int rc = write_out(f, f->text.data, f->text.len, err) != 0 ||
                           write_out(f, f->run, f->run_len, err) != 0
                       ? -1
                       : 0;

    pl_buf_reset(&f->text);
    f->run = NULL;
    f->run_len = 0;
    return rc;
}

static int add_header(struct pl_delta_filter *f, struct pl_err *err)
{
    f->part_bytes = f->header.len;
    f->part_rows = 0;
    return pl_buf_add(&f->text, f->header.data, f->header.len, err);
}

static int take_header(struct pl_delta_filter *f, const char *line, size_t len,
                       struct pl_err *err)
{
    const struct pl_delta_filter_config *cfg = f->cfg;

    f->has_header = true;
    return pl_delta_columns_open(&f->columns, cfg->kind, cfg->is_folded,
                                 &cfg->key, line, len, err) != 0 ||
                   pl_buf_add(&f->header, line, len, err) != 0 ||
                   pl_buf_addc(&f->header, '\n', err) != 0
               ? -1
               : add_header(f, err);
}

/* The row is written; where it does not fit it opens the next part. Rows that
 * follow each other are written together. */
static int put_row(struct pl_delta_filter *f, const struct pl_delta_line *l,
                   struct pl_err *err)
{
    const struct pl_delta_filter_config *cfg = f->cfg;

    if (cfg->max_part_bytes > 0 && f->part_rows > 0 &&
        f->part_bytes + l->len + 1 > cfg->max_part_bytes &&
        (write_run(f, err) != 0 ||
         cfg->next_part(cfg->part_ctx, f->part_rows, err) != 0 ||
         add_header(f, err) != 0))
        return -1;
    if (f->run_len > 0 && f->run + f->run_len != l->text &&
        write_run(f, err) != 0)
        return -1;
    if (f->run_len == 0)
        f->run = l->text;
    f->run_len += l->len + 1;
    f->part_bytes += l->len + 1;
    f->part_rows++;
    return 0;
}

/* Whether the last run had the row, and had it so. */
static void judge(struct pl_delta_filter *f, struct pl_delta_line *l)
{
    struct pl_delta_print *was;

    l->place = pl_delta_table_find(f->last, l->print.id);
    l->kind = PL_DELTA_NEW;
    if (l->place == SIZE_MAX)
        return;
    was = &f->last->places[l->place];
    l->kind = pl_delta_is_known(was) && was->row[0] == l->print.row[0] &&
                      was->row[1] == l->print.row[1]
                  ? PL_DELTA_UNCHANGED
                  : PL_DELTA_CHANGED;
    if (l->kind == PL_DELTA_CHANGED)
        memcpy(was->row, l->print.row, sizeof(was->row));
    pl_delta_table_see(f->last, l->place);
}

/* The lines in the order of their ids' upper bits, those with the same ones as
 * they came. */
static void put_in_order(struct pl_delta_filter *f)
{
    uint32_t ends[ZONES + 1] = {0};

    for (size_t i = 0; i < f->line_count; i++)
        ends[ZONE_OF(f->lines[i].print.id) + 1]++;
    for (size_t i = 1; i <= ZONES; i++)
        ends[i] += ends[i - 1];
    for (size_t i = 0; i < f->line_count; i++)
        f->order[ends[ZONE_OF(f->lines[i].print.id)]++] = (uint32_t)i;
}

/* Zone by zone, so that memory is gone through from front to back: looked up
 * as they come, rows would wait for the tables of pages most of the time. */
static int judge_all(struct pl_delta_filter *f, struct pl_err *err)
{
    put_in_order(f);
    for (size_t i = 0; i < f->line_count; i++) {
        struct pl_delta_line *l = &f->lines[f->order[i]];

        if (i + AHEAD < f->line_count)
            pl_delta_table_near(f->last,
                                f->lines[f->order[i + AHEAD]].print.id);
        judge(f, l);
        if (l->kind == PL_DELTA_NEW &&
            pl_delta_sort_add(&f->fresh, &l->print, err) != 0)
            return -1;
    }
    return 0;
}

static int put_all(struct pl_delta_filter *f, struct pl_err *err)
{
    const struct pl_delta_filter_config *cfg = f->cfg;

    for (size_t i = 0; i < f->line_count; i++) {
        const struct pl_delta_line *l = &f->lines[i];

        f->counts[l->kind]++;
        if (cfg->row != NULL && cfg->row(cfg->row_ctx, l->kind, l->place,
                                         l->text, l->len, err) != 0)
            return -1;
        if ((l->kind != PL_DELTA_UNCHANGED || cfg->is_full) &&
            put_row(f, l, err) != 0)
            return -1;
    }
    return write_run(f, err);
}

static int add_line(struct pl_delta_filter *f, const char *text, size_t len,
                    struct pl_err *err)
{
    struct pl_delta_line *l;

    if (f->line_count == f->line_cap) {
        const size_t cap = f->line_cap * 2 + 4096;
        struct pl_delta_line *lines = realloc(f->lines, cap * sizeof(*lines));
        uint32_t *order = realloc(f->order, cap * sizeof(*order));

        f->lines = lines != NULL ? lines : f->lines;
        f->order = order != NULL ? order : f->order;
        if (lines == NULL || order == NULL)
            return pl_fail_memory(err);
        f->line_cap = cap;
    }
    l = &f->lines[f->line_count++];
    l->text = text;
    l->len = len;
    return pl_delta_print_of(&f->columns, text, len, &l->print, err);
}

/* The whole lines of what is there; the rest goes to the front. */
static int take_lines(struct pl_delta_filter *f, struct pl_err *err)
{
    const char *at = f->piece.data;
    const char *end;
    const char *lf;

    if (f->piece.len == 0)
        return 0;
    end = at + f->piece.len;
    f->line_count = 0;
    while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        const size_t len = (size_t)(lf - at);

        if ((f->has_header ? add_line(f, at, len, err)
                           : take_header(f, at, len, err)) != 0)
            return -1;
        at = lf + 1;
    }
    if (judge_all(f, err) != 0 || put_all(f, err) != 0)
        return -1;
    f->piece.len = (size_t)(end - at);
    if (f->piece.len > 0)
        memmove(f->piece.data, at, f->piece.len);
    return 0;
}

/* The header is taken at once: who comes behind may ask for the columns. */
static int write(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    struct pl_delta_filter *f = ctx;

    if (pl_buf_add(&f->piece, data, len, err) != 0)
        return -1;
    return f->piece.len < PIECE_BYTES && f->has_header ? 0 : take_lines(f, err);
}

struct pl_sink pl_delta_filter_sink(struct pl_delta_filter *f)
{
    return (struct pl_sink){.ctx = f, .write = write};
}

int pl_delta_filter_hold(struct pl_delta_filter *f, const char *id, size_t len,
                         struct pl_err *err)
{
    struct pl_delta_print print = {0};

    return pl_delta_id_of(&f->columns, id, len, &print.id, err) != 0
               ? -1
               : pl_delta_sort_add(&f->held, &print, err);
}

/* An id that also came with a right row was seen by then. */
int pl_delta_filter_settle(struct pl_delta_filter *f, struct pl_err *err)
{
    struct pl_err why = {0};
    const struct pl_delta_print *held;

    if (take_lines(f, err) != 0)
        return -1;
    while ((held = pl_delta_sort_next(&f->held, &why)) != NULL) {
        const size_t place = pl_delta_table_find(f->last, held->id);

        if (place == SIZE_MAX)
            continue;
        pl_delta_table_see(f->last, place);
        f->kept++;
    }
    if (why.code == PL_OK)
        return 0;
    *err = why;
    return -1;
}

uint64_t pl_delta_filter_rows(const struct pl_delta_filter *f)
{
    return f->counts[PL_DELTA_NEW] + f->counts[PL_DELTA_CHANGED] +
           f->counts[PL_DELTA_UNCHANGED];
}

uint64_t pl_delta_filter_gone(const struct pl_delta_filter *f)
{
    return f->last->count - f->counts[PL_DELTA_CHANGED] -
           f->counts[PL_DELTA_UNCHANGED] - f->kept;
}

/* The next place whose row this run had, too. */
static size_t next_seen(const struct pl_delta_table *t, size_t at)
{
    while ((at = pl_delta_table_next(t, at)) != SIZE_MAX &&
           !pl_delta_is_seen(t, at))
        at++;
    return at;
}

static int merge(struct pl_delta_filter *f, struct pl_delta_file_writer *w,
                 struct pl_err *err)
{
    struct pl_err why = {0};
    const struct pl_delta_print *fresh = pl_delta_sort_next(&f->fresh, &why);
    size_t at = next_seen(f->last, 0);
    uint64_t count = 0;

    while (why.code == PL_OK && (fresh != NULL || at != SIZE_MAX)) {
        const struct pl_delta_print *old =
            at != SIZE_MAX ? &f->last->places[at] : NULL;
        const bool is_old =
            old != NULL && (fresh == NULL || old->id <= fresh->id);

        if ((++count % ROWS_A_LOOK == 0 && pl_stop_check(err) != 0) ||
            pl_delta_write(w, is_old ? old : fresh, err) != 0)
            return -1;
        if (is_old)
            at = next_seen(f->last, at + 1);
        else
            fresh = pl_delta_sort_next(&f->fresh, &why);
    }
    if (why.code == PL_OK)
        return pl_delta_write_end(w, err);
    *err = why;
    return -1;
}

int pl_delta_filter_write(struct pl_delta_filter *f, const struct pl_sink *out,
                          struct pl_err *err)
{
    struct pl_delta_file_writer w = {.out = NULL};
    const struct pl_delta_head head = {
        .key_mark = pl_delta_key_mark(&f->cfg->key),
        .meaning = f->columns.meaning,
        .count = pl_delta_filter_rows(f) + f->kept};
    int rc = pl_delta_write_open(&w, out, &head, err);

    if (rc == 0)
        rc = merge(f, &w, err);
    pl_delta_write_release(&w);
    return rc;
}
