#include "pipeline/csv/check.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/prove.h"
#include "pipeline/csv/report.h"

void pl_csv_work_release(struct pl_csv_work *w)
{
    pl_csv_chunk_release(&w->chunk);
    free(w->patches);
    pl_buf_release(&w->patch_text);
    free(w->keys);
    free(w->fast_rows);
    free(w->fast_firsts);
    free(w->doubts);
    free(w->edits);
    for (size_t i = 0; i < PL_CSV_LISTS; i++)
        free(w->lists[i]);
    pl_buf_release(&w->kept.text);
    pl_buf_release(&w->kept_cells);
    pl_buf_release(&w->rejects.text);
    pl_buf_release(&w->late.text);
    pl_buf_release(&w->whose);
    free(w->kept.list);
    free(w->rejects.list);
    free(w->late.list);
    pl_buf_release(&w->out);
    pl_csv_reference_release(w->reference);
    pl_buf_release(&w->scratch);
    free(w->cells);
}

static int grow(void **memory, size_t count, size_t size, struct pl_err *err)
{
    void *grown = realloc(*memory, count * size);

    if (grown == NULL)
        return pl_fail_memory(err);
    *memory = grown;
    return 0;
}

static int make_room(struct pl_csv_work *w, struct pl_err *err)
{
    const size_t cap = w->chunk.row_count + w->chunk.row_count / 4 + 64;

    if (w->chunk.row_count < w->row_cap)
        return 0;
    if (grow((void **)&w->keys, 3 * cap, sizeof(*w->keys), err) != 0 ||
        grow((void **)&w->fast_rows, cap, sizeof(*w->fast_rows), err) != 0 ||
        grow((void **)&w->fast_firsts, cap, sizeof(*w->fast_firsts), err) !=
            0 ||
        grow((void **)&w->edits, cap, sizeof(*w->edits), err) != 0 ||
        grow((void **)&w->doubts, cap, 1, err) != 0)
        return -1;
    for (size_t i = 0; i < PL_CSV_LISTS; i++)
        if (grow((void **)&w->lists[i], cap, sizeof(**w->lists), err) != 0)
            return -1;
    w->row_cap = cap;
    return 0;
}

static int add_piece(struct pl_csv_pieces *p, uint32_t row, enum pl_rule rule,
                     struct pl_err *err)
{
    if (p->count == p->cap) {
        const size_t cap = p->cap * 2 + 64;

        if (grow((void **)&p->list, cap, sizeof(*p->list), err) != 0)
            return -1;
        p->cap = cap;
    }
    p->list[p->count++] = (struct pl_csv_piece){row, rule, p->text.len};
    return 0;
}

static int room_for_cells(struct pl_csv_work *w, size_t count,
                          struct pl_err *err)
{
    if (count <= w->cell_cap)
        return 0;
    if (grow((void **)&w->cells, count * 2, sizeof(*w->cells), err) != 0)
        return -1;
    w->cell_cap = count * 2;
    return 0;
}

/* The cells of a row that the index proved well-formed, in its bytes at text,
 * which are changed. */
