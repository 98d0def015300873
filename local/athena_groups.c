#include "local/athena_call.h"

#include "pipeline/base/clock.h"

int local_athena_workgroup(struct local *local, const json_t *group,
                           struct pl_err *err)
{
    const char *name = json_string_value(json_object_get(group, "Name"));
    struct local_athena *a = local->athena;
    json_t *full;
    int rc;

    if (name == NULL || name[0] == '\0' || strlen(name) > 128)
        return pl_fail(err, PL_USAGE_INVALID, "a work group needs a Name");
    full = json_pack("{s:s,s:s,s:I,s:{s:b,s:b,s:b,s:{s:s,s:s},s:{},s:{s:b}}}",
                     "Name", name, "State", "ENABLED", "CreationTime",
                     (json_int_t)(pl_now_ms(&pl_clock_real) / 1000),
                     "Configuration", "EnforceWorkGroupConfiguration", 0,
                     "PublishCloudWatchMetricsEnabled", 0,
                     "RequesterPaysEnabled", 0, "EngineVersion",
                     "SelectedEngineVersion", "AUTO", "EffectiveEngineVersion",
                     LOCAL_ATHENA_ENGINE, "ResultConfiguration",
                     "ManagedQueryResultsConfiguration", "Enabled", 0);
    if (full == NULL)
        return pl_fail_memory(err);
    if (json_is_object(json_object_get(group, "Configuration")))
        (void)json_object_update(json_object_get(full, "Configuration"),
                                 json_object_get(group, "Configuration"));
    if (json_is_string(json_object_get(group, "State")))
        (void)json_object_set(full, "State", json_object_get(group, "State"));
    (void)pthread_mutex_lock(&a->lock);
    rc = json_object_set_new(a->workgroups, name, json_deep_copy(full));
    (void)pthread_mutex_unlock(&a->lock);
    json_decref(full);
    return rc == 0 ? 0 : pl_fail_memory(err);
}

int local_athena_get_workgroup(const struct local_athena_call *c,
                               struct pl_err *err)
{
    const char *name = local_athena_text(c->in, "WorkGroup", NULL);
    json_t *group;

    (void)pthread_mutex_lock(&c->a->lock);
    group = json_deep_copy(
        json_object_get(c->a->workgroups, name != NULL ? name : ""));
    (void)pthread_mutex_unlock(&c->a->lock);
    if (group == NULL)
        return local_athena_invalid(c, "WorkGroup is not found");
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o}", "WorkGroup", group), err);
}
