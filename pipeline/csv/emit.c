#include "pipeline/csv/emit.h"

#include <string.h>

/* A run of rows that stand as they are, but for their patches. */
static int emit_run(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                    size_t start, size_t end, size_t *patch, struct pl_err *err)
{
    const unsigned char *data = w->chunk.data;

    while (*patch < w->patch_count && w->patches[*patch].from < start)
        ++*patch; /* of a row that is rejected */
    for (; *patch < w->patch_count && w->patches[*patch].from < end; ++*patch) {
        const struct pl_csv_patch *p = &w->patches[*patch];
        const struct pl_csv_cell cell = {.data = w->patch_text.data + p->at,
                                         .len = p->len,
                                         .is_null = p->is_null};

        w->out.len +=
            plan->kernel->strip((unsigned char *)w->out.data + w->out.len,
                                data + start, p->from - start);
        if (pl_csv_write_cell(&cell, &w->out, err) != 0)
            return -1;
        start = p->to;
    }
    w->out.len += plan->kernel->strip((unsigned char *)w->out.data + w->out.len,
                                      data + start, end - start);
    return 0;
}

int pl_csv_emit(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const char *text = w->kept.text.data;
    size_t kept = 0;
    size_t from = 0;
    size_t patch = 0;

    pl_buf_reset(&w->out);
    w->out.max_bytes = SIZE_MAX;
    w->rows_out = 0;
    if (plan->cfg->out == NULL)
        return 0;
    if (pl_buf_reserve(&w->out,
                       c->used + w->kept.text.len +
                           2 * (w->patch_text.len + w->patch_count) +
                           4 * (size_t)PL_CSV_PAD,
                       err) != 0)
        return -1;
    for (size_t row = 0; row < c->row_count; row++) {
        size_t to = row;

        while (to + 8 <= c->row_count && pl_csv_word(c->states + to) == 0)
            to += 8;
        while (to < c->row_count && c->states[to] == 0)
            to++;
        if (to > row) {
            if (emit_run(plan, w, pl_csv_row_start(c, row),
                         c->index.rows[to - 1] + (size_t)1, &patch, err) != 0)
                return -1;
            w->rows_out += to - row;
            row = to;
        }
        if (row == c->row_count)
            break;
        while (kept < w->kept.count && w->kept.list[kept].row < row)
            from = w->kept.list[kept++].end;
        if (c->states[row] == PL_CSV_KEPT) {
            const size_t len = w->kept.list[kept].end - from;

            memcpy(w->out.data + w->out.len, text + from, len);
            w->out.len += len;
            w->rows_out++;
        }
    }
    return 0;
}
