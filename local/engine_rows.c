#include "local/engine_rows.h"

#include <inttypes.h>

#include "local/text_value.h"
#include "pipeline/base/digest.h"

#define DEPTH_MAX 32

static int add_child(struct local_type *type, size_t at,
                     duckdb_logical_type logical, struct pl_err *err)
{
    const int rc = local_type_open(&type->children[at], logical, err);

    duckdb_destroy_logical_type(&logical);
    return rc;
}

static int make_children(struct local_type *type, size_t count,
                         struct pl_err *err)
{
    type->children = calloc(count, sizeof(*type->children));
    if (type->children == NULL)
        return pl_fail_memory(err);
    type->count = count;
    return 0;
}

static int open_struct(struct local_type *type, duckdb_logical_type logical,
                       struct pl_err *err)
{
    if (make_children(type, duckdb_struct_type_child_count(logical), err) != 0)
        return -1;
    for (size_t i = 0; i < type->count; i++) {
        char *name = duckdb_struct_type_child_name(logical, i);

        if (add_child(type, i, duckdb_struct_type_child_type(logical, i),
                      err) != 0) {
            duckdb_free(name);
            return -1;
        }
        (void)snprintf(type->children[i].name, sizeof(type->children[i].name),
                       "%s", name != NULL ? name : "");
        duckdb_free(name);
    }
    return 0;
}

int local_type_open(struct local_type *type, duckdb_logical_type logical,
                    struct pl_err *err)
{
    *type = (struct local_type){.id = duckdb_get_type_id(logical)};
    switch (type->id) {
    case DUCKDB_DECIMAL:
        type->scale = duckdb_decimal_scale(logical);
        type->internal = duckdb_decimal_internal_type(logical);
        return 0;
    case DUCKDB_LIST:
        if (make_children(type, 1, err) != 0)
            return -1;
        return add_child(type, 0, duckdb_list_type_child_type(logical), err);
    case DUCKDB_ARRAY:
        type->size = duckdb_array_type_array_size(logical);
        if (make_children(type, 1, err) != 0)
            return -1;
        return add_child(type, 0, duckdb_array_type_child_type(logical), err);
    case DUCKDB_MAP:
        if (make_children(type, 2, err) != 0 ||
            add_child(type, 0, duckdb_map_type_key_type(logical), err) != 0)
            return -1;
        return add_child(type, 1, duckdb_map_type_value_type(logical), err);
    case DUCKDB_STRUCT:
        return open_struct(type, logical, err);
    default:
        return 0;
    }
}

void local_type_release(struct local_type *type)
{
    for (size_t i = 0; i < type->count; i++)
        local_type_release(&type->children[i]);
    free(type->children);
    *type = (struct local_type){0};
}

static const struct {
    const char *name;
    int id;
    int precision;
} names[] = {
    {"boolean", DUCKDB_BOOLEAN, 0},
    {"tinyint", DUCKDB_TINYINT, 3},
    {"smallint", DUCKDB_SMALLINT, 5},
    {"integer", DUCKDB_INTEGER, 10},
    {"bigint", DUCKDB_BIGINT, 19},
    {"smallint", DUCKDB_UTINYINT, 5},
    {"integer", DUCKDB_USMALLINT, 10},
    {"bigint", DUCKDB_UINTEGER, 19},
    {"decimal", DUCKDB_UBIGINT, 20},
    {"float", DUCKDB_FLOAT, 17},
    {"double", DUCKDB_DOUBLE, 17},
    {"timestamp", DUCKDB_TIMESTAMP, 3},
    {"date", DUCKDB_DATE, 0},
    {"time", DUCKDB_TIME, 3},
    {"decimal", DUCKDB_HUGEINT, 38},
    {"varbinary", DUCKDB_BLOB, 1073741824},
    {"decimal", DUCKDB_DECIMAL, 0},
    {"timestamp", DUCKDB_TIMESTAMP_S, 3},
    {"timestamp", DUCKDB_TIMESTAMP_MS, 3},
    {"timestamp", DUCKDB_TIMESTAMP_NS, 3},
    {"timestamp with time zone", DUCKDB_TIMESTAMP_TZ, 3},
    {"array", DUCKDB_LIST, 0},
    {"array", DUCKDB_ARRAY, 0},
    {"row", DUCKDB_STRUCT, 0},
    {"map", DUCKDB_MAP, 0},
    {"interval day to second", DUCKDB_INTERVAL, 0},
};

