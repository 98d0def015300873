#include "pipeline/profile/profile.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/process.h"
#include "pipeline/base/sorter.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/writer.h"
#include "pipeline/profile/id_map.h"
#include "pipeline/profile/merge.h"
#include "pipeline/profile/write.h"

#define MEMORY_DEFAULT ((size_t)64 << 20)
#define ROW_BYTES_MAX ((size_t)16 << 20)

/* Where a row stood in the input. */
struct place {
    uint64_t number;
    uint64_t offset;
};

struct pl_profile {
    const struct pl_profile_config *cfg;
    const struct pl_key_field *key_field;
    struct pl_csv_shape shape; /* of the rows that come in */
    size_t opt_out;
    struct pl_buf carry; /* a row that is not whole yet */
    struct place *places;
    size_t place_count;
    size_t place_cap;
    size_t place_at;
    struct pl_profile_cells cells;
    struct pl_buf sort_key;
    struct pl_buf value;
    struct pl_sorter rows;    /* by key, then Id or channel and address */
    struct pl_sorter unkeyed; /* by Id, with the entries of the map */
    struct pl_sorter refused; /* by record number: no key after all */
    struct pl_profile_merge merge;
    struct pl_profile_report report;
};

/* What the sorters carry: the place, the rule of a reject, the key as it is
 * written, the row. */
struct carried {
    struct place place;
    uint32_t rule;
    uint32_t key_len;
};

struct pl_profile *pl_profile_open(const struct pl_profile_config *cfg,
                                   struct pl_err *err)
{
    const size_t memory =
        cfg->memory_bytes > 0 ? cfg->memory_bytes : MEMORY_DEFAULT;
    struct pl_profile *p = calloc(1, sizeof(*p));

    if (p == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    p->cfg = cfg;
    p->key_field = pl_key_field_by_name(cfg->target->key_field);
    p->carry.max_bytes = p->value.max_bytes = ROW_BYTES_MAX;
    pl_sorter_init(&p->rows, cfg->temp_dir, memory);
    pl_sorter_init(&p->unkeyed, cfg->temp_dir, memory);
    pl_sorter_init(&p->refused, cfg->temp_dir, memory / 16);
    return p;
}

void pl_profile_report_release(struct pl_profile_report *r)
{
    free(r->fields);
    free(r->dropped);
    memset(r, 0, sizeof(*r));
}

void pl_profile_release(struct pl_profile *p)
{
    if (p == NULL)
        return;
    free(p->shape.columns);
    free(p->shape.is_dropped);
    free(p->shape.name_lens);
    free(p->places);
    pl_buf_release(&p->carry);
    pl_buf_release(&p->sort_key);
    pl_buf_release(&p->value);
    pl_profile_cells_release(&p->cells);
    pl_sorter_release(&p->rows);
    pl_sorter_release(&p->unkeyed);
    pl_sorter_release(&p->refused);
    pl_profile_merge_release(&p->merge);
    pl_profile_report_release(&p->report);
    free(p);
}

/* The header: names in their right spelling */

static size_t *place_of(struct pl_profile *p, const struct pl_column *column)
{
    switch (column->kind) {
    case PL_COLUMN_ID:
        return &p->shape.id;
    case PL_COLUMN_CHANNEL:
        return &p->shape.channel;
    case PL_COLUMN_ADDRESS:
        return &p->shape.address;
    case PL_COLUMN_USER_ID:
        return &p->shape.user_id;
    case PL_COLUMN_OPT_OUT:
        return &p->opt_out;
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
    case PL_COLUMN_METRIC:
    case PL_COLUMN_COUNTRY:
    case PL_COLUMN_LATITUDE:
    case PL_COLUMN_LONGITUDE:
    case PL_COLUMN_LOCALE:
    case PL_COLUMN_TIME_ZONE:
    case PL_COLUMN_EFFECTIVE_DATE:
    case PL_COLUMN_TEXT:
        break;
    }
    return NULL;
}

static int take_header(struct pl_profile *p, const char *row, size_t len,
                       struct pl_err *err)
{
    struct pl_csv_shape *s = &p->shape;

