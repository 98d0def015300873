#include "stages/athena_exec/athena_exec.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "stages/athena_exec/job.h"
#include "stages/athena_exec/literals.h"

void athena_job_release(struct athena_job *job)
{
    for (size_t i = 0; i < job->literal_count; i++)
        free(job->literals[i]);
    free((void *)job->literals);
    job->literals = NULL;
    job->literal_count = 0;
    pl_buf_release(&job->sql);
    pl_buf_release(&job->place);
    pl_buf_release(&job->text);
}

static int outcome(const struct pl_athena_execution *x, struct pl_err *err)
{
    const char *reason = x->reason[0] != '\0' ? x->reason : "no reason given";

    if (x->state == PL_ATHENA_CANCELLED)
        return pl_fail(err, PL_QUERY_CANCELLED, "query %s was cancelled: %s",
                       x->id, reason);
    return pl_fail(err, PL_QUERY_FAILED, "query %s failed: %s", x->id, reason);
}

/* Of the service's user errors the analyst can mend all but missing rights. */
static bool is_analysts(const struct pl_athena_execution *x)
{
    return x->state == PL_ATHENA_FAILED && x->error_category == 2 &&
           (x->error_type < 1500 || x->error_type >= 1600);
}

/* Has the service look at tables, columns and types, which costs nothing. */
static int explain(struct athena_job *job, struct pl_err *err)
{
    struct pl_athena_execution *x = &job->x;

    if (athena_start(job, ATHENA_EXPLAIN, err) != 0)
        return pl_context(err, "before the query");
    if (pl_manifest_set_str(job->m, "query.result.explain_id", x->id, err) != 0)
        return -1;
    if (x->state == PL_ATHENA_SUCCEEDED)
        return 0;
    athena_mask(job->text.data, job->text.len, x->reason, sizeof(x->reason));
    if (is_analysts(x))
        return pl_fail(err, PL_QUERY_INVALID,
                       "Athena would refuse the query: %s", x->reason);
    (void)outcome(x, err);
    return pl_context(err, "EXPLAIN");
}

/* What an earlier call of this stage left is no result of this one. */
static int begin(struct athena_job *job, struct pl_err *err)
{
    pl_manifest_data_drop(job->m, "query-result");
    return pl_manifest_set_new(job->m, "query.result", json_object(), err);
}

static int run(struct athena_job *job, struct pl_err *err)
{
    const enum athena_kind kind =
        job->set.is_unload ? ATHENA_UNLOAD : ATHENA_SELECT;

    job->deadline_ms = pl_mono_ms(&job->aws->clock) + job->set.timeout_ms;
    if (job->set.wait_id != NULL)
        return athena_attach(job, kind, err);
    if (job->set.has_explain && explain(job, err) != 0)
        return -1;
    return athena_start(job, kind, err);
}

int athena_exec_run(const struct athena_exec_config *cfg, struct pl_aws *aws,
                    struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(athena_job) job = {.aws = aws, .m = m};
    const struct pl_athena_execution *x = &job.x;

    if (begin(&job, err) != 0 ||
        athena_settings_choose(&job.set, cfg, m, err) != 0 ||
        athena_query_judge(&job, err) != 0)
        return -1;
    aws->bucket_owner = job.set.query.bucket_owner;
    if (athena_workgroup_check(&job, err) != 0 || run(&job, err) != 0)
        return -1;
    if (job.set.is_start_only || !athena_has_ended(x)) {
        pl_info("query %s is %s", x->id, x->state_text);
        return 0;
    }
    if (x->state != PL_ATHENA_SUCCEEDED)
        return outcome(x, err);
    if (athena_result_add(&job, err) != 0)
        return -1;
    if (x->scanned_bytes >= 0)
        pl_info("query %s succeeded, %" PRId64 " bytes scanned", x->id,
                x->scanned_bytes);
    else
        pl_info("query %s succeeded", x->id);
    return 0;
}
