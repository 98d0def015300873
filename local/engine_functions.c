#include "local/engine_functions.h"

#include "local/engine_rows.h"
#include "local/trino_time.h"
#include "pipeline/base/digest.h"

#define DAY INT64_C(86400000000)

/* One row of a function: its arguments stand in the vectors. */
struct row {
    const duckdb_vector *in;
    duckdb_vector out;
    uint64_t at;
};

typedef int (*row_fn)(const struct row *row, struct pl_err *err);

static int64_t long_at(const struct row *r, size_t arg)
{
    return ((const int64_t *)duckdb_vector_get_data(r->in[arg]))[r->at];
}

static int format_as(const struct row *r, enum local_time_form form,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    size_t len;
    const char *format = local_value_bytes(r->in[1], r->at, &len);

    if (local_time_format(long_at(r, 0), form, format, len, &out, err) != 0)
        return -1;
    duckdb_vector_assign_string_element_len(r->out, r->at, pl_buf_str(&out),
                                            out.len);
    return 0;
}

static int parse_as(const struct row *r, enum local_time_form form,
                    struct pl_err *err)
{
    size_t text_len;
    size_t len;
    const char *text = local_value_bytes(r->in[0], r->at, &text_len);
    const char *format = local_value_bytes(r->in[1], r->at, &len);
    int64_t micros;

    if (local_time_parse(text, text_len, form, format, len, &micros, err) != 0)
        return -1;
    ((int64_t *)duckdb_vector_get_data(r->out))[r->at] = micros;
    return 0;
}

static int date_format(const struct row *r, struct pl_err *err)
{
    return format_as(r, LOCAL_TIME_MYSQL, err);
}

static int format_datetime(const struct row *r, struct pl_err *err)
{
    return format_as(r, LOCAL_TIME_JODA, err);
}

static int date_parse(const struct row *r, struct pl_err *err)
{
    return parse_as(r, LOCAL_TIME_MYSQL, err);
}

static int parse_datetime(const struct row *r, struct pl_err *err)
{
    return parse_as(r, LOCAL_TIME_JODA, err);
}

static int add_to_time(const struct row *r, struct pl_err *err)
{
    size_t len;
    const char *unit = local_value_bytes(r->in[0], r->at, &len);
    int64_t micros = long_at(r, 2);

    if (local_time_add(unit, len, long_at(r, 1), &micros, err) != 0)
        return -1;
    ((int64_t *)duckdb_vector_get_data(r->out))[r->at] = micros;
    return 0;
}

static int add_to_date(const struct row *r, struct pl_err *err)
{
    size_t len;
    const char *unit = local_value_bytes(r->in[0], r->at, &len);
    int64_t micros =
        ((const int32_t *)duckdb_vector_get_data(r->in[2]))[r->at] * DAY;

    if (local_time_add(unit, len, long_at(r, 1), &micros, err) != 0)
        return -1;
    ((int32_t *)duckdb_vector_get_data(r->out))[r->at] =
        (int32_t)(micros / DAY);
    return 0;
}

static int crc32_of(const struct row *r, struct pl_err *err)
{
    size_t len;
    const char *bytes = local_value_bytes(r->in[0], r->at, &len);

    (void)err;
    ((int64_t *)duckdb_vector_get_data(r->out))[r->at] =
        (int64_t)pl_crc32(0, bytes, len);
    return 0;
}

