#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/customer.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/segment.h"
#include "pipeline/target/target.h"
#include "stages/csv_validate/delta.h"

static const struct {
    const char *word;
    unsigned bit;
} allowances[] = {{"max_change", CSV_DELTA_MAX_CHANGE},
                  {"max_gone", CSV_DELTA_MAX_GONE},
                  {"min_rows", CSV_DELTA_MIN_ROWS},
                  {"empty", CSV_DELTA_EMPTY},
                  {"unnamed", CSV_DELTA_UNNAMED}};

int csv_delta_allowed(const char *words, unsigned *allow, struct pl_err *err)
{
    const char *at = pl_setting(words, "LAKESEG_ALLOW_ONCE", NULL);

    *allow = 0;
    while (at != NULL && *at != '\0') {
        const size_t len = strcspn(at, ",");
        size_t i = 0;

        while (i < PL_COUNT(allowances) &&
               (strlen(allowances[i].word) != len ||
                memcmp(allowances[i].word, at, len) != 0))
            i++;
        if (i == PL_COUNT(allowances))
            return pl_fail(err, PL_CONFIG_INVALID,
                           "--allow, LAKESEG_ALLOW_ONCE: '%.*s' is none of "
                           "max_change, max_gone, min_rows, empty, unnamed",
                           (int)len, at);
        *allow |= allowances[i].bit;
        at += len + (at[len] == ',');
    }
    return 0;
}

static int choose_mode(struct csv_delta_settings *s, const char *option,
                       const struct pl_manifest *m, struct pl_err *err)
{
    const char *mode = pl_setting_of(option, pl_manifest_str(m, "import.mode"),
                                     "LAKESEG_IMPORT_MODE");

    s->is_changed = mode != NULL && strcmp(mode, "changed") == 0;
    if (mode == NULL || s->is_changed || strcmp(mode, "full") == 0) {
        s->is_on = mode != NULL || pl_delta_is_wanted(m);
        return 0;
    }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "import.mode: '%s' is none of 'full', 'changed'", mode);
}

static int take_percent(const struct pl_manifest *m, const char *path,
                        double fallback, double *percent, struct pl_err *err)
{
    *percent = pl_manifest_real(m, path, fallback);
    if (*percent == fallback || (*percent >= 0 && *percent <= 100))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID, "%s must be from 0 to 100", path);
}

static int choose_limits(struct csv_delta_settings *s,
                         const struct pl_manifest *m, struct pl_err *err)
{
    if (take_percent(m, "validate.limits.max_change_percent", -1,
                     &s->max_change, err) != 0 ||
        take_percent(m, "validate.limits.max_gone_percent", -1, &s->max_gone,
                     err) != 0)
        return -1;
    return take_percent(m, "validate.limits.min_rows_percent_of_last", 0,
                        &s->min_rows, err);
}

/* Endpoints that are gone get an attribute that the job names. */
static int choose_attribute(struct csv_delta_settings *s,
                            const struct csv_settings *set,
                            const struct pl_manifest *m, struct pl_err *err)
{
    const char *attribute = pl_manifest_str(m, "import.gone.attribute");
    const char *value = pl_manifest_str(m, "import.gone.value");
    struct pl_column column;
    struct pl_err why = {0};

    if (attribute == NULL || value == NULL || *value == '\0' ||
        strpbrk(value, "\r\n") != NULL ||
        pl_utf8_count(value, strlen(value)) > PL_TARGET_VALUE_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.gone needs an 'attribute' and a 'value' of 1 to "
                       "%d characters on one line",
                       PL_TARGET_VALUE_MAX);
    if (pl_manifest_bool(m, "import.define_segment", false))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.gone and import.define_segment: the segment "
                       "would hold those that are gone");
    if ((size_t)snprintf(s->column, sizeof(s->column), "Attributes.%s",
                         attribute) >= sizeof(s->column) ||
        pl_target_column(&set->target, s->column, strlen(s->column), &column,
                         &why) != 0 ||
        strpbrk(attribute, ",\"\r\n") != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.gone.attribute '%.60s' is no name of an "
                       "attribute",
                       attribute);
    s->gone_column = s->column;
    s->gone_value = value;
    return 0;
}

