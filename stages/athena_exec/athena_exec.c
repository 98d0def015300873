#include "stages/athena_exec/athena_exec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/sql/judge.h"
#include "pipeline/stream/uri.h"
#include "pipeline/target/target.h"

#define TIMEOUT_S_DEFAULT 1800 /* Athena's own default for DML */
#define POLL_MS_DEFAULT 5000   /* GetQueryExecution: 100 to 500 a second */
#define POLL_MS_FIRST 100
#define ATTEMPTS 3 /* of a query that Athena calls retryable */

/* What this run works with, after options, manifest and environment. */
struct job {
    struct pl_athena_query query;
    struct pl_buf sql; /* as judged: without a trailing semicolon */
    int64_t timeout_ms;
    int64_t max_scanned_bytes;
    int64_t poll_ms;
    int64_t deadline_ms; /* of the monotonic clock */
    char token[PL_SHA256_BYTES * 2 + 1];
};

static void job_release(struct job *job)
{
    pl_buf_release(&job->sql);
}

static int choose_target(const struct pl_manifest *m, struct pl_target *target,
                         struct pl_err *err)
{
    const char *own = pl_manifest_str(m, "validate.target");
    const struct pl_target_wish wish = {
        .name = own != NULL ? own : pl_manifest_str(m, "import.destination"),
        .key_column = pl_manifest_str(m, "import.key.column"),
        .key_field = pl_manifest_str(m, "import.key.field"),
        .id_map = pl_manifest_str(m, "import.id_map"),
    };

    return pl_target_choose(&wish, target, err);
}

static int add_columns(const struct pl_sql_verdict *v, struct pl_manifest *m,
                       struct pl_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < v->select.column_count; i++)
        (void)json_array_append_new(list,
                                    json_string(v->select.columns[i].name));
    return pl_manifest_set_new(m, "query.result.columns", list, err);
}

/* Judges the text and keeps what is to be sent. */
static int judge(struct job *job, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_sql_verdict) verdict = {0};
    const char *sql = pl_manifest_str(m, "query.sql");
    struct pl_target target;

    if (choose_target(m, &target, err) != 0)
        return -1;
    if (sql == NULL)
        return pl_fail(err, PL_QUERY_INVALID,
                       "no query: 'query.sql' is missing");
    if (pl_sql_judge(sql, strlen(sql), &target, &verdict, err) != 0)
        return -1;
    for (size_t i = 0; i < verdict.note_count; i++)
        pl_warn("query: %s", verdict.notes[i]);
    if (!verdict.select.is_unknown && add_columns(&verdict, m, err) != 0)
        return -1;
    return pl_buf_add(&job->sql, sql, verdict.select.sql_len, err);
}

static int settings(struct job *job, const struct athena_exec_config *cfg,
                    const struct pl_manifest *m, struct pl_err *err)
{
    int64_t timeout_s;

    job->query.catalog = pl_setting_of(
        cfg->catalog, pl_manifest_str(m, "query.catalog"), "LAKESEG_CATALOG");
    job->query.database =
        pl_setting_of(cfg->database, pl_manifest_str(m, "query.database"),
                      "LAKESEG_DATABASE");
    job->query.workgroup =
        pl_setting_of(cfg->workgroup, pl_manifest_str(m, "query.workgroup"),
                      "LAKESEG_WORKGROUP");
    job->query.output_uri =
        pl_setting_of(cfg->output_uri, pl_manifest_str(m, "query.output_uri"),
                      "LAKESEG_OUTPUT_URI");
    if (job->query.workgroup == NULL)
        job->query.workgroup = "primary";
    if (pl_setting_int(cfg->timeout_s, "LAKESEG_QUERY_TIMEOUT_S",
                       pl_manifest_int(m, "query.timeout_s", TIMEOUT_S_DEFAULT),
                       &timeout_s, err) != 0 ||
        pl_setting_int(cfg->poll_ms, "LAKESEG_POLL_INTERVAL_MS",
                       POLL_MS_DEFAULT, &job->poll_ms, err) != 0)
        return -1;
    job->max_scanned_bytes =
        cfg->max_scanned_bytes != PL_UNSET
            ? cfg->max_scanned_bytes
            : pl_manifest_int(m, "query.max_scanned_bytes", -1);
    if (timeout_s < 1 || job->poll_ms < 1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "time-outs and intervals must be at least 1");
    job->timeout_ms = timeout_s * 1000;
    return 0;
}

/* The work group may forbid the run, or take over the output location. */
static int check_workgroup(struct job *job, struct pl_aws *aws,
                           struct pl_athena_workgroup *group,
                           struct pl_err *err)
{
    struct pl_err cause = {0};

