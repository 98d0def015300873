/* Rows as UNLOAD writes them: JSON lines and delimited text. */
#include "local/engine_result.h"

#include <ctype.h>
#include <math.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define DEPTH_MAX 32

/* Hive has no such type; Athena says so before the query runs. */
static const char *not_in_hive(const struct local_type *t)
{
    switch (t->id) {
    case DUCKDB_TIMESTAMP_TZ:
        return "timestamp(3) with time zone";
    case DUCKDB_TIME:
        return "time(3)";
    case DUCKDB_INTERVAL:
        return "interval day to second";
    case DUCKDB_UUID:
        return "uuid";
    case DUCKDB_SQLNULL:
        return "unknown";
    default:
        break;
    }
    for (size_t i = 0; i < t->count; i++) {
        const char *inner = not_in_hive(&t->children[i]);

        if (inner != NULL)
            return inner;
    }
    return NULL;
}

static int check_column(const struct local_result *r, size_t at,
                        struct pl_err *err)
{
    const char *type = not_in_hive(&r->types[at]);

    if (!r->is_named[at])
        return pl_fail(err, PL_QUERY_FAILED,
                       "SYNTAX_ERROR: Column name not specified at position "
                       "%zu",
                       at + 1);
    if (type != NULL)
        return pl_fail(err, PL_QUERY_FAILED,
                       "NOT_SUPPORTED: Unsupported Hive type: %s", type);
    for (size_t i = 0; i < at; i++)
        if (strcmp(r->names[i], r->names[at]) == 0)
            return pl_fail(err, PL_QUERY_FAILED,
                           "SYNTAX_ERROR: Column name '%s' specified more than "
                           "once",
                           r->names[at]);
    return 0;
}

int local_unload_check(struct local_result *r, const json_t *partitions,
                       struct pl_err *err)
{
    const size_t parts = json_array_size(partitions);

    for (size_t i = 0; i < r->count; i++)
        for (char *p = r->names[i]; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
    for (size_t i = 0; i < r->count; i++)
        if (check_column(r, i, err) != 0)
            return -1;
    if (parts >= r->count)
        return pl_fail(err, PL_QUERY_FAILED,
                       "INVALID_TABLE_PROPERTY: there must be a column that "
                       "is no partition");
    for (size_t i = 0; i < parts; i++)
        if (strcmp(json_string_value(json_array_get(partitions, i)),
                   r->names[r->count - parts + i]) != 0)
            return pl_fail(err, PL_QUERY_FAILED,
                           "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must "
                           "be the last columns in the table and in the same "
                           "order as the table properties");
    return 0;
}

static int add_value(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector v, uint64_t row, unsigned depth,
                     struct pl_err *err);

static int add_items(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector child, uint64_t from, uint64_t count,
                     unsigned depth, struct pl_err *err)
{
    if (pl_buf_addc(out, '[', err) != 0)
        return -1;
    for (uint64_t i = 0; i < count; i++)
        if ((i > 0 && pl_buf_addc(out, ',', err) != 0) ||
            add_value(out, &t->children[0], child, from + i, depth, err) != 0)
            return -1;
    return pl_buf_addc(out, ']', err);
}

/* Keys of a map are texts in JSON, whatever they are. */
static int add_key(struct pl_buf *out, const struct local_type *t,
                   duckdb_vector v, uint64_t row, struct pl_err *err)
{
    PL_AUTO(pl_buf) key = PL_BUF_INIT;

    if (local_rows_value(&key, t, v, row, err) != 0 ||
        pl_json_quote(out, pl_buf_str(&key), key.len, err) != 0)
        return -1;
    return pl_buf_addc(out, ':', err);
}

static int add_map(struct pl_buf *out, const struct local_type *t,
                   duckdb_vector v, uint64_t row, unsigned depth,
                   struct pl_err *err)
{
    const duckdb_list_entry *e =
        &((const duckdb_list_entry *)duckdb_vector_get_data(v))[row];
    const duckdb_vector pairs = duckdb_list_vector_get_child(v);
    const duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0);
    const duckdb_vector values = duckdb_struct_vector_get_child(pairs, 1);

    if (pl_buf_addc(out, '{', err) != 0)
        return -1;
    for (uint64_t i = e->offset; i < e->offset + e->length; i++)
        if ((i > e->offset && pl_buf_addc(out, ',', err) != 0) ||
            add_key(out, &t->children[0], keys, i, err) != 0 ||
            add_value(out, &t->children[1], values, i, depth, err) != 0)
            return -1;
    return pl_buf_addc(out, '}', err);
}

static int add_struct(struct pl_buf *out, const struct local_type *t,
                      duckdb_vector v, uint64_t row, unsigned depth,
                      struct pl_err *err)
{
    if (pl_buf_addc(out, '{', err) != 0)
        return -1;
    for (size_t i = 0; i < t->count; i++) {
        const char *name = t->children[i].name;

        if ((i > 0 && pl_buf_addc(out, ',', err) != 0) ||
            pl_json_quote(out, name, strlen(name), err) != 0 ||
            pl_buf_addc(out, ':', err) != 0 ||
            add_value(out, &t->children[i],
                      duckdb_struct_vector_get_child(v, i), row, depth,
                      err) != 0)
            return -1;
    }
    return pl_buf_addc(out, '}', err);
}

