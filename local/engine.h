/*
 * engine.h - one SQL query on a DuckDB of its own, over the lake's files.
 *
 * Each query gets a new database in memory: queries cannot see, hinder or
 * outlive each other. Results stream; memory does not depend on their size.
 */
#ifndef LOCAL_ENGINE_H
#define LOCAL_ENGINE_H

#include <jansson.h>

#include "pipeline/base/io.h"

struct local_engine {
    void *impl;
    uint64_t scanned_bytes; /* the sizes of the files behind the tables */
};

struct local_engine_setup {
    const char *lake;     /* folder, or NULL */
    const char *temp;     /* where DuckDB may spill */
    const char *database; /* the schema that unqualified names mean */
    const char *sql;      /* only tables that it names are made */
};

/* "v1.5.6", or NULL when built without DuckDB. */
const char *local_engine_version(void);
int local_engine_open(struct local_engine *engine,
                      const struct local_engine_setup *setup,
                      struct pl_err *err) PL_MUST_CHECK;
/*
 * Runs one SELECT and writes its rows to sink as Athena's CSV. *columns gets
 * [{"Name","Type"}, ...]. A query that is refused or fails is PL_QUERY_FAILED
 * with the engine's words.
 */
int local_engine_run(struct local_engine *engine, const char *sql,
                     const struct pl_sink *sink, json_t **columns,
                     struct pl_err *err) PL_MUST_CHECK;
/* From any thread: makes a running query end. */
void local_engine_interrupt(struct local_engine *engine);
void local_engine_release(struct local_engine *engine);

/* Runs a script statement by statement; variables: "name=value,...". */
int local_engine_script(const char *script, const char *variables,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
