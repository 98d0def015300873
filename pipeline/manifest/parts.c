#include "pipeline/manifest/parts.h"

#include <string.h>

#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/setting.h"

int pl_partitions(const struct pl_manifest *m, int64_t option, int64_t *count,
                  struct pl_err *err)
{
    if (pl_manifest_setting_int(m, option, "query.partitions",
                                "LAKESEG_PARTITIONS", 0, count, err) != 0)
        return -1;
    if (*count < 0 || *count == 1 || *count > PL_PARTITIONS_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.partitions: 2 to %d, or 0 for none",
                       PL_PARTITIONS_MAX);
    return 0;
}

static bool is_off(const struct pl_manifest *m, const char *rule)
{
    const char *preset = pl_setting_of(
        NULL, pl_manifest_str(m, "validate.rules.preset"), "LAKESEG_RULES");
    const char *word = json_string_value(
        json_object_get(pl_manifest_get(m, "validate.rules"), rule));

    if (word != NULL)
        return strcmp(word, "off") == 0;
    return preset != NULL && strcmp(preset, "basic") == 0;
}

int pl_partitions_allowed(const struct pl_manifest *m, struct pl_err *err)
{
    static const char *const across[] = {"address-duplicate", "user-endpoints"};
    const char *target = pl_manifest_str(m, "validate.target");

    if (target == NULL)
        target = pl_manifest_str(m, "import.destination");
    if (target != NULL && strcmp(target, "pinpoint") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "query.partitions: target '%s' puts rows of several "
                       "Ids together, which can be in different partitions",
                       target);
    for (size_t i = 0; i < PL_COUNT(across); i++)
        if (!is_off(m, across[i]))
            return pl_fail(err, PL_CONFIG_INVALID,
                           "query.partitions: rule '%s' looks at rows of "
                           "several Ids, which can be in different "
                           "partitions: switch it off (validate.rules), or "
                           "leave the partitions out",
                           across[i]);
    return 0;
}

int pl_part_get(const struct pl_manifest *m, struct pl_part *part,
                struct pl_err *err)
{
    part->number = pl_manifest_int(m, "run.part.number", -1);
    part->work_uri = pl_manifest_str(m, "run.part.work_uri");
    if (pl_manifest_get(m, "run.part") == NULL)
        return 0;
    if (part->number < 0 || part->number >= PL_PARTITIONS_MAX ||
        part->work_uri == NULL || !pl_ends_with(part->work_uri, "/"))
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "run.part: a number below %d, and a work_uri that ends "
                       "in '/'",
                       PL_PARTITIONS_MAX);
    return 0;
}

int64_t pl_part_file(const struct pl_part *part, size_t file)
{
    return part->number * PL_PART_FILES_MAX + (int64_t)file;
}
