#include "pipeline/profile/merge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define FLUSH_BYTES ((size_t)256 << 10)

/* Slots by number, and what is none. */
#define SLOT_UNKNOWN 0xFF /* not looked up yet */
#define SLOT_NONE 0xFE    /* a profile has no place for it */
#define KEY_SLOT 0        /* written when a profile begins */
_Static_assert(PL_PROFILE_COLUMNS_MAX < SLOT_NONE, "a slot is one byte");

struct span {
    size_t at; /* in text */
    size_t len;
};

/* The different values of the columns of one name; of Address for each
 * channel. */
struct pl_profile_values {
    size_t column; /* the first of the name */
    enum pl_mapping_channel channel;
    size_t count;
    struct span list[PL_PROFILE_VALUES];
    /* the slot of value i, where it is the only one and where it is not */
    unsigned char slots[2][PL_PROFILE_VALUES];
    uint64_t dropped;
};

/* Columns of one name share their values. */
static void share_values(struct pl_profile_merge *m, size_t column)
{
    const struct pl_csv_shape *s = m->shape;
    const bool is_address = s->columns[column].kind == PL_COLUMN_ADDRESS;

    for (size_t i = 0; i < column; i++)
        if (strcmp(s->columns[i].name, s->columns[column].name) == 0) {
            m->values_of[column] = m->values_of[i];
            return;
        }
    m->values_of[column] = m->value_count;
    for (size_t i = 0; i < (is_address ? PL_PROFILE_CHANNELS : 1); i++) {
        struct pl_profile_values *v = &m->values[m->value_count++];

        v->column = column;
        v->channel = (enum pl_mapping_channel)i; /* the first is ANY */
        memset(v->slots, SLOT_UNKNOWN, sizeof(v->slots));
    }
}

_Static_assert((int)PL_MAPPING_ANY == 0 &&
                   (int)PL_MAPPING_NONE == PL_PROFILE_CHANNELS - 1,
               "channels are counted");

static int add_slot(struct pl_profile_merge *m, const struct pl_place *place,
                    uint64_t order, unsigned char *slot, struct pl_err *err)
{
    *slot = SLOT_NONE;
    if (place->is_dropped)
        return 0;
    for (size_t i = 0; i < m->slot_count; i++)
        if (strcmp(m->slots[i].place.header, place->header) == 0)
            return pl_fail(err, PL_DATA_INVALID,
                           "two columns of the result lead to '%s' of a "
                           "profile; rename one",
                           place->header);
    if (m->slot_count == PL_PROFILE_COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID,
                       "profiles need more than %d fields, one of them '%s'; "
                       "leave columns out, or fewer values of each",
                       PL_PROFILE_COLUMNS_MAX, place->header);
    *slot = (unsigned char)m->slot_count;
    m->slots[m->slot_count++] =
        (struct pl_profile_slot){.place = *place, .order = order};
    return 0;
}

/* The order of the file's columns: the key, then as in the result, a column's
 * only value before its several ones; the tag at the end. */
static uint64_t order_of(const struct pl_profile_values *v, bool is_of_many,
                         size_t index)
{
    return ((((uint64_t)v->column + 1) << 2 | (uint64_t)v->channel) << 1 |
            (is_of_many ? 1U : 0U))
               << 8 |
           index;
}

/* Where value index of count goes. Opted-out people are in no field of a
 * profile; where a job keeps them, an attribute says so. */
static int find_place(const struct pl_profile_merge *m,
                      const struct pl_profile_values *v, size_t index,
                      size_t count, struct pl_place *place, struct pl_err *err)
{
    static const struct pl_column opt_out = {.kind = PL_COLUMN_ATTRIBUTE,
                                             .name = "Attributes.OptOut"};
    const struct pl_column *column = &m->shape->columns[v->column];

    if (column->kind == PL_COLUMN_OPT_OUT && m->cfg->keeps_opted_out)
        return pl_mapping_place(NULL, m->cfg->target, &opt_out, v->channel,
                                index, count, place, err);
    return pl_mapping_place(m->cfg->mapping, m->cfg->target, column, v->channel,
                            index, count, place, err);
}

/* The first value may go to the same place whether it is the only one or not;
 * it is one column of the file then. */
