#include "stages/csv_validate/preview.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/csv_validate/earlier.h"

#define SORT_MEMORY ((size_t)64 << 20)
#define SHOWN_CHARS 60

/* Of the rows of one place: what the last run sent, then what this one has. */
enum { ROW_BEFORE, ROW_NOW };

int csv_preview_open(struct csv_preview *p, struct csv_delta *delta,
                     bool has_values, struct pl_err *err)
{
    p->has_values = has_values;
    p->delta = delta;
    p->fresh = json_array();
    p->changed = json_array();
    p->gone = json_array();
    p->columns = json_object();
    p->headers = json_array();
    pl_sorter_init(&p->rows, NULL, SORT_MEMORY);
    delta->row = csv_preview_row;
    delta->row_ctx = p;
    return p->fresh != NULL && p->changed != NULL && p->gone != NULL &&
                   p->columns != NULL && p->headers != NULL
               ? 0
               : pl_fail_memory(err);
}

void csv_preview_release(struct csv_preview *p)
{
    json_decref(p->fresh);
    json_decref(p->changed);
    json_decref(p->gone);
    json_decref(p->columns);
    json_decref(p->headers);
    if (p->delta != NULL)
        pl_sorter_release(&p->rows);
    free(p->is_changed);
}

/* A cell as it is shown: letters and digits tell their kind alone. */
static json_t *shown(const struct csv_preview *p,
                     const struct pl_delta_cell *cell)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err ignored = {0};
    size_t len;

    if (pl_delta_unquote(cell, &text, &ignored) != 0)
        return NULL;
    len = pl_utf8_valid_len(pl_buf_str(&text),
                            text.len < SHOWN_CHARS ? text.len : SHOWN_CHARS);
    for (size_t i = 0; !p->has_values && i < len; i++) {
        char *c = &text.data[i];

        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
            ((unsigned char)*c & 0x80) != 0)
            *c = 'x';
        else if (*c >= '0' && *c <= '9')
            *c = '9';
    }
    return json_stringn(pl_buf_str(&text), len);
}

/* Cells by the names of their columns; those that hold something. */
static json_t *cells_of(const char *header, const char *line, size_t len)
{
    json_t *cells = json_object();
    const char *name_at = header;
    const char *at = line;
    struct pl_delta_cell name;
    struct pl_delta_cell cell;

    while (pl_delta_cell(&name_at, header + strcspn(header, "\n"), &name) &&
           pl_delta_cell(&at, line + len, &cell)) {
        json_t *list = json_object_getn(cells, name.text, name.len);

        if (cell.len == 0)
            continue;
        if (list == NULL) {
            list = json_array();
            (void)json_object_setn_new(cells, name.text, name.len, list);
        }
        (void)json_array_append_new(list, json_stringn(cell.text, cell.len));
    }
    return cells;
}

static json_t *sample_of(const struct csv_preview *p, const char *header,
                         const char *line, size_t len)
{
    json_t *sample = json_object();
    const char *name_at = header;
    const char *at = line;
    struct pl_delta_cell name;
    struct pl_delta_cell cell;

    while (pl_delta_cell(&name_at, header + strcspn(header, "\n"), &name) &&
           pl_delta_cell(&at, line + len, &cell))
        if (cell.len > 0)
            (void)json_object_setn_new(sample, name.text, name.len,
                                       shown(p, &cell));
    return sample;
}

static int add_sample(json_t *list, json_t *sample, struct pl_err *err)
{
    return json_array_append_new(list, sample) == 0 ? 0 : pl_fail_memory(err);
}

/* Rows of this run */

static int add_row(struct csv_preview *p, size_t place, unsigned char when,
                   uint32_t header, const char *line, size_t len,
                   struct pl_err *err)
{
    PL_AUTO(pl_buf) value = PL_BUF_INIT;
    unsigned char key[9];

    for (size_t i = 0; i < 8; i++)
        key[i] = (unsigned char)((uint64_t)place >> (56 - 8 * i));
    key[8] = when;
    return pl_buf_add(&value, &header, sizeof(header), err) != 0 ||
                   pl_buf_add(&value, line, len, err) != 0 ||
                   pl_sorter_add(&p->rows, key, sizeof(key), value.data,
                                 value.len, err) != 0
               ? -1
               : 0;
}

static int mark_changed(struct csv_preview *p, size_t place, struct pl_err *err)
{
    if (p->is_changed == NULL)
        p->is_changed = calloc(p->delta->table.bytes / 64 + 1, 1);
    if (p->is_changed == NULL)
        return pl_fail_memory(err);
    p->is_changed[place / 8] =
        (unsigned char)(p->is_changed[place / 8] | 1U << (place % 8));
    return 0;
}

int csv_preview_row(void *ctx, enum pl_delta_kind kind, size_t place,
                    const char *line, size_t len, struct pl_err *err)
{
    struct csv_preview *p = ctx;
    const char *header = pl_buf_str(&p->delta->filter.header);

    if (kind == PL_DELTA_NEW && json_array_size(p->fresh) < CSV_PREVIEW_SAMPLES)
        return add_sample(p->fresh, sample_of(p, header, line, len), err);
    if (kind != PL_DELTA_CHANGED)
        return 0;
    return mark_changed(p, place, err) != 0
               ? -1
               : add_row(p, place, ROW_NOW, 0, line, len, err);
}

