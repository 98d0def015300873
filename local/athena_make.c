/* A new query: its settings are the request's and the work group's. */
#include "local/athena_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

static const char *const settings[] = {
    "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"};

static char *copy(const char *text)
{
    return strdup(text != NULL ? text : "");
}

/* Where the result goes: the work group's place if it insists, else the
 * request's, else the work group's. */
static const char *place_of(const json_t *own, const json_t *groups,
                            bool is_enforced)
{
    const char *a = local_athena_text(own, "OutputLocation", NULL);
    const char *b = local_athena_text(groups, "OutputLocation", NULL);

    return b != NULL && (a == NULL || is_enforced) ? b : a;
}

/* The rest of the configuration: all of the work group's if it insists, else
 * one by one. */
static json_t *settings_of(const json_t *own, const json_t *groups,
                           bool is_enforced)
{
    json_t *out = json_object();

    for (size_t i = 0; i < PL_COUNT(settings); i++) {
        const json_t *value =
            is_enforced ? NULL : json_object_get(own, settings[i]);

        if (value == NULL)
            value = json_object_get(groups, settings[i]);
        if (value != NULL)
            (void)json_object_set_new(out, settings[i], json_deep_copy(value));
    }
    return out;
}

static int judge_settings(const json_t *output, struct pl_err *err)
{
    const json_t *encryption =
        json_object_get(output, "EncryptionConfiguration");
    const char *option =
        local_athena_text(encryption, "EncryptionOption", NULL);
    const char *owner = local_athena_text(output, "ExpectedBucketOwner", NULL);
    const char *key = local_athena_text(encryption, "KmsKey", NULL);

    if (option != NULL && strcmp(option, "SSE_S3") != 0 && key == NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "KmsKey is required for encryption option %s", option);
    if (option != NULL && strcmp(option, "SSE_S3") == 0 && key != NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "KmsKey must not be set for encryption option SSE_S3");
    if (option != NULL && strcmp(option, "CSE_KMS") == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "CSE_KMS is not there in lakeseg-local");
    if (owner != NULL && strcmp(owner, LOCAL_ACCOUNT) != 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "Unable to verify/create output bucket: it is not of "
                       "account %s",
                       owner);
    return 0;
}

static int judge_place(const struct local_athena_call *c, const char *place,
                       struct pl_err *err)
{
    const char *name = place + strlen("s3://");
    char bucket[64];
    size_t len;

    if (!pl_starts_with(place, "s3://") || name[0] == '\0')
        return pl_fail(err, PL_DATA_INVALID,
                       "outputLocation is not a valid S3 path.");
    len = strcspn(name, "/");
    (void)snprintf(bucket, sizeof(bucket), "%.*s", len < 64 ? (int)len : 63,
                   name);
    if (len >= sizeof(bucket) || !local_s3_has_bucket(&c->local->s3, bucket))
        return pl_fail(err, PL_DATA_INVALID,
                       "Unable to verify/create output bucket %s", bucket);
    return 0;
}

/* "<id>.csv" of a SELECT, "<id>" of an UNLOAD, else "<id>.txt". */
static const char *suffix_of(const struct local_athena_query *q)
{
    if (q->statement.kind == LOCAL_STATEMENT_UNLOAD)
        return "";
    return strcmp(q->statement.type, "DML") == 0 ? ".csv" : ".txt";
}

static int set_place(struct local_athena_query *q, const char *uri,
                     struct pl_err *err)
{
    const char *name = uri + strlen("s3://");
    const size_t bucket = strcspn(name, "/");
    const char *path = name[bucket] == '/' ? name + bucket + 1 : "";
    const char *slash = path[0] == '\0' || pl_ends_with(path, "/") ? "" : "/";
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    PL_AUTO(pl_buf) manifest = PL_BUF_INIT;
    PL_AUTO(pl_buf) full = PL_BUF_INIT;

    q->bucket = strndup(name, bucket);
    if (q->bucket == NULL)
        return pl_fail_memory(err);
    if (pl_buf_addf(&key, err, "%s%s%s%s", path, slash, q->id, suffix_of(q)) !=
            0 ||
        pl_buf_addf(&manifest, err, "%s%s%s-manifest.csv", path, slash,
                    q->id) != 0 ||
        pl_buf_addf(&full, err, "s3://%s/%s", q->bucket, key.data) != 0)
        return -1;
    q->key = pl_buf_take(&key);
    q->manifest_key = pl_buf_take(&manifest);
    q->output_uri = pl_buf_take(&full);
    return 0;
}

/* The statement with its parameters, and what it is. What is wrong with it
 * fails the query, not the request. */
static int read_statement(struct local_athena_query *q, struct pl_err *err)
{
    PL_AUTO(pl_buf) bound = PL_BUF_INIT;

    if (local_athena_bind(local_athena_text(q->in, "QueryString", NULL),
                          json_object_get(q->in, "ExecutionParameters"), &bound,
                          err) != 0)
        return -1;
    q->bound = pl_buf_take(&bound);
    if (local_statement_read(q->bound, &q->statement, err) == 0)
        return 0;
    if (err->code != PL_QUERY_FAILED)
        return -1;
    local_athena_failure(err->msg, q->bound, q->database, &q->error_type,
                         q->reason, sizeof(q->reason));
    q->error_category = 2;
    q->state = "FAILED";
    q->ended_ms = q->submitted_ms;
    pl_err_clear(err);
    return 0;
}

static int set_output(const struct local_athena_call *c, const json_t *conf,
                      struct local_athena_query *q, struct pl_err *err)
{
    const json_t *own = json_object_get(c->in, "ResultConfiguration");
    const json_t *groups = json_object_get(conf, "ResultConfiguration");
    const json_t *managed =
        json_object_get(conf, "ManagedQueryResultsConfiguration");
    const bool is_enforced =
        json_is_true(json_object_get(conf, "EnforceWorkGroupConfiguration"));
    const char *place = place_of(own, groups, is_enforced);

