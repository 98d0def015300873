#include "pipeline/csv/prove.h"

#include <pthread.h>
#include <string.h>

#include "pipeline/csv/values.h"

static bool is_on(const struct pl_csv_plan *plan, enum pl_rule rule)
{
    return (plan->cfg->rules.off & (UINT64_C(1) << rule)) == 0;
}

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

/* Bytes, of which there are no fewer than characters. */
static void prove_lengths(const struct pl_csv_plan *plan,
                          const struct pl_csv_cells *cells)
{
    const size_t most = is_on(plan, PL_RULE_ATTRIBUTE_LENGTH)
                            ? plan->shape.value_max
                            : SIZE_MAX;

    for (size_t i = 0; i < cells->count; i++) {
        const uint32_t *end = cells->ends + cells->firsts[i] + cells->column;

        cells->doubts[i] |= *end - end[-1] - 1 > most;
    }
}

static void prove_attributes(const struct pl_csv_plan *plan,
                             const struct pl_csv_cells *cells)
{
    const bool has_nested = is_on(plan, PL_RULE_NESTED_VALUE);

    prove_lengths(plan, cells);
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

static void hash_column(const struct pl_csv_plan *plan,
                        const struct pl_csv_cells *cells, const uint32_t *rows,
                        uint64_t *to)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct cell c = cell_at(cells, i);

        to[3 * (size_t)rows[i]] =
            c.len == 0 ? 0 : pl_csv_hash(&plan->hash_key, c.text, c.len);
    }
}

static void hash_ids(const struct pl_csv_plan *plan,
                     const struct pl_csv_cells *cells, const uint32_t *rows,
                     uint64_t *to)
{
    for (size_t i = 0; i < cells->count; i++) {
        const struct cell c = cell_at(cells, i);

        to[3 * (size_t)rows[i]] =
            pl_csv_hash_key(&plan->hash_key, c.text, c.len);
    }
}

/* Of a channel and what comes of it, so far in *to. */
static void hash_addresses(const struct pl_csv_plan *plan,
                           struct pl_csv_cells *cells, const uint32_t *rows,
                           uint64_t *to)
{
    const struct pl_csv_hash_key *key = &plan->hash_key;

    for (size_t i = 0; i < cells->count; i++) {
        struct cell channel;
        struct cell address;

        cells->column = plan->shape.channel;
        channel = cell_at(cells, i);
        cells->column = plan->shape.address;
        address = cell_at(cells, i);
        to[3 * (size_t)rows[i]] =
            channel.len == 0 && address.len == 0
                ? 0
                : pl_csv_mix(pl_csv_hash(key, channel.text, channel.len),
                             key->word[1]) ^
                      pl_csv_hash(key, address.text, address.len);
    }
}

/* The key hashes of rows; see pl_csv_hash_record. */
static void hash_rows(const struct pl_csv_plan *plan,
                      struct pl_csv_cells *cells, const uint32_t *rows,
                      uint64_t *keys)
{
    const struct pl_csv_shape *s = &plan->shape;
    const bool has_id = s->id != SIZE_MAX;

    if (has_id) {
        cells->column = s->id;
        hash_ids(plan, cells, rows, keys);
    }
    if (s->channel != SIZE_MAX && (plan->has_addresses || !has_id))
        hash_addresses(plan, cells, rows, has_id ? keys + 1 : keys);
    cells->column = s->user_id;
    if (!has_id && s->channel == SIZE_MAX && plan->has_keys)
        hash_column(plan, cells, rows, keys);
    if (plan->has_users)
        hash_column(plan, cells, rows, keys + 2);
}

void pl_csv_hash_record(const struct pl_csv_plan *plan,
                        const struct pl_csv_cell *cells, uint64_t keys[3])
{
    const struct pl_csv_shape *s = &plan->shape;
    const struct pl_csv_hash_key *key = &plan->hash_key;
    const bool has_id = s->id != SIZE_MAX;
    uint64_t address = 0;

    if (!plan->has_keys)
        return; /* and there may be no such column */
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

static void prove_rows(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                       size_t from, size_t count)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const uint32_t *rows = w->fast_rows + from;
    struct pl_csv_cells cells = {.data = c->data,
                                 .ends = c->index.ends,
                                 .firsts = w->fast_firsts + from,
                                 .count = count,
                                 .doubts = w->doubts + from,
                                 .edits = w->edits,
                                 .edit_count = &w->edit_count};

    for (size_t i = 0; i < plan->shape.count; i++) {
        cells.column = i;
        if (plan->shape.is_every_limited)
            prove_lengths(plan, &cells);
        prove_column(plan, &cells, plan->shape.columns[i].kind);
    }
    if (plan->shape.channel != SIZE_MAX)
        prove_addresses(plan, w, &cells);
    for (size_t i = 0; i < count; i++)
        c->states[rows[i]] = cells.doubts[i];
    hash_rows(plan, &cells, rows, w->keys);
}

int pl_csv_prove(const struct pl_csv_plan *plan, struct pl_csv_work *w,
                 struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const size_t step = pl_csv_rows_at_once(c);

    if (pl_csv_patch_rows(plan, w, err) != 0)
        return -1;
    list_fast(plan, w);
    for (size_t from = 0; from < w->fast_count; from += step)
        prove_rows(plan, w, from,
                   w->fast_count - from < step ? w->fast_count - from : step);
    for (size_t i = 0; i < w->patch_count; i++) {
        const struct pl_csv_patch *p = &w->patches[i];

        if (c->states[p->row] != 0)
            c->states[p->row] |= PL_CSV_LOOK_ANEW;
        if (plan->has_users && p->column == plan->shape.user_id)
            w->keys[3 * (size_t)p->row + 2] =
                p->len == 0 ? 0
                            : pl_csv_hash(&plan->hash_key,
                                          w->patch_text.data + p->at, p->len);
    }
    return 0;
}

_Static_assert((int)PL_CSV_LOOK == 1, "a doubt is a state");