/* Rows of earlier runs */

static bool take_changed(struct csv_preview *p, size_t place)
{
    const unsigned bit = 1U << (place % 8);

    if (p->is_changed == NULL || (p->is_changed[place / 8] & bit) == 0)
        return false;
    p->is_changed[place / 8] = (unsigned char)(p->is_changed[place / 8] & ~bit);
    return true;
}

static int see_earlier(void *ctx, struct csv_earlier *file,
                       const struct pl_delta_print *print, const char *line,
                       size_t len, struct pl_err *err)
{
    struct csv_preview *p = ctx;
    struct pl_delta_table *t = &p->delta->table;
    const size_t gone = pl_delta_table_find(t, print->id);
    const size_t place = pl_delta_table_first(t, print->id);
    const char *header = pl_buf_str(&file->header);

    if (gone != SIZE_MAX && pl_delta_table_once(t, gone))
        return json_array_size(p->gone) < CSV_PREVIEW_SAMPLES
                   ? add_sample(p->gone, sample_of(p, header, line, len), err)
                   : 0;
    if (place == SIZE_MAX || !take_changed(p, place))
        return 0;
    if (json_array_size(p->headers) <= file->number &&
        json_array_append_new(p->headers, json_string(header)) != 0)
        return pl_fail_memory(err);
    return add_row(p, place, ROW_BEFORE,
                   (uint32_t)(json_array_size(p->headers) - 1), line, len, err);
}

/* Both beside each other */

static void count_column(struct csv_preview *p, const char *name)
{
    json_t *count = json_object_get(p->columns, name);

    (void)json_object_set_new(p->columns, name,
                              json_integer(json_integer_value(count) + 1));
}

static json_t *shown_list(const struct csv_preview *p, const json_t *list)
{
    const char *text = json_string_value(json_array_get(list, 0));
    const struct pl_delta_cell cell = {text, text != NULL ? strlen(text) : 0};

    return text != NULL ? shown(p, &cell) : json_null();
}

static void compare(struct csv_preview *p, json_t *before, json_t *now)
{
    json_t *sample = json_object();
    const char *name;
    json_t *list;

    json_object_foreach(now, name, list)
    {
        if (json_equal(list, json_object_get(before, name)))
            continue;
        count_column(p, name);
        (void)json_object_set_new(
            sample, name,
            json_pack("[o, o]", shown_list(p, json_object_get(before, name)),
                      shown_list(p, list)));
    }
    json_object_foreach(before, name, list)
    {
        if (json_object_get(now, name) != NULL)
            continue;
        count_column(p, name);
        (void)json_object_set_new(sample, name,
                                  json_pack("[o, n]", shown_list(p, list)));
    }
    if (json_array_size(p->changed) < CSV_PREVIEW_SAMPLES)
        (void)json_array_append(p->changed, sample);
    json_decref(sample);
}

static json_t *row_of(const struct csv_preview *p, const struct pl_sorted *row)
{
    const char *header = pl_buf_str(&p->delta->filter.header);
    uint32_t number;

    memcpy(&number, row->value, sizeof(number));
    if (row->key[8] == ROW_BEFORE)
        header = json_string_value(json_array_get(p->headers, number));
    return cells_of(header, (const char *)row->value + sizeof(number),
                    row->value_len - sizeof(number));
}

static int compare_all(struct csv_preview *p, struct pl_err *err)
{
    unsigned char key[8] = {0};
    struct pl_sorted row;
    json_t *before = NULL;
    int rc;

    if (pl_sorter_finish(&p->rows, err) != 0)
        return -1;
    while ((rc = pl_sorter_next(&p->rows, &row, err)) > 0) {
        json_t *cells = row_of(p, &row);

        if (row.key[8] == ROW_NOW && before != NULL &&
            memcmp(key, row.key, sizeof(key)) == 0)
            compare(p, before, cells);
        json_decref(before);
        before = row.key[8] == ROW_BEFORE ? json_incref(cells) : NULL;
        memcpy(key, row.key, sizeof(key));
        json_decref(cells);
    }
    json_decref(before);
    return rc;
}

int csv_preview_record(struct csv_preview *p, struct pl_manifest *m,
                       struct pl_err *err)
{
    json_t *section;

    if (p->delta == NULL || !p->delta->is_counted)
        return 0;
    if (p->delta->load.is_known &&
        (csv_earlier_read(p->delta, see_earlier, p, &p->unread, err) != 0 ||
         compare_all(p, err) != 0))
        return -1;
    section = json_pack("{s:O, s:O, s:O, s:O, s:b, s:I}", "columns", p->columns,
                        "new", p->fresh, "changed", p->changed, "gone", p->gone,
                        "has_values", p->has_values, "files_missing",
                        (json_int_t)p->unread);
    return pl_manifest_set_new(m, "validate.result.preview", section, err);
}
