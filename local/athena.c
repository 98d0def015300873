#include "local/athena_query.h"

#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define SQL_MAX 262144
#define PAGE_MAX 1000
#define READ_BYTES ((size_t)64 << 10)
#define ENGINE_NAME "Athena engine version 3"

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

/* Needs the lock. */
static void cancel(struct local_athena *a, struct local_athena_query *q)
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
        cancel(a, a->queries[i]);
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

int local_athena_workgroup(struct local *local, const json_t *group,
                           struct pl_err *err)
{
    const char *name = json_string_value(json_object_get(group, "Name"));
    struct local_athena *a = local->athena;
    json_t *full;
    int rc;

    if (name == NULL || name[0] == '\0' || strlen(name) > 128)
        return pl_fail(err, PL_USAGE_INVALID, "a work group needs a Name");
    full = json_pack(
        "{s:s,s:s,s:I,s:{s:b,s:b,s:b,s:{s:s,s:s},s:{},s:{s:b}}}", "Name", name,
        "State", "ENABLED", "CreationTime",
        (json_int_t)(pl_now_ms(&pl_clock_real) / 1000), "Configuration",
        "EnforceWorkGroupConfiguration", 0, "PublishCloudWatchMetricsEnabled",
        0, "RequesterPaysEnabled", 0, "EngineVersion", "SelectedEngineVersion",
        "AUTO", "EffectiveEngineVersion", ENGINE_NAME, "ResultConfiguration",
        "ManagedQueryResultsConfiguration", "Enabled", 0);
    if (full == NULL)
        return pl_fail_memory(err);
    if (json_is_object(json_object_get(group, "Configuration")))
        (void)json_object_update(json_object_get(full, "Configuration"),
                                 json_object_get(group, "Configuration"));
    if (json_is_string(json_object_get(group, "State")))
        (void)json_object_set(full, "State", json_object_get(group, "State"));
    (void)pthread_mutex_lock(&a->lock);
    rc = json_object_set_new(a->workgroups, name, json_deep_copy(full));
    (void)pthread_mutex_unlock(&a->lock);
    json_decref(full);
    return rc == 0 ? 0 : pl_fail_memory(err);
}

int local_athena_error_type(const char *text, const char **name)
{
    static const struct {
        const char *part;
        int type;
        const char *name;
    } known[] = {
        {"Catalog Error: Table with name", 1110, "TABLE_NOT_FOUND"},
        {"Catalog Error: Scalar Function", 1006, "FUNCTION_NOT_FOUND"},
        {"Catalog Error", 1004, "SCHEMA_NOT_FOUND"},
        {"Parser Error", 1006, "SYNTAX_ERROR"},
        {"Binder Error", 1006, "SYNTAX_ERROR"},
        {"Not Supported", 1006, "NOT_SUPPORTED"},
        {"Conversion Error", 1001, "INVALID_CAST_ARGUMENT"},
        {"Invalid Input Error", 1001, "INVALID_FUNCTION_ARGUMENT"},
        {"Out of Range Error", 1001, "NUMERIC_VALUE_OUT_OF_RANGE"},
        {"Out of Memory", 0, "EXCEEDED_MEMORY_LIMIT"},
        {"IO Error", 1109, "HIVE_CANNOT_OPEN_SPLIT"},
    };

    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (strstr(text, known[i].part) != NULL) {
            *name = known[i].name;
            return known[i].type;
        }
    *name = "GENERIC_USER_ERROR";
    return 1000;
}

/* Steps over a quoted text or a comment at *at; copies it. False: neither. */
static bool skip_quoted(const char **at, struct pl_buf *out, int *rc,
                        struct pl_err *err)
{
    const char *start = *at;
    const char *end = NULL;

    if (*start == '\'' || *start == '"') {
        end = strchr(start + 1, *start);
        end = end != NULL ? end + 1 : start + strlen(start);
    } else if (pl_starts_with(start, "--")) {
        end = start + strcspn(start, "\n");
    } else if (pl_starts_with(start, "/*")) {
        end = strstr(start + 2, "*/");
        end = end != NULL ? end + 2 : start + strlen(start);
    } else {
        return false;
    }
    *rc = pl_buf_add(out, start, (size_t)(end - start), err);
    *at = end;
    return true;
}

int local_athena_bind(const char *sql, const json_t *parameters,
                      struct pl_buf *out, struct pl_err *err)
{
    const size_t count = json_array_size(parameters);
    size_t used = 0;
    int rc = 0;

