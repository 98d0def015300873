#include "stages/pinpoint_import/pinpoint_import.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/log.h"
#include "pipeline/delta/advance.h"
#include "stages/pinpoint_import/run.h"

static void pinpoint_run_release(struct pinpoint_run *run)
{
    pinpoint_plan_release(&run->plan);
}

/* What a real run would send for this job; the job itself if it is there. */
static int plan_one(struct pinpoint_run *run, struct pinpoint_job *job,
                    json_t *planned, struct pl_err *err)
{
    struct pl_pinpoint_import import;
    char segment_id[128] = "";
    bool is_found = false;
    json_t *body;
    char *text;

    if (pinpoint_look_for(run, job, &is_found, err) != 0)
        return -1;
    if (is_found) {
        pl_info("dry run: import job %s of this run is there (%s)",
                job->state.id, job->state.status);
        return 0;
    }
    if (pinpoint_import_of(run, job, segment_id, &import, err) != 0)
        return -1;
    body = pl_pinpoint_import_body(&import);
    text = json_dumps(body, JSON_COMPACT);
    if (text != NULL)
        pl_info("dry run: would start an import of %" PRId64
                " rows in %zu files: %s",
                job->rows, job->count, text);
    free(text);
    return json_array_append_new(planned, body) == 0 ? 0 : pl_fail_memory(err);
}

static int dry_run(struct pinpoint_run *run, struct pl_err *err)
{
    json_t *planned = json_array();

    for (size_t i = 0; i < run->plan.job_count; i++)
        if (plan_one(run, &run->plan.jobs[i], planned, err) != 0) {
            json_decref(planned);
            return -1;
        }
    if (pl_manifest_set_new(run->m, "import.result.planned", planned, err) != 0)
        return -1;
    return pinpoint_record(run, err);
}

static int check_segments(struct pinpoint_run *run, struct pl_err *err)
{
    for (size_t i = 0; run->set.define_segment && i < run->plan.job_count;
         i++) {
        const int rc = pinpoint_segment_check(run, &run->plan.jobs[i], err);

        if (pinpoint_record(run, err) != 0 || rc != 0)
            return -1;
    }
    return 0;
}

static int import_rows(struct pinpoint_run *run, struct pl_err *err)
{
    run->end_ms = pl_mono_ms(&run->aws->clock) + run->set.timeout_ms;
    if (run->set.is_again)
        pinpoint_expect_all(run);
    if (pinpoint_follow(run, err) != 0 || pinpoint_outcome(run, err) != 0 ||
        check_segments(run, err) != 0)
        return -1;
    pl_info("imported: %" PRId64 " rows in %zu jobs", run->plan.rows,
            run->plan.job_count);
    return 0;
}

static bool took_all(const struct pinpoint_run *run)
{
    for (size_t i = 0; i < run->plan.job_count; i++)
        if (run->plan.jobs[i].state.failures > 0)
            return false;
    return true;
}

/* The import, and what the job keeps of it for its next run. */
static int import_and_keep(struct pinpoint_run *run, struct pl_err *err)
{
    PL_AUTO(pl_delta_import) delta = {.m = NULL};
    char place[PL_DELTA_DESTINATION];

    pl_delta_destination("application", run->set.application_id,
                         run->set.region, place);
    if (pl_delta_begin(&delta, run->m, run->aws, place, err) != 0)
        return -1;
    if (run->plan.job_count == 0 ? pinpoint_record(run, err) != 0
                                 : import_rows(run, err) != 0)
        return -1;
    return pl_delta_end(&delta, took_all(run), err);
}

int pinpoint_import_run(const struct pinpoint_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err)
{
    PL_AUTO(pinpoint_run) run = {.aws = aws, .m = m};

    if (pinpoint_settings_choose(&run.set, cfg, m, err) != 0 ||
        pinpoint_plan_make(&run.plan, &run.set, m, err) != 0 ||
        pinpoint_plan_check(&run.plan, &run.set, aws, err) != 0 ||
        pl_manifest_set_new(m, "import.result", json_object(), err) != 0)
        return -1;
    if (run.plan.job_count == 0)
        pl_info("no rows: nothing to import");
    if (run.set.is_dry_run)
        return dry_run(&run, err);
    if (import_and_keep(&run, err) != 0)
        return -1;
    return pl_manifest_set_str(m, "status", "succeeded", err);
}
