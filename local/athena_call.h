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
    const json_t *in; /* within the bounds of the service's model */
};

/* Whether a request's members are what the model says. PL_USAGE_INVALID: of
 * another type; PL_DATA_INVALID: out of bounds; the service's words. */
int local_athena_check(const char *operation, const json_t *in,
                       struct pl_err *err) PL_MUST_CHECK;

/* Refuses with an InvalidRequestException; returns 0. */
int local_athena_invalid(const struct local_athena_call *c, const char *text);
int local_athena_not_found(const struct local_athena_call *c);
/* The string at object.a, or at object.a.b, or NULL. */
const char *local_athena_text(const json_t *object, const char *a,
                              const char *b);
/* The query that the request names, or NULL. Both need the lock. */
struct local_athena_query *local_athena_find(const struct local_athena_call *c);
struct local_athena_query *local_athena_by_id(const struct local_athena *a,
                                              const char *id);

int local_athena_start(const struct local_athena_call *c,
                       struct pl_err *err) PL_MUST_CHECK;
int local_athena_get(const struct local_athena_call *c,
                     struct pl_err *err) PL_MUST_CHECK;
int local_athena_batch_get(const struct local_athena_call *c,
                           struct pl_err *err) PL_MUST_CHECK;
int local_athena_list(const struct local_athena_call *c,
                      struct pl_err *err) PL_MUST_CHECK;
int local_athena_stop(const struct local_athena_call *c,
                      struct pl_err *err) PL_MUST_CHECK;
int local_athena_results(const struct local_athena_call *c,
                         struct pl_err *err) PL_MUST_CHECK;
int local_athena_get_workgroup(const struct local_athena_call *c,
                               struct pl_err *err) PL_MUST_CHECK;
int local_athena_create_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err) PL_MUST_CHECK;
int local_athena_update_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err) PL_MUST_CHECK;
int local_athena_delete_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err) PL_MUST_CHECK;
int local_athena_list_workgroups(const struct local_athena_call *c,
                                 struct pl_err *err) PL_MUST_CHECK;

/*
 * Makes the query that a request asks for; NULL and *err when it cannot be
 * made: PL_DATA_INVALID in words for the client. A statement that Athena would
 * not run is made as well; its state is FAILED then. Needs the lock.
 */
struct local_athena_query *local_athena_make(const struct local_athena_call *c,
                                             const json_t *group,
                                             const char *request,
                                             struct pl_err *err);
/* Lets it end at once with an earlier result, if it may. Needs the lock. */
void local_athena_reuse(struct local *local, struct local_athena_query *q);

#endif
