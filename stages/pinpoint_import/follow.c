#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "stages/pinpoint_import/run.h"

#define POLL_MS_FIRST 100

static json_t *int_or_null(int64_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

static json_t *segment_json(const struct pl_pinpoint_segment *segment)
{
    json_t *channels = json_object();

    for (size_t i = 0; channels != NULL && i < segment->channel_count; i++)
        (void)json_object_set_new(channels, segment->channels[i].name,
                                  json_integer(segment->channels[i].count));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", segment->id, "name",
                     segment->name, "version", int_or_null(segment->version),
                     "size", int_or_null(segment->size), "channels", channels);
}

static json_t *job_json(const struct pinpoint_job *job)
{
    const struct pl_pinpoint_job *state = &job->state;
    json_t *failures = json_array();
    json_t *entry;

    for (size_t i = 0; failures != NULL && i < state->failure_count; i++)
        (void)json_array_append_new(failures, json_string(state->failure[i]));
    entry = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "id", state->id,
                      "status", state->status, "s3_url", job->s3_url, "rows",
                      (json_int_t)job->rows, "processed",
                      int_or_null(state->processed), "failed",
                      int_or_null(state->failures), "failures", failures);
    if (entry != NULL && state->segment_id[0] != '\0')
        (void)json_object_set_new(entry, "segment_id",
                                  json_string(state->segment_id));
    if (entry != NULL && job->segment.id[0] != '\0')
        (void)json_object_set_new(entry, "segment",
                                  segment_json(&job->segment));
    return entry;
}

int pinpoint_record(const struct pinpoint_run *run, struct pl_err *err)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < run->plan.job_count; i++) {
        json_t *entry;

        if (run->plan.jobs[i].state.id[0] == '\0')
            continue;
        entry = job_json(&run->plan.jobs[i]);
        if (entry == NULL || json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return pl_fail_memory(err);
        }
    }
    return pl_manifest_set_new(run->m, "import.result.jobs", list, err);
}

static size_t count_phase(const struct pinpoint_run *run,
                          enum pinpoint_phase phase)
{
    size_t count = 0;

    for (size_t i = 0; i < run->plan.job_count; i++)
        count += run->plan.jobs[i].phase == phase;
    return count;
}

static bool has_failed(const struct pinpoint_run *run)
{
    for (size_t i = 0; i < run->plan.job_count; i++)
        if (run->plan.jobs[i].state.is_failed)
            return true;
    return false;
}

static void end_if_final(struct pinpoint_job *job)
{
    if (job->state.is_final)
        job->phase = PINPOINT_ENDED;
}

/* Once a job has failed no other is started. */
static int start_some(struct pinpoint_run *run, struct pl_err *err)
{
    for (size_t i = 0; i < run->plan.job_count && !has_failed(run); i++) {
        struct pinpoint_job *job = &run->plan.jobs[i];
        enum pinpoint_start what;

        if (job->phase != PINPOINT_WAITING)
            continue;
        if (count_phase(run, PINPOINT_RUNNING) >= (size_t)run->set.max_jobs)
            return 0;
        if (pinpoint_start(run, job, &what, err) != 0)
            return -1;
        if (what == PINPOINT_NOT_NOW)
            return 0;
        end_if_final(job);
        if (pinpoint_record(run, err) != 0)
            return -1;
    }
    return 0;
}

/* A look that goes wrong says nothing about the job, which goes on: only what
 * will not change ends it. */
static int look_at(struct pinpoint_run *run, struct pinpoint_job *job,
                   struct pl_err *err)
{
    PL_AUTO(pl_pinpoint_job) next = {0};
    const struct pl_pinpoint_job old = job->state;
    struct pl_err cause = {0};

    if (pl_pinpoint_get_import(run->aws, run->set.region,
                               run->set.application_id, old.id, &next,
                               &cause) != 0) {
        if (cause.code == PL_THROTTLED ||
            cause.code == PL_SERVICE_UNAVAILABLE) {
            pl_warn("cannot look at import job %s: %s", old.id, cause.msg);
            return 0;
        }
        *err = cause;
        (void)pl_context(err, "cannot follow import job %s", old.id);
        return pinpoint_explain(run, err);
    }
    if (strcmp(next.id, old.id) != 0) {
        pl_warn("asked for import job %s, the service answers with another",
                old.id);
        return 0;
    }
    job->state = next;
    next = old; /* released at the end of this turn */
    if (job->state.segment_id[0] == '\0')
        memcpy(job->state.segment_id, old.segment_id, sizeof(old.segment_id));
    if (strcmp(job->state.status, old.status) != 0)
        pl_debug("import job %s: %s", job->state.id, job->state.status);
    end_if_final(job);
    return 0;
}

static int look_at_all(struct pinpoint_run *run, struct pl_err *err)
{
    for (size_t i = 0; i < run->plan.job_count; i++)
        if (run->plan.jobs[i].phase == PINPOINT_RUNNING &&
            look_at(run, &run->plan.jobs[i], err) != 0)
            return -1;
    return 0;
}