static int find_slot(struct pl_profile_merge *m, struct pl_profile_values *v,
                     size_t index, unsigned char *slot, struct pl_err *err)
{
    const bool is_of_many = v->count > 1;
    unsigned char *known = &v->slots[is_of_many][index];
    struct pl_place place;
    struct pl_place other = {.is_dropped = true};
    bool is_shared;

    *slot = *known;
    if (*known != SLOT_UNKNOWN)
        return 0;
    if (find_place(m, v, index, v->count, &place, err) != 0 ||
        (index == 0 &&
         find_place(m, v, index, is_of_many ? 1 : 2, &other, err) != 0))
        return -1;
    is_shared = !place.is_dropped && !other.is_dropped &&
                strcmp(place.header, other.header) == 0;
    if (add_slot(m, &place, order_of(v, is_of_many && !is_shared, index), known,
                 err) != 0)
        return -1;
    if (is_shared)
        v->slots[!is_of_many][index] = *known;
    *slot = *known;
    return 0;
}

/* Slot 0 is the key's, wherever its value comes from. */
static int open_key(struct pl_profile_merge *m, struct pl_err *err)
{
    const struct pl_target *target = m->cfg->target;
    const enum pl_mapping_channel channel =
        pl_ieq(target->key_column, "Address")
            ? pl_key_field_by_name(target->key_field)->channel
            : PL_MAPPING_ANY;
    struct pl_column column;
    struct pl_place place;
    unsigned char slot;

    if (pl_target_column(target, target->key_column, strlen(target->key_column),
                         &column, err) != 0 ||
        pl_mapping_place(m->cfg->mapping, target, &column, channel, 0, 1,
                         &place, err) != 0 ||
        add_slot(m, &place, 0, &slot, err) != 0)
        return -1;
    for (size_t i = 0; i < m->value_count; i++) {
        struct pl_profile_values *v = &m->values[i];

        if (pl_ieq(m->shape->columns[v->column].name, target->key_column) &&
            v->channel == channel)
            v->slots[0][0] = v->slots[1][0] = KEY_SLOT;
    }
    return 0;
}

static int open_tag(struct pl_profile_merge *m, struct pl_err *err)
{
    struct pl_column column = {.kind = PL_COLUMN_ATTRIBUTE};
    struct pl_place place;

    if (m->cfg->tag == NULL)
        return 0;
    (void)snprintf(column.name, sizeof(column.name), "Attributes.%s",
                   m->cfg->tag);
    return pl_mapping_place(NULL, m->cfg->target, &column, PL_MAPPING_ANY, 0, 1,
                            &place, err) != 0
               ? -1
               : add_slot(m, &place, UINT64_MAX, &m->tag_slot, err);
}

int pl_profile_merge_open(struct pl_profile_merge *m,
                          const struct pl_profile_config *cfg,
                          const struct pl_csv_shape *shape, struct pl_err *err)
{
    m->cfg = cfg;
    m->shape = shape;
    m->fd = -1;
    m->text.max_bytes = m->record.max_bytes = SIZE_MAX;
    m->values = calloc(shape->count + PL_PROFILE_CHANNELS, sizeof(*m->values));
    m->values_of = calloc(shape->count, sizeof(*m->values_of));
    if (m->values == NULL || m->values_of == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < shape->count; i++)
        share_values(m, i);
    m->fd = pl_file_nameless(cfg->temp_dir, err);
    if (m->fd < 0)
        return -1;
    return open_key(m, err) != 0 ? -1 : open_tag(m, err);
}

void pl_profile_merge_release(struct pl_profile_merge *m)
{
    free(m->values);
    free(m->values_of);
    pl_profile_cells_release(&m->cells);
    pl_buf_release(&m->text);
    pl_buf_release(&m->record);
    if (m->cfg != NULL && m->fd >= 0)
        (void)close(m->fd);
    memset(m, 0, sizeof(*m));
}

static int put_value(struct pl_profile_merge *m, unsigned char slot,
                     const char *text, size_t len, struct pl_err *err)
{
    const uint32_t n = (uint32_t)len;

    m->slots[slot].filled++;
    return pl_buf_addc(&m->record, (char)slot, err) != 0 ||
                   pl_buf_add(&m->record, &n, sizeof(n), err) != 0 ||
                   pl_buf_add(&m->record, text, len, err) != 0
               ? -1
               : 0;
}

int pl_profile_merge_begin(struct pl_profile_merge *m, const char *key,
                           size_t len, struct pl_err *err)
{
    const uint32_t unknown = 0;

    for (size_t i = 0; i < m->value_count; i++)
        m->values[i].count = 0;
    pl_buf_reset(&m->text);
    m->begin = m->record.len;
    if (pl_buf_add(&m->record, &unknown, sizeof(unknown), err) != 0 ||
        put_value(m, 0, key, len, err) != 0)
        return -1;
    return m->cfg->tag == NULL ? 0
                               : put_value(m, m->tag_slot, m->cfg->tag_value,
                                           strlen(m->cfg->tag_value), err);
}

