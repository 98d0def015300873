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
/* "NAME,cutoff=N,managed;NAME...", as --workgroup takes it. */
int local_athena_workgroups_add(struct local *local, const char *list,
                                struct pl_err *err) PL_MUST_CHECK;
/* From the admin path; athena_rules.h says what may be in them. */
int local_athena_rule(struct local *local, const json_t *rule,
                      struct pl_err *err) PL_MUST_CHECK;
void local_athena_no_rules(struct local *local);
int local_athena_settings(struct local *local, const json_t *settings,
                          struct pl_err *err) PL_MUST_CHECK;

/* Replaces each '?' outside of quotes and comments by the next parameter. */
int local_athena_bind(const char *sql, const json_t *parameters,
                      struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
/* Turns the engine's words (or Athena's, when they begin with a name such as
 * SYNTAX_ERROR) into an AthenaError's type and message. sql: the statement, to
 * find the place of what was wrong. */
void local_athena_failure(const char *words, const char *sql,
                          const char *database, int *type, char *out,
                          size_t cap);

#endif
