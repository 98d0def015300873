#include "stages/csv_validate/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/opts.h"
#include "pipeline/csv/rules.h"
#include "pipeline/manifest/limits.h"
#include "pipeline/manifest/setting.h"
#include "pipeline/target/target.h"

#define MAX_PART_BYTES_DEFAULT 1000000000 /* of an import job: sources 1.7 */
#define KEYS_MEMORY_DEFAULT (INT64_C(1) << 30)

void csv_settings_release(struct csv_settings *s)
{
    pl_own_mapping_release(&s->mapping);
    free((void *)s->required);
}

static int choose_target(struct csv_settings *s,
                         const struct csv_validate_config *cfg,
                         const struct pl_manifest *m, struct pl_err *err)
{
    const char *destination = pl_manifest_str(m, "import.destination");
    const char *name = cfg->target;
    struct pl_target_wish wish = {
        .key_column = pl_manifest_str(m, "import.key.column"),
        .key_field = pl_manifest_str(m, "import.key.field"),
        .id_map = pl_manifest_str(m, "import.id_map")};

    if (name == NULL)
        name = pl_manifest_str(m, "validate.target");
    if (name == NULL)
        name = destination;
    if (destination != NULL && strcmp(name, destination) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "validate.target is '%s', import.destination is '%s'",
                       name, destination);
    wish.name = name;
    s->csv.target = &s->target;
    return pl_target_choose(&wish, &s->target, err) != 0
               ? -1
               : pl_own_mapping_choose(&s->mapping,
                                       pl_manifest_get(m, "import.mapping"),
                                       &s->target, err);
}

static int choose_required(struct csv_settings *s, const struct pl_manifest *m,
                           struct pl_err *err)
{
    const json_t *list = pl_manifest_get(m, "validate.limits.required_columns");

    if (list == NULL)
        return 0;
    s->required = calloc(json_array_size(list) + 1, sizeof(*s->required));
    if (s->required == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        s->required[i] = json_string_value(json_array_get(list, i));
        if (s->required[i] == NULL)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "validate.limits.required_columns: a list of names "
                           "of columns");
    }
    s->csv.limits.required = s->required;
    return 0;
}

static int choose_limits(struct csv_settings *s,
                         const struct csv_validate_config *cfg,
                         const struct pl_manifest *m, struct pl_err *err)
{
    const struct pl_limits_options options = {.max_reject_percent =
                                                  cfg->max_reject_percent,
                                              .max_rejects = cfg->max_rejects,
                                              .min_rows = cfg->min_rows,
                                              .max_rows = cfg->max_rows};
    struct pl_limits limits;

    if (pl_limits_choose(m, &options, &limits, err) != 0)
        return -1;
    s->csv.limits =
        (struct pl_csv_limits){.max_reject_percent = limits.max_reject_percent,
                               .max_rejects = limits.max_rejects,
                               .min_rows = limits.min_rows,
                               .max_rows = limits.max_rows};
    return choose_required(s, m, err);
}

/* A word of words: its place, or an error that names them all. */
static int choose_word(const char *path, const char *text,
                       const char *const words[], unsigned *index,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) all = PL_BUF_INIT;

    for (*index = 0; words[*index] != NULL; (*index)++)
        if (strcmp(words[*index], text) == 0)
            return 0;
    for (size_t i = 0; words[i] != NULL; i++)
        if (pl_buf_addf(&all, err, "%s'%s'", i > 0 ? ", " : "", words[i]) != 0)
            return -1;
    return pl_fail(err, PL_CONFIG_INVALID, "%s: '%s' is none of %s", path, text,
                   pl_buf_str(&all));
}

/* The nine checks of a plain clean-up: nothing that looks at other rows but
 * the Id, no report of columns, and "" means NULL. */
static void only_basic_rules(struct pl_csv_config *csv)
{
    static const enum pl_rule off[] = {
        PL_RULE_ADDRESS_DUPLICATE, PL_RULE_USER_ENDPOINTS,
        PL_RULE_ENDPOINT_SIZE, PL_RULE_NESTED_VALUE};

    for (size_t i = 0; i < PL_COUNT(off); i++)
        csv->rules.off |= UINT64_C(1) << off[i];
    csv->rules.empty = PL_CSV_EMPTY_NULL;
    csv->has_report = false;
}