    if (count == 0)
        return pl_buf_adds(out, sql, err);
    while (rc == 0 && *sql != '\0') {
        if (skip_quoted(&sql, out, &rc, err))
            continue;
        if (*sql == '?' && used < count) {
            const char *text =
                json_string_value(json_array_get(parameters, used++));

            if (text == NULL)
                return pl_fail(err, PL_DATA_INVALID,
                               "parameters must be strings");
            rc = pl_buf_adds(out, text, err);
            sql++;
            continue;
        }
        rc = pl_buf_addc(out, *sql++, err);
    }
    if (rc == 0 && used != count)
        return pl_fail(err, PL_DATA_INVALID,
                       "more parameters than question marks");
    return rc;
}

struct call {
    struct local *local;
    struct local_athena *a;
    struct local_request *req;
    struct local_response *resp;
    const json_t *in;
};

static int invalid(const struct call *c, const char *text)
{
    return local_refuse(c->req, c->resp, 400, "InvalidRequestException", "%s",
                        text);
}

static const char *text_at(const json_t *object, const char *a, const char *b)
{
    const json_t *field = json_object_get(object, a);

    return json_string_value(b != NULL ? json_object_get(field, b) : field);
}

/* Needs the lock. */
static struct local_athena_query *find(const struct call *c)
{
    const char *id = text_at(c->in, "QueryExecutionId", NULL);

    for (size_t i = 0; id != NULL && i < c->a->count; i++)
        if (strcmp(c->a->queries[i]->id, id) == 0)
            return c->a->queries[i];
    return NULL;
}

/* Where the result goes: the work group's place if it insists, else the
 * request's, else the work group's. */
