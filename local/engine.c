#include "local/engine.h"

#include <ctype.h>
#include <unistd.h>

#include "local/duckdb_min.h"
#include "local/engine_lake.h"
#include "local/engine_rows.h"
#include "local/text_value.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define FLUSH_BYTES ((size_t)256 << 10)

/* athena/macros.sql, put into the program at build time. */
extern const char local_macros_sql[];

struct engine {
    duckdb_database db;
    duckdb_connection con;
};

const char *local_engine_version(void)
{
    return duckdb_library_version();
}

/* The engine's words: one line, without the statement it quotes. */
static int query_failed(struct pl_err *err, const char *text)
{
    const char *words = text != NULL ? text : "the query failed";

    return pl_fail(err, PL_QUERY_FAILED, "%.*s", (int)strcspn(words, "\n"),
                   words);
}

static int run(duckdb_connection con, const char *sql, struct pl_err *err)
{
    duckdb_result r;
    int rc = 0;

    memset(&r, 0, sizeof(r));
    if (duckdb_query(con, sql, &r) != DuckDBSuccess)
        rc = query_failed(err, duckdb_result_error(&r));
    duckdb_destroy_result(&r);
    return rc;
}

static int open_database(struct engine *e, struct pl_err *err)
{
    if (duckdb_open(NULL, &e->db) != DuckDBSuccess ||
        duckdb_connect(e->db, &e->con) != DuckDBSuccess)
        return pl_fail(err, PL_HOST_ERROR, "cannot start DuckDB");
    return 0;
}

static int limit(struct engine *e, const char *temp, struct pl_err *err)
{
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;

    if (pl_buf_adds(&sql,
                    "SET memory_limit='1GB'; SET threads=2; "
                    "SET autoinstall_known_extensions=false; "
                    "SET autoload_known_extensions=false; "
                    "ATTACH ':memory:' AS awsdatacatalog; "
                    "USE awsdatacatalog; SET temp_directory=",
                    err) != 0 ||
        local_sql_quote(&sql, temp, '\'', err) != 0)
        return -1;
    return run(e->con, sql.data, err);
}

/* From here on nothing but the lake can be read, and no setting changed. */
static int lock(struct engine *e, const struct local_engine_setup *setup,
                const char *lake, struct pl_err *err)
{
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (local_sql_quote(&path, setup->database, '"', err) != 0 ||
        pl_buf_adds(&sql, "SET search_path=", err) != 0)
        return -1;
    {
        PL_AUTO(pl_buf) both = PL_BUF_INIT;

        if (pl_buf_addf(&both, err, "awsdatacatalog.%s,awsdatacatalog.main",
                        path.data) != 0 ||
            local_sql_quote(&sql, both.data, '\'', err) != 0)
            return -1;
    }
    if (lake != NULL &&
        (pl_buf_adds(&sql, "; SET allowed_directories=[", err) != 0 ||
         local_sql_quote(&sql, lake, '\'', err) != 0 ||
         pl_buf_addc(&sql, ']', err) != 0))
        return -1;
    if (pl_buf_adds(&sql,
                    "; SET enable_external_access=false"
                    "; SET lock_configuration=true",
                    err) != 0)
        return -1;
    return run(e->con, sql.data, err);
}

/* The lake's folder from the root on, without a slash at the end:
 * allowed_directories compares texts. */
static int absolute(const char *lake, struct pl_buf *out, struct pl_err *err)
{
    char here[4096];
    size_t len = strlen(lake);

    while (len > 1 && lake[len - 1] == '/')
        len--;
    if (lake[0] != '/') {
        if (getcwd(here, sizeof(here)) == NULL)
            return pl_fail_errno(err, PL_HOST_ERROR, "no working folder");
        if (pl_buf_addf(out, err, "%s/", here) != 0)
            return -1;
    }
    return pl_buf_add(out, lake, len, err);
}

static int set_up(struct engine *e, const struct local_engine_setup *setup,
                  uint64_t *scanned, struct pl_err *err)
{
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const char *lake = NULL;

    if (setup->lake != NULL) {
        if (absolute(setup->lake, &path, err) != 0)
            return -1;
        lake = path.data;
    }
    if (open_database(e, err) != 0 || limit(e, setup->temp, err) != 0 ||
        run(e->con, local_macros_sql, err) != 0 ||
        local_lake_views(lake, setup->database, setup->sql, &sql, scanned,
                         err) != 0 ||
        run(e->con, sql.data, err) != 0)
        return -1;
    return lock(e, setup, lake, err);
}