/* Word number i of the setting that stands there in choose_rule's table. */
static void set_word(struct pl_csv_rules *rules, size_t which, unsigned i)
{
    switch (which) {
    case 0:
        rules->line_breaks =
            i == 0 ? PL_CSV_BREAKS_BLANK : PL_CSV_BREAKS_REJECT;
        break;
    case 1:
        rules->empty = i == 0   ? PL_CSV_EMPTY_REJECT
                       : i == 1 ? PL_CSV_EMPTY_NULL
                                : PL_CSV_EMPTY_KEEP;
        break;
    case 2:
        rules->unknown_columns =
            i == 0 ? PL_CSV_UNKNOWN_REFUSE : PL_CSV_UNKNOWN_DROP;
        break;
    case 3:
        rules->duplicates = i == 0   ? PL_CSV_DUPLICATES_REJECT
                            : i == 1 ? PL_CSV_DUPLICATES_KEEP_LAST
                                     : PL_CSV_DUPLICATES_FAIL;
        break;
    default:
        rules->has_effective_date = i == 1;
        break;
    }
}

/* One member of validate.rules. */
static int choose_rule(struct csv_settings *s, const char *name,
                       const json_t *value, struct pl_err *err)
{
    static const char *const breaks[] = {"blank", "reject", NULL};
    static const char *const empty[] = {"reject", "null", "keep", NULL};
    static const char *const unknown[] = {"refuse", "drop", NULL};
    static const char *const duplicates[] = {"reject", "keep-last", "fail",
                                             NULL};
    static const char *const date[] = {"refuse", "keep", NULL};
    static const char *const on[] = {"reject", "off", NULL};
    struct pl_csv_rules *rules = &s->csv.rules;
    const enum pl_rule rule = pl_rule_by_code(name);
    const struct {
        const char *name;
        const char *const *words;
    } words[] = {{"line_breaks", breaks},
                 {"empty", empty},
                 {"unknown_columns", unknown},
                 {"duplicates", duplicates},
                 {"effective_date", date}};
    const char *text = json_string_value(value);
    char path[128];
    unsigned i = 0;
    size_t which = 0;

    (void)snprintf(path, sizeof(path), "validate.rules.%s", name);
    if (strcmp(name, "raw") == 0 || strcmp(name, "preset") == 0 ||
        strcmp(name, "country_of_phones") == 0 || strcmp(name, "opt_out") == 0)
        return 0; /* read by choose_rules, or profiles.c */
    while (which < PL_COUNT(words) && strcmp(words[which].name, name) != 0)
        which++;
    if (which == PL_COUNT(words) && rule == PL_RULE_NONE)
        return pl_fail(err, PL_CONFIG_INVALID, "%s: there is no such rule",
                       path);
    if (text == NULL)
        return pl_fail(err, PL_CONFIG_INVALID, "%s: must be a word", path);
    if (choose_word(path, text,
                    which < PL_COUNT(words) ? words[which].words : on, &i,
                    err) != 0)
        return -1;
    if (which < PL_COUNT(words)) {
        set_word(rules, which, i);
        return 0;
    }
    if (i == 1 && !pl_rule_can_be_off(rule))
        return pl_fail(err, PL_CONFIG_INVALID, "%s cannot be off", path);
    rules->off &= ~(UINT64_C(1) << rule);
    rules->off |= (uint64_t)i << rule;
    return 0;
}

static int choose_country(struct csv_settings *s, const struct pl_manifest *m,
                          struct pl_err *err)
{
    const char *country = pl_setting_of(
        NULL, pl_manifest_str(m, "validate.rules.country_of_phones"),
        "LAKESEG_COUNTRY_OF_PHONES");

    s->csv.rules.country = country;
    if (country == NULL || pl_phone_knows(country))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "validate.rules.country_of_phones '%s': no such country in "
                   "upper case, or this was built without libphonenumber "
                   "(-DLAKESEG_PHONENUMBER=ON)",
                   country);
}

