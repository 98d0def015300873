#include "stages/csv_validate/csv_validate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/transform.h"
#include "pipeline/stream/reader.h"
#include "pipeline/stream/writer.h"
#include "pipeline/target/target.h"

#define MAX_REJECT_PERCENT_DEFAULT 1.0
#define MIN_ROWS_DEFAULT 1

/* One run of the transformer with what it reads and writes. */
struct job {
    struct pl_csv_config csv;
    struct pl_buf in_uri;
    struct pl_buf out_uri;
    struct pl_buf rejects_uri;
    struct pl_buf expected_crc; /* of the input; "" unknown */
    struct pl_reader reader;
    struct pl_writer out;
    struct pl_writer rejects;
    struct pl_csv_report report;
};

static void job_release(struct job *job)
{
    pl_reader_release(&job->reader);
    pl_writer_release(&job->out);
    pl_writer_release(&job->rejects);
    pl_csv_report_release(&job->report);
    pl_buf_release(&job->in_uri);
    pl_buf_release(&job->out_uri);
    pl_buf_release(&job->rejects_uri);
    pl_buf_release(&job->expected_crc);
}

bool csv_validate_needs_s3(const struct pl_manifest *m)
{
    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_err ignored = {0};
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, &ignored) == 0 &&
            strcmp(data.role, "query-result") == 0 &&
            pl_starts_with(data.uri, "s3://"))
            return true;
    }
    return false;
}

static int choose_target(struct job *job, const struct csv_validate_config *cfg,
                         const struct pl_manifest *m, struct pl_err *err)
{
    const char *destination = pl_manifest_str(m, "import.destination");
    const char *name = cfg->target;

    if (name == NULL)
        name = pl_manifest_str(m, "validate.target");
    if (name == NULL)
        name = destination != NULL ? destination : "pinpoint";
    if (destination != NULL && strcmp(name, destination) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "validate.target is '%s', import.destination is '%s'",
                       name, destination);
    job->csv.target = pl_target_by_name(name);
    if (job->csv.target == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "unknown target '%s'; there are pinpoint and "
                       "customer-profiles",
                       name);
    return 0;
}

static int choose_limits(struct pl_csv_limits *limits,
                         const struct csv_validate_config *cfg,
                         const struct pl_manifest *m, struct pl_err *err)
{
    char *end = NULL;

    limits->max_reject_percent = pl_manifest_real(
        m, "validate.limits.max_reject_percent", MAX_REJECT_PERCENT_DEFAULT);
    if (cfg->max_reject_percent != NULL) {
        limits->max_reject_percent = strtod(cfg->max_reject_percent, &end);
        if (end == cfg->max_reject_percent || *end != '\0')
            return pl_fail(err, PL_USAGE_INVALID,
                           "--max-reject-percent: '%s' is not a number",
                           cfg->max_reject_percent);
    }
    limits->max_rejects =
        cfg->max_rejects != PL_UNSET
            ? cfg->max_rejects
            : pl_manifest_int(m, "validate.limits.max_rejects", -1);
    limits->min_rows =
        cfg->min_rows != PL_UNSET
            ? cfg->min_rows
            : pl_manifest_int(m, "validate.limits.min_rows", MIN_ROWS_DEFAULT);
    limits->max_rows = pl_manifest_int(m, "validate.limits.max_rows", -1);
    if (!(limits->max_reject_percent >= 0 && limits->max_reject_percent <= 100))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "max_reject_percent must be from 0 to 100");
    return 0;
}

/* A word of validate.rules: its index in words, 0 when it is not set. */
static int choose_word(const struct pl_manifest *m, const char *path,
                       const char *const words[], unsigned *index,
                       struct pl_err *err)
{
    const char *text = pl_manifest_str(m, path);

    *index = 0;
    if (text == NULL)
        return 0;
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *index = i;
            return 0;
        }
    }
    return pl_fail(err, PL_CONFIG_INVALID, "%s: unknown word '%s'", path, text);
}

