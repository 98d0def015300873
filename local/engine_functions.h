/*
 * engine_functions.h - functions of Trino's that no macro can be: registered
 * with the engine as trino_*, which athena/macros.sql gives their names.
 */
#ifndef LOCAL_ENGINE_FUNCTIONS_H
#define LOCAL_ENGINE_FUNCTIONS_H

#include "local/duckdb_min.h"
#include "pipeline/base/err.h"

int local_engine_functions(duckdb_connection con,
                           struct pl_err *err) PL_MUST_CHECK;

#endif
