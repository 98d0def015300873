#include "stages/lakeseg_report/model.h"

#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define TB 1e12
/* Sums of a few of these do not overflow. */
#define COUNT_MAX (INT64_MAX / 1024)

static int64_t count_of(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    const json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

    return n >= 0 && n <= COUNT_MAX ? (int64_t)n : -1;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t ms;

    return pl_time_parse_iso(text_of(object, key), &ms) == 0 && ms >= 0 ? ms
                                                                        : -1;
}

enum report_step report_step_of(const char *stage)
{
    if (strcmp(stage, "query-validate") == 0 ||
        strcmp(stage, "athena-exec") == 0)
        return REPORT_QUERY;
    if (strcmp(stage, "pinpoint-import") == 0 ||
        strcmp(stage, "profiles-import") == 0 ||
        strcmp(stage, "lakeseg-report") == 0 ||
        strcmp(stage, "sns-notify") == 0)
        return REPORT_IMPORT;
    return REPORT_TRANSFORM;
}

static void read_query(const struct pl_manifest *m, double price,
                       struct report_query *q)
{
    const json_t *result = pl_manifest_get(m, "query.result");

    q->sql = pl_manifest_str(m, "query.sql");
    q->execution_id = text_of(result, "execution_id");
    q->state = text_of(result, "state");
    q->scanned_bytes = count_of(result, "scanned_bytes");
    q->billed_bytes = count_of(result, "billed_bytes");
    q->queue_ms = count_of(result, "queue_ms");
    q->planning_ms = count_of(result, "planning_ms");
    q->engine_ms = count_of(result, "engine_ms");
    q->is_reused = pl_manifest_bool(m, "query.result.reused", false);
    q->cost = pl_manifest_real(m, "query.result.cost", -1);
    q->price_per_tb = pl_manifest_real(m, "query.price_per_tb", price);
    if (q->cost > 0 && q->billed_bytes > 0) /* what it was reckoned with */
        q->price_per_tb = q->cost * TB / (double)q->billed_bytes;
    if (q->cost < 0 && q->price_per_tb >= 0 && q->billed_bytes >= 0)
        q->cost = (double)q->billed_bytes / TB * q->price_per_tb;
    if (!(q->cost >= 0 && q->cost < 1e12))
        q->cost = -1;
    if (!(q->price_per_tb >= 0 && q->price_per_tb < 1e12))
        q->price_per_tb = -1;
}

static void read_rows(const struct pl_manifest *m, struct report_rows *rows)
{
    const json_t *result = pl_manifest_get(m, "validate.result");

    *rows =
        (struct report_rows){.in = count_of(result, "rows_in"),
                             .out = count_of(result, "rows_out"),
                             .rejected = count_of(result, "rows_rejected"),
                             .dropped = count_of(result, "rows_dropped"),
                             .merged = count_of(result, "rows_merged"),
                             .unchanged = count_of(result, "rows_unchanged")};
}

static void read_delta(const struct pl_manifest *m, struct report_delta *d)
{
    const json_t *delta = pl_manifest_get(m, "validate.result.delta");

    *d = (struct report_delta){
        .last_run = pl_manifest_str(m, "validate.result.delta.last.run_id"),
        .why_full = pl_manifest_str(m, "validate.result.delta.why_full"),
        .is_there = json_is_object(delta),
        .added = count_of(delta, "rows_new"),
        .changed = count_of(delta, "rows_changed"),
        .unchanged = count_of(delta, "rows_unchanged"),
        .gone = count_of(delta, "rows_gone")};
}

static void read_stages(struct report_run *run)
{
    const json_t *list = pl_manifest_get(run->m, "stages");
    const json_t *line;
    size_t i;

    run->ended_ms = -1;
    json_array_foreach(list, i, line)
    {
        const struct report_stage stage = {
            text_of(line, "stage"), text_of(line, "status"),
            time_of(line, "started_at"), time_of(line, "ended_at")};

        if (stage.ended_ms > run->ended_ms &&
            strcmp(stage.status, "skipped") != 0)
            run->ended_ms = stage.ended_ms;
        if (run->stage_count < REPORT_STAGES_MAX)
            run->stages[run->stage_count++] = stage;
        else
            run->stages_left++;
    }
}

/* Keeps the most frequent ones; equal ones in their order. */
static void add_rule(struct report_run *run, const char *name, int64_t count)
{
    size_t at = run->rule_count;

    if (run->rule_count == REPORT_RULES_MAX) {
        run->rules_left++;
        if (count <= run->rules[--at].count)
            return;
    } else {
        run->rule_count++;
    }
    for (; at > 0 && run->rules[at - 1].count < count; at--)
        run->rules[at] = run->rules[at - 1];
    run->rules[at] = (struct report_rule){name, count};
}

static void read_rules(struct report_run *run)
{
    json_t *rules = pl_manifest_get(run->m, "validate.result.by_rule");
    const char *name;
    json_t *value;

    json_object_foreach(rules, name, value)
    {
        const int64_t count = count_of(rules, name);

        if (count != 0 && json_is_integer(value))
            add_rule(run, name, count);
    }
}