static const char *output_of(const struct call *c, const json_t *group)
{
    const json_t *conf = json_object_get(group, "Configuration");
    const char *own = text_at(c->in, "ResultConfiguration", "OutputLocation");
    const char *groups = text_at(conf, "ResultConfiguration", "OutputLocation");

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

static struct local_athena_query *make_query(const struct call *c,
                                             const char *output, char *request,
                                             struct pl_err *err)
{
    struct local_athena_query *q = calloc(1, sizeof(*q));
    const char *database = text_at(c->in, "QueryExecutionContext", "Database");
    const char *group = text_at(c->in, "WorkGroup", NULL);
    PL_AUTO(pl_buf) bound = PL_BUF_INIT;

    if (q == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    q->sql = copy(text_at(c->in, "QueryString", NULL));
    q->token = copy(text_at(c->in, "ClientRequestToken", NULL));
    q->request = copy(request);
    q->catalog = copy(text_at(c->in, "QueryExecutionContext", "Catalog"));
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
static int start_thread(const struct call *c, struct local_athena_query *q,
                        struct pl_err *err)
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
static int start_again(const struct call *c, const char *token,
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

static const char *check_start(const struct call *c, const json_t *group,
                               const char *output)
{
    const char *sql = text_at(c->in, "QueryString", NULL);
    const char *token = text_at(c->in, "ClientRequestToken", NULL);

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
    if (strcmp(text_at(group, "State", NULL), "ENABLED") != 0)
        return "WorkGroup is disabled";
    if (output == NULL)
        return "No output location provided. An output location is required "
               "either through the Workgroup result configuration setting or "
               "as an API input.";
    if (!pl_starts_with(output, "s3://") || strlen(output) < 6)
        return "outputLocation is not a valid S3 path.";
    return NULL;
}

static bool output_exists(const struct call *c, const char *output)
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

static int start_locked(const struct call *c, const char *output, char *request,
                        char id[40], struct pl_err *err)
{
    const char *token = text_at(c->in, "ClientRequestToken", NULL);
    const int again = start_again(c, token, request, id);
    struct local_athena_query *q;

    if (again < 0)
        return invalid(c, "Idempotent parameters do not match");
    if (again == 0)
        return 1;
    if (!output_exists(c, output))
        return invalid(c, "Unable to verify/create output bucket");
    q = make_query(c, output, request, err);
    if (q == NULL && err->code == PL_DATA_INVALID)
        return invalid(c, err->msg);
    if (q == NULL)
        return -1;
    memcpy(id, q->id, 40);
    if (start_thread(c, q, err) != 0) {
        local_athena_query_free(q);
        return -1;
    }
    return 1;
}

static int start(const struct call *c, struct pl_err *err)
{
    const char *name = text_at(c->in, "WorkGroup", NULL);
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
    rc = why != NULL ? invalid(c, why)
                     : start_locked(c, output, request, id, err);
    (void)pthread_mutex_unlock(&c->a->lock);
    free(request);
    if (rc != 1)
        return rc;
    return local_answer_json(c->resp, 200,
                             json_pack("{s:s}", "QueryExecutionId", id), err);
}

static json_t *seconds(int64_t ms)
{
    return json_real((double)ms / 1000.0);
}

static json_t *status_of(const struct local_athena_query *q)
{
    json_t *s = json_pack("{s:s,s:o}", "State", q->state, "SubmissionDateTime",
                          seconds(q->submitted_ms));

    if (q->ended_ms != 0)
        (void)json_object_set_new(s, "CompletionDateTime",
                                  seconds(q->ended_ms));
    if (q->reason[0] != '\0')
        (void)json_object_set_new(s, "StateChangeReason",
                                  json_string(q->reason));
    if (strcmp(q->state, "FAILED") == 0)
        (void)json_object_set_new(
            s, "AthenaError",
            json_pack("{s:i,s:i,s:b,s:s}", "ErrorCategory",
                      q->error_type < 1000 ? 1 : 2, "ErrorType", q->error_type,
                      "Retryable", 0, "ErrorMessage", q->reason));
    return s;
}

/* Needs the lock. */
static json_t *describe(const struct local_athena_query *q)
{
    const int64_t now = pl_now_ms(&pl_clock_real);
    const int64_t end = q->ended_ms != 0 ? q->ended_ms : now;
    const int64_t run = q->started_ms != 0 ? end - q->started_ms : 0;
    const int64_t queue =
        (q->started_ms != 0 ? q->started_ms : end) - q->submitted_ms;

    return json_pack(
        "{s:s,s:s,s:s,s:s,s:{s:s},s:{s:b},s:{s:s,s:s*},s:o,s:s,s:{s:s,"
        "s:s},s:{s:I,s:I,s:I,s:I,s:{s:b}}}",
        "QueryExecutionId", q->id, "Query", q->sql, "StatementType", "DML",
        "SubstatementType", "SELECT", "ResultConfiguration", "OutputLocation",
        q->output_uri, "ManagedQueryResultsConfiguration", "Enabled", 0,
        "QueryExecutionContext", "Database", q->database, "Catalog",
        q->catalog[0] != '\0' ? q->catalog : NULL, "Status", status_of(q),
        "WorkGroup", q->workgroup, "EngineVersion", "SelectedEngineVersion",
        "AUTO", "EffectiveEngineVersion", ENGINE_NAME, "Statistics",
        "EngineExecutionTimeInMillis", (json_int_t)run, "DataScannedInBytes",
        (json_int_t)q->scanned_bytes, "TotalExecutionTimeInMillis",
        (json_int_t)(end - q->submitted_ms), "QueryQueueTimeInMillis",
        (json_int_t)queue, "ResultReuseInformation", "ReusedPreviousResult", 0);
}

static int get(const struct call *c, struct pl_err *err)
{
    const struct local_athena_query *q;
    json_t *found = NULL;

    (void)pthread_mutex_lock(&c->a->lock);
    q = find(c);
    if (q != NULL)
        found = describe(q);
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return invalid(c, "QueryExecution was not found");
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o}", "QueryExecution", found), err);
}

static int stop(const struct call *c, struct pl_err *err)
{
    struct local_athena_query *q;

    (void)pthread_mutex_lock(&c->a->lock);
    q = find(c);
    if (q != NULL)
        cancel(c->a, q);
    (void)pthread_mutex_unlock(&c->a->lock);
    if (q == NULL)
        return invalid(c, "QueryExecution was not found");
    return local_answer_json(c->resp, 200, json_object(), err);
}

static int get_workgroup(const struct call *c, struct pl_err *err)
{
    const char *name = text_at(c->in, "WorkGroup", NULL);
    json_t *group;

    (void)pthread_mutex_lock(&c->a->lock);
    group = json_deep_copy(
        json_object_get(c->a->workgroups, name != NULL ? name : ""));
    (void)pthread_mutex_unlock(&c->a->lock);
    if (group == NULL)
        return invalid(c, "WorkGroup is not found");
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o}", "WorkGroup", group), err);
}

/* A result page: rows of the CSV object from one byte on. */
struct page {
    FILE *file;
    uint64_t at;
    bool is_end;
};

/* Reads one record: an array of data, or NULL at the end. */
static json_t *read_record(struct page *p, struct pl_buf *cell)
{
    json_t *data = json_array();
    struct pl_err err = {0};
    bool is_quoted = false;
    bool is_inside = false;
    int ch;

    pl_buf_reset(cell);
    for (;;) {
        ch = getc(p->file);
        if (ch == EOF) {
            p->is_end = true;
            json_decref(data);
            return NULL;
        }
        p->at++;
        if (is_inside ? ch != '"' : (ch != '"' && ch != ',' && ch != '\n')) {
            if (pl_buf_addc(cell, (char)ch, &err) != 0)
                break;
        } else if (ch == '"') {
            is_inside = !is_inside;
            if (is_inside && is_quoted && /* it was a doubled one */
                pl_buf_addc(cell, '"', &err) != 0)
                break;
            is_quoted = true;
        } else {
            (void)json_array_append_new(
                data, is_quoted
                          ? json_pack("{s:o}", "VarCharValue",
                                      json_stringn(pl_buf_str(cell), cell->len))
                          : json_object());
            pl_buf_reset(cell);
            is_quoted = false;
            if (ch == '\n')
                break;
        }
    }
    return json_pack("{s:o}", "Data", data);
}

static json_t *read_rows(struct page *p, uint64_t max)
{
    PL_AUTO(pl_buf) cell = PL_BUF_INIT;
    json_t *rows = json_array();

    while (json_array_size(rows) < max) {
        json_t *row = read_record(p, &cell);

        if (row == NULL)
            break;
        (void)json_array_append_new(rows, row);
    }
    if (!p->is_end) {
        const int ch = getc(p->file);

        p->is_end = ch == EOF;
    }
    return rows;
}

static json_t *column_info(const json_t *columns)
{
    json_t *info = json_array();
    size_t i;
    json_t *c;
    json_t *list;

    memcpy(&list, &columns, sizeof(list));
    json_array_foreach(list, i, c)(void) json_array_append_new(
        info,
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:b}", "CatalogName",
                  "hive", "SchemaName", "", "TableName", "", "Name",
                  text_at(c, "Name", NULL), "Label", text_at(c, "Name", NULL),
                  "Type", text_at(c, "Type", NULL), "Precision", 0, "Scale", 0,
                  "Nullable", "UNKNOWN", "CaseSensitive", 1));
    return info;
}

