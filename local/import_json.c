/* JSON lines: one endpoint a line, the same names nested. */
#include "local/import_file.h"

#include "pipeline/base/text.h"

#define READ_BYTES ((size_t)64 << 10)
#define LINE_MAX_BYTES ((size_t)256 << 10)
#define CELLS_MAX 1024

struct flat {
    struct local_cell cells[CELLS_MAX];
    size_t count;
    struct pl_buf text;        /* names and numbers */
    size_t offsets[CELLS_MAX]; /* of the column's name in text */
    size_t numbers[CELLS_MAX]; /* of the value in text, or SIZE_MAX */
    char why[160];
};

static int add_cell(struct flat *f, const char *prefix, const char *name,
                    const json_t *value, struct pl_err *err)
{
    struct local_cell *cell = &f->cells[f->count];
    char number[40] = "";

    if (json_is_null(value))
        return 0;
    if (f->count == CELLS_MAX ||
        (!json_is_string(value) && !json_is_number(value))) {
        (void)snprintf(f->why, sizeof(f->why), "%.60s%.60s: bad value", prefix,
                       name);
        return 0;
    }
    f->offsets[f->count] = f->text.len;
    if (pl_buf_addf(&f->text, err, "%s%s", prefix, name) != 0 ||
        pl_buf_addc(&f->text, '\0', err) != 0)
        return -1;
    cell->kind = local_column_kind(f->text.data + f->offsets[f->count]);
    f->numbers[f->count] = SIZE_MAX;
    if (json_is_string(value)) {
        cell->value = json_string_value(value);
        cell->len = json_string_length(value);
    } else {
        if (json_is_integer(value))
            (void)snprintf(number, sizeof(number), "%lld",
                           (long long)json_integer_value(value));
        else
            (void)snprintf(number, sizeof(number), "%.17g",
                           json_real_value(value));
        f->numbers[f->count] = f->text.len;
        cell->len = strlen(number);
        if (pl_buf_add(&f->text, number, cell->len + 1, err) != 0)
            return -1;
    }
    if (cell->kind == LOCAL_COL_BAD)
        (void)snprintf(f->why, sizeof(f->why), "%.60s%.60s: unknown field",
                       prefix, name);
    if (cell->len > 0)
        f->count++;
    return 0;
}

/* {"name": ["v", ...]}: attributes are always lists. */
static int add_lists(struct flat *f, const char *prefix, const json_t *map,
                     struct pl_err *err)
{
    const char *name;
    json_t *list;
    json_t *object;
    size_t i;
    json_t *value;

    memcpy(&object, &map, sizeof(object));
    json_object_foreach(object, name, list)
    {
        if (!json_is_array(list))
            (void)snprintf(f->why, sizeof(f->why),
                           "%.60s%.60s: not a list of strings", prefix, name);
        json_array_foreach(list, i, value) if (add_cell(f, prefix, name, value,
                                                        err) != 0) return -1;
    }
    return 0;
}

static int add_map(struct flat *f, const char *prefix, const json_t *map,
                   struct pl_err *err)
{
    const char *name;
    json_t *value;
    json_t *object;

    memcpy(&object, &map, sizeof(object));
    json_object_foreach(object, name, value)
    {
        if (strcmp(prefix, "User.") == 0 &&
            strcmp(name, "UserAttributes") == 0) {
            if (add_lists(f, "User.UserAttributes.", value, err) != 0)
                return -1;
        } else if (add_cell(f, prefix, name, value, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int flatten(struct flat *f, const json_t *object, struct pl_err *err)
{
    const char *name;
    json_t *value;
    json_t *map;
    int rc = 0;

    memcpy(&map, &object, sizeof(map));
    json_object_foreach(map, name, value)
    {
        if (strcmp(name, "Attributes") == 0)
            rc = add_lists(f, "Attributes.", value, err);
        else if (strcmp(name, "Metrics") == 0)
            rc = add_map(f, "Metrics.", value, err);
        else if (strcmp(name, "User") == 0)
            rc = add_map(f, "User.", value, err);
        else if (strcmp(name, "Location") == 0)
            rc = add_map(f, "Location.", value, err);
        else if (strcmp(name, "Demographic") == 0)
            rc = add_map(f, "Demographic.", value, err);
        else
            rc = add_cell(f, "", name, value, err);
        if (rc != 0)
            return -1;
    }
    return 0;
}

int local_import_object(const json_t *object, uint64_t line,
                        const struct local_import_sink *sink,
                        struct pl_err *err)
{
    struct flat *f = calloc(1, sizeof(*f));
    const char *why = NULL;
    int rc = -1;

    if (f == NULL)
        return pl_fail_memory(err);
    if (!json_is_object(object))
        why = "not a JSON object";
    else if (flatten(f, object, err) != 0)
        why = f->why; /* err is filled */
    else if (f->why[0] != '\0')
        why = f->why;
    for (size_t i = 0; why == NULL && i < f->count; i++) {
        f->cells[i].column = f->text.data + f->offsets[i];
        if (f->numbers[i] != SIZE_MAX)
            f->cells[i].value = f->text.data + f->numbers[i];
        why = local_cell_fault(&f->cells[i]);
    }
    if (err->code == PL_OK)
        rc = why != NULL
                 ? sink->bad(sink->ctx, line, why, err)
                 : sink->record(sink->ctx, f->cells, f->count, line, err);
    pl_buf_release(&f->text);
    free(f);
    return rc;
}

static int take_line(const struct pl_buf *text, uint64_t line,
                     const struct local_import_sink *sink, struct pl_err *err)
{
    json_t *object;
    int rc;

    if (text->len == 0)
        return 0;
    object = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, NULL);
    rc = object == NULL ? sink->bad(sink->ctx, line, "not valid JSON", err)
                        : local_import_object(object, line, sink, err);
    json_decref(object);
    return rc;
}

static int read_all(const struct pl_source *source, char *block,
                    struct pl_buf *text, const struct local_import_sink *sink,
                    struct pl_err *err)
{
    uint64_t line = 1;
    int64_t n;

    while ((n = source->read(source->ctx, block, READ_BYTES, err)) > 0)
        for (int64_t i = 0; i < n; i++) {
            if (block[i] != '\n') {
                if (pl_buf_addc(text, block[i], err) != 0)
                    return -1;
                continue;
            }
            if (take_line(text, line++, sink, err) != 0)
                return -1;
            pl_buf_reset(text);
        }
    return n < 0 ? -1 : take_line(text, line, sink, err);
}

int local_import_json(const struct pl_source *source,
                      const struct local_import_sink *sink, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(LINE_MAX_BYTES);
    char *block = malloc(READ_BYTES);
    int rc;

    if (block == NULL)
        return pl_fail_memory(err);
    rc = read_all(source, block, &text, sink, err);
    free(block);
    return rc;
}
