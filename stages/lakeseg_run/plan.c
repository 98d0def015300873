#include "stages/lakeseg_run/plan.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_run/lakeseg_run.h"

static json_t *split(const char *list, struct pl_err *err)
{
    json_t *stages = json_array();

    while (stages != NULL && *list != '\0') {
        const size_t len = strcspn(list, ",");

        if (json_array_append_new(stages, json_stringn(list, len)) != 0) {
            json_decref(stages);
            stages = NULL;
        }
        list += len + (list[len] == ',' ? 1 : 0);
    }
    if (stages == NULL)
        (void)pl_fail_memory(err);
    return stages;
}

static const char *default_list(const struct pl_manifest *job)
{
    const char *to = pl_manifest_str(job, "import.destination");

    return to != NULL && strcmp(to, "customer-profiles") == 0
               ? LAKESEG_RUN_STAGES_PROFILES
               : LAKESEG_RUN_STAGES;
}

static size_t find(const json_t *stages, const char *stage)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(stages, i, entry)
    {
        const char *name = json_string_value(entry);

        if (name != NULL && strcmp(name, stage) == 0)
            return i;
    }
    return json_array_size(stages);
}

static int cut(json_t *stages, const char *from, struct pl_err *err)
{
    const size_t at = find(stages, from);

    if (at == json_array_size(stages))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--from %s: the run has no such stage", from);
    for (size_t i = 0; i < at; i++)
        (void)json_array_remove(stages, 0);
    return 0;
}

int run_plan_choose(struct pl_manifest *job, const char *list, const char *from,
                    bool has_report, struct pl_err *err)
{
    json_t *own = pl_manifest_get(job, "run.stages");
    json_t *stages = list == NULL && own != NULL
                         ? json_incref(own)
                         : split(list != NULL ? list : default_list(job), err);
    struct run_plan plan;

    if (stages == NULL ||
        pl_manifest_set_new(job, "run.stages", stages, err) != 0)
        return -1;
    if (from != NULL && cut(stages, from, err) != 0)
        return -1;
    if (has_report && find(stages, RUN_REPORT) == json_array_size(stages) &&
        json_array_insert_new(stages, find(stages, RUN_NOTIFY),
                              json_string(RUN_REPORT)) != 0)
        return pl_fail_memory(err);
    return run_plan_read(job, &plan, err);
}

int run_plan_read(const struct pl_manifest *job, struct run_plan *plan,
                  struct pl_err *err)
{
    const json_t *stages = pl_manifest_get(job, "run.stages");
    const json_t *entry;
    size_t i;

    plan->count = 0;
    if (json_array_size(stages) == 0)
        return pl_fail(err, PL_USAGE_INVALID, "no stages to run");
    json_array_foreach(stages, i, entry)
    {
        const char *name = json_string_value(entry);

        if (plan->count == RUN_STAGES_MAX)
            return pl_fail(err, PL_USAGE_INVALID, "more than %d stages",
                           RUN_STAGES_MAX);
        if (name == NULL || *name == '\0' || strlen(name) > 63 ||
            strcmp(name, "lakeseg") == 0 || strchr(name, '/') != NULL ||
            *name == '.')
            return pl_fail(err, PL_USAGE_INVALID, "'%s' is no stage",
                           name != NULL ? name : "");
        plan->stages[plan->count++] = name;
    }
    return 0;
}

size_t run_plan_find(const struct run_plan *plan, const char *stage, size_t at)
{
    while (at < plan->count && strcmp(plan->stages[at], stage) != 0)
        at++;
    return at;
}