    if (pl_athena_workgroup(aws, job->query.workgroup, group, &cause) != 0) {
        memset(group, 0, sizeof(*group));
        if (cause.code != PL_ACCESS_DENIED) {
            *err = cause;
            return pl_context(err, "cannot look at work group '%s'",
                              job->query.workgroup);
        }
        pl_warn("no right to look at work group '%s' (athena:GetWorkGroup): "
                "going on without",
                job->query.workgroup);
    } else if (!group->is_enabled) {
        return pl_fail(err, PL_CONFIG_INVALID, "work group '%s' is disabled",
                       job->query.workgroup);
    } else if (group->is_managed) {
        return pl_fail(err, PL_CONFIG_INVALID,
                       "work group '%s' keeps results in Athena's own storage "
                       "(managed query results): use one that writes to S3",
                       job->query.workgroup);
    }
    if (group->is_enforced || job->query.output_uri == NULL)
        job->query.output_uri = NULL; /* the group's own */
    if (job->query.output_uri == NULL && group->output_uri[0] == '\0' &&
        cause.code == PL_OK)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "no place for the result: set 'query.output_uri' or "
                       "the work group's location");
    return 0;
}

/* The same run, text and place give the same token, so that a start that is
 * repeated finds the query of the first; another attempt is another query. */
static void make_token(struct job *job, const char *run_id, int attempt)
{
    unsigned char hash[PL_SHA256_BYTES];
    const char *place =
        job->query.output_uri != NULL ? job->query.output_uri : "";
    const char number = (char)('0' + attempt);
    const struct pl_slice parts[] = {
        {run_id, strlen(run_id)},      {"\n", 1},
        {job->sql.data, job->sql.len}, {"\n", 1},
        {place, strlen(place)},        {&number, 1}};

    pl_sha256_of(parts, PL_COUNT(parts), hash);
    pl_hex(hash, sizeof(hash), job->token);
    job->query.token = job->token;
    job->query.sql = job->sql.data;
}

/* Nobody wants its result any more: it must not go on costing. */
static void stop_query(struct pl_aws *aws, const char *id)
{
    struct pl_err err = {0};

    pl_stop_hold();
    if (pl_athena_stop(aws, id, &err) != 0)
        pl_warn("cannot stop query %s: %s", id, err.msg);
    else
        pl_info("stopped query %s", id);
    pl_stop_unhold();
}

/* Why a running query has to be stopped, if it has. */
static int check_budget(const struct job *job, struct pl_aws *aws,
                        const struct pl_athena_execution *x, struct pl_err *err)
{
    if (job->max_scanned_bytes >= 0 &&
        x->scanned_bytes > job->max_scanned_bytes)
        return pl_fail(err, PL_QUERY_FAILED,
                       "query %s scanned %" PRId64
                       " bytes, more than the %" PRId64 " allowed",
                       x->id, x->scanned_bytes, job->max_scanned_bytes);
    if (pl_mono_ms(&aws->clock) >= job->deadline_ms)
        return pl_fail(err, PL_QUERY_TIMED_OUT,
                       "query %s did not end within %" PRId64 " s", x->id,
                       job->timeout_ms / 1000);
    return 0;
}

/* Follows the query to its end; *x is then its last state. */
static int wait_for(const struct job *job, struct pl_aws *aws,
                    struct pl_athena_execution *x, struct pl_err *err)
{
    char id[sizeof(x->id)];
    int64_t pause_ms =
        POLL_MS_FIRST < job->poll_ms ? POLL_MS_FIRST : job->poll_ms;

    memcpy(id, x->id, sizeof(id));
    for (;;) {
        if (pl_athena_get(aws, id, x, err) != 0)
            break;
        if (x->state == PL_ATHENA_SUCCEEDED || x->state == PL_ATHENA_FAILED ||
            x->state == PL_ATHENA_CANCELLED)
            return 0;
        pl_progress(x->state_text,
                    x->scanned_bytes > 0 ? (uint64_t)x->scanned_bytes : 0, 0,
                    "bytes scanned");
        if (check_budget(job, aws, x, err) != 0 ||
            pl_sleep_ms(&aws->clock, pause_ms, err) != 0)
            break;
        pause_ms = pause_ms * 2 < job->poll_ms ? pause_ms * 2 : job->poll_ms;
    }
    pl_progress_end();
    stop_query(aws, id);
    return -1;
}

static int record(struct pl_manifest *m, const struct pl_athena_execution *x,
                  struct pl_err *err)
{
    if (pl_manifest_set_str(m, "query.result.execution_id", x->id, err) != 0 ||
        pl_manifest_set_str(m, "query.result.state", x->state_text, err) != 0)
        return -1;
    if (x->scanned_bytes >= 0 &&
        pl_manifest_set_int(m, "query.result.scanned_bytes", x->scanned_bytes,
                            err) != 0)
        return -1;
    if (x->engine_ms >= 0)
        return pl_manifest_set_int(m, "query.result.engine_ms", x->engine_ms,
                                   err);
    return 0;
}

/* AthenaError types of throttling: aws-facts 3.3. */
static bool may_repeat(const struct pl_athena_execution *x)
{
    return x->state == PL_ATHENA_FAILED &&
           (x->is_retryable || (x->error_type >= 1400 && x->error_type < 1500));
}

