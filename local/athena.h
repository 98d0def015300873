/*
 * athena.h - the Athena service: queries that really run.
 */
#ifndef LOCAL_ATHENA_H
#define LOCAL_ATHENA_H

#include "local/local.h"

int local_athena_open(struct local *local, struct pl_err *err) PL_MUST_CHECK;
/* Cancels what runs and waits for its end. */
void local_athena_close(struct local *local);
/* New references, for the admin path. */
json_t *local_athena_queries(struct local *local);
/* {"Name", "Configuration", ...} as GetWorkGroup's answer holds it. */
int local_athena_workgroup(struct local *local, const json_t *group,
                           struct pl_err *err) PL_MUST_CHECK;

/* Replaces each '?' outside of quotes and comments by the next parameter. */
int local_athena_bind(const char *sql, const json_t *parameters,
                      struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
/* The AthenaError type of an engine's message, and Athena's name for it. */
int local_athena_error_type(const char *text, const char **name);

#endif