static int choose_rules(struct pl_csv_rules *rules,
                        const struct csv_validate_config *cfg,
                        const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const breaks[] = {"blank", "reject", NULL};
    static const char *const empty[] = {"keep", "null", "reject", NULL};
    static const char *const unknown[] = {"refuse", "drop", NULL};
    unsigned i;

    if (choose_word(m, "validate.rules.line_breaks", breaks, &i, err) != 0)
        return -1;
    rules->line_breaks = i == 0 ? PL_CSV_BREAKS_BLANK : PL_CSV_BREAKS_REJECT;
    if (choose_word(m, "validate.rules.empty", empty, &i, err) != 0)
        return -1;
    rules->empty = i == 0   ? PL_CSV_EMPTY_KEEP
                   : i == 1 ? PL_CSV_EMPTY_NULL
                            : PL_CSV_EMPTY_REJECT;
    if (choose_word(m, "validate.rules.unknown_columns", unknown, &i, err) != 0)
        return -1;
    rules->unknown_columns =
        i == 0 ? PL_CSV_UNKNOWN_REFUSE : PL_CSV_UNKNOWN_DROP;
    rules->has_raw =
        cfg->has_raw || pl_manifest_bool(m, "validate.rules.raw", false);
    return 0;
}

/* Where the one input is. */
static int find_input(struct job *job, const struct pl_manifest *m,
                      struct pl_err *err)
{
    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "query-result") != 0)
            continue;
        if (job->in_uri.len > 0)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "more than one entry of data[] with role "
                           "'query-result'");
        if (strcmp(data.format, "csv") != 0 ||
            strcmp(data.compression, "none") != 0)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "'%s': only uncompressed csv is read", data.uri);
        if (pl_buf_adds(&job->in_uri, data.uri, err) != 0 ||
            (data.crc64nvme != NULL &&
             pl_buf_adds(&job->expected_crc, data.crc64nvme, err) != 0))
            return -1;
    }
    if (job->in_uri.len == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to validate: no data with role "
                       "'query-result'");
    return 0;
}

/* S3 input goes to the run's place in S3, local input to the local one. */
static int choose_places(struct job *job, const struct pl_manifest *m,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) work = PL_BUF_INIT;
    const int rc = pl_starts_with(job->in_uri.data, "s3://")
                       ? pl_manifest_work_uri(m, &work, err)
                       : pl_manifest_work_dir(m, &work, err);

    if (rc != 0 || pl_buf_addf(&job->out_uri, err,
                               "%simport/p0000/part-0000.csv", work.data) != 0)
        return -1;
    return pl_buf_addf(&job->rejects_uri, err, "%srejects/rejects.jsonl",
                       work.data);
}

static void show_progress(void *ctx, uint64_t bytes, uint64_t rows)
{
    const struct job *job = ctx;

    (void)bytes;
    pl_progress("validating", (uint64_t)job->reader.passed,
                job->reader.bytes > 0 ? (uint64_t)job->reader.bytes : 0,
                "bytes");
    (void)rows;
}

static int open_streams(struct job *job, struct pl_aws *aws, struct pl_err *err)
{
    if (pl_reader_open(&job->reader, job->in_uri.data, aws, err) != 0 ||
        pl_writer_open(&job->out, job->out_uri.data, "text/csv; charset=utf-8",
                       aws, err) != 0)
        return -1;
    return pl_writer_open(&job->rejects, job->rejects_uri.data,
                          "application/x-ndjson", aws, err);
}

static int transform(struct job *job, struct pl_err *err)
{
    const struct pl_source in = pl_reader_source(&job->reader);
    const struct pl_sink out = pl_writer_sink(&job->out);
    const struct pl_sink rejects = pl_writer_sink(&job->rejects);

    job->csv.in = &in;
    job->csv.out = &out;
    job->csv.rejects = &rejects;
    job->csv.progress = show_progress;
    job->csv.progress_ctx = job;
    if (pl_csv_transform(&job->csv, &job->report, err) != 0)
        return -1;
    return pl_reader_verify(
        &job->reader, job->expected_crc.len > 0 ? job->expected_crc.data : NULL,
        err);
}

static int add_entry(struct pl_manifest *m, const char *uri, const char *role,
                     const char *format, const struct pl_writer *w,
                     uint64_t rows, struct pl_err *err)
{
    char crc[PL_CRC64_TEXT];
    const struct pl_data data = {.uri = uri,
                                 .role = role,
                                 .format = format,
                                 .compression = "none",
                                 .bytes = w->bytes,
                                 .rows = (int64_t)rows,
                                 .crc64nvme = crc,
                                 .etag = w->etag[0] != '\0' ? w->etag : NULL};

    pl_crc64_text(w->crc64nvme, crc);
    return pl_manifest_data_add(m, &data, err);
}