    q->is_managed = json_is_true(json_object_get(managed, "Enabled"));
    q->managed_encryption =
        json_deep_copy(json_object_get(managed, "EncryptionConfiguration"));
    q->output = settings_of(own, groups, is_enforced);
    if (q->is_managed)
        return json_object_get(own, "OutputLocation") == NULL
                   ? 0
                   : pl_fail(err, PL_DATA_INVALID,
                             "OutputLocation must not be set: the work group "
                             "uses managed query results");
    if (place == NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "No output location provided. An output location is "
                       "required either through the Workgroup result "
                       "configuration setting or as an API input.");
    if (judge_place(c, place, err) != 0 || judge_settings(q->output, err) != 0)
        return -1;
    return set_place(q, place, err);
}

static int fill(const struct local_athena_call *c, const json_t *group,
                const char *request, struct local_athena_query *q,
                struct pl_err *err)
{
    const char *database =
        local_athena_text(c->in, "QueryExecutionContext", "Database");
    const json_t *conf = json_object_get(group, "Configuration");
    const json_t *cutoff = json_object_get(conf, "BytesScannedCutoffPerQuery");

    q->in = json_deep_copy(c->in);
    q->token = copy(local_athena_text(c->in, "ClientRequestToken", NULL));
    q->request = copy(request);
    q->database = copy(database != NULL ? database : "default");
    q->workgroup = copy(local_athena_text(group, "Name", NULL));
    q->engine_version = json_deep_copy(json_object_get(conf, "EngineVersion"));
    q->cutoff = (uint64_t)json_integer_value(cutoff);
    q->state = "QUEUED";
    q->submitted_ms = pl_now_ms(&pl_clock_real);
    q->since_ms = q->submitted_ms;
    if (q->in == NULL || q->token == NULL || q->request == NULL ||
        q->database == NULL || q->workgroup == NULL)
        return pl_fail_memory(err);
    if (local_uuid(q->id, err) != 0 || read_statement(q, err) != 0)
        return -1;
    return set_output(c, conf, q, err);
}

struct local_athena_query *local_athena_make(const struct local_athena_call *c,
                                             const json_t *group,
                                             const char *request,
                                             struct pl_err *err)
{
    struct local_athena_query *q = calloc(1, sizeof(*q));

    if (q == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    if (fill(c, group, request, q, err) != 0) {
        local_athena_query_free(q);
        return NULL;
    }
    return q;
}

/* Until which age a result may be used again; -1: not at all. */
static int64_t reuse_ms(const struct local_athena_query *q)
{
    const json_t *by_age =
        json_object_get(json_object_get(q->in, "ResultReuseConfiguration"),
                        "ResultReuseByAgeConfiguration");
    const json_t *minutes = json_object_get(by_age, "MaxAgeInMinutes");

    if (!json_is_true(json_object_get(by_age, "Enabled")))
        return -1;
    return (minutes != NULL ? json_integer_value(minutes) : 60) * 60000;
}

static bool is_same_place(const struct local_athena_query *a,
                          const struct local_athena_query *b)
{
    const size_t id = strlen(a->id) + strlen(".csv");
    const size_t len = strlen(a->output_uri);

    return len == strlen(b->output_uri) &&
           strncmp(a->output_uri, b->output_uri, len - id) == 0;
}

static bool has_result(struct local_s3 *s3, const struct local_athena_query *q)
{
    const struct local_s3_bucket *b;
    bool is_there;

    (void)pthread_mutex_lock(&s3->lock);
    b = local_s3_bucket(s3, q->bucket);
    is_there = b != NULL && local_s3_find(b, q->key) != NULL;
    (void)pthread_mutex_unlock(&s3->lock);
    return is_there;
}

static bool is_reusable(const struct local_athena_query *old,
                        const struct local_athena_query *q, int64_t max_ms)
{
    return strcmp(old->state, "SUCCEEDED") == 0 && !old->is_managed &&
           !old->is_reused && !old->is_forgotten &&
           strcmp(old->bound, q->bound) == 0 &&
           strcmp(old->workgroup, q->workgroup) == 0 &&
           json_equal(json_object_get(old->in, "QueryExecutionContext"),
                      json_object_get(q->in, "QueryExecutionContext")) &&
           json_equal(old->output, q->output) && is_same_place(old, q) &&
           q->submitted_ms - old->ended_ms <= max_ms;
}

/* The earlier result becomes this one's. */
static bool take_over(const struct local_athena_query *old,
                      struct local_athena_query *q)
{
    char *key = strdup(old->key);
    char *uri = strdup(old->output_uri);

    if (key == NULL || uri == NULL) {
        free(key);
        free(uri);
        return false;
    }
    free(q->key);
    free(q->output_uri);
    q->key = key;
    q->output_uri = uri;
    q->columns = json_deep_copy(old->columns);
    q->is_reused = true;
    q->state = "SUCCEEDED";
    q->ended_ms = pl_now_ms(&pl_clock_real);
    return true;
}

void local_athena_reuse(struct local *local, struct local_athena_query *q)
{
    const struct local_athena *a = local->athena;
    const int64_t max_ms = reuse_ms(q);

    if (max_ms < 0 || q->is_managed || local_athena_is_over(q) ||
        q->statement.kind != LOCAL_STATEMENT_SELECT)
        return;
    for (size_t i = a->count; i > 0; i--)
        if (is_reusable(a->queries[i - 1], q, max_ms) &&
            has_result(&local->s3, a->queries[i - 1]) &&
            take_over(a->queries[i - 1], q))
            return;
}