    if (pl_profile_cut(&p->cells, row, len, err) != 0)
        return -1;
    s->columns = calloc(p->cells.count, sizeof(*s->columns));
    s->is_dropped = calloc(p->cells.count, sizeof(*s->is_dropped));
    s->name_lens = calloc(p->cells.count, sizeof(*s->name_lens));
    if (s->columns == NULL || s->is_dropped == NULL || s->name_lens == NULL)
        return pl_fail_memory(err);
    s->count = p->cells.count;
    s->id = s->channel = s->address = s->user_id = p->opt_out = p->shape.key =
        SIZE_MAX;
    for (size_t i = 0; i < s->count; i++) {
        const struct pl_csv_cell *cell = &p->cells.list[i];
        size_t *place;

        if (pl_target_column(p->cfg->target, cell->data, cell->len,
                             &s->columns[i], err) != 0)
            return -1;
        s->name_lens[i] = strlen(s->columns[i].name);
        place = place_of(p, &s->columns[i]);
        if (place != NULL)
            *place = i;
        if (p->shape.key == SIZE_MAX &&
            pl_ieq(s->columns[i].name, p->cfg->target->key_column))
            p->shape.key = i;
    }
    return pl_profile_merge_open(&p->merge, p->cfg, s, err);
}

/* Rows as they come */

/* p->value becomes what a sorter carries of a row. */
static int carry(struct pl_profile *p, const struct place *place,
                 enum pl_rule rule, const char *key, size_t key_len,
                 const char *row, size_t len, struct pl_err *err)
{
    const struct carried c = {*place, (uint32_t)rule, (uint32_t)key_len};

    pl_buf_reset(&p->value);
    return pl_buf_add(&p->value, &c, sizeof(c), err) != 0 ||
                   pl_buf_add(&p->value, key, key_len, err) != 0 ||
                   pl_buf_add(&p->value, row, len, err) != 0
               ? -1
               : 0;
}

static int refuse(struct pl_profile *p, const struct place *place,
                  enum pl_rule rule, const char *row, size_t len,
                  struct pl_err *err)
{
    unsigned char number[8];

    for (size_t i = 0; i < sizeof(number); i++)
        number[i] = (unsigned char)(place->number >> (56 - 8 * i));
    return carry(p, place, rule, "", 0, row, len, err) != 0
               ? -1
               : pl_sorter_add(&p->refused, number, sizeof(number),
                               p->value.data, p->value.len, err);
}

static int add_cell(struct pl_buf *to, const struct pl_csv_cell *cell,
                    struct pl_err *err)
{
    return pl_buf_add(to, cell->data, cell->len, err) != 0
               ? -1
               : pl_buf_addc(to, '\0', err);
}

/* By the key as the service compares it, and by what tells the rows of one key
 * apart. p->cells are the row's. */
static int make_sort_key(struct pl_profile *p, const char *key, size_t len,
                         struct pl_err *err)
{
    const struct pl_csv_shape *s = &p->shape;
    const struct pl_csv_cell *cells = p->cells.list;

