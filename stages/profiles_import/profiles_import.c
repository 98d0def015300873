#include "stages/profiles_import/profiles_import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/base/log.h"
#include "pipeline/delta/advance.h"
#include "stages/profiles_import/run.h"

static void profiles_run_release(struct profiles_run *run)
{
    free(run->parts);
    for (size_t i = 0; i < run->key_count; i++)
        free(run->keys[i]);
    free(run->keys);
}

/* AWS's own host for a region is missing: does the service have one there? */
int profiles_explain(const struct profiles_run *run, struct pl_err *err)
{
    const char *region =
        run->set.region != NULL ? run->set.region : run->aws->region;
    const struct pl_err cause = *err;
    struct pl_err ignored = {0};
    char url[PL_ENDPOINT_URL];
    char from[128];

    if (cause.sys != ENXIO ||
        pl_endpoint_configured(run->aws, PL_AWS_CUSTOMER_PROFILES, url, from,
                               &ignored) != 0 ||
        url[0] != '\0' || pl_customer_is_region(region))
        return -1;
    pl_err_clear(err);
    return pl_fail(err, PL_CONFIG_INVALID,
                   "%.500s; Customer Profiles is not known to be offered in "
                   "region '%s': set 'import.region' to the one of the domain",
                   cause.msg, region);
}

static int import_by_uploads(struct profiles_run *run, struct pl_err *err)
{
    bool is_any = false;

    if (profiles_find_jobs(run, &is_any, err) != 0 ||
        profiles_record(run, err) != 0 ||
        profiles_judge_all(run, !is_any, err) != 0)
        return -1;
    for (size_t i = 0; i < run->part_count; i++)
        if (profiles_upload(run, &run->parts[i], err) != 0)
            return -1;
    if (profiles_follow(run, err) != 0)
        return -1;
    return profiles_outcome(run, err);
}

static int import_rows(struct profiles_run *run, struct pl_err *err)
{
    run->end_ms = pl_mono_ms(&run->aws->clock) + run->set.timeout_ms;
    if (profiles_segment_look(run, err) != 0 ||
        (run->set.is_objects ? profiles_put_objects(run, err)
                             : import_by_uploads(run, err)) != 0)
        return -1;
    pl_info("imported: %" PRId64 " rows in %zu files", run->rows,
            run->part_count);
    return profiles_segment_make(run, err);
}

int profiles_import_run(const struct profiles_import_config *cfg,
                        struct pl_aws *aws, struct pl_manifest *m,
                        struct pl_err *err)
{
    PL_AUTO(profiles_run) run = {.aws = aws, .m = m};
    PL_AUTO(pl_delta_import) delta = {.m = NULL};
    char place[PL_DELTA_DESTINATION];

    if (profiles_settings_choose(&run.set, cfg, m, err) != 0 ||
        profiles_plan(&run, err) != 0 ||
        pl_manifest_set_new(m, "import.result", json_object(), err) != 0)
        return -1;
    run.customer = (struct pl_customer){
        .aws = aws, .region = run.set.region, .domain = run.set.domain};
    pl_delta_destination("domain", run.set.domain, run.set.region, place);
    if (pl_delta_begin(&delta, m, aws, place, err) != 0)
        return -1;
    if (run.part_count == 0) {
        pl_info("no rows: nothing to import");
        if (profiles_record(&run, err) != 0)
            return -1;
    } else if (import_rows(&run, err) != 0) {
        return profiles_explain(&run, err);
    }
    if (pl_delta_end(&delta, !run.has_failures, err) != 0)
        return -1;
    return pl_manifest_set_str(m, "status", "succeeded", err);
}
