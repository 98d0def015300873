#include "stages/pinpoint_import/settings.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/opts.h"
#include "pipeline/manifest/setting.h"

#define TIMEOUT_S_DEFAULT 7200
#define POLL_MS_DEFAULT 5000 /* AWS's own sample looks every 3 s */
#define JOBS_DEFAULT 2       /* AWS's pages say 2 and 10 (sources 1.6) */
#define JOBS_MAX 10
#define JOB_BYTES_MAX (INT64_C(1000) * 1000 * 1000) /* sources 1.6 */

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

static void choose_texts(struct pinpoint_settings *set,
                         const struct pinpoint_import_config *cfg,
                         const struct pl_manifest *m)
{
    set->application_id = pl_setting_of(
        cfg->application_id, pl_manifest_str(m, "import.application_id"),
        "LAKESEG_APPLICATION_ID");
    set->role_arn =
        pl_setting_of(cfg->role_arn, pl_manifest_str(m, "import.role_arn"),
                      "LAKESEG_ROLE_ARN");
    set->region =
        pl_setting_of(cfg->region, pl_manifest_str(m, "import.region"),
                      "LAKESEG_IMPORT_REGION");
    set->segment_name = pl_manifest_str(m, "import.segment_name");
    set->segment_id = pl_manifest_str(m, "import.segment_id");
    set->define_segment = pl_manifest_bool(m, "import.define_segment", false);
    set->register_endpoints =
        pl_manifest_bool(m, "import.register_endpoints", true);
    set->segment_per_part =
        pl_manifest_bool(m, "import.segment_per_part", false);
    set->is_dry_run = cfg->is_dry_run;
    set->is_again = cfg->is_again || pl_env("LAKESEG_AGAIN") != NULL;
}

static int within(const char *name, int64_t value, int64_t least, int64_t most,
                  struct pl_err *err)
{
    if (value >= least && value <= most)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "%s is %" PRId64 "; it must be from %" PRId64 " to %" PRId64,
                   name, value, least, most);
}

static int choose_numbers(struct pinpoint_settings *set,
                          const struct pinpoint_import_config *cfg,
                          const struct pl_manifest *m, struct pl_err *err)
{
    int64_t timeout_s;

    set->max_failed_percent =
        pl_manifest_real(m, "import.max_failed_percent", 0);
    if (pl_manifest_setting_int(m, cfg->timeout_s, "import.timeout_s",
                                "LAKESEG_IMPORT_TIMEOUT_S", TIMEOUT_S_DEFAULT,
                                &timeout_s, err) != 0 ||
        pl_setting_int(cfg->poll_ms, "LAKESEG_POLL_INTERVAL_MS",
                       POLL_MS_DEFAULT, &set->poll_ms, err) != 0 ||
        pl_manifest_setting_int(m, cfg->max_jobs, "import.max_jobs",
                                "LAKESEG_IMPORT_MAX_JOBS", JOBS_DEFAULT,
                                &set->max_jobs, err) != 0)
        return -1;
    set->max_job_bytes =
        pl_manifest_int(m, "import.max_job_bytes", JOB_BYTES_MAX);
    if (within("the import's time-out", timeout_s, 1, INT32_MAX, err) != 0 ||
        within("the poll interval", set->poll_ms, 1, INT32_MAX, err) != 0 ||
        within("import.max_jobs", set->max_jobs, 1, JOBS_MAX, err) != 0 ||
        within("import.max_job_bytes", set->max_job_bytes, 1, JOB_BYTES_MAX,
               err) != 0)
        return -1;
    set->timeout_ms = timeout_s * 1000;
    if (!(set->max_failed_percent >= 0 && set->max_failed_percent <= 100))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.max_failed_percent must be from 0 to 100");
    return 0;
}

static int choose_retired(struct pinpoint_settings *set,
                          const struct pinpoint_import_config *cfg,
                          const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const words[] = {
        [PINPOINT_RETIRED_AUTO] = "auto",
        [PINPOINT_RETIRED_ALWAYS] = "always",
        [PINPOINT_RETIRED_NEVER] = "never",
    };
    const char *word = pl_setting_of(cfg->retired_check,
                                     pl_manifest_str(m, "import.retired_check"),
                                     "LAKESEG_RETIRED_CHECK");

    set->retired_check = PINPOINT_RETIRED_AUTO;
    if (word == NULL)
        return 0;
    for (size_t i = 0; i < PL_COUNT(words); i++)
        if (strcmp(words[i], word) == 0) {
            set->retired_check = (enum pinpoint_retired_check)i;
            return 0;
        }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "import.retired_check is '%s'; there are auto, always and "
                   "never",
                   word);
}

/* The four combinations of sources 1.9, and what goes with each. */
static int check_segment(const struct pinpoint_settings *set,
                         struct pl_err *err)
{
    if (!set->define_segment && !set->register_endpoints)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "neither import.define_segment nor "
                       "import.register_endpoints is set: nothing to do");
    if (!set->define_segment &&
        (set->segment_name != NULL || set->segment_id != NULL ||
         set->segment_per_part))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.segment_%s' is for import.define_segment, "
                       "which is not set",
                       set->segment_name != NULL ? "name"
                       : set->segment_id != NULL ? "id"
                                                 : "per_part");
    if (!set->define_segment)
        return 0;
    if (set->segment_name == NULL && set->segment_id == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.define_segment needs import.segment_name (or "
                       "import.segment_id)");
    if (set->segment_per_part &&
        (set->segment_id != NULL || set->segment_name == NULL))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.segment_per_part makes segments by name: it "
                       "takes import.segment_name, and no import.segment_id");
    return 0;
}

int pinpoint_settings_choose(struct pinpoint_settings *set,
                             const struct pinpoint_import_config *cfg,
                             const struct pl_manifest *m, struct pl_err *err)
{
    if (check_destination(m, err) != 0)
        return -1;
    choose_texts(set, cfg, m);
    if (choose_numbers(set, cfg, m, err) != 0 ||
        choose_retired(set, cfg, m, err) != 0)
        return -1;
    if (set->application_id == NULL || set->role_arn == NULL)
        return pl_fail(err, PL_CONFIG_INVALID, "'import.%s' is missing",
                       set->application_id == NULL ? "application_id"
                                                   : "role_arn");
    return check_segment(set, err);
}
