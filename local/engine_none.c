/* The build without DuckDB. */
#include "local/engine.h"

static int missing(struct pl_err *err)
{
    return pl_fail(err, PL_CONFIG_INVALID, "built without DuckDB");
}

const char *local_engine_version(void)
{
    return NULL;
}

int local_engine_open(struct local_engine *engine,
                      const struct local_engine_setup *setup,
                      struct pl_err *err)
{
    (void)setup;
    *engine = (struct local_engine){0};
    return missing(err);
}

int local_engine_run(struct local_engine *engine, const char *sql,
                     const struct local_rows_out *out, json_t **columns,
                     struct pl_err *err)
{
    (void)engine;
    (void)sql;
    (void)out;
    (void)columns;
    return missing(err);
}

int local_engine_validate(struct local_engine *engine, const char *sql,
                          struct pl_err *err)
{
    (void)engine;
    (void)sql;
    return missing(err);
}

int local_engine_parquet(struct local_engine *engine, const char *sql,
                         const char *path, json_t **columns, uint64_t *rows,
                         struct pl_err *err)
{
    (void)engine;
    (void)sql;
    (void)path;
    (void)columns;
    (void)rows;
    return missing(err);
}

void local_engine_interrupt(struct local_engine *engine)
{
    (void)engine;
}

void local_engine_release(struct local_engine *engine)
{
    (void)engine;
}

int local_engine_script(const char *script, const char *variables,
                        struct pl_err *err)
{
    (void)script;
    (void)variables;
    return missing(err);
}