static json_t *columns_json(const struct pl_csv_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < report->column_count; i++) {
        const struct pl_csv_column *c = &report->columns[i];
        json_t *entry = json_pack(
            "{s:s, s:I, s:I, s:I, s:I}", "name", c->name, "filled",
            (json_int_t)c->filled, "null", (json_int_t)c->null, "empty",
            (json_int_t)c->empty, "longest", (json_int_t)c->longest);

        (void)json_array_append_new(list, entry);
    }
    return list;
}

static int record(const struct job *job, struct pl_manifest *m,
                  struct pl_err *err)
{
    const struct pl_csv_report *r = &job->report;
    const struct {
        const char *path;
        uint64_t count;
    } counts[] = {{"validate.result.rows_in", r->rows_in},
                  {"validate.result.rows_out", r->rows_out},
                  {"validate.result.rows_rejected", r->rows_rejected},
                  {"validate.result.rows_dropped", r->rows_dropped},
                  {"validate.result.rows_merged", r->rows_merged},
                  {"validate.result.rows_unchanged", r->rows_unchanged}};
    json_t *rules = json_object();

    for (size_t i = 0; i < PL_COUNT(counts); i++)
        if (pl_manifest_set_int(m, counts[i].path, (int64_t)counts[i].count,
                                err) != 0) {
            json_decref(rules);
            return -1;
        }
    for (size_t i = 0; rules != NULL && i < r->rule_count; i++)
        if (r->rules[i].count > 0)
            (void)json_object_set_new(
                rules, r->rules[i].code,
                json_integer((json_int_t)r->rules[i].count));
    if (pl_manifest_set_new(m, "validate.result.by_rule", rules, err) != 0)
        return -1;
    return pl_manifest_set_new(m, "validate.result.columns", columns_json(r),
                               err);
}

/* The reject file is kept whatever the limits say: the analyst needs it most
 * when they were exceeded. */
static int keep_rejects(struct job *job, struct pl_manifest *m,
                        struct pl_err *err)
{
    if (pl_writer_commit(&job->rejects, err) != 0)
        return pl_context(err, "cannot keep the rejects");
    pl_manifest_data_drop(m, "rejects");
    return add_entry(m, job->rejects_uri.data, "rejects", "jsonl",
                     &job->rejects, job->report.rows_rejected, err);
}

static int finish(struct job *job, struct pl_manifest *m, struct pl_err *err)
{
    if (pl_writer_commit(&job->out, err) != 0)
        return pl_context(err, "cannot write the normalized file");
    pl_manifest_data_drop(m, "query-result");
    pl_manifest_data_drop(m, "normalized");
    if (add_entry(m, job->out_uri.data, "normalized", "csv", &job->out,
                  job->report.rows_out, err) != 0)
        return -1;
    pl_info("%" PRIu64 " rows in, %" PRIu64 " out, %" PRIu64
            " rejected, %" PRIu64 " dropped",
            job->report.rows_in, job->report.rows_out,
            job->report.rows_rejected, job->report.rows_dropped);
    return 0;
}

int csv_validate_run(const struct csv_validate_config *cfg, struct pl_aws *aws,
                     struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(job)
    job = {.reader = {.fd = -1}, .out = {.fd = -1}, .rejects = {.fd = -1}};
    struct pl_err verdict = {0};

    if (choose_target(&job, cfg, m, err) != 0 ||
        choose_limits(&job.csv.limits, cfg, m, err) != 0 ||
        choose_rules(&job.csv.rules, cfg, m, err) != 0 ||
        find_input(&job, m, err) != 0 || choose_places(&job, m, err) != 0 ||
        open_streams(&job, aws, err) != 0)
        return -1;
    if (transform(&job, &verdict) != 0 && verdict.code != PL_DATA_INVALID) {
        *err = verdict;
        return -1;
    }
    pl_progress_end();
    if (record(&job, m, err) != 0 || keep_rejects(&job, m, err) != 0)
        return -1;
    if (verdict.code != PL_OK) {
        *err = verdict;
        return -1;
    }
    return finish(&job, m, err);
}