static int choose_rules(struct csv_settings *s,
                        const struct csv_validate_config *cfg,
                        const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const presets[] = {"all", "basic", NULL};
    const char *preset =
        pl_setting_of(cfg->rules, pl_manifest_str(m, "validate.rules.preset"),
                      "LAKESEG_RULES");
    json_t *all = pl_manifest_get(m, "validate.rules");
    const char *name;
    json_t *value;
    unsigned i = 0;

    s->csv.has_report = true;
    if (preset != NULL && choose_word("rules", preset, presets, &i, err) != 0)
        return -1;
    if (i == 1)
        only_basic_rules(&s->csv);
    if (cfg->has_no_report)
        s->csv.has_report = false;
    s->csv.has_raw =
        cfg->has_raw || pl_manifest_bool(m, "validate.rules.raw", false);
    if (choose_country(s, m, err) != 0)
        return -1;
    json_object_foreach(
        all, name, value) if (choose_rule(s, name, value, err) != 0) return -1;
    return 0;
}

/* How it is done: threads, memory, reader, and the forms of what comes out. */
static int choose_ways(struct csv_settings *s,
                       const struct csv_validate_config *cfg,
                       const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const formats[] = {"csv", "json", NULL};
    static const char *const reject_formats[] = {"jsonl", "csv", NULL};
    static const char *const compressions[] = {"none", "zstd", NULL};
    const char *format =
        pl_setting_of(cfg->format, pl_manifest_str(m, "validate.output.format"),
                      "LAKESEG_OUTPUT_FORMAT");
    const char *rejects = pl_setting_of(
        cfg->rejects_format, pl_manifest_str(m, "validate.rejects.format"),
        "LAKESEG_REJECTS_FORMAT");
    const char *compression =
        pl_setting_of(cfg->rejects_compression,
                      pl_manifest_str(m, "validate.rejects.compression"),
                      "LAKESEG_REJECTS_COMPRESSION");
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads;
    int64_t keys_memory;
    int64_t max_part_bytes;
    unsigned i = 0;

    if (format != NULL && choose_word("format", format, formats, &i, err) != 0)
        return -1;
    s->csv.format = i == 0 ? PL_CSV_OUT_CSV : PL_CSV_OUT_JSON;
    i = 0;
    if (rejects != NULL &&
        choose_word("rejects-format", rejects, reject_formats, &i, err) != 0)
        return -1;
    s->csv.rejects_format = i == 0 ? PL_CSV_REJECTS_JSON : PL_CSV_REJECTS_CSV;
    i = 0;
    if (compression != NULL && choose_word("rejects-compression", compression,
                                           compressions, &i, err) != 0)
        return -1;
    s->is_zstd = i == 1;
    s->has_sha256 =
        cfg->has_sha256 || pl_manifest_bool(m, "validate.output.sha256", false);
    if (pl_setting_int(cfg->threads, "LAKESEG_THREADS", cores > 0 ? cores : 1,
                       &threads, err) != 0 ||
        pl_setting_int(cfg->keys_memory, "LAKESEG_KEYS_MEMORY",
                       KEYS_MEMORY_DEFAULT, &keys_memory, err) != 0 ||
        pl_manifest_setting_int(
            m, cfg->max_part_bytes, "validate.output.max_part_bytes",
            "LAKESEG_MAX_PART_BYTES",
            cfg->output != NULL ? 0 : MAX_PART_BYTES_DEFAULT, &max_part_bytes,
            err) != 0)
        return -1;
    if (threads < 1 || threads > 64)
        return pl_fail(err, PL_CONFIG_INVALID, "threads: from 1 to 64");
    if (max_part_bytes > 0 && cfg->output != NULL &&
        strcmp(cfg->output, "-") == 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "standard output takes no parts: leave max-part-bytes "
                       "out");
    if (keys_memory < 0 || max_part_bytes < 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "bytes of keys or of a part: a number of bytes");
    s->csv.threads = (unsigned)threads;
    s->csv.keys_memory = (uint64_t)keys_memory;
    s->csv.max_part_bytes = (uint64_t)max_part_bytes;
    s->csv.reader = pl_setting(cfg->reader, "LAKESEG_READER", NULL);
    return 0;
}

int csv_settings_choose(struct csv_settings *s,
                        const struct csv_validate_config *cfg,
                        const struct pl_manifest *m, struct pl_err *err)
{
    if (choose_target(s, cfg, m, err) != 0 ||
        choose_limits(s, cfg, m, err) != 0 || choose_rules(s, cfg, m, err) != 0)
        return -1;
    return choose_ways(s, cfg, m, err);
}
