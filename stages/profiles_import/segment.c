#include <inttypes.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "stages/profiles_import/run.h"

static struct pl_customer_segment segment_of(const struct profiles_run *run)
{
    return (struct pl_customer_segment){.name = run->set.segment.name,
                                        .tag = run->set.segment.tag,
                                        .value = run->set.segment.value};
}

int profiles_segment_look(struct profiles_run *run, struct pl_err *err)
{
    const struct pl_customer_segment segment = segment_of(run);

    if (*segment.name == '\0')
        return 0;
    if (pl_customer_look_at_segment(&run->customer, &segment,
                                    &run->segment_there, err) != 0)
        return pl_context(err, "cannot look at segment '%s'", segment.name);
    if (run->segment_there == PL_CUSTOMER_FOREIGN ||
        (run->segment_there == PL_CUSTOMER_OTHER_VALUE &&
         !run->set.segment.is_overwrite))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "segment '%s' is there and is not the one over "
                       "attribute '%.100s' with this job's value: delete it, "
                       "or take another name",
                       segment.name, segment.tag);
    return 0;
}

/* Makes it; the answer may be lost, or somebody else be quicker. */
static int create(struct profiles_run *run,
                  const struct pl_customer_segment *segment, struct pl_err *err)
{
    struct pl_err cause = {0};
    struct pl_err ignored = {0};

    if (pl_customer_create_segment(&run->customer, segment, &cause) == 0) {
        pl_info("segment '%s' made", segment->name);
        return 0;
    }
    if (pl_customer_look_at_segment(&run->customer, segment,
                                    &run->segment_there, &ignored) == 0 &&
        run->segment_there == PL_CUSTOMER_SAME)
        return 0;
    if ((cause.code == PL_THROTTLED || cause.code == PL_SERVICE_UNAVAILABLE) &&
        ignored.code == PL_OK &&
        pl_sleep_ms(&run->aws->clock, run->set.poll_ms, err) == 0 &&
        pl_customer_create_segment(&run->customer, segment, &ignored) == 0)
        return 0;
    if (err->code == PL_OK)
        *err = cause;
    return pl_context(err, "cannot make segment '%s'", segment->name);
}

/* How many are in it, as far as the service can say; -1: it could not. */
static int64_t estimate(struct profiles_run *run,
                        const struct pl_customer_segment *segment,
                        struct pl_err *err)
{
    int64_t size = -1;
    char id[256];

    if (pl_customer_start_estimate(&run->customer, segment, id, err) != 0)
        return -1;
    for (;;) {
        if (pl_customer_get_estimate(&run->customer, id, &size, err) != 0 ||
            size >= 0)
            return size;
        if (pl_mono_ms(&run->aws->clock) >= run->end_ms) {
            (void)pl_fail(err, PL_IMPORT_TIMED_OUT, "it takes too long");
            return -1;
        }
        if (pl_sleep_ms(&run->aws->clock, run->set.poll_ms, err) != 0)
            return -1;
    }
}

int profiles_segment_make(struct profiles_run *run, struct pl_err *err)
{
    const struct pl_customer_segment segment = segment_of(run);
    struct pl_err cause = {0};
    int64_t size;

    if (*segment.name == '\0')
        return 0;
    /* no call changes a definition */
    if (run->segment_there == PL_CUSTOMER_OTHER_VALUE &&
        pl_customer_delete_segment(&run->customer, segment.name, err) != 0)
        return pl_context(err, "cannot replace segment '%s'", segment.name);
    if (run->segment_there != PL_CUSTOMER_SAME &&
        create(run, &segment, err) != 0)
        return -1;
    size = estimate(run, &segment, &cause);
    if (size >= 0)
        pl_info("segment '%s': about %" PRId64 " profiles", segment.name, size);
    else if (cause.code == PL_INTERRUPTED)
        *err = cause;
    else
        pl_warn("no estimate of segment '%s': %s", segment.name, cause.msg);
    if (err->code != PL_OK)
        return -1;
    return pl_manifest_set_new(
        run->m, "import.result.segment",
        json_pack("{s:s, s:s, s:s, s:o}", "name", segment.name, "tag",
                  segment.tag, "value", segment.value, "estimate",
                  size >= 0 ? json_integer(size) : json_null()),
        err);
}
