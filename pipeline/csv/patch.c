#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/prove.h"

static unsigned first_bit(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

/* Cells that need another form than they have, in columns that nothing but
 * their own text depends on: they are patched, and the row goes on as if they
 * were right. */

static bool may_patch(const struct pl_csv_plan *plan, size_t column)
{
    switch (plan->shape.columns[column].kind) {
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
    case PL_COLUMN_TEXT:
        return true;
    case PL_COLUMN_USER_ID: /* unless it is the key */
        return plan->shape.id != SIZE_MAX || plan->shape.channel != SIZE_MAX;
    case PL_COLUMN_ID:
    case PL_COLUMN_CHANNEL:
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_METRIC:
    case PL_COLUMN_COUNTRY:
    case PL_COLUMN_LATITUDE:
    case PL_COLUMN_LONGITUDE:
    case PL_COLUMN_OPT_OUT:
    case PL_COLUMN_LOCALE:
    case PL_COLUMN_TIME_ZONE:
    case PL_COLUMN_EFFECTIVE_DATE:
        break;
    }
    return false;
}

static int room_for_patch(struct pl_csv_work *w, size_t len, struct pl_err *err)
{
    if (w->patch_count == w->patch_cap) {
        const size_t cap = w->patch_cap * 2 + 256;

        struct pl_csv_patch *grown = realloc(w->patches, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        w->patches = grown;
        w->patch_cap = cap;
    }
    return pl_buf_reserve(&w->patch_text, len, err);
}

/* 1: patched; 0: the rules must see the row. */
static int patch_cell(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                      uint32_t row, size_t column,
                      const struct pl_csv_mark *mark, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const uint32_t *end = c->index.ends + c->firsts[row] + column;
    const uint32_t from = end[-1] + 1;
    const size_t len = *end - from;
    const bool is_in_mark = *end - mark->base < 64;
    struct pl_csv_verdict verdict;
    struct pl_csv_cell cell;

    if (!may_patch(plan, column) || c->data[*end - 1] == '\r')
        return 0;
    if (room_for_patch(w, len, err) != 0)
        return -1;
    cell = (struct pl_csv_cell){.data = w->patch_text.data + w->patch_text.len,
                                .len = len};
    memcpy(cell.data, c->data + from, len);
    pl_csv_cut_cell(&cell, mark->text != 0 || !is_in_mark);
    if (!pl_rules_cell(&plan->shape, &plan->cfg->rules, column,
                       mark->control != 0 || !is_in_mark, &cell, &verdict) ||
        (cell.len == 0 && !cell.is_null))
        return 0;
    w->patches[w->patch_count++] =
        (struct pl_csv_patch){.row = row,
                              .column = (uint32_t)column,
                              .from = from,
                              .to = *end,
                              .at = (size_t)(cell.data - w->patch_text.data),
                              .len = cell.len,
                              .is_null = cell.is_null};
    w->patch_text.len = (size_t)(cell.data - w->patch_text.data) + cell.len;
    return 1;
}

/* On its way over the marks. */
struct walk {
    size_t row;
    size_t column;      /* the next one of the row */
    size_t first_patch; /* of the row */
    uint32_t done;      /* marks before it are seen to */
    bool is_given_up;   /* the row is */
};

/* To the row of place; false behind the last one. */
static bool walk_to(struct walk *k, const struct pl_csv_plan *plan,
                    const struct pl_csv_work *w, uint32_t place)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const unsigned char barred =
        PL_CSV_SUSPECT | PL_CSV_REFERENCE | PL_CSV_DROPPED;
    const size_t before = k->row;

    while (k->row < c->row_count && c->index.rows[k->row] < place)
        k->row++;
    if (k->row == c->row_count)
        return false;
    if (k->row != before || place == 0 || k->done == 0) {
        k->column = 0;
        k->first_patch = w->patch_count;
        k->is_given_up =
            (c->states[k->row] & barred) != 0 ||
            c->firsts[k->row + 1] - c->firsts[k->row] != plan->shape.count;
    }
    return true;
}

/* The cell of the row that place is in. */
static int patch_at(struct walk *k, const struct pl_csv_plan *plan,
                    struct pl_csv_work *w, uint32_t place,
                    const struct pl_csv_mark *mark, struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const uint32_t *ends = c->index.ends + c->firsts[k->row];
    int rc;

    while (ends[k->column] < place)
        k->column++;
    rc = patch_cell(plan, w, (uint32_t)k->row, k->column, mark, err);
    if (rc < 0)
        return -1;
    if (rc > 0) {
        c->states[k->row] = 0;
        k->done = ends[k->column++] + 1;
        return 0;
    }
    k->is_given_up = true;
    w->patch_count = k->first_patch;
    c->states[k->row] |= PL_CSV_LOOK_ANEW;
    return 0;
}

/* The cells of marked rows, one after the other. */
int pl_csv_patch_rows(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                      struct pl_err *err)
{
    const struct pl_csv_index *x = &w->chunk.index;
    struct walk k = {0};

    for (size_t i = 0; i < x->mark_count; i++) {
        const struct pl_csv_mark *m = &x->marks[i];
        uint64_t bits = m->text | m->edge | m->control;

        for (; bits != 0; bits &= bits - 1) {
            const uint32_t place = m->base + first_bit(bits);

            if (place < k.done)
                continue; /* of a cell or a row that is seen to */
            if (!walk_to(&k, plan, w, place))
                return 0;
            if (!k.is_given_up && patch_at(&k, plan, w, place, m, err) != 0)
                return -1;
            if (k.is_given_up)
                k.done = x->rows[k.row] + 1;
        }
    }
    return 0;
}
