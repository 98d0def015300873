/*
 * athena_call.h - one request to Athena, and the operations that answer it.
 */
#ifndef LOCAL_ATHENA_CALL_H
#define LOCAL_ATHENA_CALL_H

#include "local/athena_query.h"

#define LOCAL_ATHENA_ENGINE "Athena engine version 3"

struct local_athena_call {
    struct local *local;
    struct local_athena *a;
    struct local_request *req;
    struct local_response *resp;
    const json_t *in;
};

/* Refuses with an InvalidRequestException; returns 0. */
int local_athena_invalid(const struct local_athena_call *c, const char *text);
/* The string at object.a, or at object.a.b, or NULL. */
const char *local_athena_text(const json_t *object, const char *a,
                              const char *b);
/* The query that the request names, or NULL. Needs the lock. */
struct local_athena_query *local_athena_find(const struct local_athena_call *c);
/* Needs the lock. */
void local_athena_cancel(struct local_athena *a, struct local_athena_query *q);

int local_athena_start(const struct local_athena_call *c,
                       struct pl_err *err) PL_MUST_CHECK;
int local_athena_get(const struct local_athena_call *c,
                     struct pl_err *err) PL_MUST_CHECK;
int local_athena_stop(const struct local_athena_call *c,
                      struct pl_err *err) PL_MUST_CHECK;
int local_athena_results(const struct local_athena_call *c,
                         struct pl_err *err) PL_MUST_CHECK;
int local_athena_get_workgroup(const struct local_athena_call *c,
                               struct pl_err *err) PL_MUST_CHECK;

#endif
