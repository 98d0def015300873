#include "local/athena_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define SQL_MAX 262144

/* Where the result goes: the work group's place if it insists, else the
 * request's, else the work group's. */
static const char *output_of(const struct local_athena_call *c,
                             const json_t *group)
{
    const json_t *conf = json_object_get(group, "Configuration");
    const char *own =
        local_athena_text(c->in, "ResultConfiguration", "OutputLocation");
    const char *groups =
        local_athena_text(conf, "ResultConfiguration", "OutputLocation");

    if (groups != NULL &&
        (own == NULL ||
         json_is_true(json_object_get(conf, "EnforceWorkGroupConfiguration"))))
        return groups;
    return own;
}

static char *copy(const char *text)
{
    return strdup(text != NULL ? text : "");
}

static int set_place(struct local_athena_query *q, const char *uri,
                     struct pl_err *err)
{
    const char *name = uri + strlen("s3://");
    const size_t bucket = strcspn(name, "/");
    const char *path = name[bucket] == '/' ? name + bucket + 1 : "";
    const char *slash = path[0] == '\0' || pl_ends_with(path, "/") ? "" : "/";
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    PL_AUTO(pl_buf) full = PL_BUF_INIT;

    q->bucket = strndup(name, bucket);
    if (q->bucket == NULL)
        return pl_fail_memory(err);
    if (pl_buf_addf(&key, err, "%s%s%s.csv", path, slash, q->id) != 0 ||
        pl_buf_addf(&full, err, "s3://%s/%s", q->bucket, key.data) != 0)
        return -1;
    q->key = pl_buf_take(&key);
    q->output_uri = pl_buf_take(&full);
    return 0;
}

static struct local_athena_query *make_query(const struct local_athena_call *c,
                                             const char *output, char *request,
                                             struct pl_err *err)
{
    struct local_athena_query *q = calloc(1, sizeof(*q));
    const char *database =
        local_athena_text(c->in, "QueryExecutionContext", "Database");
    const char *group = local_athena_text(c->in, "WorkGroup", NULL);
    PL_AUTO(pl_buf) bound = PL_BUF_INIT;

