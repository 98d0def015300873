/* One statement on the engine: judged, run, its rows handed on. */
#include "local/engine_impl.h"

#include <ctype.h>

#include "local/engine_lake.h"
#include "local/engine_result.h"
#include "local/text_value.h"
#include "local/trino_sql.h"

#define FLUSH_BYTES ((size_t)256 << 10)

void local_result_release(struct local_result *r)
{
    for (size_t i = 0; r->types != NULL && i < r->count; i++)
        local_type_release(&r->types[i]);
    free(r->types);
    free(r->names);
    free(r->is_named);
    free(r->vectors);
    duckdb_destroy_result(&r->r);
    duckdb_destroy_prepare(&r->statement);
    *r = (struct local_result){.count = 0};
}

/* A name that was not given by an alias: "_col0", as Athena makes it. */
static bool column_name(const char *name, size_t at, const char *sql,
                        char out[256])
{
    PL_AUTO(pl_buf) quoted = PL_BUF_INIT;
    struct pl_err err = {0};
    bool is_plain = (isalpha((unsigned char)name[0]) || name[0] == '_') &&
                    strcmp(name, "NULL") != 0;

    for (const char *p = name; *p != '\0'; p++)
        is_plain = is_plain && (isalnum((unsigned char)*p) || *p == '_' ||
                                (unsigned char)*p >= 0x80);
    if (!is_plain && (local_sql_quote(&quoted, name, '"', &err) != 0 ||
                      strstr(sql, pl_buf_str(&quoted)) == NULL)) {
        (void)snprintf(out, 256, "_col%zu", at);
        return false;
    }
    (void)snprintf(out, 256, "%.255s", name);
    return true;
}

static int allocate(struct local_result *r, size_t count, struct pl_err *err)
{
    r->types = calloc(count, sizeof(*r->types));
    r->names = calloc(count, sizeof(*r->names));
    r->is_named = calloc(count, sizeof(*r->is_named));
    r->vectors = calloc(count, sizeof(struct _duckdb_vector *));
    if (r->types == NULL || r->names == NULL || r->is_named == NULL ||
        r->vectors == NULL)
        return pl_fail_memory(err);
    r->count = count;
    return 0;
}

static int describe(struct local_result *r, const char *sql, json_t *columns,
                    struct pl_err *err)
{
    if (allocate(r, duckdb_column_count(&r->r), err) != 0)
        return -1;
    for (size_t i = 0; i < r->count; i++) {
        duckdb_logical_type logical = duckdb_column_logical_type(&r->r, i);
        const int rc = local_type_open(&r->types[i], logical, err);
        unsigned width = 0;

        if (rc == 0 && r->types[i].id == DUCKDB_DECIMAL)
            width = duckdb_decimal_width(logical);
        duckdb_destroy_logical_type(&logical);
        if (rc != 0)
            return -1;
        r->is_named[i] =
            column_name(duckdb_column_name(&r->r, i), i, sql, r->names[i]);
        (void)json_array_append_new(
            columns, json_pack("{s:s,s:s,s:i,s:i}", "Name", r->names[i], "Type",
                               local_type_name(&r->types[i]), "Precision",
                               local_type_precision(&r->types[i], width),
                               "Scale", (int)r->types[i].scale));
    }
    return 0;
}

static int add_header(const struct local_result *r, struct pl_buf *out,
                      struct pl_err *err)
{
    for (size_t i = 0; i < r->count; i++)
        if ((i > 0 && pl_buf_addc(out, ',', err) != 0) ||
            local_text_field(out, r->names[i], strlen(r->names[i]), err) != 0)
            return -1;
    return pl_buf_addc(out, '\n', err);
}

/* One statement, and one that only reads. */
static int prepare(struct local_engine_impl *e, const char *sql,
                   struct local_result *r, struct pl_err *err)
{
    duckdb_extracted_statements all = NULL;
    const idx_t count = duckdb_extract_statements(e->con, sql, &all);
    int rc = 0;

    if (count == 0)
        rc = local_engine_failed(err, duckdb_extract_statements_error(all));
    else if (count > 1)
        rc = local_engine_failed(err, "Parser Error: Only one sql statement is "
                                      "allowed.");
    else if (duckdb_prepare_extracted_statement(e->con, all, 0,
                                                &r->statement) != DuckDBSuccess)
        rc = local_engine_failed(err, duckdb_prepare_error(r->statement));
    else if (duckdb_prepared_statement_type(r->statement) !=
             DUCKDB_STATEMENT_SELECT)
        rc = local_engine_failed(err, "Not Supported: only SELECT is supported "
                                      "here");
    else if (duckdb_nparams(r->statement) > 0)
        rc = local_engine_failed(
            err, "Binder Error: Incorrect number of parameters");
    duckdb_destroy_extracted(&all);
    return rc;
}

/* Where the rows go, and what waits to go there. */
struct writer {
    const struct local_rows_out *out;
    struct pl_buf text;
    struct pl_buf folder;
};

static void writer_release(struct writer *w)
{
    pl_buf_release(&w->text);
    pl_buf_release(&w->folder);
}

static int flush(struct writer *w, struct pl_err *err)
{
    const int rc = w->out->take(w->out->ctx, pl_buf_str(&w->folder),
                                pl_buf_str(&w->text), w->text.len, err);

    pl_buf_reset(&w->text);
    pl_buf_reset(&w->folder);
    return rc;
}

