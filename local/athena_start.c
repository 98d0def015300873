/* StartQueryExecution. */
#include "local/athena_call.h"

struct job {
    struct local *local;
    struct local_athena_query *query;
};

static void *work(void *ctx)
{
    const struct job job = *(struct job *)ctx;
    struct local_athena *a = job.local->athena;

    free(ctx);
    local_athena_work(job.local, job.query);
    (void)pthread_mutex_lock(&a->lock);
    a->threads--;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Needs the lock. */
static int start_thread(const struct local_athena_call *c,
                        struct local_athena_query *q, struct pl_err *err)
{
    struct job *job = malloc(sizeof(*job));
    pthread_t thread;

    if (job == NULL)
        return pl_fail_memory(err);
    *job = (struct job){c->local, q};
    if (pthread_create(&thread, NULL, work, job) != 0) {
        free(job);
        return pl_fail(err, PL_HOST_ERROR, "cannot start a thread");
    }
    (void)pthread_detach(thread);
    c->a->threads++;
    return 0;
}

/* Adds the query to the list and lets it run, unless it is over. Needs the
 * lock. */
static int enlist(const struct local_athena_call *c,
                  struct local_athena_query *q, struct pl_err *err)
{
    struct local_athena *a = c->a;
    struct local_athena_query **list = realloc(
        a->queries, (a->count + 1) * sizeof(struct local_athena_query *));

    if (list != NULL)
        a->queries = list;
    if (list == NULL || a->is_closing)
        return pl_fail_memory(err);
    local_athena_reuse(c->local, q);
    if (!local_athena_is_over(q) && start_thread(c, q, err) != 0)
        return -1;
    list[a->count++] = q;
    return 0;
}

/* The answer for a token that came before: 0 and its id, -1 when the request
 * was another, 1 when it did not come before. Needs the lock. */
static int start_again(const struct local_athena_call *c, const char *request,
                       char id[40])
{
    const char *token = local_athena_text(c->in, "ClientRequestToken", NULL);

    for (size_t i = 0; i < c->a->count; i++) {
        const struct local_athena_query *q = c->a->queries[i];

        if (strcmp(q->token, token) != 0)
            continue;
        if (strcmp(q->request, request) != 0)
            return -1;
        memcpy(id, q->id, 40);
        return 0;
    }
    return 1;
}

static unsigned count_active(const struct local_athena *a)
{
    unsigned active = 0;

    for (size_t i = 0; i < a->count; i++)
        active += !local_athena_is_over(a->queries[i]);
    return active;
}

/* Needs the lock. 1: started, or started before. */
static int start(const struct local_athena_call *c, const char *request,
                 char id[40], struct pl_err *err)
{
    const char *name = local_athena_text(c->in, "WorkGroup", NULL);
    const json_t *group =
        json_object_get(c->a->workgroups, name != NULL ? name : "primary");
    const int again = start_again(c, request, id);
    struct local_athena_query *q;

    if (again < 0)
        return local_athena_invalid(c, "Idempotent parameters do not match");
    if (again == 0)
        return 1;
    if (group == NULL)
        return local_athena_invalid(c, "WorkGroup is not found.");
    if (strcmp(local_athena_text(group, "State", NULL), "ENABLED") != 0)
        return local_athena_invalid(c, "WorkGroup is disabled");
    if (count_active(c->a) >= c->a->rules.max_active)
        return local_refuse(c->req, c->resp, 400, "TooManyRequestsException",
                            "You have exceeded the limit for the number of "
                            "queries you can run concurrently");
    q = local_athena_make(c, group, request, err);
    if (q == NULL)
        return err->code == PL_DATA_INVALID ? local_athena_invalid(c, err->msg)
                                            : -1;
    memcpy(id, q->id, 40);
    if (enlist(c, q, err) != 0) {
        local_athena_query_free(q);
        return -1;
    }
    return 1;
}

int local_athena_start(const struct local_athena_call *c, struct pl_err *err)
{
    char *request = json_dumps(c->in, JSON_COMPACT | JSON_SORT_KEYS);
    char id[40] = "";
    int rc;

    if (local_engine_version() == NULL) {
        free(request);
        return local_athena_invalid(c, "lakeseg-local was built without DuckDB "
                                       "and cannot run queries");
    }
    if (request == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_lock(&c->a->lock);
    rc = start(c, request, id, err);
    (void)pthread_mutex_unlock(&c->a->lock);
    free(request);
    if (rc != 1)
        return rc;
    return local_answer_json(c->resp, 200,
                             json_pack("{s:s}", "QueryExecutionId", id), err);
}
