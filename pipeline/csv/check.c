#include "pipeline/csv/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/report.h"
#include "pipeline/csv/values.h"

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

static bool is_on(const struct pl_csv_plan *plan, enum pl_rule rule)
{
    return (plan->cfg->rules.off & (UINT64_C(1) << rule)) == 0;
}

/* Column by column: what cannot be proven is doubted */

struct cell {
    const unsigned char *text;
    size_t len;
};

static struct cell cell_at(const struct pl_csv_cells *cells, size_t i)
{
    const uint32_t *end = cells->ends + cells->firsts[i] + cells->column;
    const uint32_t begin = end[-1] + 1;
    const uint32_t quote = cells->data[begin] == '"';

    return (struct cell){cells->data + begin + quote, *end - begin - 2 * quote};
}

static void prove_attributes(const struct pl_csv_plan *plan,
                             const struct pl_csv_cells *cells)
{
    const bool has_nested = is_on(plan, PL_RULE_NESTED_VALUE);
    const size_t most = is_on(plan, PL_RULE_ATTRIBUTE_LENGTH)
                            ? (size_t)PL_TARGET_VALUE_MAX
                            : SIZE_MAX;

    for (size_t i = 0; i < cells->count; i++) {
        const uint32_t *end = cells->ends + cells->firsts[i] + cells->column;

        cells->doubts[i] |= *end - end[-1] - 1 > most;
    }
    for (size_t i = 0; has_nested && i < cells->count; i++) {
        const unsigned char *text = cell_at(cells, i).text;

        cells->doubts[i] |= *text == '[' || *text == '{';
    }
}

static bool is_right(enum pl_column_kind kind, char *text, size_t len)
{
    double value = 0;

    switch (kind) {
    case PL_COLUMN_LATITUDE:
        return pl_value_is_number(text, len, &value) && value >= -90 &&
               value <= 90;
    case PL_COLUMN_LONGITUDE:
        return pl_value_is_number(text, len, &value) && value >= -180 &&
               value <= 180;
    case PL_COLUMN_COUNTRY:
        return pl_value_country(text, len);
    case PL_COLUMN_LOCALE:
        return pl_value_locale(text, len);
    case PL_COLUMN_TIME_ZONE:
        return pl_value_time_zone(text, len);
    case PL_COLUMN_EFFECTIVE_DATE:
        return pl_value_is_instant(text, len);
    case PL_COLUMN_OPT_OUT:
        return (len == 3 && memcmp(text, "ALL", 3) == 0) ||
               (len == 4 && memcmp(text, "NONE", 4) == 0);
    case PL_COLUMN_ID:
    case PL_COLUMN_CHANNEL:
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_USER_ID:
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
    case PL_COLUMN_METRIC:
    case PL_COLUMN_TEXT:
        break;
    }
    return false;
}

/* Right, and in its right form already: or nothing. */
static void prove_values(const struct pl_csv_cells *cells,
                         enum pl_column_kind kind)
{
    char copy[64];

    for (size_t i = 0; i < cells->count; i++) {
        const struct cell c = cell_at(cells, i);

        if (c.len == 0)
            continue;
        if (c.len <= sizeof(copy))
            memcpy(copy, c.text, c.len);
        cells->doubts[i] |= c.len > sizeof(copy) ||
                            !is_right(kind, copy, c.len) ||
                            memcmp(copy, c.text, c.len) != 0;
    }
}

/* Channels: a name of at most eight bytes is one word, and a multiplication
 * finds its place. */

#define CHANNEL_PLACES 64
static struct {
    uint64_t word;
    uint8_t code;
    uint8_t list;
} channel_places[CHANNEL_PLACES];
static uint64_t channel_factor;
static pthread_once_t channels_once = PTHREAD_ONCE_INIT;

#define LIST_NONE 5 /* no channel, or none that is known */
_Static_assert((int)PL_ADDRESS_ANY < LIST_NONE, "one list for each kind");

