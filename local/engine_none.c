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
                     const struct pl_sink *sink, json_t **columns,
                     struct pl_err *err)
{
    (void)engine;
    (void)sql;
    (void)sink;
    (void)columns;
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