int local_engine_open(struct local_engine *engine,
                      const struct local_engine_setup *setup,
                      struct pl_err *err)
{
    struct engine *e = calloc(1, sizeof(*e));

    *engine = (struct local_engine){.impl = e};
    if (e == NULL)
        return pl_fail_memory(err);
    if (set_up(e, setup, &engine->scanned_bytes, err) != 0) {
        local_engine_release(engine);
        return -1;
    }
    return 0;
}

void local_engine_interrupt(struct local_engine *engine)
{
    const struct engine *e = engine->impl;

    if (e != NULL)
        duckdb_interrupt(e->con);
}

void local_engine_release(struct local_engine *engine)
{
    struct engine *e = engine->impl;

    if (e == NULL)
        return;
    duckdb_disconnect(&e->con);
    duckdb_close(&e->db);
    free(e);
    engine->impl = NULL;
}

struct result {
    duckdb_prepared_statement statement;
    duckdb_result r;
    struct local_type *types;
    duckdb_vector *vectors;
    size_t count;
};

static void result_release(struct result *r)
{
    for (size_t i = 0; r->types != NULL && i < r->count; i++)
        local_type_release(&r->types[i]);
    free(r->types);
    free(r->vectors);
    duckdb_destroy_result(&r->r);
    duckdb_destroy_prepare(&r->statement);
}

/* A name that was not given by an alias: "_col0", as Athena makes it. */
static void column_name(const char *name, size_t at, const char *sql,
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
                      strstr(sql, pl_buf_str(&quoted)) == NULL))
        (void)snprintf(out, 256, "_col%zu", at);
    else
        (void)snprintf(out, 256, "%.255s", name);
}

static int describe(struct result *r, const char *sql, json_t *columns,
                    struct pl_buf *out, struct pl_err *err)
{
    r->count = duckdb_column_count(&r->r);
    r->types = calloc(r->count, sizeof(*r->types));
    r->vectors = calloc(r->count, sizeof(struct _duckdb_vector *));
    if (r->types == NULL || r->vectors == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < r->count; i++) {
        duckdb_logical_type logical = duckdb_column_logical_type(&r->r, i);
        const int rc = local_type_open(&r->types[i], logical, err);
        char name[256];

        duckdb_destroy_logical_type(&logical);
        if (rc != 0)
            return -1;
        column_name(duckdb_column_name(&r->r, i), i, sql, name);
        (void)json_array_append_new(columns,
                                    json_pack("{s:s,s:s}", "Name", name, "Type",
                                              local_type_name(&r->types[i])));
        if ((i > 0 && pl_buf_addc(out, ',', err) != 0) ||
            local_text_field(out, name, strlen(name), err) != 0)
            return -1;
    }
    return pl_buf_addc(out, '\n', err);
}

/* One statement, and one that only reads. */
static int prepare(struct engine *e, const char *sql, struct result *r,
                   struct pl_err *err)
{
    duckdb_extracted_statements all = NULL;
    const idx_t count = duckdb_extract_statements(e->con, sql, &all);
    int rc = 0;

    if (count == 0)
        rc = query_failed(err, duckdb_extract_statements_error(all));
    else if (count > 1)
        rc = query_failed(err, "Parser Error: Only one sql statement is "
                               "allowed.");
    else if (duckdb_prepare_extracted_statement(e->con, all, 0,
                                                &r->statement) != DuckDBSuccess)
        rc = query_failed(err, duckdb_prepare_error(r->statement));
    else if (duckdb_prepared_statement_type(r->statement) !=
             DUCKDB_STATEMENT_SELECT)
        rc = query_failed(err, "Not Supported: only SELECT is supported here");
    else if (duckdb_nparams(r->statement) > 0)
        rc = query_failed(err, "Binder Error: Incorrect number of parameters");
    duckdb_destroy_extracted(&all);
    return rc;
}

static int write_chunk(struct result *r, duckdb_data_chunk chunk,
                       struct pl_buf *out, const struct pl_sink *sink,
                       struct pl_err *err)
{
    const uint64_t rows = duckdb_data_chunk_get_size(chunk);

    for (size_t i = 0; i < r->count; i++)
        r->vectors[i] = duckdb_data_chunk_get_vector(chunk, i);
    for (uint64_t row = 0; row < rows; row++) {
        if (local_rows_add(out, r->types, r->count, r->vectors, row, err) != 0)
            return -1;
        if (out->len >= FLUSH_BYTES) {
            if (pl_sink_write(sink, out->data, out->len, err) != 0)
                return -1;
            pl_buf_reset(out);
        }
    }
    return 0;
}

