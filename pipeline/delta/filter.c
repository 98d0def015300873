#include "pipeline/delta/filter.h"

#include <string.h>

#include "pipeline/base/process.h"

#define BATCH 256 /* rows that are looked up together */
#define ROW_BYTES_MAX ((size_t)32 << 20)
#define ROWS_A_LOOK 65536 /* between two looks for a signal */

struct line {
    const char *text;
    size_t len; /* without the line end */
    struct pl_delta_print print;
};

void pl_delta_filter_open(struct pl_delta_filter *f,
                          const struct pl_delta_filter_config *cfg,
                          struct pl_delta_table *last)
{
    *f = (struct pl_delta_filter){.cfg = cfg, .last = last};
    f->carry.max_bytes = ROW_BYTES_MAX;
    f->text.max_bytes = SIZE_MAX;
    f->fresh.temp_dir = f->held.temp_dir = cfg->temp_dir;
}

void pl_delta_filter_release(struct pl_delta_filter *f)
{
    pl_delta_columns_release(&f->columns);
    pl_delta_sort_release(&f->fresh);
    pl_delta_sort_release(&f->held);
    pl_buf_release(&f->header);
    pl_buf_release(&f->carry);
    pl_buf_release(&f->text);
}

static int write_text(struct pl_delta_filter *f, struct pl_err *err)
{
    const int rc =
        f->cfg->out == NULL || f->text.len == 0
            ? 0
            : pl_sink_write(f->cfg->out, f->text.data, f->text.len, err);

    pl_buf_reset(&f->text);
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

/* The row is written; where it does not fit it opens the next part. */
static int put_row(struct pl_delta_filter *f, const struct line *l,
                   struct pl_err *err)
{
    const struct pl_delta_filter_config *cfg = f->cfg;

    if (cfg->max_part_bytes > 0 && f->part_rows > 0 &&
        f->part_bytes + l->len + 1 > cfg->max_part_bytes &&
        (write_text(f, err) != 0 ||
         cfg->next_part(cfg->part_ctx, f->part_rows, err) != 0 ||
         add_header(f, err) != 0))
        return -1;
    f->part_bytes += l->len + 1;
    f->part_rows++;
    return pl_buf_add(&f->text, l->text, l->len, err) != 0
               ? -1
               : pl_buf_addc(&f->text, '\n', err);
}

static int judge(struct pl_delta_filter *f, const struct line *l,
                 struct pl_err *err)
{
    const size_t place = pl_delta_table_find(f->last, l->print.id);
    enum pl_delta_kind kind = PL_DELTA_NEW;

    if (place == SIZE_MAX) {
        if (pl_delta_sort_add(&f->fresh, &l->print, err) != 0)
            return -1;
    } else {
        const struct pl_delta_print *was = &f->last->places[place];

        kind = pl_delta_is_known(was) && was->row[0] == l->print.row[0] &&
                       was->row[1] == l->print.row[1]
                   ? PL_DELTA_UNCHANGED
                   : PL_DELTA_CHANGED;
        pl_delta_table_see(f->last, place, l->print.row);
    }
    f->counts[kind]++;
    if (f->cfg->row != NULL &&
        f->cfg->row(f->cfg->row_ctx, kind, place, l->text, l->len, err) != 0)
        return -1;
    return kind != PL_DELTA_UNCHANGED || f->cfg->is_full ? put_row(f, l, err)
                                                         : 0;
}

static int judge_all(struct pl_delta_filter *f, struct line *lines,
                     size_t count, struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (pl_delta_print_of(&f->columns, lines[i].text, lines[i].len,
                              &lines[i].print, err) != 0)
            return -1;
        pl_delta_table_near(f->last, lines[i].print.id);
    }
    for (size_t i = 0; i < count; i++)
        if (judge(f, &lines[i], err) != 0)
            return -1;
    return 0;
}

/* Whole lines: the first may be the header. */
static int take_lines(struct pl_delta_filter *f, const char *at,
                      const char *end, struct pl_err *err)
{
    struct line lines[BATCH];
    size_t count = 0;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const size_t len = (size_t)(lf - at);

        if (!f->has_header) {
            if (take_header(f, at, len, err) != 0)
                return -1;
        } else {
            lines[count++] = (struct line){.text = at, .len = len};
        }
        at = lf + 1;
        if (count == BATCH || (at == end && count > 0)) {
            if (judge_all(f, lines, count, err) != 0)
                return -1;
            count = 0;
        }
    }
    return 0;
}

static int take_text(struct pl_delta_filter *f, const char *at, size_t len,
                     struct pl_err *err)
{
    const char *end = at + len;
    const char *last = end;

    if (f->carry.len > 0) {
        const char *lf = memchr(at, '\n', len);
        const size_t n = lf != NULL ? (size_t)(lf + 1 - at) : len;

        if (pl_buf_add(&f->carry, at, n, err) != 0)
            return -1;
        at += n;
        if (lf == NULL)
            return 0;
        if (take_lines(f, f->carry.data, f->carry.data + f->carry.len, err) !=
            0)
            return -1;
        pl_buf_reset(&f->carry);
    }
    while (last > at && last[-1] != '\n')
        last--;
    return take_lines(f, at, last, err) != 0
               ? -1
               : pl_buf_add(&f->carry, last, (size_t)(end - last), err);
}

static int write(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    struct pl_delta_filter *f = ctx;

    return take_text(f, data, len, err) != 0 ? -1 : write_text(f, err);
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

    while ((held = pl_delta_sort_next(&f->held, &why)) != NULL) {
        const size_t place = pl_delta_table_find(f->last, held->id);

        if (place == SIZE_MAX)
            continue;
        pl_delta_table_see(f->last, place, f->last->places[place].row);
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