/* The service compares e-mail addresses without case (sources 9.1). */
static bool is_same(const struct pl_profile_values *v, const char *text,
                    size_t len, const struct pl_csv_cell *cell)
{
    if (v->channel == PL_MAPPING_EMAIL)
        return pl_ieqn(text, len, cell->data, cell->len);
    return len == cell->len && memcmp(text, cell->data, len) == 0;
}

static int add_value(struct pl_profile_merge *m, struct pl_profile_values *v,
                     const struct pl_csv_cell *cell, struct pl_err *err)
{
    /* one that wants to hear nothing is enough */
    const bool is_opt_out =
        m->shape->columns[v->column].kind == PL_COLUMN_OPT_OUT;

    if (is_opt_out && v->count > 0 && cell->len == 3)
        v->count = 0;
    else if (is_opt_out && v->count > 0)
        return 0;
    for (size_t i = 0; i < v->count; i++)
        if (is_same(v, m->text.data + v->list[i].at, v->list[i].len, cell))
            return 0;
    if (v->count == PL_PROFILE_VALUES) {
        v->dropped++;
        return 0;
    }
    v->list[v->count++] = (struct span){m->text.len, cell->len};
    return pl_buf_add(&m->text, cell->data, cell->len, err);
}

int pl_profile_merge_row(struct pl_profile_merge *m, const char *row,
                         size_t len, struct pl_err *err)
{
    const struct pl_csv_shape *s = m->shape;
    enum pl_mapping_channel channel = PL_MAPPING_ANY;

    if (pl_profile_cut(&m->cells, row, len, err) != 0)
        return -1;
    if (s->channel != SIZE_MAX)
        channel = pl_mapping_channel_of(m->cells.list[s->channel].data,
                                        m->cells.list[s->channel].len);
    for (size_t i = 0; i < s->count; i++) {
        const size_t at =
            m->values_of[i] + (i == s->address ? (size_t)channel : 0);

        if (m->cells.list[i].len > 0 &&
            add_value(m, &m->values[at], &m->cells.list[i], err) != 0)
            return -1;
    }
    return 0;
}

int pl_profile_merge_end(struct pl_profile_merge *m, struct pl_err *err)
{
    uint32_t len;

    for (size_t i = 0; i < m->value_count; i++) {
        struct pl_profile_values *v = &m->values[i];

        for (size_t k = 0; k < v->count; k++) {
            unsigned char slot;

            if (find_slot(m, v, k, &slot, err) != 0)
                return -1;
            if (slot == SLOT_NONE)
                v->dropped++;
            else if (slot != KEY_SLOT &&
                     put_value(m, slot, m->text.data + v->list[k].at,
                               v->list[k].len, err) != 0)
                return -1;
        }
    }
    len = (uint32_t)(m->record.len - m->begin - sizeof(len));
    memcpy(m->record.data + m->begin, &len, sizeof(len));
    m->profiles++;
    return m->record.len < FLUSH_BYTES ? 0 : pl_profile_merge_flush(m, err);
}

int pl_profile_merge_flush(struct pl_profile_merge *m, struct pl_err *err)
{
    const int rc = pl_fd_write_all(m->fd, m->record.data, m->record.len, err);

    pl_buf_reset(&m->record);
    return rc == 0
               ? 0
               : pl_context(err, "cannot keep profiles in a temporary file");
}

int pl_profile_merge_dropped(const struct pl_profile_merge *m,
                             struct pl_profile_report *report,
                             struct pl_err *err)
{
    report->dropped = calloc(m->value_count, sizeof(*report->dropped));
    if (report->dropped == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < m->value_count; i++) {
        const struct pl_profile_values *v = &m->values[i];
        const char *name = m->shape->columns[v->column].name;
        struct pl_profile_dropped *d = report->dropped + report->dropped_count;

        if (v->dropped == 0)
            continue;
        if (report->dropped_count > 0 && strcmp(d[-1].column, name) == 0) {
            d[-1].values += v->dropped; /* Address, of another channel */
            continue;
        }
        (void)snprintf(d->column, sizeof(d->column), "%s", name);
        d->values = v->dropped;
        report->dropped_count++;
    }
    return 0;
}