static void read_columns(struct report_run *run)
{
    const json_t *list = pl_manifest_get(run->m, "validate.result.columns");
    const json_t *c;
    size_t i;

    json_array_foreach(list, i, c)
    {
        const json_t *name = json_object_get(c, "name");
        const json_t *top = json_object_get(c, "top");

        if (run->column_count == REPORT_COLUMNS_MAX) {
            run->columns_left++;
            continue;
        }
        run->columns[run->column_count++] = (struct report_column){
            .name = text_of(c, "name"),
            .name_len = json_string_length(name),
            .filled = count_of(c, "filled"),
            .null = count_of(c, "null"),
            .empty = count_of(c, "empty"),
            .longest = count_of(c, "longest"),
            .distinct = count_of(c, "distinct"),
            .is_estimate =
                json_is_true(json_object_get(c, "distinct_is_estimate")),
            .top = json_array_size(top) > 0 ? top : NULL};
    }
}

static void add_up(int64_t *sum, int64_t count)
{
    if (count >= 0 && *sum < COUNT_MAX)
        *sum = (*sum < 0 ? 0 : *sum) + count;
}

static void read_jobs(struct report_run *run)
{
    const json_t *list = pl_manifest_get(run->m, "import.result.jobs");
    const json_t *job;
    size_t i;

    run->processed = -1;
    run->failed = -1;
    json_array_foreach(list, i, job)
    {
        const struct report_job read = {.id = text_of(job, "id"),
                                        .status = text_of(job, "status"),
                                        .reason = text_of(job, "reason"),
                                        .processed = count_of(job, "processed"),
                                        .failed = count_of(job, "failed"),
                                        .created = count_of(job, "created"),
                                        .updated = count_of(job, "updated"),
                                        .failures =
                                            json_object_get(job, "failures")};

        add_up(&run->processed, read.processed);
        add_up(&run->failed, read.failed);
        if (run->job_count < REPORT_JOBS_MAX)
            run->jobs[run->job_count++] = read;
        else
            run->jobs_left++;
    }
}

static void read_import(struct report_run *run)
{
    const char *destination = pl_manifest_str(run->m, "import.destination");
    const char *target = pl_manifest_str(run->m, "validate.target");

    if (destination == NULL)
        destination = target;
    run->destination =
        destination != NULL && strcmp(destination, "customer-profiles") == 0
            ? "Customer Profiles"
            : "Amazon Pinpoint";
    run->segment = pl_manifest_str(run->m, "import.result.segment.name");
    run->segment_size =
        count_of(pl_manifest_get(run->m, "import.result.segment"), "estimate");
    read_jobs(run);
}

static void read_outcome(struct report_run *run)
{
    const char *name = pl_manifest_str(run->m, "error.name");
    const char *stage = pl_manifest_str(run->m, "error.stage");
    const char *message = pl_manifest_str(run->m, "error.message");

    run->subject = pl_manifest_subject(run->m);
    run->state = strcmp(run->subject, "successful") == 0   ? REPORT_GOOD
                 : strcmp(run->subject, "incomplete") == 0 ? REPORT_OPEN
                                                           : REPORT_BAD;
    if (run->state == REPORT_GOOD || name == NULL)
        return;
    run->failure = (struct report_failure){
        .code = pl_code_by_name(name),
        .name = name,
        .stage = stage != NULL ? stage : "an unknown stage",
        .message = message != NULL ? message : ""};
    run->failure.advice = pl_advice(run->failure.code);
    run->failed_step = strcmp(run->subject, "query invalid") == 0 ||
                               strcmp(run->subject, "query failed") == 0
                           ? REPORT_QUERY
                           : report_step_of(run->failure.stage);
}

void report_model(const struct pl_manifest *m, double price_per_tb,
                  struct report_run *run)
{
    const char *id = pl_manifest_str(m, "run.id");
    const char *name = pl_manifest_str(m, "run.name");

    *run = (struct report_run){
        .m = m, .id = id != NULL ? id : "", .name = name != NULL ? name : ""};
    run->started_ms = time_of(pl_manifest_get(m, "run"), "started_at");
    read_query(m, price_per_tb, &run->query);
    read_rows(m, &run->rows);
    read_delta(m, &run->delta);
    read_stages(run);
    read_rules(run);
    read_columns(run);
    read_import(run);
    read_outcome(run);
}

int64_t report_duration_ms(const struct report_run *run)
{
    return run->started_ms >= 0 && run->ended_ms >= run->started_ms
               ? run->ended_ms - run->started_ms
               : -1;
}

static int64_t known(int64_t count)
{
    return count > 0 ? count : 0;
}

int64_t report_rows_sum(const struct report_rows *rows)
{
    return known(rows->out) + known(rows->rejected) + known(rows->dropped) +
           known(rows->merged) + known(rows->unchanged);
}

bool report_reached(const struct report_run *run, enum report_step step)
{
    if (run->failure.name != NULL && run->failed_step < step)
        return false;
    switch (step) {
    case REPORT_QUERY:
        return run->stage_count > 0;
    case REPORT_TRANSFORM:
        return run->rows.in >= 0 ||
               (run->failure.name != NULL && run->failed_step == step);
    case REPORT_IMPORT:
        break;
    }
    return run->job_count > 0 || run->state == REPORT_GOOD ||
           (run->failure.name != NULL && run->failed_step == step);
}