static uint64_t short_word(const char *name, size_t len)
{
    uint64_t word = 0;

    memcpy(&word, name, len);
    return word;
}

static bool place_channels(uint64_t factor)
{
    memset(channel_places, 0, sizeof(channel_places));
    for (size_t i = 0; i < CHANNEL_PLACES; i++)
        channel_places[i].list = LIST_NONE;
    for (size_t i = 0; i < PL_RULES_CHANNELS; i++) {
        const size_t len = strlen(pl_rules_channels[i].name);
        const uint64_t word =
            len <= 8 ? short_word(pl_rules_channels[i].name, len) : 0;
        const size_t place = (size_t)((word * factor) >> 58);

        if (word == 0)
            continue;
        if (channel_places[place].word != 0 || place == 0)
            return false;
        channel_places[place].word = word;
        channel_places[place].code = (uint8_t)(i + 1);
        channel_places[place].list = (uint8_t)pl_rules_channels[i].address;
    }
    return true;
}

static void find_channel_factor(void)
{
    channel_factor = UINT64_C(0x9E3779B97F4A7C15);
    while (!place_channels(channel_factor))
        channel_factor += UINT64_C(0x5851F42D4C957F2E);
}

static void prove_empty(const struct pl_csv_cells *cells, const uint32_t *list,
                        size_t count, bool must_be_empty)
{
    for (size_t k = 0; k < count; k++)
        cells->doubts[list[k]] |=
            (cell_at(cells, list[k]).len == 0) != must_be_empty;
}

static void prove_addresses(const struct pl_csv_plan *plan,
                            struct pl_csv_work *w, struct pl_csv_cells *cells)
{
    const struct pl_csv_kernel *k = plan->kernel;
    const bool is_needed = plan->shape.id == SIZE_MAX;
    size_t counts[PL_CSV_LISTS] = {0};

    (void)pthread_once(&channels_once, find_channel_factor);
    cells->column = plan->shape.channel;
    for (size_t i = 0; i < cells->count; i++) {
        const struct cell c = cell_at(cells, i);
        const uint64_t mask =
            c.len < 8 ? (UINT64_C(1) << (8 * c.len)) - 1 : ~UINT64_C(0);
        const uint64_t word = pl_csv_word(c.text) & mask;
        const size_t place = (size_t)((word * channel_factor) >> 58);
        const bool is_known = channel_places[place].word == word && c.len <= 8;
        const size_t list = is_known ? channel_places[place].list : LIST_NONE;

        cells->doubts[i] |= !is_known || (c.len == 0 && is_needed);
        w->lists[list][counts[list]++] = (uint32_t)i;
    }
    cells->column = plan->shape.address;
    if (is_on(plan, PL_RULE_ADDRESS_EMAIL))
        k->emails(cells, w->lists[PL_ADDRESS_EMAIL], counts[PL_ADDRESS_EMAIL]);
    else
        prove_empty(cells, w->lists[PL_ADDRESS_EMAIL], counts[PL_ADDRESS_EMAIL],
                    false);
    if (is_on(plan, PL_RULE_ADDRESS_PHONE))
        k->phones(cells, w->lists[PL_ADDRESS_PHONE], counts[PL_ADDRESS_PHONE]);
    else
        prove_empty(cells, w->lists[PL_ADDRESS_PHONE], counts[PL_ADDRESS_PHONE],
                    false);
    if (is_on(plan, PL_RULE_ADDRESS_TOKEN)) {
        k->tokens(cells, w->lists[PL_ADDRESS_HEX], counts[PL_ADDRESS_HEX],
                  true);
        k->tokens(cells, w->lists[PL_ADDRESS_TOKEN], counts[PL_ADDRESS_TOKEN],
                  false);
    } else {
        prove_empty(cells, w->lists[PL_ADDRESS_HEX], counts[PL_ADDRESS_HEX],
                    false);
        prove_empty(cells, w->lists[PL_ADDRESS_TOKEN], counts[PL_ADDRESS_TOKEN],
                    false);
    }
    prove_empty(cells, w->lists[PL_ADDRESS_ANY], counts[PL_ADDRESS_ANY], false);
    prove_empty(cells, w->lists[LIST_NONE], counts[LIST_NONE], true);
}