/* Every registered function, and one entry for each set of types. */
static const struct function {
    const char *name;
    size_t count;
    int types[3];
    int result;
    row_fn run;
} functions[] = {
    {"trino_date_format",
     2,
     {DUCKDB_TIMESTAMP, DUCKDB_VARCHAR},
     DUCKDB_VARCHAR,
     date_format},
    {"trino_date_format",
     2,
     {DUCKDB_TIMESTAMP_TZ, DUCKDB_VARCHAR},
     DUCKDB_VARCHAR,
     date_format},
    {"trino_format_datetime",
     2,
     {DUCKDB_TIMESTAMP, DUCKDB_VARCHAR},
     DUCKDB_VARCHAR,
     format_datetime},
    {"trino_format_datetime",
     2,
     {DUCKDB_TIMESTAMP_TZ, DUCKDB_VARCHAR},
     DUCKDB_VARCHAR,
     format_datetime},
    {"trino_date_parse",
     2,
     {DUCKDB_VARCHAR, DUCKDB_VARCHAR},
     DUCKDB_TIMESTAMP,
     date_parse},
    {"trino_parse_datetime",
     2,
     {DUCKDB_VARCHAR, DUCKDB_VARCHAR},
     DUCKDB_TIMESTAMP_TZ,
     parse_datetime},
    {"trino_date_add",
     3,
     {DUCKDB_VARCHAR, DUCKDB_BIGINT, DUCKDB_DATE},
     DUCKDB_DATE,
     add_to_date},
    {"trino_date_add",
     3,
     {DUCKDB_VARCHAR, DUCKDB_BIGINT, DUCKDB_TIMESTAMP},
     DUCKDB_TIMESTAMP,
     add_to_time},
    {"trino_date_add",
     3,
     {DUCKDB_VARCHAR, DUCKDB_BIGINT, DUCKDB_TIMESTAMP_TZ},
     DUCKDB_TIMESTAMP_TZ,
     add_to_time},
    {"crc32", 1, {DUCKDB_BLOB}, DUCKDB_BIGINT, crc32_of},
};

static bool has_null(const struct function *f, const duckdb_vector *in,
                     uint64_t row)
{
    for (size_t i = 0; i < f->count; i++)
        if (local_is_null(in[i], row))
            return true;
    return false;
}

static void run_chunk(duckdb_function_info info, duckdb_data_chunk chunk,
                      duckdb_vector out)
{
    const struct function *f = duckdb_scalar_function_get_extra_info(info);
    const uint64_t rows = duckdb_data_chunk_get_size(chunk);
    duckdb_vector in[3] = {NULL};

    for (size_t i = 0; i < f->count; i++)
        in[i] = duckdb_data_chunk_get_vector(chunk, i);
    for (uint64_t at = 0; at < rows; at++) {
        const struct row row = {in, out, at};
        struct pl_err err = {0};

        if (has_null(f, in, at)) {
            duckdb_vector_ensure_validity_writable(out);
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(out),
                                            at);
        } else if (f->run(&row, &err) != 0) {
            char text[160];

            (void)snprintf(text, sizeof(text), "Invalid Input Error: %.100s",
                           err.msg);
            duckdb_scalar_function_set_error(info, text);
            return;
        }
    }
}

static duckdb_scalar_function make(const struct function *f)
{
    duckdb_scalar_function out = duckdb_create_scalar_function();
    duckdb_logical_type type = duckdb_create_logical_type(f->result);
    void *extra;

    memcpy(&extra, &f, sizeof(extra)); /* the engine does not say const */
    duckdb_scalar_function_set_name(out, f->name);
    duckdb_scalar_function_set_return_type(out, type);
    duckdb_destroy_logical_type(&type);
    for (size_t i = 0; i < f->count; i++) {
        type = duckdb_create_logical_type(f->types[i]);
        duckdb_scalar_function_add_parameter(out, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_scalar_function_set_extra_info(out, extra, NULL);
    duckdb_scalar_function_set_function(out, run_chunk);
    return out;
}

int local_engine_functions(duckdb_connection con, struct pl_err *err)
{
    size_t i = 0;

    while (i < PL_COUNT(functions)) {
        const char *name = functions[i].name;
        duckdb_scalar_function_set set =
            duckdb_create_scalar_function_set(name);
        duckdb_state state = DuckDBSuccess;

        for (; i < PL_COUNT(functions) && strcmp(functions[i].name, name) == 0;
             i++) {
            duckdb_scalar_function f = make(&functions[i]);

            if (duckdb_add_scalar_function_to_set(set, f) != DuckDBSuccess)
                state = DuckDBError;
            duckdb_destroy_scalar_function(&f);
        }
        if (state == DuckDBSuccess)
            state = duckdb_register_scalar_function_set(con, set);
        duckdb_destroy_scalar_function_set(&set);
        if (state != DuckDBSuccess)
            return pl_fail(err, PL_INTERNAL_ERROR, "cannot register '%s'",
                           name);
    }
    return 0;
}
