/*
 * engine.h - one SQL query on a DuckDB of its own, over the lake's files.
 *
 * Each query gets a new database in memory: queries cannot see, hinder or
 * outlive each other. Results stream; memory does not depend on their size.
 */
#ifndef LOCAL_ENGINE_H
#define LOCAL_ENGINE_H

#include <jansson.h>
#include <stdbool.h>

#include "pipeline/base/io.h"

struct local_engine {
    void *impl;
    uint64_t scanned_bytes; /* the sizes of the files behind the tables */
};

struct local_engine_setup {
    const char *lake;     /* folder, or NULL */
    const char *temp;     /* where DuckDB may spill */
    const char *out;      /* the folder that a copy may go to, or NULL */
    const char *database; /* the schema that unqualified names mean */
    const char *sql;      /* only tables that it names are made */
};

enum local_rows_form {
    LOCAL_ROWS_CSV,  /* as Athena writes a result, with a header */
    LOCAL_ROWS_JSON, /* as UNLOAD does: one object a line */
    LOCAL_ROWS_TEXT  /* as UNLOAD does: fields and a delimiter */
};

/* What becomes of the rows of a query. */
struct local_rows_out {
    enum local_rows_form form;
    bool has_nulls;           /* JSON: a key for NULL, too */
    char delimiter;           /* of TEXT */
    const json_t *partitions; /* names of the last columns, or NULL */
    void *ctx;
    /* Whole rows of a CSV, or one row. folder: "a=1/b=x/", or "". */
    int (*take)(void *ctx, const char *folder, const char *text, size_t len,
                struct pl_err *err);
};

/* "v1.5.6", or NULL when built without DuckDB. */
const char *local_engine_version(void);
int local_engine_open(struct local_engine *engine,
                      const struct local_engine_setup *setup,
                      struct pl_err *err) PL_MUST_CHECK;
/*
 * Runs one SELECT. *columns gets [{"Name","Type"}, ...]. A query that is
 * refused or fails is PL_QUERY_FAILED with the engine's words, or Athena's.
 */
int local_engine_run(struct local_engine *engine, const char *sql,
                     const struct local_rows_out *out, json_t **columns,
                     struct pl_err *err) PL_MUST_CHECK;
/* Says whether it could run, as EXPLAIN (TYPE VALIDATE) does. */
int local_engine_validate(struct local_engine *engine, const char *sql,
                          struct pl_err *err) PL_MUST_CHECK;
/* Writes the rows of one SELECT to a Parquet file. */
int local_engine_parquet(struct local_engine *engine, const char *sql,
                         const char *path, json_t **columns, uint64_t *rows,
                         struct pl_err *err) PL_MUST_CHECK;
/* From any thread: makes a running query end. */
void local_engine_interrupt(struct local_engine *engine);
void local_engine_release(struct local_engine *engine);

/* Runs a script statement by statement; variables: "name=value,...". */
int local_engine_script(const char *script, const char *variables,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
