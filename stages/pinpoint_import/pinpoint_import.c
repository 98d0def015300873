#include "stages/pinpoint_import/pinpoint_import.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/pinpoint.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"

#define TIMEOUT_S_DEFAULT 7200
#define POLL_MS_DEFAULT 5000 /* AWS's own sample looks every 3 s */
#define POLL_MS_FIRST 100
#define JOB_BYTES_MAX (INT64_C(1000) * 1000 * 1000) /* aws-facts 1.6 */

struct job {
    struct pl_pinpoint_import import;
    struct pl_buf prefix;
    const char *region;
    int64_t rows;
    int64_t timeout_ms;
    int64_t poll_ms;
    double max_failed_percent;
};

static void job_release(struct job *job)
{
    pl_buf_release(&job->prefix);
}

static int check_destination(const struct pl_manifest *m, struct pl_err *err)
{
    const char *destination = pl_manifest_str(m, "import.destination");
    const char *target = pl_manifest_str(m, "validate.target");

    if (destination != NULL && strcmp(destination, "pinpoint") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.destination is '%s', which is not for this "
                       "program",
                       destination);
    if (target != NULL && strcmp(target, "pinpoint") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the data was made for target '%s'", target);
    return 0;
}

static int settings(struct job *job, const struct pinpoint_import_config *cfg,
                    const struct pl_manifest *m, struct pl_err *err)
{
    struct pl_pinpoint_import *import = &job->import;
    int64_t timeout_s;

    import->application_id = pl_setting_of(
        cfg->application_id, pl_manifest_str(m, "import.application_id"),
        "LAKESEG_APPLICATION_ID");
    import->role_arn =
        pl_setting_of(cfg->role_arn, pl_manifest_str(m, "import.role_arn"),
                      "LAKESEG_ROLE_ARN");
    import->define_segment =
        pl_manifest_bool(m, "import.define_segment", false);
    import->register_endpoints =
        pl_manifest_bool(m, "import.register_endpoints", true);
    import->segment_name = pl_manifest_str(m, "import.segment_name");
    job->region =
        pl_setting_of(cfg->region, pl_manifest_str(m, "import.region"),
                      "LAKESEG_IMPORT_REGION");
    job->max_failed_percent =
        pl_manifest_real(m, "import.max_failed_percent", 0);
    if (pl_setting_int(
            cfg->timeout_s, "LAKESEG_IMPORT_TIMEOUT_S",
            pl_manifest_int(m, "import.timeout_s", TIMEOUT_S_DEFAULT),
            &timeout_s, err) != 0 ||
        pl_setting_int(cfg->poll_ms, "LAKESEG_POLL_INTERVAL_MS",
                       POLL_MS_DEFAULT, &job->poll_ms, err) != 0)
        return -1;
    job->timeout_ms = timeout_s * 1000;
    if (timeout_s < 1 || job->poll_ms < 1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "time-outs and intervals must be at least 1");
    if (import->application_id == NULL || import->role_arn == NULL)
        return pl_fail(err, PL_CONFIG_INVALID, "'import.%s' is missing",
                       import->application_id == NULL ? "application_id"
                                                      : "role_arn");
    if (!import->define_segment && !import->register_endpoints)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "neither import.define_segment nor "
                       "import.register_endpoints is set: nothing to do");
    return 0;
}

/* All normalized data must be in S3, below one prefix that holds nothing
 * else; an importer reads whatever the prefix matches. */
static int add_part(struct job *job, const struct pl_data *data, int64_t *bytes,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;
    const char *name = pl_uri_name(data->uri);

    if (!pl_starts_with(data->uri, "s3://"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is local: run s3-put before", data->uri);
    if (data->rows < 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'%s' has no row count: run csv-validate before",
                       data->uri);
    if (pl_buf_add(&folder, data->uri, (size_t)(name - data->uri), err) != 0)
        return -1;
    if (job->prefix.len == 0 &&
        pl_buf_add(&job->prefix, folder.data, folder.len, err) != 0)
        return -1;
    if (strcmp(job->prefix.data, folder.data) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the normalized data stands in more than one folder");
    job->import.format = strcmp(data->format, "json") == 0 ? "JSON" : "CSV";
    job->rows += data->rows;
    *bytes += data->bytes > 0 ? data->bytes : 0;
    return 0;
}

static int find_parts(struct job *job, const struct pl_manifest *m,
                      struct pl_err *err)
{
    const int64_t rows_out = pl_manifest_int(m, "validate.result.rows_out", -1);
    int64_t bytes = 0;
    size_t parts = 0;

    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "normalized") != 0)
            continue;
        if (add_part(job, &data, &bytes, err) != 0)
            return -1;
        parts++;
    }
    if (parts == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to import: no data with role 'normalized'");
    if (rows_out >= 0 && rows_out != job->rows)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "counts do not add up: %" PRId64 " rows out, %" PRId64
                       " in the data",
                       rows_out, job->rows);
    if (bytes > JOB_BYTES_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "%" PRId64
                       " bytes: an import job takes at most %" PRId64,
                       bytes, JOB_BYTES_MAX);
    job->import.s3_url = job->prefix.data;
    return 0;
}

/* Finds the run's job, or starts it. A start whose answer was lost may have
 * been done: look before saying that it failed. */
static int start(struct job *job, struct pl_aws *aws,
                 struct pl_pinpoint_job *state, struct pl_err *err)
{
    bool is_found = false;
    struct pl_err cause = {0};

