#include "pipeline/manifest/metrics.h"

#include <string.h>

#include "pipeline/base/clock.h"

#define DIMENSION_MAX 1024 /* characters; ASCII, one of them no blank */

/* The two halves of the line: what is measured, and the values beside it. */
struct line {
    json_t *metrics;
    json_t *root;
};

static void line_release(struct line *line)
{
    json_decref(line->metrics);
    json_decref(line->root);
}

static int add(struct line *line, const char *name, const char *unit,
               json_t *value)
{
    if (json_object_set_new(line->root, name, value) != 0)
        return -1;
    return json_array_append_new(
        line->metrics, json_pack("{s:s,s:s}", "Name", name, "Unit", unit));
}

/* A figure of the manifest, if it is there. */
static int add_field(struct line *line, const char *name, const char *unit,
                     const struct pl_manifest *m, const char *path)
{
    const int64_t value = pl_manifest_int(m, path, -1);

    return value < 0 ? 0 : add(line, name, unit, json_integer(value));
}

static int add_rows(struct line *line, const struct pl_manifest *m)
{
    const int64_t in = pl_manifest_int(m, "validate.result.rows_in", -1);
    const int64_t rejected =
        pl_manifest_int(m, "validate.result.rows_rejected", -1);

    if (add_field(line, "RowsIn", "Count", m, "validate.result.rows_in") != 0 ||
        add_field(line, "RowsOut", "Count", m, "validate.result.rows_out") !=
            0 ||
        add_field(line, "RowsRejected", "Count", m,
                  "validate.result.rows_rejected") != 0)
        return -1;
    if (in <= 0 || rejected < 0)
        return 0;
    return add(line, "RejectPercent", "Percent",
               json_real(100.0 * (double)rejected / (double)in));
}

static int add_import(struct line *line, const struct pl_manifest *m)
{
    const json_t *jobs = pl_manifest_get(m, "import.result.jobs");
    json_int_t processed = 0;
    json_int_t failed = 0;
    const json_t *job;
    size_t i;

    if (json_array_size(jobs) == 0)
        return 0;
    json_array_foreach(jobs, i, job)
    {
        processed += json_integer_value(json_object_get(job, "processed"));
        failed += json_integer_value(json_object_get(job, "failed"));
    }
    if (add(line, "Processed", "Count", json_integer(processed)) != 0)
        return -1;
    return add(line, "Failed", "Count", json_integer(failed));
}

static int add_duration(struct line *line, const struct pl_manifest *m,
                        int64_t now_ms)
{
    const char *started = pl_manifest_str(m, "run.started_at");
    int64_t started_ms = 0;

    if (started == NULL || pl_time_parse_iso(started, &started_ms) != 0 ||
        started_ms > now_ms)
        return 0;
    return add(line, "DurationMs", "Milliseconds",
               json_integer(now_ms - started_ms));
}

/* The job's name as CloudWatch takes it. */
static void dimension(const char *name, char out[DIMENSION_MAX + 1])
{
    size_t n = 0;

    for (; name != NULL && *name != '\0' && n < DIMENSION_MAX; name++)
        out[n++] = *name >= ' ' && *name <= '~' ? *name : '?';
    out[n] = '\0';
    if (strspn(out, " ") == n)
        (void)snprintf(out, DIMENSION_MAX + 1, "unnamed");
}

static int add_names(struct line *line, const struct pl_manifest *m)
{
    char job[DIMENSION_MAX + 1];

    dimension(pl_manifest_str(m, "run.name"), job);
    if (json_object_set_new(line->root, "Job", json_string(job)) != 0)
        return -1;
    return json_object_update_new(
        line->root,
        json_pack("{s:s*,s:s*,s:s}", "RunId", pl_manifest_str(m, "run.id"),
                  "ErrorName",
                  pl_manifest_is_failed(m) ? pl_manifest_str(m, "error.name")
                                           : NULL,
                  "Outcome", pl_manifest_subject(m)));
}

static int fill(struct line *line, const struct pl_manifest *m, int64_t now_ms)
{
    const bool is_good = strcmp(pl_manifest_subject(m), "successful") == 0;

    if (add_names(line, m) != 0 ||
        add(line, "RunsSucceeded", "Count", json_integer(is_good ? 1 : 0)) !=
            0 ||
        add(line, "RunsFailed", "Count", json_integer(is_good ? 0 : 1)) != 0 ||
        add_field(line, "ScannedBytes", "Bytes", m,
                  "query.result.scanned_bytes") != 0 ||
        add_rows(line, m) != 0 || add_import(line, m) != 0 ||
        add_duration(line, m, now_ms) != 0)
        return -1;
    return json_object_set_new(
        line->root, "_aws",
        json_pack("{s:I,s:[{s:s,s:[[s]],s:O}]}", "Timestamp",
                  (json_int_t)now_ms, "CloudWatchMetrics", "Namespace",
                  "lakeseg", "Dimensions", "Job", "Metrics", line->metrics));
}

int pl_metrics_print(const struct pl_manifest *m, int64_t now_ms,
                     struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO(line)
    line = {.metrics = json_array(), .root = json_object()};
    PL_AUTO_STR *text = NULL;

    if (fill(&line, m, now_ms) != 0)
        return pl_fail_memory(err);
    text = json_dumps(line.root, JSON_COMPACT);
    if (text == NULL)
        return pl_fail_memory(err);
    if (pl_buf_adds(out, text, err) != 0)
        return -1;
    return pl_buf_addc(out, '\n', err);
}
