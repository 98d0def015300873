#include "local/athena_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"

int local_athena_open(struct local *local, struct pl_err *err)
{
    struct local_athena *a = calloc(1, sizeof(*a));
    json_t *primary = json_pack("{s:s}", "Name", "primary");
    PL_AUTO(pl_buf) temp = PL_BUF_INIT;
    int rc;

    local->athena = a;
    if (a == NULL) {
        json_decref(primary);
        return pl_fail_memory(err);
    }
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->changed, NULL);
    a->workgroups = json_object();
    rc = local_athena_workgroup(local, primary, err);
    json_decref(primary);
    if (rc != 0 || pl_buf_addf(&temp, err, "%s/tmp", local->state) != 0)
        return -1;
    return pl_mkdirs(temp.data, err);
}

void local_athena_cancel(struct local_athena *a, struct local_athena_query *q)
{
    if (strcmp(q->state, "QUEUED") != 0 && strcmp(q->state, "RUNNING") != 0)
        return;
    q->is_cancelled = true;
    q->state = "CANCELLED";
    q->ended_ms = pl_now_ms(&pl_clock_real);
    (void)snprintf(q->reason, sizeof(q->reason), "Query cancelled by user");
    if (q->engine != NULL)
        local_engine_interrupt(q->engine);
    (void)pthread_cond_broadcast(&a->changed);
}

void local_athena_close(struct local *local)
{
    struct local_athena *a = local->athena;

    if (a == NULL)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->is_closing = true;
    for (size_t i = 0; i < a->count; i++)
        local_athena_cancel(a, a->queries[i]);
    while (a->threads > 0)
        (void)pthread_cond_wait(&a->changed, &a->lock);
    (void)pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->count; i++)
        local_athena_query_free(a->queries[i]);
    free(a->queries);
    json_decref(a->workgroups);
    (void)pthread_cond_destroy(&a->changed);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
    local->athena = NULL;
}

int local_athena_invalid(const struct local_athena_call *c, const char *text)
{
    return local_refuse(c->req, c->resp, 400, "InvalidRequestException", "%s",
                        text);
}

const char *local_athena_text(const json_t *object, const char *a,
                              const char *b)
{
    const json_t *field = json_object_get(object, a);

    return json_string_value(b != NULL ? json_object_get(field, b) : field);
}

struct local_athena_query *local_athena_find(const struct local_athena_call *c)
{
    const char *id = local_athena_text(c->in, "QueryExecutionId", NULL);

    for (size_t i = 0; id != NULL && i < c->a->count; i++)
        if (strcmp(c->a->queries[i]->id, id) == 0)
            return c->a->queries[i];
    return NULL;
}

static const struct {
    const char *operation;
    int (*handle)(const struct local_athena_call *c, struct pl_err *err);
} operations[] = {
    {"StartQueryExecution", local_athena_start},
    {"GetQueryExecution", local_athena_get},
    {"StopQueryExecution", local_athena_stop},
    {"GetQueryResults", local_athena_results},
    {"GetWorkGroup", local_athena_get_workgroup},
};

int local_athena_handle(struct local *local, struct local_request *req,
                        struct local_response *resp, struct pl_err *err)
{
    struct local_athena_call c = {local, local->athena, req, resp, NULL};
    json_t *in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    int rc = 1;

    if (!json_is_object(in)) {
        json_decref(in);
        return local_refuse(req, resp, 400, "SerializationException",
                            "the body is no JSON object");
    }
    c.in = in;
    for (size_t i = 0; rc == 1 && i < PL_COUNT(operations); i++)
        if (strcmp(req->operation, operations[i].operation) == 0)
            rc = operations[i].handle(&c, err);
    json_decref(in);
    if (rc == 1)
        rc = local_refuse(req, resp, 400, "UnknownOperationException",
                          "unknown operation");
    return rc;
}

json_t *local_athena_queries(struct local *local)
{
    struct local_athena *a = local->athena;
    json_t *all = json_array();

    (void)pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->count; i++) {
        const struct local_athena_query *q = a->queries[i];

        (void)json_array_append_new(
            all, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id", q->id, "state",
                           q->state, "sql", q->sql, "output_uri", q->output_uri,
                           "reason", q->reason, "token", q->token));
    }
    (void)pthread_mutex_unlock(&a->lock);
    return all;
}