static int add_binary(struct pl_buf *out, duckdb_vector v, uint64_t row,
                      struct pl_err *err)
{
    size_t len;
    const char *bytes = local_value_bytes(v, row, &len);

    if (pl_buf_addc(out, '"', err) != 0 || pl_base64(out, bytes, len, err) != 0)
        return -1;
    return pl_buf_addc(out, '"', err);
}

/* Numbers and booleans stand bare, but for NaN and Infinity. */
static int add_short(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector v, uint64_t row, struct pl_err *err)
{
    char text[64];
    bool is_bare = true;

    local_value_text(t, duckdb_vector_get_data(v), row, text);
    switch (t->id) {
    case DUCKDB_DATE:
    case DUCKDB_TIME:
    case DUCKDB_TIMESTAMP:
    case DUCKDB_TIMESTAMP_S:
    case DUCKDB_TIMESTAMP_MS:
    case DUCKDB_TIMESTAMP_NS:
        is_bare = false;
        break;
    case DUCKDB_FLOAT:
    case DUCKDB_DOUBLE:
        is_bare = strpbrk(text, "NIy") == NULL;
        break;
    default:
        break;
    }
    return is_bare ? pl_buf_adds(out, text, err)
                   : pl_json_quote(out, text, strlen(text), err);
}

static int add_value(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector v, uint64_t row, unsigned depth,
                     struct pl_err *err)
{
    const char *bytes;
    size_t len;

    if (depth > DEPTH_MAX)
        return pl_fail(err, PL_QUERY_FAILED, "a value is nested too deeply");
    if (local_is_null(v, row))
        return pl_buf_adds(out, "null", err);
    switch (t->id) {
    case DUCKDB_VARCHAR:
        bytes = local_value_bytes(v, row, &len);
        return pl_json_quote(out, bytes, len, err);
    case DUCKDB_BLOB:
        return add_binary(out, v, row, err);
    case DUCKDB_LIST: {
        const duckdb_list_entry *e =
            &((const duckdb_list_entry *)duckdb_vector_get_data(v))[row];

        return add_items(out, t, duckdb_list_vector_get_child(v), e->offset,
                         e->length, depth + 1, err);
    }
    case DUCKDB_ARRAY:
        return add_items(out, t, duckdb_array_vector_get_child(v),
                         row * t->size, t->size, depth + 1, err);
    case DUCKDB_MAP:
        return add_map(out, t, v, row, depth + 1, err);
    case DUCKDB_STRUCT:
        return add_struct(out, t, v, row, depth + 1, err);
    default:
        return add_short(out, t, v, row, err);
    }
}

static int add_object(const struct local_result *r, size_t count,
                      bool has_nulls, uint64_t row, struct pl_buf *text,
                      struct pl_err *err)
{
    bool is_first = true;

    if (pl_buf_addc(text, '{', err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!has_nulls && local_is_null(r->vectors[i], row))
            continue;
        if ((!is_first && pl_buf_addc(text, ',', err) != 0) ||
            pl_json_quote(text, r->names[i], strlen(r->names[i]), err) != 0 ||
            pl_buf_addc(text, ':', err) != 0 ||
            add_value(text, &r->types[i], r->vectors[i], row, 0, err) != 0)
            return -1;
        is_first = false;
    }
    return pl_buf_adds(text, "}\n", err);
}

static int add_fields(const struct local_result *r, size_t count,
                      char delimiter, uint64_t row, struct pl_buf *text,
                      struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && pl_buf_addc(text, delimiter, err) != 0)
            return -1;
        if ((local_is_null(r->vectors[i], row)
                 ? pl_buf_adds(text, "\\N", err)
                 : local_rows_value(text, &r->types[i], r->vectors[i], row,
                                    err)) != 0)
            return -1;
    }
    return pl_buf_addc(text, '\n', err);
}

/* "name=value/", in the escapes of Hive. */
static int add_folder(const struct local_result *r, size_t at, uint64_t row,
                      struct pl_buf *folder, struct pl_err *err)
{
    PL_AUTO(pl_buf) value = PL_BUF_INIT;

    if ((local_is_null(r->vectors[at], row)
             ? pl_buf_adds(&value, "__HIVE_DEFAULT_PARTITION__", err)
             : local_rows_value(&value, &r->types[at], r->vectors[at], row,
                                err)) != 0 ||
        pl_buf_addf(folder, err, "%s=", r->names[at]) != 0)
        return -1;
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.data[i];
        const bool is_escaped =
            c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c) != NULL;

        if ((is_escaped ? pl_buf_addf(folder, err, "%%%02X", c)
                        : pl_buf_addc(folder, (char)c, err)) != 0)
            return -1;
    }
    return pl_buf_addc(folder, '/', err);
}

int local_unload_row(const struct local_result *r,
                     const struct local_rows_out *out, uint64_t row,
                     struct pl_buf *text, struct pl_buf *folder,
                     struct pl_err *err)
{
    const size_t count = r->count - json_array_size(out->partitions);

    for (size_t i = count; i < r->count; i++)
        if (add_folder(r, i, row, folder, err) != 0)
            return -1;
    return out->form == LOCAL_ROWS_JSON
               ? add_object(r, count, out->has_nulls, row, text, err)
               : add_fields(r, count, out->delimiter, row, text, err);
}