const char *local_type_name(const struct local_type *type)
{
    for (size_t i = 0; i < PL_COUNT(names); i++)
        if (names[i].id == type->id)
            return names[i].name;
    return "varchar";
}

int local_type_precision(const struct local_type *type, unsigned width)
{
    for (size_t i = 0; i < PL_COUNT(names); i++)
        if (names[i].id == type->id)
            return names[i].precision + (int)width;
    return INT32_MAX;
}

bool local_is_null(duckdb_vector v, uint64_t row)
{
    const uint64_t *valid = duckdb_vector_get_validity(v);

    return valid != NULL && (valid[row / 64] >> (row % 64) & 1) == 0;
}

/* Integers, whatever their width, as 128 bits. */
static void wide(int id, const void *data, uint64_t row, int64_t *hi,
                 uint64_t *lo)
{
    int64_t value = 0;

    switch (id) {
    case DUCKDB_TINYINT:
        value = (int64_t)((const int8_t *)data)[row]; /* NOLINT: a number */
        break;
    case DUCKDB_SMALLINT:
        value = ((const int16_t *)data)[row];
        break;
    case DUCKDB_INTEGER:
        value = ((const int32_t *)data)[row];
        break;
    case DUCKDB_BIGINT:
        value = ((const int64_t *)data)[row];
        break;
    case DUCKDB_UTINYINT:
        value = ((const uint8_t *)data)[row];
        break;
    case DUCKDB_USMALLINT:
        value = ((const uint16_t *)data)[row];
        break;
    case DUCKDB_UINTEGER:
        value = ((const uint32_t *)data)[row];
        break;
    case DUCKDB_UBIGINT:
        *lo = ((const uint64_t *)data)[row];
        *hi = 0;
        return;
    default: /* HUGEINT */
        *lo = ((const duckdb_hugeint *)data)[row].lower;
        *hi = ((const duckdb_hugeint *)data)[row].upper;
        return;
    }
    *lo = (uint64_t)value;
    *hi = value < 0 ? -1 : 0;
}

static int add_uuid(struct pl_buf *out, const duckdb_hugeint *value,
                    struct pl_err *err)
{
    const uint64_t hi = (uint64_t)value->upper ^ UINT64_C(1) << 63;

    return pl_buf_addf(
        out, err,
        "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
        hi >> 32, hi >> 16 & 0xffff, hi & 0xffff, value->lower >> 48,
        value->lower & UINT64_C(0xffffffffffff));
}

void local_value_text(const struct local_type *t, const void *data,
                      uint64_t row, char text[64])
{
    const int64_t *longs = data;
    uint64_t lo = 0;
    int64_t hi = 0;

    switch (t->id) {
    case DUCKDB_BOOLEAN:
        (void)snprintf(text, 64, "%s",
                       ((const uint8_t *)data)[row] != 0 ? "true" : "false");
        return;
    case DUCKDB_FLOAT:
        local_text_float(((const float *)data)[row], text);
        return;
    case DUCKDB_DOUBLE:
        local_text_double(((const double *)data)[row], text);
        return;
    case DUCKDB_DATE:
        local_text_date(((const int32_t *)data)[row], text);
        return;
    case DUCKDB_TIME:
        local_text_time(longs[row], text);
        return;
    case DUCKDB_TIMESTAMP:
    case DUCKDB_TIMESTAMP_TZ:
        local_text_timestamp(longs[row], text);
        break;
    case DUCKDB_TIMESTAMP_S:
        local_text_timestamp(longs[row] * 1000000, text);
        return;
    case DUCKDB_TIMESTAMP_MS:
        local_text_timestamp(longs[row] * 1000, text);
        return;
    case DUCKDB_TIMESTAMP_NS:
        local_text_timestamp(longs[row] / 1000, text);
        return;
    case DUCKDB_INTERVAL: {
        const duckdb_interval *v = &((const duckdb_interval *)data)[row];

        local_text_interval(v->months, v->days, v->micros, text);
        return;
    }
    default:
        wide(t->id == DUCKDB_DECIMAL ? t->internal : t->id, data, row, &hi,
             &lo);
        local_text_decimal(hi, lo, t->scale, text);
        return;
    }
    if (t->id == DUCKDB_TIMESTAMP_TZ) {
        const size_t len = strlen(text);

        (void)snprintf(text + len, 64 - len, " UTC");
    }
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
        if ((i > 0 && pl_buf_adds(out, ", ", err) != 0) ||
            add_value(out, &t->children[0], child, from + i, depth + 1, err) !=
                0)
            return -1;
    return pl_buf_addc(out, ']', err);
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
        if ((i > e->offset && pl_buf_adds(out, ", ", err) != 0) ||
            add_value(out, &t->children[0], keys, i, depth + 1, err) != 0 ||
            pl_buf_addc(out, '=', err) != 0 ||
            add_value(out, &t->children[1], values, i, depth + 1, err) != 0)
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

        if ((i > 0 && pl_buf_adds(out, ", ", err) != 0) ||
            (name[0] != '\0' && pl_buf_addf(out, err, "%s=", name) != 0) ||
            add_value(out, &t->children[i],
                      duckdb_struct_vector_get_child(v, i), row, depth + 1,
                      err) != 0)
            return -1;
    }
    return pl_buf_addc(out, '}', err);
}