static int write_row(struct local_result *r, uint64_t row, struct writer *w,
                     struct pl_err *err)
{
    if (w->out->form != LOCAL_ROWS_CSV)
        return local_unload_row(r, w->out, row, &w->text, &w->folder, err) == 0
                   ? flush(w, err)
                   : -1;
    if (local_rows_add(&w->text, r->types, r->count, r->vectors, row, err) != 0)
        return -1;
    return w->text.len >= FLUSH_BYTES ? flush(w, err) : 0;
}

static int write_chunk(struct local_result *r, duckdb_data_chunk chunk,
                       struct writer *w, struct pl_err *err)
{
    const uint64_t rows = duckdb_data_chunk_get_size(chunk);

    for (size_t i = 0; i < r->count; i++)
        r->vectors[i] = duckdb_data_chunk_get_vector(chunk, i);
    for (uint64_t row = 0; row < rows; row++)
        if (write_row(r, row, w, err) != 0)
            return -1;
    return 0;
}

static int write_rows(struct local_result *r, struct writer *w,
                      struct pl_err *err)
{
    duckdb_data_chunk chunk;
    const char *text;

    while ((chunk = duckdb_fetch_chunk(r->r)) != NULL) {
        const int rc = write_chunk(r, chunk, w, err);

        duckdb_destroy_data_chunk(&chunk);
        if (rc != 0)
            return -1;
    }
    text = duckdb_result_error(&r->r);
    if (text != NULL && text[0] != '\0')
        return local_engine_failed(err, text);
    return w->text.len > 0 ? flush(w, err) : 0;
}

static int run(struct local_engine_impl *e, const char *sql,
               const struct local_rows_out *out, json_t *columns,
               struct pl_err *err)
{
    PL_AUTO(local_result) r = {.statement = NULL};
    PL_AUTO(writer) w = {.out = out};

    if (prepare(e, sql, &r, err) != 0)
        return -1;
    if (duckdb_execute_prepared_streaming(r.statement, &r.r) != DuckDBSuccess)
        return local_engine_failed(err, duckdb_result_error(&r.r));
    if (describe(&r, sql, columns, err) != 0)
        return -1;
    if ((out->form == LOCAL_ROWS_CSV
             ? add_header(&r, &w.text, err)
             : local_unload_check(&r, out->partitions, err)) != 0)
        return -1;
    return write_rows(&r, &w, err);
}

int local_engine_run(struct local_engine *engine, const char *sql,
                     const struct local_rows_out *out, json_t **columns,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) own = PL_BUF_INIT;
    json_t *found = json_array();

    if (local_trino_rewrite(sql, &own, err) != 0 ||
        run(engine->impl, own.data, out, found, err) != 0) {
        json_decref(found);
        return -1;
    }
    *columns = found;
    return 0;
}

int local_engine_validate(struct local_engine *engine, const char *sql,
                          struct pl_err *err)
{
    PL_AUTO(local_result) r = {.statement = NULL};
    PL_AUTO(pl_buf) own = PL_BUF_INIT;

    if (local_trino_rewrite(sql, &own, err) != 0)
        return -1;
    return prepare(engine->impl, own.data, &r, err);
}

/* The columns, judged as UNLOAD judges them; no row is asked for. */
static int judge_columns(struct local_engine_impl *e, const char *sql,
                         json_t *columns, struct pl_err *err)
{
    PL_AUTO(local_result) r = {.statement = NULL};
    PL_AUTO(pl_buf) none = PL_BUF_INIT;

    if (prepare(e, sql, &r, err) != 0 ||
        pl_buf_addf(&none, err, "SELECT * FROM (\n%s\n) LIMIT 0", sql) != 0)
        return -1;
    if (duckdb_query(e->con, none.data, &r.r) != DuckDBSuccess)
        return local_engine_failed(err, duckdb_result_error(&r.r));
    if (describe(&r, sql, columns, err) != 0)
        return -1;
    return local_unload_check(&r, NULL, err);
}

static int copy(struct local_engine_impl *e, const char *sql, const char *path,
                uint64_t *rows, struct pl_err *err)
{
    PL_AUTO(local_result) r = {.statement = NULL};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    duckdb_data_chunk chunk;

    if (pl_buf_addf(&text, err, "COPY (\n%s\n) TO ", sql) != 0 ||
        local_sql_quote(&text, path, '\'', err) != 0 ||
        pl_buf_adds(&text, " (FORMAT parquet)", err) != 0)
        return -1;
    if (duckdb_query(e->con, text.data, &r.r) != DuckDBSuccess)
        return local_engine_failed(err, duckdb_result_error(&r.r));
    chunk = duckdb_fetch_chunk(r.r);
    if (chunk == NULL)
        return pl_fail(err, PL_INTERNAL_ERROR, "a copy without a count");
    *rows = ((const uint64_t *)duckdb_vector_get_data(
        duckdb_data_chunk_get_vector(chunk, 0)))[0];
    duckdb_destroy_data_chunk(&chunk);
    return 0;
}

int local_engine_parquet(struct local_engine *engine, const char *sql,
                         const char *path, json_t **columns, uint64_t *rows,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) own = PL_BUF_INIT;
    json_t *found = json_array();

    if (local_trino_rewrite(sql, &own, err) != 0 ||
        judge_columns(engine->impl, own.data, found, err) != 0 ||
        copy(engine->impl, own.data, path, rows, err) != 0) {
        json_decref(found);
        return -1;
    }
    *columns = found;
    return 0;
}