static int answer_page(const struct call *c, FILE *file, uint64_t from,
                       uint64_t max, const json_t *columns, struct pl_err *err)
{
    struct page p = {.file = file, .at = from};
    json_t *rows;
    json_t *out;
    char token[24];

    if (fseeko(file, (off_t)from, SEEK_SET) != 0)
        return invalid(c, "NextToken is invalid");
    rows = read_rows(&p, max);
    out = json_pack("{s:i,s:{s:o,s:{s:o}}}", "UpdateCount", 0, "ResultSet",
                    "Rows", rows, "ResultSetMetadata", "ColumnInfo",
                    column_info(columns));
    if (!p.is_end) {
        (void)snprintf(token, sizeof(token), "%llu", (unsigned long long)p.at);
        (void)json_object_set_new(out, "NextToken", json_string(token));
    }
    return local_answer_json(c->resp, 200, out, err);
}

static int results(const struct call *c, struct pl_err *err)
{
    const char *token = text_at(c->in, "NextToken", NULL);
    const json_t *max_field = json_object_get(c->in, "MaxResults");
    const json_int_t max =
        max_field != NULL ? json_integer_value(max_field) : PAGE_MAX;
    const struct local_athena_query *q;
    const char *code = NULL;
    json_t *meta = NULL;
    json_t *columns = NULL;
    uint64_t from = 0;
    FILE *file = NULL;
    int fd = -1;
    int rc;

    if (max < 1 || max > PAGE_MAX ||
        (token != NULL && pl_parse_u64(token, &from) != 0))
        return invalid(c, "MaxResults or NextToken is invalid");
    (void)pthread_mutex_lock(&c->a->lock);
    q = find(c);
    if (q == NULL)
        code = "QueryExecution was not found";
    else if (strcmp(q->state, "SUCCEEDED") != 0)
        code =
            strcmp(q->state, "QUEUED") == 0 || strcmp(q->state, "RUNNING") == 0
                ? "Query has not yet finished. Current state: RUNNING"
                : "Query did not finish successfully.";
    else if (local_s3_get(&c->local->s3, q->bucket, q->key, &fd, &meta) != NULL)
        code = "Could not find results";
    else
        columns = json_deep_copy(q->columns);
    (void)pthread_mutex_unlock(&c->a->lock);
    json_decref(meta);
    if (code != NULL)
        return invalid(c, code);
    file = fdopen(fd, "rb");
    rc = file != NULL ? answer_page(c, file, from, (uint64_t)max, columns, err)
                      : pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
    json_decref(columns);
    if (file != NULL)
        (void)fclose(file);
    else
        (void)close(fd);
    return rc;
}

static const struct {
    const char *operation;
    int (*handle)(const struct call *c, struct pl_err *err);
} operations[] = {
    {"StartQueryExecution", start},  {"GetQueryExecution", get},
    {"StopQueryExecution", stop},    {"GetQueryResults", results},
    {"GetWorkGroup", get_workgroup},
};

int local_athena_handle(struct local *local, struct local_request *req,
                        struct local_response *resp, struct pl_err *err)
{
    struct call c = {local, local->athena, req, resp, NULL};
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