    if (pl_pinpoint_find_job(aws, job->region, job->import.application_id,
                             job->import.s3_url, &is_found, state, err) != 0)
        return pl_context(err, "cannot look for an earlier import");
    if (is_found) {
        pl_info("import job %s of this run goes on", state->id);
        return 0;
    }
    if (pl_pinpoint_create_import(aws, job->region, &job->import, state,
                                  &cause) == 0) {
        pl_info("import job %s started: %" PRId64 " rows", state->id,
                job->rows);
        return 0;
    }
    if (cause.code == PL_SERVICE_UNAVAILABLE) {
        struct pl_err ignored = {0};

        if (pl_pinpoint_find_job(aws, job->region, job->import.application_id,
                                 job->import.s3_url, &is_found, state,
                                 &ignored) == 0 &&
            is_found) {
            pl_warn("the answer to the start was lost, but import job %s "
                    "runs",
                    state->id);
            return 0;
        }
    }
    *err = cause;
    return pl_context(err, "cannot start the import");
}

static json_t *int_or_null(int64_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

/* What is known of the job now, for whatever happens next. */
static int record(struct pl_manifest *m, const struct pl_pinpoint_job *state,
                  struct pl_err *err)
{
    json_t *failures = json_array();
    json_t *entry;

    for (size_t i = 0; failures != NULL && i < state->failure_count; i++)
        (void)json_array_append_new(failures, json_string(state->failure[i]));
    entry =
        json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", state->id, "status",
                  state->status, "processed", int_or_null(state->processed),
                  "failed", int_or_null(state->failures), "failures", failures);
    if (entry == NULL)
        return pl_fail_memory(err);
    if (state->segment_id[0] != '\0')
        (void)json_object_set_new(entry, "segment_id",
                                  json_string(state->segment_id));
    return pl_manifest_set_new(m, "import.result.jobs", json_pack("[o]", entry),
                               err);
}

static int follow(const struct job *job, struct pl_aws *aws,
                  struct pl_pinpoint_job *state, struct pl_manifest *m,
                  struct pl_err *err)
{
    const int64_t end = pl_mono_ms(&aws->clock) + job->timeout_ms;
    int64_t pause_ms =
        POLL_MS_FIRST < job->poll_ms ? POLL_MS_FIRST : job->poll_ms;

    while (!state->is_final) {
        PL_AUTO(pl_pinpoint_job) next = {0};
        const struct pl_pinpoint_job old = *state;

        if (pl_mono_ms(&aws->clock) >= end)
            return pl_fail(err, PL_IMPORT_TIMED_OUT,
                           "import job %s did not end within %" PRId64
                           " s; it goes on at the service",
                           state->id, job->timeout_ms / 1000);
        if (pl_sleep_ms(&aws->clock, pause_ms, err) != 0)
            return pl_context(err, "import job %s goes on at the service",
                              state->id);
        if (pl_pinpoint_get_import(aws, job->region, job->import.application_id,
                                   state->id, &next, err) != 0)
            return pl_context(err, "cannot follow import job %s", state->id);
        *state = next;
        next = old; /* released at the end of this turn */
        pl_progress(state->status,
                    state->processed > 0 ? (uint64_t)state->processed : 0,
                    (uint64_t)job->rows, "rows");
        if (record(m, state, err) != 0)
            return -1;
        pause_ms = pause_ms * 2 < job->poll_ms ? pause_ms * 2 : job->poll_ms;
    }
    pl_progress_end();
    return 0;
}

static int outcome(const struct job *job, const struct pl_pinpoint_job *state,
                   struct pl_err *err)
{
    const char *why =
        state->failure_count > 0 ? state->failure[0] : "no reason given";

    if (state->is_failed)
        return pl_fail(err, PL_IMPORT_FAILED, "import job %s failed: %s",
                       state->id, why);
    if (state->failures > 0 && (double)state->failures * 100.0 >
                                   job->max_failed_percent * (double)job->rows)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "import job %s: %" PRId64 " of %" PRId64
                       " rows failed; the first: %s",
                       state->id, state->failures, job->rows, why);
    if (state->processed >= 0 && state->processed != job->rows)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "import job %s processed %" PRId64 " rows of %" PRId64,
                       state->id, state->processed, job->rows);
    return 0;
}

static int import_rows(struct job *job, struct pl_aws *aws,
                       struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_pinpoint_job) state = {0};

    if (start(job, aws, &state, err) != 0 || record(m, &state, err) != 0 ||
        follow(job, aws, &state, m, err) != 0 || record(m, &state, err) != 0 ||
        outcome(job, &state, err) != 0)
        return -1;
    pl_info("import job %s completed: %" PRId64 " rows, %" PRId64 " failed",
            state.id, state.processed, state.failures);
    return 0;
}

int pinpoint_import_run(const struct pinpoint_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err)
{
    PL_AUTO(job) job = {0};

    if (check_destination(m, err) != 0 || settings(&job, cfg, m, err) != 0 ||
        find_parts(&job, m, err) != 0)
        return -1;
    if (job.rows == 0) {
        pl_info("no rows: nothing to import");
        if (pl_manifest_set_new(m, "import.result.jobs", json_array(), err) !=
            0)
            return -1;
    } else if (import_rows(&job, aws, m, err) != 0) {
        return -1;
    }
    return pl_manifest_set_str(m, "status", "succeeded", err);
}
