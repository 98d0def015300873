#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/setting.h"
#include "stages/profiles_import/run.h"

#define TIMEOUT_S_DEFAULT 7200
#define POLL_MS_DEFAULT 5000
#define SAMPLE_DEFAULT 100
#define SAMPLE_MAX 10000
#define UNKNOWN_DEFAULT 10.0
#define RATE_DEFAULT 100 /* objects; PutProfileObject's own (sources 9.7) */
#define RATE_MAX 100000
#define GUIDE_DAYS_MAX 90 /* where AWS's pages disagree (9.5) */
#define TYPE_DEFAULT "lakeseg"

static int check_destination(const struct pl_manifest *m, struct pl_err *err)
{
    const char *destination = pl_manifest_str(m, "import.destination");
    const char *target = pl_manifest_str(m, "validate.target");

    if (destination != NULL && strcmp(destination, "customer-profiles") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.destination is '%s', which is not for this "
                       "program",
                       destination);
    if (target != NULL && strcmp(target, "customer-profiles") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the data was made for target '%s'", target);
    return 0;
}

/* One of words by its number; words[0] when the manifest says nothing. */
static int choose_word(const char *text, const char *what,
                       const char *const *words, size_t count, size_t *which,
                       struct pl_err *err)
{
    char all[128] = "";

    *which = 0;
    if (text == NULL)
        return 0;
    for (*which = 0; *which < count; (*which)++)
        if (strcmp(text, words[*which]) == 0)
            return 0;
    for (size_t i = 0; i < count; i++) {
        const size_t at = strlen(all);

        (void)snprintf(all + at, sizeof(all) - at, "%s%s",
                       i == 0           ? ""
                       : i + 1 == count ? " or "
                                        : ", ",
                       words[i]);
    }
    return pl_fail(err, PL_CONFIG_INVALID, "'%s' must be %s, not '%.80s'", what,
                   all, text);
}

static int choose_words(struct profiles_settings *set,
                        const struct profiles_import_config *cfg,
                        const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const methods[] = {"upload", "objects"};
    static const char *const uniques[] = {"field", "source", "target"};
    static const char *const keys[] = {"base64", "text"};
    size_t method;
    size_t unique;
    size_t key;

    if (choose_word(
            pl_setting_of(cfg->method, pl_manifest_str(m, "import.method"),
                          "LAKESEG_IMPORT_METHOD"),
            "import.method", methods, PL_COUNT(methods), &method, err) != 0 ||
        choose_word(pl_manifest_str(m, "import.unique_key"),
                    "import.unique_key", uniques, PL_COUNT(uniques), &unique,
                    err) != 0 ||
        choose_word(pl_manifest_str(m, "import.upload_key"),
                    "import.upload_key", keys, PL_COUNT(keys), &key, err) != 0)
        return -1;
    set->is_objects = method == 1;
    set->unique = (enum profiles_unique)unique;
    set->upload_key = (enum pl_customer_key)key;
    return 0;
}

static int check_percents(const struct profiles_settings *set,
                          struct pl_err *err)
{
    if (set->max_unknown_percent >= 0 && set->max_unknown_percent <= 100 &&
        set->max_failed_percent >= 0 && set->max_failed_percent <= 100)
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "'import.max_unknown_keys_percent' and "
                   "'import.max_failed_percent' must be from 0 to 100");
}