static int write_rows(struct result *r, struct pl_buf *out,
                      const struct pl_sink *sink, struct pl_err *err)
{
    duckdb_data_chunk chunk;
    const char *text;

    while ((chunk = duckdb_fetch_chunk(r->r)) != NULL) {
        const int rc = write_chunk(r, chunk, out, sink, err);

        duckdb_destroy_data_chunk(&chunk);
        if (rc != 0)
            return -1;
    }
    text = duckdb_result_error(&r->r);
    if (text != NULL && text[0] != '\0')
        return query_failed(err, text);
    return pl_sink_write(sink, pl_buf_str(out), out->len, err);
}

int local_engine_run(struct local_engine *engine, const char *sql,
                     const struct pl_sink *sink, json_t **columns,
                     struct pl_err *err)
{
    PL_AUTO(result) r = {.statement = NULL};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct engine *e = engine->impl;
    json_t *found = json_array();

    if (prepare(e, sql, &r, err) != 0) {
        json_decref(found);
        return -1;
    }
    if (duckdb_execute_prepared_streaming(r.statement, &r.r) != DuckDBSuccess) {
        json_decref(found);
        return query_failed(err, duckdb_result_error(&r.r));
    }
    if (describe(&r, sql, found, &out, err) != 0 ||
        write_rows(&r, &out, sink, err) != 0) {
        json_decref(found);
        return -1;
    }
    *columns = found;
    return 0;
}

/* "a=1,b=x" as SET VARIABLE a='1' ... */
static int set_variables(struct engine *e, const char *list, struct pl_err *err)
{
    while (list != NULL && *list != '\0') {
        PL_AUTO(pl_buf) sql = PL_BUF_INIT;
        PL_AUTO(pl_buf) value = PL_BUF_INIT;
        const size_t len = strcspn(list, ",");
        const size_t name = strcspn(list, "=,");

        if (name == 0 || name >= len)
            return pl_fail(err, PL_USAGE_INVALID, "--set takes name=value,...");
        if (pl_buf_add(&value, list + name + 1, len - name - 1, err) != 0 ||
            pl_buf_addf(&sql, err, "SET VARIABLE %.*s = ", (int)name, list) !=
                0 ||
            local_sql_quote(&sql, pl_buf_str(&value), '\'', err) != 0 ||
            run(e->con, sql.data, err) != 0)
            return -1;
        list += len + (list[len] == ',');
    }
    return 0;
}

static int run_statements(struct engine *e, const char *script,
                          struct pl_err *err)
{
    duckdb_extracted_statements all = NULL;
    const idx_t count = duckdb_extract_statements(e->con, script, &all);
    int rc = 0;

    if (count == 0 && duckdb_extract_statements_error(all) != NULL)
        rc = query_failed(err, duckdb_extract_statements_error(all));
    for (idx_t i = 0; rc == 0 && i < count; i++) {
        duckdb_prepared_statement s = NULL;
        duckdb_result r;

        memset(&r, 0, sizeof(r));
        if (duckdb_prepare_extracted_statement(e->con, all, i, &s) !=
            DuckDBSuccess)
            rc = query_failed(err, duckdb_prepare_error(s));
        else if (duckdb_execute_prepared(s, &r) != DuckDBSuccess)
            rc = query_failed(err, duckdb_result_error(&r));
        duckdb_destroy_result(&r);
        duckdb_destroy_prepare(&s);
        if (rc != 0)
            rc = pl_context(err, "statement %llu", (unsigned long long)i + 1);
        else
            rc = pl_stop_check(err);
    }
    duckdb_destroy_extracted(&all);
    return rc;
}

int local_engine_script(const char *script, const char *variables,
                        struct pl_err *err)
{
    struct engine e = {.db = NULL};
    int rc = -1;

    if (open_database(&e, err) == 0 &&
        run(e.con, "SET TimeZone='UTC'; SET autoinstall_known_extensions=false",
            err) == 0 &&
        set_variables(&e, variables, err) == 0)
        rc = run_statements(&e, script, err);
    /* whoever wrote the script may see all of the words */
    if (err->code == PL_QUERY_FAILED)
        err->code = PL_QUERY_INVALID;
    if (e.con != NULL)
        duckdb_disconnect(&e.con);
    if (e.db != NULL)
        duckdb_close(&e.db);
    return rc;
}
