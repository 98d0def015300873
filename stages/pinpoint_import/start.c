#include <errno.h>
#include <inttypes.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "stages/pinpoint_import/run.h"

#define STARTS_MAX 3
#define SETTLE_LOOKS 6 /* longest waits that a lost job has to appear in */

int pinpoint_look_for(struct pinpoint_run *run, struct pinpoint_job *job,
                      bool *is_found, struct pl_err *err)
{
    if (pl_pinpoint_find_job(run->aws, run->set.region, run->set.application_id,
                             job->s3_url, is_found, &job->state, err) == 0)
        return 0;
    (void)pl_context(err, "cannot look for an earlier import");
    return pinpoint_explain(run, err);
}

int pinpoint_import_of(struct pinpoint_run *run, struct pinpoint_job *job,
                       char segment_id[128], struct pl_pinpoint_import *import,
                       struct pl_err *err)
{
    const struct pinpoint_settings *set = &run->set;

    *import = (struct pl_pinpoint_import){
        .application_id = set->application_id,
        .role_arn = set->role_arn,
        .s3_url = job->s3_url,
        .format = run->plan.format,
        .define_segment = set->define_segment,
        .register_endpoints = set->register_endpoints,
        .segment_id = set->segment_id,
        .segment_name = job->segment_name,
    };
    if (!set->define_segment || set->segment_id != NULL) {
        job->is_update = set->segment_id != NULL;
        return 0;
    }
    if (pinpoint_segment_find(run, job, segment_id, err) != 0)
        return -1;
    job->is_update = segment_id[0] != '\0';
    if (job->is_update)
        import->segment_id = segment_id;
    return 0;
}

static void adopt(struct pinpoint_job *job)
{
    if (job->starts > 0)
        pl_warn("the answer to the start was lost, but import job %s is there",
                job->state.id);
    else
        pl_info("import job %s of this run goes on", job->state.id);
    job->phase = PINPOINT_RUNNING;
}

/* Nobody knows whether it was done: the job may still appear. */
static int unclear(struct pinpoint_run *run, struct pinpoint_job *job,
                   const struct pl_err *cause)
{
    pl_warn("the start of an import is unclear (%s): looking for the job",
            cause->msg);
    job->settle_at_ms =
        pl_mono_ms(&run->aws->clock) + SETTLE_LOOKS * run->set.poll_ms;
    job->starts++;
    job->cause = *cause;
    run->is_begun = true;
    return 0;
}

void pinpoint_expect_all(struct pinpoint_run *run)
{
    for (size_t i = 0; i < run->plan.job_count; i++)
        run->plan.jobs[i].settle_at_ms =
            pl_mono_ms(&run->aws->clock) + SETTLE_LOOKS * run->set.poll_ms;
}

static int create(struct pinpoint_run *run, struct pinpoint_job *job,
                  const struct pl_pinpoint_import *import,
                  enum pinpoint_start *what, struct pl_err *err)
{
    struct pl_err cause = {0};
    int rc;

    pl_stop_hold(); /* the answer says which job to follow */
    rc = pl_pinpoint_create_import(run->aws, run->set.region, import,
                                   &job->state, &cause);
    pl_stop_unhold();
    if (rc == 0) {
        job->phase = PINPOINT_RUNNING;
        *what = PINPOINT_STARTED;
        run->is_refused = false;
        run->is_begun = true;
        pl_info("import job %s started: %" PRId64 " rows of '%s'",
                job->state.id, job->rows, job->s3_url);
        return 0;
    }
    if (cause.code == PL_THROTTLED) {
        if (!run->is_refused)
            pl_info("the service takes no import job now: waiting (%s)",
                    cause.msg);
        run->is_refused = true;
        return 0;
    }
    if (cause.code == PL_SERVICE_UNAVAILABLE && cause.sys != ENXIO)
        return unclear(run, job, &cause);
    *err = cause;
    (void)pl_context(err, "cannot start the import");
    return pinpoint_explain(run, err);
}

/* A question that was refused for its rate is asked again later; so is any that
 * goes wrong for the moment while an import may be running. */
static int wait_or_fail(const struct pinpoint_run *run,
                        const struct pl_err *cause, struct pl_err *err)
{
    if (cause->code == PL_THROTTLED ||
        (cause->code == PL_SERVICE_UNAVAILABLE && run->is_begun)) {
        pl_debug("%s", cause->msg);
        return 0;
    }
    *err = *cause;
    return -1;
}

int pinpoint_start(struct pinpoint_run *run, struct pinpoint_job *job,
                   enum pinpoint_start *what, struct pl_err *err)
{
    struct pl_pinpoint_import import;
    char segment_id[128] = "";
    struct pl_err cause = {0};
    bool is_found = false;

    *what = PINPOINT_NOT_NOW;
    if (pinpoint_look_for(run, job, &is_found, &cause) != 0)
        return wait_or_fail(run, &cause, err);
    if (is_found) {
        adopt(job);
        run->is_begun = true;
        *what = PINPOINT_STARTED;
        return 0;
    }
    if (pl_mono_ms(&run->aws->clock) < job->settle_at_ms)
        return 0;
    if (job->starts == STARTS_MAX) {
        *err = job->cause;
        return pl_context(err, "cannot start the import");
    }
    if (pinpoint_import_of(run, job, segment_id, &import, &cause) != 0)
        return wait_or_fail(run, &cause, err);
    return create(run, job, &import, what, err);
}