static void prove_column(const struct pl_csv_plan *plan,
                         const struct pl_csv_cells *cells,
                         enum pl_column_kind kind)
{
    switch (kind) {
    case PL_COLUMN_ID:
        plan->kernel->ids(cells);
        break;
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
        prove_attributes(plan, cells);
        break;
    case PL_COLUMN_METRIC:
        if (is_on(plan, PL_RULE_METRIC_NUMBER))
            plan->kernel->numbers(cells);
        break;
    case PL_COLUMN_COUNTRY:
    case PL_COLUMN_LATITUDE:
    case PL_COLUMN_LONGITUDE:
    case PL_COLUMN_OPT_OUT:
    case PL_COLUMN_LOCALE:
    case PL_COLUMN_TIME_ZONE:
    case PL_COLUMN_EFFECTIVE_DATE:
        prove_values(cells, kind);
        break;
    case PL_COLUMN_USER_ID: /* with neither Id nor address it is the key */
        if (plan->shape.id == SIZE_MAX && plan->shape.channel == SIZE_MAX)
            plan->kernel->ids(cells);
        break;
    case PL_COLUMN_CHANNEL: /* below: addresses are changed, so they are last */
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_TEXT:
        break;
    }
}

/* Which rows are thought right, and where their cells are. */
static void list_fast(const struct pl_csv_plan *plan, struct pl_csv_work *w)
{
    struct pl_csv_chunk *c = &w->chunk;
    const bool has_size = is_on(plan, PL_RULE_ENDPOINT_SIZE);
    const size_t names = plan->shape.names_len;
    size_t n = 0;

    if (has_size && c->used - c->start + names > PL_TARGET_ENDPOINT_MAX)
        for (size_t row = 0; row < c->row_count; row++)
            if (names + c->index.rows[row] - pl_csv_row_start(c, row) >=
                PL_TARGET_ENDPOINT_MAX)
                c->states[row] |= PL_CSV_LOOK;
    for (size_t row = 0; row < c->row_count; row++) {
        w->fast_rows[n] = (uint32_t)row;
        w->fast_firsts[n] = c->firsts[row];
        n += c->states[row] == 0;
    }
    w->fast_count = n;
    memset(w->doubts, 0, n);
}

static void hash_fast(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                      struct pl_csv_cells *cells)
{
    const struct pl_csv_shape *s = &plan->shape;
    const struct pl_csv_hash_key *key = &plan->hash_key;
    const bool has_id = s->id != SIZE_MAX;
    const bool has_address = s->channel != SIZE_MAX;

    for (size_t i = 0; i < w->fast_count; i++) {
        uint64_t *keys = w->keys + 3 * (size_t)w->fast_rows[i];
        struct cell c;

        if (has_id) {
            cells->column = s->id;
            c = cell_at(cells, i);
            keys[0] = pl_csv_hash_key(key, c.text, c.len);
        }
        if (plan->has_addresses || !has_id) {
            uint64_t *to = has_id ? &keys[1] : &keys[0];

            if (has_address) {
                struct cell channel;

                cells->column = s->channel;
                channel = cell_at(cells, i);
                cells->column = s->address;
                c = cell_at(cells, i);
                *to = channel.len == 0 && c.len == 0
                          ? 0
                          : pl_csv_mix(
                                pl_csv_hash(key, channel.text, channel.len),
                                key->word[1]) ^
                                pl_csv_hash(key, c.text, c.len);
            } else if (!has_id) {
                cells->column = s->user_id;
                c = cell_at(cells, i);
                *to = pl_csv_hash(key, c.text, c.len);
            }
        }
        if (plan->has_users) {
            cells->column = s->user_id;
            c = cell_at(cells, i);
            keys[2] = c.len == 0 ? 0 : pl_csv_hash(key, c.text, c.len);
        }
    }
}