/* People who are gone lose the tag: by another value, since nobody knows what
 * an empty cell of an upload does (sources 9.4). */
static int choose_tag(struct csv_delta_settings *s, const struct pl_manifest *m,
                      struct pl_err *err)
{
    struct pl_segment segment;

    if (pl_manifest_get(m, "import.gone") != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.gone is for endpoints; people who are gone get "
                       "another value of the segment's attribute");
    if (pl_manifest_segment(m, NULL, &segment, err) != 0)
        return -1;
    if (segment.is_overwrite)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mode needs a tag that stays the same for the "
                       "job: 'import.segment.previous' overwrite makes a new "
                       "one for each run");
    if (segment.tag[0] == '\0')
        return 0;
    if ((size_t)snprintf(s->column, sizeof(s->column), "%s", segment.tag) >=
        sizeof(s->column))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.segment.tag is too "
                       "long");
    s->gone_column = s->column;
    s->gone_value = strcmp(segment.value, "0") == 0 ? "gone" : "0";
    return 0;
}

static int choose_expiry(struct csv_delta_settings *s,
                         const struct pl_manifest *m, struct pl_err *err)
{
    if (pl_setting_int(pl_manifest_int(m, "import.expiry_days", PL_UNSET),
                       "LAKESEG_EXPIRY_DAYS", -1, &s->expiry_days, err) != 0)
        return -1;
    if (s->expiry_days > PL_CUSTOMER_EXPIRY_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.expiry_days' must be 1 to %d",
                       PL_CUSTOMER_EXPIRY_MAX);
    if (!s->is_changed || s->expiry_days > 0)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "import.mode changed needs import.expiry_days in the job: "
                   "profiles that are not sent again expire, and all must be "
                   "sent before");
}

/* What the importer says of where it imports (pl_delta_begin), where the job
 * tells. */
static void choose_destination(struct csv_delta_settings *s,
                               const struct csv_settings *set,
                               const struct pl_manifest *m)
{
    const bool is_profiles = set->target.is_profiles;
    const char *place =
        is_profiles
            ? pl_setting_of(NULL, pl_manifest_str(m, "import.domain"),
                            "LAKESEG_DOMAIN")
            : pl_setting_of(NULL, pl_manifest_str(m, "import.application_id"),
                            "LAKESEG_APPLICATION_ID");

    if (place == NULL)
        return;
    pl_delta_destination(is_profiles ? "domain" : "application", place,
                         pl_setting_of(NULL,
                                       pl_manifest_str(m, "import.region"),
                                       "LAKESEG_IMPORT_REGION"),
                         s->destination_text);
    s->destination = s->destination_text;
}

int csv_delta_choose(struct csv_delta_settings *s,
                     const struct csv_validate_config *cfg,
                     const struct csv_settings *set,
                     const struct pl_manifest *m, struct pl_err *err)
{
    const bool is_profiles = set->target.is_profiles;
    const char *name = pl_manifest_str(m, "run.name");

    if (csv_delta_allowed(cfg->allow, &s->allow, err) != 0 ||
        choose_mode(s, cfg->mode, m, err) != 0)
        return -1;
    if (cfg->output != NULL || (cfg->is_check && !cfg->is_preview))
        s->is_on = false; /* a file alone has no job */
    s->is_on = s->is_on || cfg->is_preview;
    if (!s->is_on)
        return 0;
    if (name == NULL || *name == '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a job that compares its runs needs a name: 'run.name'");
    if (set->csv.format != PL_CSV_OUT_CSV)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "format: rows are compared with those of the last run "
                       "as csv alone");
    if (s->is_changed && pl_manifest_bool(m, "import.define_segment", false))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.mode changed and import.define_segment: the "
                       "segment would hold the changed rows alone");
    choose_destination(s, set, m);
    if (choose_limits(s, m, err) != 0)
        return -1;
    if (is_profiles)
        return choose_tag(s, m, err) != 0 ? -1 : choose_expiry(s, m, err);
    return pl_manifest_get(m, "import.gone") != NULL
               ? choose_attribute(s, set, m, err)
               : 0;
}