/* The service's own count, or what its pieces come to. */
static int64_t rows_done(const struct pinpoint_job *job)
{
    const struct pl_pinpoint_job *s = &job->state;
    double share = 0;

    if (s->processed > 0)
        return s->processed < job->rows ? s->processed : job->rows;
    if (s->pieces_total > 0 && s->pieces_done > 0)
        share = (double)s->pieces_done / (double)s->pieces_total;
    return share < 1 ? (int64_t)(share * (double)job->rows) : job->rows;
}

static void show(const struct pinpoint_run *run)
{
    int64_t done = 0;

    for (size_t i = 0; i < run->plan.job_count; i++)
        done += rows_done(&run->plan.jobs[i]);
    pl_progress("importing", (uint64_t)done, (uint64_t)run->plan.rows, "rows");
}

static int timed_out(const struct pinpoint_run *run, struct pl_err *err)
{
    const size_t running = count_phase(run, PINPOINT_RUNNING);
    const int64_t timeout_s = run->set.timeout_ms / 1000;

    if (!run->is_begun)
        return pl_fail(err, PL_THROTTLED,
                       "the service took no import job within %" PRId64 " s",
                       timeout_s);
    return pl_fail(err, PL_IMPORT_TIMED_OUT,
                   "%zu import jobs did not end within %" PRId64
                   " s, and go on at the service; %zu were not started",
                   running, timeout_s, count_phase(run, PINPOINT_WAITING));
}

int pinpoint_follow(struct pinpoint_run *run, struct pl_err *err)
{
    const int64_t poll_ms = run->set.poll_ms;
    int64_t pause_ms = POLL_MS_FIRST < poll_ms ? POLL_MS_FIRST : poll_ms;

    for (;;) {
        if (start_some(run, err) != 0)
            return -1;
        if (count_phase(run, PINPOINT_RUNNING) == 0 &&
            (has_failed(run) || count_phase(run, PINPOINT_WAITING) == 0))
            break;
        if (pl_mono_ms(&run->aws->clock) >= run->end_ms)
            return timed_out(run, err);
        if (pl_sleep_ms(&run->aws->clock, pause_ms, err) != 0)
            return pl_context(err, "%zu import jobs go on at the service",
                              count_phase(run, PINPOINT_RUNNING));
        if (look_at_all(run, err) != 0 || pinpoint_record(run, err) != 0)
            return -1;
        show(run);
        pause_ms = pause_ms * 2 < poll_ms ? pause_ms * 2 : poll_ms;
    }
    pl_progress_end();
    return 0;
}

/* The first text of failure in quotes, with none inside: what is quoted is
 * masked outside of the manifest, and these are people's data. */
static void quote_failure(const struct pl_pinpoint_job *state, char out[300])
{
    const char *text = state->failure_count > 0 ? state->failure[0] : NULL;
    size_t n;

    if (text == NULL) {
        (void)snprintf(out, 300, "no reason is given");
        return;
    }
    n = (size_t)snprintf(out, 298, "'%s", text);
    n = pl_utf8_valid_len(out, n < 298 ? n : 297);
    for (size_t i = 1; i < n; i++)
        if (out[i] == '\'' || out[i] == '"')
            out[i] = '`';
    memcpy(out + n, "'", 2);
}

/* Whether a job that failed is counted under processed is not documented. */
static bool adds_up(const struct pinpoint_job *job)
{
    const struct pl_pinpoint_job *s = &job->state;

    return s->processed == job->rows ||
           (s->failures > 0 && s->processed == job->rows - s->failures);
}

static int judge_counts(const struct pinpoint_job *job, struct pl_err *err)
{
    if (job->state.processed < 0)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "import job %s completed, but does not say how many of "
                       "%" PRId64 " rows it processed",
                       job->state.id, job->rows);
    if (!adds_up(job))
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "import job %s processed %" PRId64 " rows of %" PRId64,
                       job->state.id, job->state.processed, job->rows);
    return 0;
}

int pinpoint_outcome(const struct pinpoint_run *run, struct pl_err *err)
{
    const struct pinpoint_job *worst = NULL;
    int64_t failures = 0;
    char why[300];

    for (size_t i = 0; i < run->plan.job_count; i++) {
        const struct pinpoint_job *job = &run->plan.jobs[i];

        quote_failure(&job->state, why);
        if (job->state.is_failed)
            return pl_fail(err, PL_IMPORT_FAILED,
                           "import job %s failed: %s; %zu of %zu jobs were "
                           "not started",
                           job->state.id, why,
                           count_phase(run, PINPOINT_WAITING),
                           run->plan.job_count);
        if (job->state.failures > 0 && worst == NULL)
            worst = job;
        failures += job->state.failures > 0 ? job->state.failures : 0;
    }
    if (worst != NULL &&
        (double)failures * 100.0 >
            run->set.max_failed_percent * (double)run->plan.rows) {
        quote_failure(&worst->state, why);
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "import job %s: %" PRId64 " of %" PRId64
                       " rows failed; the first: %s",
                       worst->state.id, failures, run->plan.rows, why);
    }
    for (size_t i = 0; i < run->plan.job_count; i++)
        if (judge_counts(&run->plan.jobs[i], err) != 0)
            return -1;
    return 0;
}