    pl_buf_reset(&p->sort_key);
    if (pl_buf_add(&p->sort_key, key, len, err) != 0)
        return -1;
    for (size_t i = 0; p->key_field->content == PL_CONTENT_EMAIL && i < len;
         i++)
        if (p->sort_key.data[i] >= 'A' && p->sort_key.data[i] <= 'Z')
            p->sort_key.data[i] = (char)(p->sort_key.data[i] + ('a' - 'A'));
    if (pl_buf_addc(&p->sort_key, '\0', err) != 0 ||
        (s->id != SIZE_MAX &&
         add_cell(&p->sort_key, &cells[s->id], err) != 0) ||
        (s->channel != SIZE_MAX &&
         (add_cell(&p->sort_key, &cells[s->channel], err) != 0 ||
          add_cell(&p->sort_key, &cells[s->address], err) != 0)))
        return -1;
    for (size_t i = 0; s->id == SIZE_MAX && i < s->count; i++)
        if (add_cell(&p->sort_key, &cells[i], err) != 0)
            return -1;
    return 0;
}

static int keep(struct pl_profile *p, const struct place *place,
                const char *key, size_t key_len, const char *row, size_t len,
                struct pl_err *err)
{
    return make_sort_key(p, key, key_len, err) != 0 ||
                   carry(p, place, PL_RULE_NONE, key, key_len, row, len, err) !=
                       0 ||
                   pl_sorter_add(&p->rows, p->sort_key.data, p->sort_key.len,
                                 p->value.data, p->value.len, err) != 0
               ? -1
               : 0;
}

/* The row's own key; len 0: it has none. An address is the key of its kind
 * alone. */
static struct pl_csv_cell key_of(const struct pl_profile *p)
{
    const struct pl_csv_shape *s = &p->shape;
    const struct pl_csv_cell *cells = p->cells.list;

    if (p->shape.key == SIZE_MAX ||
        (p->shape.key == s->address &&
         pl_mapping_channel_of(cells[s->channel].data, cells[s->channel].len) !=
             p->key_field->channel))
        return (struct pl_csv_cell){.is_null = true};
    return cells[p->shape.key];
}

static int take_row(struct pl_profile *p, const char *row, size_t len,
                    struct pl_err *err)
{
    struct place place = {0, 0};
    struct pl_csv_cell key;
    const struct pl_csv_shape *s = &p->shape;

    if (p->place_at < p->place_count)
        place = p->places[p->place_at++];
    if (pl_profile_cut(&p->cells, row, len, err) != 0)
        return -1;
    if (p->cells.count != s->count)
        return pl_fail(err, PL_INTERNAL_ERROR,
                       "a row of %zu cells under a header of %zu",
                       p->cells.count, s->count);
    if (!p->cfg->keeps_opted_out && p->opt_out != SIZE_MAX &&
        p->cells.list[p->opt_out].len == 3) { /* ALL */
        p->report.opted_out++;
        return 0;
    }
    key = key_of(p);
    if (key.len > 0)
        return keep(p, &place, key.data, key.len, row, len, err);
    if (p->cfg->id_map == NULL || s->id == SIZE_MAX ||
        p->cells.list[s->id].len == 0)
        return refuse(p, &place, PL_RULE_KEY_MISSING, row, len, err);
    return pl_id_map_key(p->cells.list[s->id].data, p->cells.list[s->id].len,
                         PL_ID_MAP_ROW, &p->sort_key, err) != 0 ||
                   carry(p, &place, PL_RULE_NONE, "", 0, row, len, err) != 0 ||
                   pl_sorter_add(&p->unkeyed, p->sort_key.data, p->sort_key.len,
                                 p->value.data, p->value.len, err) != 0
               ? -1
               : 0;
}

static int take_line(struct pl_profile *p, const char *row, size_t len,
                     struct pl_err *err)
{
    return p->shape.count == 0 ? take_header(p, row, len, err)
                               : take_row(p, row, len, err);
}

/* Rows hold no line break: the transformer made blanks of them. */
static int take_text(void *ctx, const void *data, size_t len,
                     struct pl_err *err)
{
    struct pl_profile *p = ctx;
    const char *at = data;
    const char *end = at + len;
    const char *lf;

    while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        int rc;

        if (p->carry.len == 0) {
            rc = take_line(p, at, (size_t)(lf - at), err);
        } else {
            rc = pl_buf_add(&p->carry, at, (size_t)(lf - at), err);
            if (rc == 0)
                rc = take_line(p, p->carry.data, p->carry.len, err);
            pl_buf_reset(&p->carry);
        }
        if (rc != 0)
            return -1;
        at = lf + 1;
    }
    return at < end ? pl_buf_add(&p->carry, at, (size_t)(end - at), err) : 0;
}