const char *local_value_bytes(duckdb_vector v, uint64_t row, size_t *len)
{
    const duckdb_string_t *s =
        &((const duckdb_string_t *)duckdb_vector_get_data(v))[row];

    *len = s->value.inlined.length;
    return *len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr;
}

static int add_value(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector v, uint64_t row, unsigned depth,
                     struct pl_err *err)
{
    const void *data = duckdb_vector_get_data(v);
    const char *bytes;
    char text[64];
    size_t len;

    if (depth > DEPTH_MAX)
        return pl_fail(err, PL_QUERY_FAILED, "a value is nested too deeply");
    if (local_is_null(v, row) || t->id == DUCKDB_SQLNULL)
        return pl_buf_adds(out, "null", err);
    switch (t->id) {
    case DUCKDB_VARCHAR:
        bytes = local_value_bytes(v, row, &len);
        return pl_buf_add(out, bytes, len, err);
    case DUCKDB_BLOB:
        bytes = local_value_bytes(v, row, &len);
        return local_text_binary(out, bytes, len, err);
    case DUCKDB_UUID:
        return add_uuid(out, &((const duckdb_hugeint *)data)[row], err);
    case DUCKDB_LIST: {
        const duckdb_list_entry *e = &((const duckdb_list_entry *)data)[row];

        return add_items(out, t, duckdb_list_vector_get_child(v), e->offset,
                         e->length, depth, err);
    }
    case DUCKDB_ARRAY:
        return add_items(out, t, duckdb_array_vector_get_child(v),
                         row * t->size, t->size, depth, err);
    case DUCKDB_MAP:
        return add_map(out, t, v, row, depth, err);
    case DUCKDB_STRUCT:
        return add_struct(out, t, v, row, depth, err);
    default:
        local_value_text(t, data, row, text);
        return pl_buf_adds(out, text, err);
    }
}

int local_rows_value(struct pl_buf *out, const struct local_type *type,
                     duckdb_vector v, uint64_t row, struct pl_err *err)
{
    return add_value(out, type, v, row, 0, err);
}

/* A top-level value: quoted, NULL nothing. */
static int add_field(struct pl_buf *out, const struct local_type *t,
                     duckdb_vector v, uint64_t row, struct pl_err *err)
{
    PL_AUTO(pl_buf) nested = PL_BUF_INIT;
    const char *bytes;
    char text[64];
    size_t len;

    if (local_is_null(v, row) || t->id == DUCKDB_SQLNULL)
        return 0;
    switch (t->id) {
    case DUCKDB_VARCHAR:
        bytes = local_value_bytes(v, row, &len);
        return local_text_field(out, bytes, len, err);
    case DUCKDB_BLOB:
    case DUCKDB_UUID:
    case DUCKDB_LIST:
    case DUCKDB_ARRAY:
    case DUCKDB_MAP:
    case DUCKDB_STRUCT:
        if (add_value(&nested, t, v, row, 0, err) != 0)
            return -1;
        return local_text_field(out, pl_buf_str(&nested), nested.len, err);
    default:
        local_value_text(t, duckdb_vector_get_data(v), row, text);
        return local_text_field(out, text, strlen(text), err);
    }
}

int local_rows_add(struct pl_buf *out, const struct local_type *types,
                   size_t count, const duckdb_vector *vectors, uint64_t row,
                   struct pl_err *err)
{
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && pl_buf_addc(out, ',', err) != 0) ||
            add_field(out, &types[i], vectors[i], row, err) != 0)
            return -1;
    return pl_buf_addc(out, '\n', err);
}