void pl_csv_hash_record(const struct pl_csv_plan *plan,
                        const struct pl_csv_cell *cells, uint64_t keys[3])
{
    const struct pl_csv_shape *s = &plan->shape;
    const struct pl_csv_hash_key *key = &plan->hash_key;
    const bool has_id = s->id != SIZE_MAX;
    uint64_t address = 0;

    if (has_id)
        keys[0] = pl_csv_hash_key(key, cells[s->id].data, cells[s->id].len);
    if (s->channel != SIZE_MAX &&
        (cells[s->channel].len > 0 || cells[s->address].len > 0))
        address =
            pl_csv_mix(
                pl_csv_hash(key, cells[s->channel].data, cells[s->channel].len),
                key->word[1]) ^
            pl_csv_hash(key, cells[s->address].data, cells[s->address].len);
    if (!has_id)
        keys[0] = s->channel != SIZE_MAX
                      ? address
                      : pl_csv_hash(key, cells[s->user_id].data,
                                    cells[s->user_id].len);
    else if (plan->has_addresses)
        keys[1] = address;
    if (plan->has_users)
        keys[2] = cells[s->user_id].len == 0
                      ? 0
                      : pl_csv_hash(key, cells[s->user_id].data,
                                    cells[s->user_id].len);
}

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
static void cut_cell(struct pl_csv_cell *cell, bool may_be_escaped)
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

        if (grow((void **)&w->patches, cap, sizeof(*w->patches), err) != 0)
            return -1;
        w->patch_cap = cap;
    }
    return pl_buf_reserve(&w->patch_text, len, err);
}

/* Of a row that is looked at after all: what was known of it is forgotten. */
#define PATCHED_LOOK (PL_CSV_LOOK | PL_CSV_CONTROLS | PL_CSV_TEXT)

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
    cut_cell(&cell, mark->text != 0 || !is_in_mark);
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

/* The cells of marked rows, one after the other; a row that is patched all
 * over is as good as proven. */
static int patch(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                 struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const struct pl_csv_index *x = &c->index;
    const unsigned char barred =
        PL_CSV_SUSPECT | PL_CSV_REFERENCE | PL_CSV_DROPPED;
    const size_t columns = plan->shape.count;
    size_t row = 0;
    size_t column = 0;
    size_t first_patch = 0; /* of the row */
    bool is_given_up = false;

    for (size_t i = 0; i < x->mark_count; i++) {
        const struct pl_csv_mark *m = &x->marks[i];
        uint64_t bits = m->text | m->edge | m->control;

        while (bits != 0) {
            const uint32_t place = m->base + first_bit(bits);
            uint32_t end;
            int rc;

            if (row < c->row_count && x->rows[row] < place) {
                do
                    row++;
                while (row < c->row_count && x->rows[row] < place);
                column = 0;
                first_patch = w->patch_count;
                is_given_up = false;
            }
            if (row == c->row_count)
                return 0;
            if (column == 0)
                is_given_up = (c->states[row] & barred) != 0 ||
                              c->firsts[row + 1] - c->firsts[row] != columns;
            end = x->rows[row];
            if (!is_given_up) {
                const uint32_t *ends = x->ends + c->firsts[row];

                while (ends[column] < place)
                    column++;
                end = ends[column];
                rc = patch_cell(plan, w, (uint32_t)row, column, m, err);
                if (rc < 0)
                    return -1;
                if (rc == 0) {
                    is_given_up = true;
                    w->patch_count = first_patch;
                    c->states[row] |= PATCHED_LOOK;
                    end = x->rows[row];
                } else {
                    c->states[row] = 0;
                }
                column++;
            }
            bits &= end - m->base >= 63
                        ? 0
                        : ~((UINT64_C(2) << (end - m->base)) - 1);
        }
    }
    return 0;
}

