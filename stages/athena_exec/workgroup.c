/* The work group: what it forbids, and what it takes over. */
#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/text.h"
#include "stages/athena_exec/job.h"

static int look(struct athena_job *job, struct pl_err *err)
{
    const char *name = job->set.query.workgroup;
    struct pl_err cause = {0};

    if (pl_athena_workgroup(job->aws, name, &job->group, &cause) == 0) {
        job->is_group_known = true;
        return 0;
    }
    memset(&job->group, 0, sizeof(job->group));
    if (cause.code == PL_ACCESS_DENIED) {
        pl_warn("no right to look at work group '%s' (athena:GetWorkGroup): "
                "going on without",
                name);
        return 0;
    }
    *err = cause;
    return pl_context(err, "cannot look at work group '%s'", name);
}

/* Only a cut-off stops a query before it has cost too much: that statistics
 * move while it runs is documented nowhere, and a stopped query is billed. */
static int check_guard(const struct athena_job *job, struct pl_err *err)
{
    const int64_t most = job->set.max_scanned_bytes;
    const char *name = job->set.query.workgroup;

    if (most < 0)
        return 0;
    if (most < PL_ATHENA_CUTOFF_MIN)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.max_scanned_bytes is below %" PRId64
                       ", the least cut-off that a work group can have",
                       PL_ATHENA_CUTOFF_MIN);
    if (!job->is_group_known)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.max_scanned_bytes needs the right to see the "
                       "cut-off of work group '%s' (athena:GetWorkGroup)",
                       name);
    if (job->group.scan_cutoff_bytes < 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.max_scanned_bytes is %" PRId64
                       ", but work group '%s' has no cut-off; give it one "
                       "(BytesScannedCutoffPerQuery) of at most that",
                       most, name);
    if (job->group.scan_cutoff_bytes > most)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the cut-off of work group '%s' is %" PRId64
                       " bytes, query.max_scanned_bytes is %" PRId64,
                       name, job->group.scan_cutoff_bytes, most);
    return 0;
}

static int check_output(struct athena_job *job, struct pl_err *err)
{
    struct pl_athena_query *q = &job->set.query;

    if (!job->group.is_managed) {
        if (q->output_uri == NULL && job->group.output_uri[0] == '\0' &&
            job->is_group_known)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "no place for the result: set 'query.output_uri' or "
                           "the work group's location");
        return 0;
    }
    q->output_uri = NULL; /* the service refuses it all */
    q->encryption = NULL;
    q->kms_key = NULL;
    q->bucket_owner = NULL;
    if (q->has_reuse)
        pl_warn("work group '%s' keeps results itself and reuses none",
                q->workgroup);
    q->has_reuse = false;
    return 0;
}

/* Where this run may write in S3: its own place, else below that of results.
 * An enforced location is where the job may write for certain. */
static int find_place(struct athena_job *job, struct pl_err *err)
{
    const char *work = pl_manifest_str(job->m, "run.work_uri");
    const char *groups =
        job->group.output_uri[0] != '\0' ? job->group.output_uri : NULL;
    const char *output = job->set.output_uri;

    if (work == NULL &&
        (output == NULL || (job->group.is_enforced && groups != NULL)))
        output = groups;
    if (work == NULL && output == NULL)
        return 0;
    if (work == NULL)
        work = output;
    else
        output = NULL;
    if (!pl_starts_with(work, "s3://"))
        return 0;
    if (pl_buf_adds(&job->place, work, err) != 0 ||
        (!pl_ends_with(work, "/") && pl_buf_addc(&job->place, '/', err) != 0))
        return -1;
    return output == NULL
               ? 0
               : pl_buf_addf(&job->place, err, "lakeseg/%s/", job->set.run_id);
}

int athena_workgroup_check(struct athena_job *job, struct pl_err *err)
{
    const char *name = job->set.query.workgroup;

    if (look(job, err) != 0 || find_place(job, err) != 0)
        return -1;
    if (job->set.wait_id != NULL) /* it was started: too late to forbid */
        return 0;
    if (job->is_group_known && !job->group.is_enabled)
        return pl_fail(err, PL_CONFIG_INVALID, "work group '%s' is disabled",
                       name);
    return check_guard(job, err) == 0 ? check_output(job, err) : -1;
}
