#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "stages/profiles_import/run.h"

#define POLL_MS_FIRST 100

static json_t *int_or_null(int64_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

/* Records that the service has dealt with; -1: it did not say. */
static int64_t processed(const struct pl_customer_job *job)
{
    return job->created >= 0 && job->updated >= 0 && job->failed >= 0
               ? job->created + job->updated + job->failed
               : -1;
}

static json_t *show(const struct profiles_part *part)
{
    const struct pl_customer_job *job = &part->job;
    json_t *shown = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:[]}", "id", job->id,
        "name", part->name, "status", job->status, "uri", part->data.uri,
        "rows", (json_int_t)part->data.rows, "processed",
        int_or_null(processed(job)), "created", int_or_null(job->created),
        "updated", int_or_null(job->updated), "failed",
        int_or_null(job->failed), "failures");

    if (job->reason[0] != '\0')
        (void)json_object_set_new(shown, "reason", json_string(job->reason));
    return shown;
}

int profiles_record(struct profiles_run *run, struct pl_err *err)
{
    json_t *jobs = json_array();

    for (size_t i = 0; i < run->part_count; i++) {
        const struct profiles_part *part = &run->parts[i];

        if (!part->has_job || part->job.is_created)
            continue; /* nothing is imported by it yet */
        if (json_array_append_new(jobs, show(part)) != 0) {
            json_decref(jobs);
            return pl_fail_memory(err);
        }
    }
    return pl_manifest_set_new(run->m, "import.result.jobs", jobs, err);
}

/* A question that goes wrong for the moment is asked again: the job runs. */
static int look(struct profiles_run *run, struct profiles_part *part,
                struct pl_err *err)
{
    struct pl_customer_job next;
    struct pl_err cause = {0};

    if (pl_customer_get_upload(&run->customer, part->job.id, &next, &cause) ==
        0) {
        part->job = next;
        return 0;
    }
    if (cause.code == PL_THROTTLED ||
        (cause.code == PL_SERVICE_UNAVAILABLE && cause.sys != ENXIO)) {
        pl_debug("%s", cause.msg);
        return 0;
    }
    *err = cause;
    if (cause.code == PL_INTERRUPTED)
        return pl_context(err, "upload job %s goes on at the service",
                          part->job.id);
    return pl_context(err, "cannot follow upload job %s", part->job.id);
}

static void show_progress(const struct profiles_run *run)
{
    uint64_t done = 0;
    const char *status = "";

    for (size_t i = 0; i < run->part_count; i++) {
        const struct pl_customer_job *job = &run->parts[i].job;

        done += job->is_final ? (uint64_t)run->parts[i].data.rows : 0;
        if (!job->is_final)
            status = job->status;
    }
    pl_progress(status, done, (uint64_t)run->rows, "rows");
}

static int follow_one(struct profiles_run *run, struct profiles_part *part,
                      struct pl_err *err)
{
    int64_t pause_ms =
        POLL_MS_FIRST < run->set.poll_ms ? POLL_MS_FIRST : run->set.poll_ms;

    /* the list has no counts: also what is over is looked at */
    if (look(run, part, err) != 0)
        return -1;
    while (!part->job.is_final || part->job.is_created) {
        if (pl_mono_ms(&run->aws->clock) >= run->end_ms)
            return pl_fail(err, PL_IMPORT_TIMED_OUT,
                           "upload job %s did not end within %" PRId64
                           " s; it goes on at the service",
                           part->job.id, run->set.timeout_ms / 1000);
        if (pl_sleep_ms(&run->aws->clock, pause_ms, err) != 0)
            return pl_context(err, "upload job %s goes on at the service",
                              part->job.id);
        if (look(run, part, err) != 0 || profiles_record(run, err) != 0)
            return -1;
        show_progress(run);
        pause_ms =
            pause_ms * 2 < run->set.poll_ms ? pause_ms * 2 : run->set.poll_ms;
    }
    return profiles_record(run, err);
}

int profiles_follow(struct profiles_run *run, struct pl_err *err)
{
    for (size_t i = 0; i < run->part_count; i++)
        if (follow_one(run, &run->parts[i], err) != 0)
            return -1;
    pl_progress_end();
    return 0;
}

static int judge_one(const struct profiles_run *run,
                     const struct profiles_part *part, struct pl_err *err)
{
    const struct pl_customer_job *job = &part->job;
    const int64_t done = processed(job);

    if (!job->is_good)
        return pl_fail(err, PL_IMPORT_FAILED, "upload job %s: %s%s%s", job->id,
                       job->status, job->reason[0] != '\0' ? ", " : "",
                       job->reason);
    if (job->failed > 0 &&
        (double)job->failed * 100.0 >
            run->set.max_failed_percent * (double)part->data.rows)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "upload job %s: %" PRId64 " of %" PRId64
                       " rows failed; the service does not say which",
                       job->id, job->failed, part->data.rows);
    if (strcmp(job->status, "PARTIALLY_SUCCEEDED") == 0 &&
        (job->failed < 0 ||
         (job->failed == 0 && run->set.max_failed_percent <= 0)))
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "upload job %s: PARTIALLY_SUCCEEDED, without a count "
                       "of what failed",
                       job->id);
    if (done >= 0 && done != part->data.rows)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "upload job %s dealt with %" PRId64 " rows of %" PRId64,
                       job->id, done, part->data.rows);
    return 0;
}

int profiles_outcome(struct profiles_run *run, struct pl_err *err)
{
    for (size_t i = 0; i < run->part_count; i++) {
        const struct pl_customer_job *job = &run->parts[i].job;

        if (judge_one(run, &run->parts[i], err) != 0)
            return -1;
        run->has_failures = run->has_failures || job->failed > 0 ||
                            strcmp(job->status, "PARTIALLY_SUCCEEDED") == 0;
    }
    return 0;
}