    if (q == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    q->sql = copy(local_athena_text(c->in, "QueryString", NULL));
    q->token = copy(local_athena_text(c->in, "ClientRequestToken", NULL));
    q->request = copy(request);
    q->catalog =
        copy(local_athena_text(c->in, "QueryExecutionContext", "Catalog"));
    q->database = copy(database != NULL ? database : "default");
    q->workgroup = copy(group != NULL ? group : "primary");
    q->state = "QUEUED";
    q->submitted_ms = pl_now_ms(&pl_clock_real);
    if (q->sql == NULL || q->token == NULL || q->request == NULL ||
        q->catalog == NULL || q->database == NULL || q->workgroup == NULL ||
        local_uuid(q->id, err) != 0 || set_place(q, output, err) != 0 ||
        local_athena_bind(q->sql, json_object_get(c->in, "ExecutionParameters"),
                          &bound, err) != 0) {
        local_athena_query_free(q);
        return NULL;
    }
    q->bound = pl_buf_take(&bound);
    return q;
}

struct job {
    struct local *local;
    struct local_athena_query *query;
};

static void *work(void *ctx)
{
    struct job job = *(struct job *)ctx;
    struct local_athena *a = job.local->athena;

    free(ctx);
    local_athena_work(job.local, job.query);
    (void)pthread_mutex_lock(&a->lock);
    a->threads--;
    (void)pthread_cond_broadcast(&a->changed);
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* Adds the query to the list and starts its thread. Needs the lock. */
static int start_thread(const struct local_athena_call *c,
                        struct local_athena_query *q, struct pl_err *err)
{
    struct local_athena *a = c->a;
    struct local_athena_query **list = realloc(
        a->queries, (a->count + 1) * sizeof(struct local_athena_query *));
    struct job *job = malloc(sizeof(*job));
    pthread_t thread;

    if (list != NULL)
        a->queries = list;
    if (list == NULL || job == NULL || a->is_closing) {
        free(job);
        return pl_fail_memory(err);
    }
    *job = (struct job){c->local, q};
    if (pthread_create(&thread, NULL, work, job) != 0) {
        free(job);
        return pl_fail(err, PL_HOST_ERROR, "cannot start a thread");
    }
    (void)pthread_detach(thread);
    a->threads++;
    list[a->count++] = q;
    return 0;
}

/* The answer for a token that came before. Needs the lock; 1: it did not. */
static int start_again(const struct local_athena_call *c, const char *token,
                       const char *request, char id[40])
{
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

static const char *check_start(const struct local_athena_call *c,
                               const json_t *group, const char *output)
{
    const char *sql = local_athena_text(c->in, "QueryString", NULL);
    const char *token = local_athena_text(c->in, "ClientRequestToken", NULL);

    if (local_engine_version() == NULL)
        return "lakeseg-local was built without DuckDB and cannot run queries";
    if (sql == NULL || sql[0] == '\0')
        return "QueryString must not be empty";
    if (strlen(sql) > SQL_MAX)
        return "QueryString is longer than 262144 bytes";
    if (token == NULL)
        return "ClientRequestToken is required";
    if (strlen(token) < 32 || strlen(token) > 128)
        return "Idempotent parameter ClientRequestToken must be 32 to 128 "
               "characters long";
    if (group == NULL)
        return "WorkGroup is not found";
    if (strcmp(local_athena_text(group, "State", NULL), "ENABLED") != 0)
        return "WorkGroup is disabled";
    if (output == NULL)
        return "No output location provided. An output location is required "
               "either through the Workgroup result configuration setting or "
               "as an API input.";
    if (!pl_starts_with(output, "s3://") || strlen(output) < 6)
        return "outputLocation is not a valid S3 path.";
    return NULL;
}

static bool output_exists(const struct local_athena_call *c, const char *output)
{
    char bucket[64];
    const char *name = output + strlen("s3://");
    const size_t len = strcspn(name, "/");

    if (len >= sizeof(bucket))
        return false;
    memcpy(bucket, name, len);
    bucket[len] = '\0';
    return local_s3_has_bucket(&c->local->s3, bucket);
}

static int start_locked(const struct local_athena_call *c, const char *output,
                        char *request, char id[40], struct pl_err *err)
{
    const char *token = local_athena_text(c->in, "ClientRequestToken", NULL);
    const int again = start_again(c, token, request, id);
    struct local_athena_query *q;

    if (again < 0)
        return local_athena_invalid(c, "Idempotent parameters do not match");
    if (again == 0)
        return 1;
    if (!output_exists(c, output))
        return local_athena_invalid(c, "Unable to verify/create output bucket");
    q = make_query(c, output, request, err);
    if (q == NULL && err->code == PL_DATA_INVALID)
        return local_athena_invalid(c, err->msg);
    if (q == NULL)
        return -1;
    memcpy(id, q->id, 40);
    if (start_thread(c, q, err) != 0) {
        local_athena_query_free(q);
        return -1;
    }
    return 1;
}

int local_athena_start(const struct local_athena_call *c, struct pl_err *err)
{
    const char *name = local_athena_text(c->in, "WorkGroup", NULL);
    char *request = json_dumps(c->in, JSON_COMPACT | JSON_SORT_KEYS);
    const json_t *group;
    const char *output;
    const char *why;
    char id[40] = "";
    int rc;

    if (request == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_lock(&c->a->lock);
    group = json_object_get(c->a->workgroups, name != NULL ? name : "primary");
    output = output_of(c, group);
    why = check_start(c, group, output);
    rc = why != NULL ? local_athena_invalid(c, why)
                     : start_locked(c, output, request, id, err);
    (void)pthread_mutex_unlock(&c->a->lock);
    free(request);
    if (rc != 1)
        return rc;
    return local_answer_json(c->resp, 200,
                             json_pack("{s:s}", "QueryExecutionId", id), err);
}