struct pl_sink pl_profile_sink(struct pl_profile *p)
{
    return (struct pl_sink){.ctx = p, .write = take_text};
}

int pl_profile_place(void *ctx, uint64_t number, uint64_t offset,
                     struct pl_err *err)
{
    struct pl_profile *p = ctx;

    if (p->place_at == p->place_count)
        p->place_at = p->place_count = 0;
    if (p->place_count == p->place_cap) {
        const size_t cap = p->place_cap * 2 + 1024;
        struct place *grown = realloc(p->places, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        p->places = grown;
        p->place_cap = cap;
    }
    p->places[p->place_count++] = (struct place){number, offset};
    return 0;
}

/* All rows are there */

static struct carried carried_of(const struct pl_sorted *record)
{
    struct carried c;

    memcpy(&c, record->value, sizeof(c));
    return c;
}

static const char *row_of(const struct pl_sorted *record, size_t *len)
{
    const size_t skip = sizeof(struct carried) + carried_of(record).key_len;

    *len = record->value_len - skip;
    return (const char *)record->value + skip;
}

/* The row gets the user that the entries before it named. */
static int join_row(struct pl_profile *p, const struct pl_sorted *record,
                    const struct pl_buf *user, struct pl_err *err)
{
    const struct place place = carried_of(record).place;
    size_t len;
    const char *row = row_of(record, &len);

    if (user->len == 0)
        return refuse(p, &place, PL_RULE_KEY_UNKNOWN, row, len, err);
    return pl_profile_cut(&p->cells, row, len, err) != 0
               ? -1
               : keep(p, &place, user->data, user->len, row, len, err);
}

/* Entries come before the rows of the same Id. Of several the last one counts,
 * as it would in an import. */
static int join(struct pl_profile *p, struct pl_err *err)
{
    PL_AUTO(pl_buf) id = PL_BUF_INIT;
    PL_AUTO(pl_buf) user = PL_BUF_INIT;
    struct pl_sorted record;
    uint64_t entries;
    int rc;

    if (p->cfg->id_map == NULL || p->unkeyed.memory_bytes == 0)
        return 0;
    if (pl_id_map_read(p->cfg->id_map, &p->unkeyed, &entries, err) != 0)
        return pl_context(err, "import.id_map");
    if (pl_sorter_finish(&p->unkeyed, err) != 0)
        return -1;
    while ((rc = pl_sorter_next(&p->unkeyed, &record, err)) > 0) {
        const size_t len = record.key_len - 1; /* without the kind */

        if (id.data == NULL || id.len != len ||
            memcmp(id.data, record.key, len) != 0) {
            pl_buf_reset(&user);
            pl_buf_reset(&id);
            if (pl_stop_check(err) != 0 ||
                pl_buf_add(&id, record.key, len, err) != 0)
                return -1;
        }
        if (record.key[len] == PL_ID_MAP_ROW) {
            if (join_row(p, &record, &user, err) != 0)
                return -1;
            continue;
        }
        pl_buf_reset(&user);
        if (pl_buf_add(&user, record.value, record.value_len, err) != 0)
            return -1;
    }
    pl_sorter_release(&p->unkeyed);
    return rc;
}

/* What of a sorter's key makes one profile: up to its NUL. */
static bool is_same_key(const struct pl_buf *group,
                        const struct pl_sorted *record)
{
    return group->len > 0 && record->key_len >= group->len &&
           memcmp(group->data, record->key, group->len) == 0;
}

static int begin_profile(struct pl_profile *p, struct pl_buf *group,
                         const struct pl_sorted *record, struct pl_err *err)
{
    const size_t len = strlen((const char *)record->key) + 1;

    pl_buf_reset(group);
    return pl_stop_check(err) != 0 ||
                   pl_buf_add(group, record->key, len, err) != 0 ||
                   pl_profile_merge_begin(&p->merge,
                                          (const char *)record->value +
                                              sizeof(struct carried),
                                          carried_of(record).key_len, err) != 0
               ? -1
               : 0;
}

static int merge_rows(struct pl_profile *p, struct pl_err *err)
{
    PL_AUTO(pl_buf) group = PL_BUF_INIT;
    struct pl_sorted record;
    int rc;

    if (pl_sorter_finish(&p->rows, err) != 0)
        return -1;
    while ((rc = pl_sorter_next(&p->rows, &record, err)) > 0) {
        size_t len;
        const char *row;

        if (is_same_key(&group, &record)) {
            p->report.merged++;
        } else if ((group.len > 0 &&
                    pl_profile_merge_end(&p->merge, err) != 0) ||
                   begin_profile(p, &group, &record, err) != 0) {
            return -1;
        }
        row = row_of(&record, &len);
        if (pl_profile_merge_row(&p->merge, row, len, err) != 0)
            return -1;
    }
    if (rc < 0 || (group.len > 0 && pl_profile_merge_end(&p->merge, err) != 0))
        return -1;
    pl_sorter_release(&p->rows);
    return pl_profile_merge_flush(&p->merge, err);
}

static int write_reject(struct pl_profile *p, const struct pl_sorted *record,
                        struct pl_buf *text, struct pl_err *err)
{
    const struct carried c = carried_of(record);
    const struct pl_csv_origin *origin = p->cfg->csv->origin;
    struct pl_csv_place place = {.number = c.place.number,
                                 .offset = c.place.offset};
    struct pl_csv_verdict verdict = {.rule = (enum pl_rule)c.rule,
                                     .column = p->shape.key};
    struct pl_csv_record row = {0};

