#include "pipeline/csv/writer.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/text.h"

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' ||
            text[i] == '\r')
            return true;
    return len == 0;
}

static int write_quoted(const char *text, size_t len, struct pl_buf *out,
                        struct pl_err *err)
{
    if (pl_buf_reserve(out, 2 * len + 2, err) != 0)
        return -1;
    out->data[out->len++] = '"';
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            out->data[out->len++] = '"';
        out->data[out->len++] = text[i];
    }
    out->data[out->len++] = '"';
    return 0;
}

static int write_cell(const char *text, size_t len, struct pl_buf *out,
                      struct pl_err *err)
{
    if (needs_quotes(text, len))
        return write_quoted(text, len, out, err);
    return pl_buf_add(out, text, len, err);
}

int pl_csv_write_row(const struct pl_csv_shape *shape,
                     const struct pl_csv_cell *cells, struct pl_buf *out,
                     struct pl_err *err)
{
    bool is_first = true;

    for (size_t i = 0; i < shape->count; i++) {
        if (shape->is_dropped[i])
            continue;
        if ((!is_first && pl_buf_addc(out, ',', err) != 0) ||
            (!cells[i].is_null &&
             write_cell(cells[i].data, cells[i].len, out, err) != 0))
            return -1;
        is_first = false;
    }
    return pl_buf_addc(out, '\n', err);
}

int pl_csv_write_header(const struct pl_csv_shape *shape, struct pl_buf *out,
                        struct pl_err *err)
{
    bool is_first = true;

    for (size_t i = 0; i < shape->count; i++) {
        const char *name = shape->columns[i].name;

        if (shape->is_dropped[i])
            continue;
        if ((!is_first && pl_buf_addc(out, ',', err) != 0) ||
            write_cell(name, strlen(name), out, err) != 0)
            return -1;
        is_first = false;
    }
    return pl_buf_addc(out, '\n', err);
}

static int add_string(struct pl_buf *out, const char *name, const char *text,
                      size_t len, struct pl_err *err)
{
    if (pl_buf_addf(out, err, ",\"%s\":", name) != 0)
        return -1;
    return text != NULL ? pl_json_quote(out, text, len, err)
                        : pl_buf_adds(out, "null", err);
}

int pl_csv_write_reject(const struct pl_csv_shape *shape,
                        const struct pl_csv_record *record,
                        const struct pl_csv_verdict *verdict,
                        const struct pl_csv_cell *key, bool has_raw,
                        struct pl_buf *out, struct pl_err *err)
{
    const char *column = verdict->column != SIZE_MAX
                             ? shape->columns[verdict->column].name
                             : NULL;
    const char *code = pl_rule_code(verdict->rule);

    if (pl_buf_addf(out, err,
                    "{\"record\":%" PRIu64 ",\"line\":%" PRIu64
                    ",\"offset\":%" PRIu64,
                    record->number, record->line, record->offset) != 0 ||
        add_string(out, "key", key != NULL ? key->data : NULL,
                   key != NULL ? key->len : 0, err) != 0 ||
        add_string(out, "column", column, column != NULL ? strlen(column) : 0,
                   err) != 0 ||
        add_string(out, "rule", code, strlen(code), err) != 0 ||
        add_string(out, "detail", verdict->detail, strlen(verdict->detail),
                   err) != 0)
        return -1;
    if (has_raw &&
        add_string(out, "raw", record->raw, record->raw_len, err) != 0)
        return -1;
    return pl_buf_adds(out, "}\n", err);
}