static int cut_cells(struct pl_csv_work *w, size_t row, char *text,
                     bool may_be_escaped, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const size_t start = pl_csv_row_start(c, row);
    const uint32_t *ends = c->index.ends + c->firsts[row];
    const size_t count = c->firsts[row + 1] - c->firsts[row];
    size_t begin = 0;

    if (room_for_cells(w, count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct pl_csv_cell *cell = &w->cells[i];
        size_t end = ends[i] - start;

        cell->data = text + begin;
        if (i + 1 == count && end > begin && text[end - 1] == '\r')
            end--;
        cell->len = end - begin;
        pl_csv_cut_cell(cell, may_be_escaped);
        begin = (size_t)ends[i] - start + 1;
    }
    return 0;
}

/* A row that the index proved well-formed, cut in a copy. */
static int cut_record(struct pl_csv_work *w, size_t row,
                      struct pl_csv_record *record, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const size_t start = pl_csv_row_start(c, row);
    const size_t len = c->index.rows[row] + (size_t)1 - start;
    const size_t count = c->firsts[row + 1] - c->firsts[row];
    const bool has_text = (c->states[row] & PL_CSV_TEXT) != 0;

    pl_buf_reset(&w->scratch);
    if (pl_buf_reserve(&w->scratch, len + PL_CSV_PAD, err) != 0)
        return -1;
    memcpy(w->scratch.data, c->data + start, len);
    if (cut_cells(w, row, w->scratch.data, has_text, err) != 0)
        return -1;
    *record = (struct pl_csv_record){
        .cells = w->cells,
        .count = count == 1 && w->cells[0].is_null ? 0 : count,
        .raw = (const char *)c->data + start,
        .raw_len = pl_csv_row_len(c, row),
        .may_hold_controls = (c->states[row] & PL_CSV_CONTROLS) != 0,
        .may_be_no_utf8 = (c->states[row] & PL_CSV_SUSPECT) != 0,
        .may_need_quotes = has_text};
    return 0;
}

static int read_record(struct pl_csv_work *w, size_t row,
                       struct pl_csv_record *record, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;

    if ((c->states[row] & PL_CSV_MALFORMED) == PL_CSV_MALFORMED) {
        *record = (struct pl_csv_record){.raw = (const char *)c->data +
                                                pl_csv_row_start(c, row),
                                         .raw_len = pl_csv_row_len(c, row),
                                         .is_malformed = true,
                                         .may_hold_controls = true,
                                         .may_be_no_utf8 = true};
        return 0;
    }
    if ((c->states[row] & PL_CSV_REFERENCE) == 0)
        return cut_record(w, row, record, err);
    return pl_csv_reference_next(
               w->reference, (const char *)c->data + pl_csv_row_start(c, row),
               pl_csv_row_len(c, row), true, record, err) < 0
               ? -1
               : 0;
}

/* The row as it stands in the file: edits undone, in a copy. */
static int undo_edits(struct pl_csv_work *w, size_t row, struct pl_err *err)
{
    const size_t start = pl_csv_row_start(&w->chunk, row);
    const size_t len = pl_csv_row_len(&w->chunk, row);
    size_t from = 0;
    size_t to = w->edit_count;

    pl_buf_reset(&w->scratch);
    if (pl_buf_add(&w->scratch, w->chunk.data + start, len, err) != 0)
        return -1;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;

        if (w->edits[middle].at < start)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < w->edit_count && w->edits[from].at < start + len; from++)
        for (uint64_t bits = w->edits[from].bits; bits != 0; bits &= bits - 1)
            w->scratch.data[w->edits[from].at - start +
                            (unsigned)__builtin_ctzll(bits)] -= 0x20;
    return 0;
}

int pl_csv_row_as_read(struct pl_csv_work *w, size_t row, const char **raw,
                       struct pl_err *err)
{
    if (undo_edits(w, row, err) != 0)
        return -1;
    *raw = w->scratch.data;
    return 0;
}

/* Of a row that was proven right the index knows the cells; what it may hold
 * inside them is not known any more. */
int pl_csv_read_again(struct pl_csv_work *w, size_t row,
                      struct pl_csv_reference *reference,
                      struct pl_csv_record *record, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const size_t len = pl_csv_row_len(c, row);

    if (undo_edits(w, row, err) != 0)
        return -1;
    if (c->states[row] != 0)
        return pl_csv_reference_next(reference, w->scratch.data, len, true,
                                     record, err) < 0
                   ? -1
                   : 0;
    if (pl_buf_reserve(&w->scratch, len + PL_CSV_PAD, err) != 0)
        return -1;
    memcpy(w->scratch.data + len, w->scratch.data, len);
    if (cut_cells(w, row, w->scratch.data + len, true, err) != 0)
        return -1;
    *record =
        (struct pl_csv_record){.cells = w->cells,
                               .count = c->firsts[row + 1] - c->firsts[row],
                               .raw = w->scratch.data,
                               .raw_len = len,
                               .may_hold_controls = true,
                               .may_need_quotes = true};
    return 0;
}

static struct pl_csv_place find_place(const struct pl_csv_plan *plan,
                                      struct pl_csv_work *w, uint32_t row)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const struct pl_csv_origin *origin = plan->cfg->origin;
    const size_t start = pl_csv_row_start(c, row);
    struct pl_csv_place place = {.number = c->number + row,
                                 .offset = c->offset + start};

    if (origin != NULL) {
        place.source = origin->find(origin->ctx, place.number, &place.line);
        return place;
    }
    if (start < w->line_at) {
        w->line_at = c->start;
        w->line = c->line;
    }
    w->line +=
        plan->kernel->count_lines(c->data + w->line_at, start - w->line_at);
    w->line_at = start;
    place.line = w->line;
    return place;
}

int pl_csv_note_reject(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                       struct pl_csv_pieces *pieces, uint32_t row,
                       struct pl_csv_record *record,
                       const struct pl_csv_verdict *verdict, struct pl_err *err)
{
    if (plan->cfg->rejects != NULL) {
        const struct pl_csv_place place = find_place(plan, w, row);

        if (pl_csv_write_reject(plan->cfg, plan->kernel, &plan->shape, &place,
                                record, verdict, &pieces->text, err) != 0)
            return -1;
    }
    if (plan->cfg->rejected != NULL &&
        pl_csv_write_whose(plan->cfg, &plan->shape, record, &w->whose, err) !=
            0)
        return -1;
    return add_piece(pieces, row, verdict->rule, err);
}