static int choose_numbers(struct profiles_settings *set,
                          const struct profiles_import_config *cfg,
                          const struct pl_manifest *m, struct pl_err *err)
{
    int64_t timeout_s;

    set->sample_keys = pl_manifest_int(m, "import.sample_keys", SAMPLE_DEFAULT);
    set->max_unknown_percent =
        pl_manifest_real(m, "import.max_unknown_keys_percent", UNKNOWN_DEFAULT);
    set->max_failed_percent =
        pl_manifest_real(m, "import.max_failed_percent", 0);
    if (pl_manifest_setting_int(m, cfg->expiry_days, "import.expiry_days",
                                "LAKESEG_EXPIRY_DAYS", -1, &set->expiry_days,
                                err) != 0 ||
        pl_manifest_setting_int(m, cfg->objects_per_second,
                                "import.objects_per_second",
                                "LAKESEG_OBJECTS_PER_SECOND", RATE_DEFAULT,
                                &set->objects_per_second, err) != 0 ||
        pl_manifest_setting_int(m, cfg->timeout_s, "import.timeout_s",
                                "LAKESEG_IMPORT_TIMEOUT_S", TIMEOUT_S_DEFAULT,
                                &timeout_s, err) != 0 ||
        pl_setting_int(cfg->poll_ms, "LAKESEG_POLL_INTERVAL_MS",
                       POLL_MS_DEFAULT, &set->poll_ms, err) != 0)
        return -1;
    if (timeout_s < 1 || timeout_s > INT32_MAX || set->poll_ms < 1 ||
        set->poll_ms > INT32_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "time-outs and intervals must be from 1 to %d",
                       INT32_MAX);
    set->timeout_ms = timeout_s * 1000;
    if (set->objects_per_second < 1 || set->objects_per_second > RATE_MAX ||
        set->sample_keys < 0 || set->sample_keys > SAMPLE_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.objects_per_second' must be 1 to %d, "
                       "'import.sample_keys' 0 to %d",
                       RATE_MAX, SAMPLE_MAX);
    return check_percents(set, err);
}

/* The service's own default of 14 days is never taken without a word. */
static int check_expiry(const struct profiles_settings *set, struct pl_err *err)
{
    if (set->is_objects && !set->is_setup && set->expiry_days == -1)
        return 0; /* the object type says it */
    if (set->expiry_days == -1)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.expiry_days' is missing: after how many days "
                       "(1 to %d) profiles are deleted that no later import "
                       "renews",
                       PL_CUSTOMER_EXPIRY_MAX);
    if (set->expiry_days < 1 || set->expiry_days > PL_CUSTOMER_EXPIRY_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.expiry_days' must be 1 to %d",
                       PL_CUSTOMER_EXPIRY_MAX);
    if (!set->is_objects && set->expiry_days > GUIDE_DAYS_MAX)
        pl_warn("import.expiry_days is more than %d, which AWS's guide names "
                "as the most for an import; its API takes %d",
                GUIDE_DAYS_MAX, PL_CUSTOMER_EXPIRY_MAX);
    return 0;
}

static bool is_domain(const char *text)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return len >= 1 && len <= 64 && text[len] == '\0';
}

int profiles_settings_choose(struct profiles_settings *set,
                             const struct profiles_import_config *cfg,
                             const struct pl_manifest *m, struct pl_err *err)
{
    set->domain = pl_setting_of(
        cfg->domain, pl_manifest_str(m, "import.domain"), "LAKESEG_DOMAIN");
    set->region =
        pl_setting_of(cfg->region, pl_manifest_str(m, "import.region"),
                      "LAKESEG_IMPORT_REGION");
    set->object_type = pl_setting_of(cfg->object_type,
                                     pl_manifest_str(m, "import.object_type"),
                                     "LAKESEG_OBJECT_TYPE");
    if (set->object_type == NULL)
        set->object_type = TYPE_DEFAULT;
    set->is_setup = cfg->is_setup;
    if (check_destination(m, err) != 0 || choose_words(set, cfg, m, err) != 0 ||
        choose_numbers(set, cfg, m, err) != 0 ||
        pl_manifest_segment(m, cfg->segment, &set->segment, err) != 0)
        return -1;
    if (set->domain == NULL)
        return pl_fail(err, PL_CONFIG_INVALID, "'import.domain' is missing");
    if (!is_domain(set->domain))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'import.domain' must have 1 to 64 letters, digits, "
                       "'_' and '-', not '%.80s'",
                       set->domain);
    return check_expiry(set, err);
}
