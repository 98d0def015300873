/*
 * engine_impl.h - what the files of the engine share.
 */
#ifndef LOCAL_ENGINE_IMPL_H
#define LOCAL_ENGINE_IMPL_H

#include "local/duckdb_min.h"
#include "local/engine.h"

struct local_engine_impl {
    duckdb_database db;
    duckdb_connection con;
};

/* Fails with the engine's words: one line, without the statement it quotes. */
int local_engine_failed(struct pl_err *err, const char *text);
/* Runs statements whose rows nobody wants. */
int local_engine_do(duckdb_connection con, const char *sql,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
