#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "stages/pinpoint_import/run.h"

#define LOOKS 5 /* it may show a moment after its job has completed */

int pinpoint_segment_find(struct pinpoint_run *run,
                          const struct pinpoint_job *job, char id[128],
                          struct pl_err *err)
{
    struct pl_pinpoint_segment segment = {.id = ""};
    size_t count = 0;

    id[0] = '\0';
    if (pl_pinpoint_find_segment(run->aws, run->set.region,
                                 run->set.application_id, job->segment_name,
                                 &count, &segment, err) != 0) {
        (void)pl_context(err, "cannot look for segment '%s'",
                         job->segment_name);
        return pinpoint_explain(run, err);
    }
    if (count == 0)
        return 0;
    if (count > 1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "%zu segments have the name '%s': import.segment_id "
                       "says which",
                       count, job->segment_name);
    if (strcmp(segment.type, "IMPORT") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "segment '%s' (%s) is made by dimensions: an import "
                       "cannot fill it",
                       job->segment_name, segment.id);
    memcpy(id, segment.id, sizeof(segment.id));
    pl_info("segment '%s' is there: %s is updated", job->segment_name, id);
    return 0;
}

/* NULL, or what is against the segment; *is_final: looking again cannot help. */
static const char *fault_of(const struct pinpoint_job *job,
                            const struct pl_pinpoint_segment *segment,
                            int64_t wanted)
{
    /* of a job that was found again only the segment tells */
    const bool is_update = job->is_update || segment->version > 1;

    if (segment->size < 0)
        return "it does not say how many endpoints it has";
    if (segment->size < wanted)
        return "it has fewer endpoints than were imported";
    if (segment->size > wanted && !is_update)
        return "it has more endpoints than were imported";
    if (segment->channel_sum >= 0 && segment->channel_sum != segment->size)
        return "its channels do not add up to its size";
    return NULL;
}

static int look(struct pinpoint_run *run, struct pinpoint_job *job,
                struct pl_err *err)
{
    struct pl_pinpoint_segment segment = {.id = ""};

    if (pl_pinpoint_get_segment(run->aws, run->set.region,
                                run->set.application_id, job->state.segment_id,
                                &segment, err) != 0)
        return -1;
    job->segment = segment;
    return 0;
}

int pinpoint_segment_check(struct pinpoint_run *run, struct pinpoint_job *job,
                           struct pl_err *err)
{
    const int64_t wanted =
        job->rows - (job->state.failures > 0 ? job->state.failures : 0);
    struct pl_err cause = {0};
    const char *fault = "the job does not name it";

    for (int i = 0; i < LOOKS && job->state.segment_id[0] != '\0'; i++) {
        if (i > 0 && pl_sleep_ms(&run->aws->clock, run->set.poll_ms, err) != 0)
            return -1;
        pl_err_clear(&cause);
        if (look(run, job, &cause) != 0) {
            if (cause.code != PL_THROTTLED &&
                cause.code != PL_SERVICE_UNAVAILABLE &&
                cause.http_status != 404)
                break;
            continue;
        }
        fault = fault_of(job, &job->segment, wanted);
        if (fault == NULL)
            break;
    }
    if (cause.code != PL_OK) {
        *err = cause;
        return pl_context(err,
                          "import job %s completed, but its segment %s "
                          "cannot be read back",
                          job->state.id, job->state.segment_id);
    }
    if (fault != NULL)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "segment %s of import job %s: %s (%" PRId64
                       " of %" PRId64 ")",
                       job->state.segment_id, job->state.id, fault,
                       job->segment.size, wanted);
    if (job->segment.size > wanted)
        pl_warn("segment %s has %" PRId64 " endpoints, %" PRId64
                " of them imported now: the service kept those before",
                job->segment.id, job->segment.size, wanted);
    return 0;
}