static int outcome(const struct pl_athena_execution *x, struct pl_err *err)
{
    const char *reason = x->reason[0] != '\0' ? x->reason : "no reason given";

    if (x->state == PL_ATHENA_CANCELLED)
        return pl_fail(err, PL_QUERY_CANCELLED, "query %s was cancelled: %s",
                       x->id, reason);
    return pl_fail(err, PL_QUERY_FAILED, "query %s failed: %s", x->id, reason);
}

static int start(const struct job *job, struct pl_aws *aws,
                 struct pl_athena_execution *x, struct pl_err *err)
{
    if (pl_athena_start(aws, &job->query, x->id, err) == 0)
        return 0;
    /* the service read the statement and did not like it */
    if (err->code == PL_SERVICE_REFUSED)
        err->code = PL_QUERY_FAILED;
    return pl_context(err, "cannot start the query");
}

static int run_query(struct job *job, struct pl_aws *aws, struct pl_manifest *m,
                     struct pl_athena_execution *x, struct pl_err *err)
{
    job->deadline_ms = pl_mono_ms(&aws->clock) + job->timeout_ms;
    for (int attempt = 1;; attempt++) {
        struct pl_err ignored = {0};

        make_token(job, pl_manifest_str(m, "run.id"), attempt);
        memset(x, 0, sizeof(*x));
        if (start(job, aws, x, err) != 0)
            return -1;
        pl_info("query %s started", x->id);
        if (wait_for(job, aws, x, err) != 0) {
            (void)record(m, x, &ignored);
            return -1;
        }
        if (record(m, x, err) != 0)
            return -1;
        if (x->state == PL_ATHENA_SUCCEEDED)
            return 0;
        if (!may_repeat(x) || attempt == ATTEMPTS)
            return outcome(x, err);
        pl_warn("query %s failed in a way that Athena calls retryable (type "
                "%d): starting it again",
                x->id, x->error_type);
        if (pl_sleep_ms(&aws->clock, job->poll_ms, err) != 0)
            return -1;
    }
}

static int add_column(void *ctx, const char *name, struct pl_err *err)
{
    return json_array_append_new(ctx, json_string(name)) == 0
               ? 0
               : pl_fail_memory(err);
}

/* "SELECT *": only the result tells the columns. A missing right is survived:
 * the transformer reads the header anyway. */
static int learn_columns(struct pl_aws *aws, struct pl_manifest *m,
                         const char *id, struct pl_err *err)
{
    json_t *list;
    struct pl_err cause = {0};

    if (pl_manifest_get(m, "query.result.columns") != NULL)
        return 0;
    list = json_array();
    if (list == NULL)
        return pl_fail_memory(err);
    if (pl_athena_columns(aws, id, add_column, list, &cause) != 0) {
        json_decref(list);
        pl_warn("cannot read the result's columns: %s", cause.msg);
        return 0;
    }
    return pl_manifest_set_new(m, "query.result.columns", list, err);
}

/* Names the result in data[] and the place of this run. */
static int add_result(struct pl_aws *aws, struct pl_manifest *m,
                      const struct pl_athena_execution *x, struct pl_err *err)
{
    PL_AUTO(pl_buf) work = PL_BUF_INIT;
    struct pl_s3_object object = {0};
    struct pl_uri uri;
    struct pl_data data = {.uri = x->output_uri,
                           .role = "query-result",
                           .format = "csv",
                           .compression = "none",
                           .rows = -1};

    if (pl_uri_parse(x->output_uri, &uri, err) != 0)
        return -1;
    if (!uri.is_s3)
        return pl_fail(err, PL_SERVICE_REFUSED, "query %s has no result in S3",
                       x->id);
    if (pl_s3_head(aws, uri.bucket, uri.path, &object, err) != 0)
        return pl_context(err, "cannot find the result '%s'", x->output_uri);
    data.bytes = object.bytes;
    data.etag = object.etag;
    data.crc64nvme = object.crc64nvme[0] != '\0' ? object.crc64nvme : NULL;
    pl_manifest_data_drop(m, "query-result");
    if (pl_manifest_data_add(m, &data, err) != 0)
        return -1;
    if (pl_manifest_str(m, "run.work_uri") != NULL)
        return 0;
    if (pl_buf_addf(&work, err, "%.*s/lakeseg/%s/",
                    (int)(pl_uri_name(x->output_uri) - x->output_uri - 1),
                    x->output_uri, pl_manifest_str(m, "run.id")) != 0)
        return -1;
    return pl_manifest_set_str(m, "run.work_uri", work.data, err);
}

int athena_exec_run(const struct athena_exec_config *cfg, struct pl_aws *aws,
                    struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(job) job = {0};
    struct pl_athena_workgroup group = {0};
    struct pl_athena_execution x = {0};

    if (judge(&job, m, err) != 0 || settings(&job, cfg, m, err) != 0 ||
        check_workgroup(&job, aws, &group, err) != 0 ||
        run_query(&job, aws, m, &x, err) != 0)
        return -1;
    pl_progress_end();
    if (learn_columns(aws, m, x.id, err) != 0 ||
        add_result(aws, m, &x, err) != 0)
        return -1;
    pl_info("query %s succeeded, %" PRId64 " bytes scanned", x.id,
            x.scanned_bytes);
    return 0;
}
