#include "local/engine.h"

#include <unistd.h>

#include "local/engine_functions.h"
#include "local/engine_impl.h"
#include "local/engine_lake.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

/* athena/macros.sql, put into the program at build time. */
extern const char local_macros_sql[];

const char *local_engine_version(void)
{
    return duckdb_library_version();
}

int local_engine_failed(struct pl_err *err, const char *text)
{
    const char *words = text != NULL ? text : "the query failed";

    return pl_fail(err, PL_QUERY_FAILED, "%.*s", (int)strcspn(words, "\n"),
                   words);
}

int local_engine_do(duckdb_connection con, const char *sql, struct pl_err *err)
{
    duckdb_result r;
    int rc = 0;

    memset(&r, 0, sizeof(r));
    if (duckdb_query(con, sql, &r) != DuckDBSuccess)
        rc = local_engine_failed(err, duckdb_result_error(&r));
    duckdb_destroy_result(&r);
    return rc;
}

static int open_database(struct local_engine_impl *e, struct pl_err *err)
{
    if (duckdb_open(NULL, &e->db) != DuckDBSuccess ||
        duckdb_connect(e->db, &e->con) != DuckDBSuccess)
        return pl_fail(err, PL_HOST_ERROR, "cannot start DuckDB");
    return 0;
}

static int limit(struct local_engine_impl *e, const char *temp,
                 struct pl_err *err)
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
    return local_engine_do(e->con, sql.data, err);
}

static int allow(const char *lake, const char *out, struct pl_buf *sql,
                 struct pl_err *err)
{
    if (pl_buf_adds(sql, "; SET allowed_directories=[", err) != 0 ||
        (lake != NULL && local_sql_quote(sql, lake, '\'', err) != 0) ||
        (lake != NULL && out != NULL && pl_buf_addc(sql, ',', err) != 0) ||
        (out != NULL && local_sql_quote(sql, out, '\'', err) != 0))
        return -1;
    return pl_buf_addc(sql, ']', err);
}

/* From here on nothing but the lake can be read, and no setting changed. */
static int lock(struct local_engine_impl *e,
                const struct local_engine_setup *setup, const char *lake,
                struct pl_err *err)
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
    if (allow(lake, setup->out, &sql, err) != 0)
        return -1;
    if (pl_buf_adds(&sql,
                    "; SET enable_external_access=false"
                    "; SET lock_configuration=true",
                    err) != 0)
        return -1;
    return local_engine_do(e->con, sql.data, err);
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

static int set_up(struct local_engine_impl *e,
                  const struct local_engine_setup *setup, uint64_t *scanned,
                  struct pl_err *err)
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
        local_engine_functions(e->con, err) != 0 ||
        local_engine_do(e->con, local_macros_sql, err) != 0 ||
        local_lake_views(e->con, lake, setup->database, setup->sql, &sql,
                         scanned, err) != 0 ||
        local_engine_do(e->con, sql.data, err) != 0)
        return -1;
    return lock(e, setup, lake, err);
}

int local_engine_open(struct local_engine *engine,
                      const struct local_engine_setup *setup,
                      struct pl_err *err)
{
    struct local_engine_impl *e = calloc(1, sizeof(*e));

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
    const struct local_engine_impl *e = engine->impl;

    if (e != NULL)
        duckdb_interrupt(e->con);
}

void local_engine_release(struct local_engine *engine)
{
    struct local_engine_impl *e = engine->impl;

    if (e == NULL)
        return;
    duckdb_disconnect(&e->con);
    duckdb_close(&e->db);
    free(e);
    engine->impl = NULL;
}

/* "a=1,b=x" as SET VARIABLE a='1' ... */
static int set_variables(struct local_engine_impl *e, const char *list,
                         struct pl_err *err)
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
            local_engine_do(e->con, sql.data, err) != 0)
            return -1;
        list += len + (list[len] == ',');
    }
    return 0;
}

static int run_statements(struct local_engine_impl *e, const char *script,
                          struct pl_err *err)
{
    duckdb_extracted_statements all = NULL;
    const idx_t count = duckdb_extract_statements(e->con, script, &all);
    int rc = 0;

    if (count == 0 && duckdb_extract_statements_error(all) != NULL)
        rc = local_engine_failed(err, duckdb_extract_statements_error(all));
    for (idx_t i = 0; rc == 0 && i < count; i++) {
        duckdb_prepared_statement s = NULL;
        duckdb_result r;

        memset(&r, 0, sizeof(r));
        if (duckdb_prepare_extracted_statement(e->con, all, i, &s) !=
            DuckDBSuccess)
            rc = local_engine_failed(err, duckdb_prepare_error(s));
        else if (duckdb_execute_prepared(s, &r) != DuckDBSuccess)
            rc = local_engine_failed(err, duckdb_result_error(&r));
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
    struct local_engine_impl e = {.db = NULL};
    int rc = -1;

    if (open_database(&e, err) == 0 &&
        local_engine_do(
            e.con, "SET TimeZone='UTC'; SET autoinstall_known_extensions=false",
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
