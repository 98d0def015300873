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
    local_athena_rules_init(&a->rules);
    rc = local_athena_workgroup(local, primary, err);
    json_decref(primary);
    if (rc != 0 || pl_buf_addf(&temp, err, "%s/tmp", local->state) != 0)
        return -1;
    return pl_mkdirs(temp.data, err);
}

void local_athena_close(struct local *local)
{
    struct local_athena *a = local->athena;

    if (a == NULL)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->is_closing = true;
    for (size_t i = 0; i < a->count; i++)
        local_athena_cancel(a, a->queries[i], "Query cancelled by user");
    while (a->threads > 0)
        (void)pthread_cond_wait(&a->changed, &a->lock);
    (void)pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->count; i++)
        local_athena_query_free(a->queries[i]);
    free(a->queries);
    json_decref(a->workgroups);
    local_athena_rules_release(&a->rules);
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

int local_athena_not_found(const struct local_athena_call *c)
{
    char text[200];

    (void)snprintf(text, sizeof(text), "QueryExecution %.128s was not found",
                   local_athena_text(c->in, "QueryExecutionId", NULL));
    return local_athena_invalid(c, text);
}

struct local_athena_query *local_athena_by_id(const struct local_athena *a,
                                              const char *id)
{
    for (size_t i = 0; id != NULL && i < a->count; i++)
        if (!a->queries[i]->is_forgotten && strcmp(a->queries[i]->id, id) == 0)
            return a->queries[i];
    return NULL;
}

struct local_athena_query *local_athena_find(const struct local_athena_call *c)
{
    return local_athena_by_id(
        c->a, local_athena_text(c->in, "QueryExecutionId", NULL));
}

static const struct {
    const char *operation;
    int (*handle)(const struct local_athena_call *c, struct pl_err *err);
} operations[] = {
    {"StartQueryExecution", local_athena_start},
    {"GetQueryExecution", local_athena_get},
    {"StopQueryExecution", local_athena_stop},
    {"GetQueryResults", local_athena_results},
    {"BatchGetQueryExecution", local_athena_batch_get},
    {"ListQueryExecutions", local_athena_list},
    {"GetWorkGroup", local_athena_get_workgroup},
    {"CreateWorkGroup", local_athena_create_workgroup},
    {"UpdateWorkGroup", local_athena_update_workgroup},
    {"DeleteWorkGroup", local_athena_delete_workgroup},
    {"ListWorkGroups", local_athena_list_workgroups},
};

int local_athena_handle(struct local *local, struct local_request *req,
                        struct local_response *resp, struct pl_err *err)
{
    struct local_athena_call c = {local, local->athena, req, resp, NULL};
    json_t *in = json_loadb(pl_buf_str(&req->body), req->body.len, 0, NULL);
    struct pl_err why = {0};
    int rc = 1;

    if (!json_is_object(in)) {
        json_decref(in);
        return local_refuse(req, resp, 400, "SerializationException",
                            "the body is no JSON object");
    }
    c.in = in;
    if (local_athena_check(req->operation, in, &why) != 0)
        rc = why.code == PL_USAGE_INVALID
                 ? local_refuse(req, resp, 400, "SerializationException", "%s",
                                why.msg)
                 : local_athena_invalid(&c, why.msg);
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
            all,
            json_pack("{s:s,s:s,s:O,s:s*,s:s,s:s}", "id", q->id, "state",
                      q->state, "sql", json_object_get(q->in, "QueryString"),
                      "output_uri", q->output_uri, "reason", q->reason, "token",
                      q->token));
    }
    (void)pthread_mutex_unlock(&a->lock);
    return all;
}

int local_athena_rule(struct local *local, const json_t *rule,
                      struct pl_err *err)
{
    struct local_athena *a = local->athena;
    int rc;

    (void)pthread_mutex_lock(&a->lock);
    rc = local_athena_rules_add(&a->rules, rule, err);
    (void)pthread_mutex_unlock(&a->lock);
    return rc;
}

void local_athena_no_rules(struct local *local)
{
    struct local_athena *a = local->athena;

    (void)pthread_mutex_lock(&a->lock);
    local_athena_rules_release(&a->rules);
    (void)pthread_mutex_unlock(&a->lock);
}

int local_athena_settings(struct local *local, const json_t *settings,
                          struct pl_err *err)
{
    struct local_athena *a = local->athena;
    int rc;

    (void)pthread_mutex_lock(&a->lock);
    rc = local_athena_rules_set(&a->rules, settings, err);
    (void)pthread_mutex_unlock(&a->lock);
    return rc;
}