static int prove(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                 struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    struct pl_csv_cells cells;

    if (patch(plan, w, err) != 0)
        return -1;
    list_fast(plan, w);
    cells = (struct pl_csv_cells){.data = c->data,
                                  .ends = c->index.ends,
                                  .firsts = w->fast_firsts,
                                  .count = w->fast_count,
                                  .doubts = w->doubts,
                                  .edits = w->edits,
                                  .edit_count = &w->edit_count};
    for (size_t i = 0; i < plan->shape.count; i++) {
        cells.column = i;
        prove_column(plan, &cells, plan->shape.columns[i].kind);
    }
    if (plan->shape.channel != SIZE_MAX)
        prove_addresses(plan, w, &cells);
    for (size_t i = 0; i < w->fast_count; i++)
        c->states[w->fast_rows[i]] = w->doubts[i];
    hash_fast(plan, w, &cells);
    for (size_t i = 0; i < w->patch_count; i++) {
        const struct pl_csv_patch *p = &w->patches[i];

        if (c->states[p->row] != 0)
            c->states[p->row] |= PATCHED_LOOK;
        if (plan->has_users && p->column == plan->shape.user_id)
            w->keys[3 * (size_t)p->row + 2] =
                p->len == 0 ? 0
                            : pl_csv_hash(&plan->hash_key,
                                          w->patch_text.data + p->at, p->len);
    }
    return 0;
}

_Static_assert((int)PL_CSV_LOOK == 1, "a doubt is a state");

/* Row by row: what could not be proven */

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

/* A row that the index proved well-formed, cut in a copy. */
static int cut_record(struct pl_csv_work *w, size_t row,
                      struct pl_csv_record *record, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const size_t start = pl_csv_row_start(c, row);
    const size_t len = c->index.rows[row] + (size_t)1 - start;
    const uint32_t *ends = c->index.ends + c->firsts[row];
    const size_t count = c->firsts[row + 1] - c->firsts[row];
    const bool has_text = (c->states[row] & PL_CSV_TEXT) != 0;
    size_t begin = 0;

    pl_buf_reset(&w->scratch);
    if (pl_buf_reserve(&w->scratch, len + PL_CSV_PAD, err) != 0 ||
        room_for_cells(w, count, err) != 0)
        return -1;
    memcpy(w->scratch.data, c->data + start, len);
    for (size_t i = 0; i < count; i++) {
        struct pl_csv_cell *cell = &w->cells[i];
        size_t end = ends[i] - start;

        cell->data = w->scratch.data + begin;
        if (i + 1 == count && end > begin && w->scratch.data[end - 1] == '\r')
            end--;
        cell->len = end - begin;
        cut_cell(cell, has_text);
        begin = (size_t)ends[i] - start + 1;
    }
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

int pl_csv_note_reject(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                       struct pl_csv_pieces *pieces, uint32_t row,
                       const struct pl_csv_record *record,
                       const struct pl_csv_verdict *verdict, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const size_t start = pl_csv_row_start(c, row);

    if (start < w->line_at) {
        w->line_at = c->start;
        w->line = c->line;
    }
    w->line +=
        plan->kernel->count_lines(c->data + w->line_at, start - w->line_at);
    w->line_at = start;
    if (plan->cfg->rejects != NULL) {
        const struct pl_csv_place place = {.number = c->number + row,
                                           .line = w->line,
                                           .offset = c->offset + start};

        if (pl_csv_write_reject(plan->cfg, plan->kernel, &plan->shape, &place,
                                record, verdict, &pieces->text, err) != 0)
            return -1;
    }
    return add_piece(pieces, row, verdict->rule, err);
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
    w->scratch.max_bytes = SIZE_MAX;
    w->line_at = c->start;
    w->line = c->line;
    w->fast_count = 0;
    w->edit_count = 0;
    if (plan->is_kernel_reading && plan->shape.dropped == 0 &&
        plan->cfg->format == PL_CSV_OUT_CSV) {
        if (prove(plan, w, err) != 0)
            return -1;
    } else {
        for (size_t row = 0; row < c->row_count; row++)
            c->states[row] |= PL_CSV_LOOK;
    }
    return look_at_rows(plan, w, err);
}