    if (origin != NULL)
        place.source = origin->find(origin->ctx, place.number, &place.line);
    row.raw = row_of(record, &row.raw_len);
    if (pl_profile_cut(&p->cells, row.raw, row.raw_len, err) != 0)
        return -1;
    row.cells = p->cells.list;
    row.count = p->cells.count;
    verdict.detail =
        verdict.rule == PL_RULE_KEY_MISSING
            ? "no key, by which profiles are told apart (import.key)"
            : "the id map has no user for this Id";
    pl_buf_reset(text);
    return pl_csv_write_reject(p->cfg->csv, pl_csv_kernel_by_name(NULL),
                               &p->shape, &place, &row, &verdict, text,
                               err) != 0
               ? -1
               : pl_sink_write(p->cfg->csv->rejects, text->data, text->len,
                               err);
}

/* They are counted as they are written, so that the counts hold whatever fails
 * before or after. */
static int write_rejects(struct pl_profile *p, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_sorted record;
    int rc;

    if (pl_sorter_finish(&p->refused, err) != 0)
        return -1;
    while ((rc = pl_sorter_next(&p->refused, &record, err)) > 0) {
        if (p->cfg->csv->rejects != NULL &&
            write_reject(p, &record, &text, err) != 0)
            return -1;
        if (carried_of(&record).rule == (uint32_t)PL_RULE_KEY_MISSING)
            p->report.no_key++;
        else
            p->report.unknown_key++;
    }
    return rc;
}

int pl_profile_finish(struct pl_profile *p, struct pl_profile_report *report,
                      struct pl_err *err)
{
    const bool is_good =
        join(p, err) == 0 && write_rejects(p, err) == 0 &&
        merge_rows(p, err) == 0 &&
        pl_profile_merge_dropped(&p->merge, &p->report, err) == 0 &&
        pl_profile_write(&p->merge, &p->report, err) == 0;

    p->report.profiles = p->merge.profiles;
    *report = p->report;
    memset(&p->report, 0, sizeof(p->report));
    return is_good ? 0 : -1;
}