/* The text of the pieces of rows before limit, at the end of to. */
static int move_pieces(const struct pl_csv_pieces *p, size_t *next,
                       uint32_t limit, struct pl_buf *to, struct pl_err *err)
{
    const size_t from = *next > 0 ? p->list[*next - 1].end : 0;

    while (*next < p->count && p->list[*next].row < limit)
        ++*next;
    return *next == 0 ? 0
                      : pl_buf_add(to, p->text.data + from,
                                   p->list[*next - 1].end - from, err);
}

int pl_csv_merge_rejects(struct pl_csv_work *w, struct pl_err *err)
{
    struct pl_csv_pieces *own = &w->rejects;
    const struct pl_csv_pieces *late = &w->late;
    const struct pl_buf text = own->text;
    size_t i = 0;
    size_t k = 0;

    if (late->count == 0 &&
        (own->count == 0 || own->list[own->count - 1].row < w->chunk.row_count))
        return 0;
    pl_buf_reset(&w->scratch);
    while (k < late->count)
        if (move_pieces(own, &i, late->list[k].row, &w->scratch, err) != 0 ||
            move_pieces(late, &k, late->list[k].row + 1, &w->scratch, err) != 0)
            return -1;
    if (move_pieces(own, &i, (uint32_t)w->chunk.row_count, &w->scratch, err) !=
        0)
        return -1;
    own->text = w->scratch;
    w->scratch = text;
    return 0;
}

static int look(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                uint32_t row, struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    struct pl_csv_record record;
    struct pl_csv_cell null_cell = {.is_null = true};
    struct pl_csv_verdict verdict;

    if (read_record(w, row, &record, err) != 0)
        return -1;
    if (record.count == 0 && !record.is_malformed && plan->shape.count == 1) {
        record.cells = &null_cell; /* one column: an empty line is a NULL */
        record.count = 1;
    }
    pl_rules_judge(&plan->shape, &plan->cfg->rules, &record, &verdict);
    if (verdict.rule != PL_RULE_NONE) {
        c->states[row] = PL_CSV_REJECTED;
        return pl_csv_note_reject(plan, w, &w->rejects, row, &record, &verdict,
                                  err);
    }
    c->states[row] = PL_CSV_KEPT;
    pl_csv_hash_record(plan, record.cells, w->keys + 3 * (size_t)row);
    if (pl_csv_write_row(plan->cfg, &plan->shape, &plan->json, &record,
                         &w->kept.text, err) != 0 ||
        (plan->cfg->has_report &&
         pl_csv_tally_keep(&w->kept_cells, record.cells, record.count, err) !=
             0))
        return -1;
    return add_piece(&w->kept, row, PL_RULE_NONE, err);
}

static int look_at_rows(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                        struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;

    for (size_t row = 0; row < c->row_count; row++) {
        while (row + 8 <= c->row_count && pl_csv_word(c->states + row) == 0)
            row += 8;
        if (row < c->row_count && c->states[row] != 0 &&
            look(plan, w, (uint32_t)row, err) != 0)
            return -1;
    }
    return 0;
}

static void reset(struct pl_csv_pieces *pieces)
{
    pl_buf_reset(&pieces->text);
    pieces->text.max_bytes = SIZE_MAX;
    pieces->count = 0;
}

int pl_csv_check(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                 struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;

    if (w->reference == NULL) {
        w->reference = pl_csv_reference_open(err);
        if (w->reference == NULL)
            return -1;
    }
    if (pl_csv_lay_out(plan->shape.count, c, err) != 0 ||
        make_room(w, err) != 0)
        return -1;
    w->patch_count = 0;
    pl_buf_reset(&w->patch_text);
    w->patch_text.max_bytes = SIZE_MAX;
    reset(&w->kept);
    pl_buf_reset(&w->kept_cells);
    w->kept_cells.max_bytes = SIZE_MAX;
    reset(&w->rejects);
    reset(&w->late);
    pl_buf_reset(&w->whose);
    w->whose.max_bytes = SIZE_MAX;
    w->scratch.max_bytes = SIZE_MAX;
    w->line_at = c->start;
    w->line = c->line;
    w->fast_count = 0;
    w->edit_count = 0;
    if (plan->is_kernel_reading && plan->shape.dropped == 0 &&
        plan->cfg->format == PL_CSV_OUT_CSV) {
        if (pl_csv_prove(plan, w, err) != 0)
            return -1;
    } else {
        for (size_t row = 0; row < c->row_count; row++)
            c->states[row] |= PL_CSV_LOOK;
    }
    return look_at_rows(plan, w, err);
}
