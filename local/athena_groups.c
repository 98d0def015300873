/* Work groups: made, changed, listed, deleted. */
#include "local/athena_call.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define PAGE_MAX 50
#define CUTOFF_MIN 1 /* for tests; the service's own is ten million */

static json_t *fresh(const char *name)
{
    return json_pack("{s:s,s:s,s:I,s:{s:b,s:b,s:b,s:{s:s,s:s},s:{},s:{s:b}}}",
                     "Name", name, "State", "ENABLED", "CreationTime",
                     (json_int_t)(pl_now_ms(&pl_clock_real) / 1000),
                     "Configuration", "EnforceWorkGroupConfiguration", 1,
                     "PublishCloudWatchMetricsEnabled", 1,
                     "RequesterPaysEnabled", 0, "EngineVersion",
                     "SelectedEngineVersion", "AUTO", "EffectiveEngineVersion",
                     LOCAL_ATHENA_ENGINE, "ResultConfiguration",
                     "ManagedQueryResultsConfiguration", "Enabled", 0);
}

/* A place and managed results exclude each other. */
static int judge(const json_t *group, struct pl_err *err)
{
    const json_t *conf = json_object_get(group, "Configuration");
    const char *place =
        local_athena_text(conf, "ResultConfiguration", "OutputLocation");
    const json_t *managed =
        json_object_get(conf, "ManagedQueryResultsConfiguration");

    if (place != NULL && !pl_starts_with(place, "s3://"))
        return pl_fail(err, PL_DATA_INVALID,
                       "outputLocation is not a valid S3 path.");
    if (place != NULL && json_is_true(json_object_get(managed, "Enabled")))
        return pl_fail(err, PL_DATA_INVALID,
                       "OutputLocation must not be set when managed query "
                       "results are enabled");
    return 0;
}

/* Takes the reference. Needs the lock. */
static int keep(struct local_athena *a, json_t *take, struct pl_err *err)
{
    const char *name = json_string_value(json_object_get(take, "Name"));

    if (judge(take, err) != 0) {
        json_decref(take);
        return -1;
    }
    return json_object_set_new(a->workgroups, name, take) == 0
               ? 0
               : pl_fail_memory(err);
}

int local_athena_workgroup(struct local *local, const json_t *group,
                           struct pl_err *err)
{
    static const char *const fields[] = {"State", "Description"};
    const char *name = json_string_value(json_object_get(group, "Name"));
    const json_t *conf = json_object_get(group, "Configuration");
    const json_t *cutoff = json_object_get(conf, "BytesScannedCutoffPerQuery");
    struct local_athena *a = local->athena;
    json_t *full;
    int rc;

    if (name == NULL || name[0] == '\0' || strlen(name) > 128)
        return pl_fail(err, PL_USAGE_INVALID, "a work group needs a Name");
    if (cutoff != NULL && json_integer_value(cutoff) < CUTOFF_MIN)
        return pl_fail(err, PL_USAGE_INVALID,
                       "BytesScannedCutoffPerQuery must be a number above 0");
    full = fresh(name);
    if (full == NULL)
        return pl_fail_memory(err);
    /* of those whom no client made, nothing is insisted on unless said */
    (void)json_object_set_new(json_object_get(full, "Configuration"),
                              "EnforceWorkGroupConfiguration", json_false());
    if (json_is_object(conf)) {
        json_t *copy = json_deep_copy(conf);

        (void)json_object_update(json_object_get(full, "Configuration"), copy);
        json_decref(copy);
    }
    for (size_t i = 0; i < PL_COUNT(fields); i++)
        if (json_is_string(json_object_get(group, fields[i])))
            (void)json_object_set_new(
                full, fields[i], json_copy(json_object_get(group, fields[i])));
    (void)pthread_mutex_lock(&a->lock);
    rc = keep(a, full, err);
    (void)pthread_mutex_unlock(&a->lock);
    return rc;
}

/* One of "output=URI", "cutoff=N", "enforce", "managed", "disabled". */
static int read_setting(const char *text, size_t len, json_t *group,
                        struct pl_err *err)
{
    json_t *conf = json_object_get(group, "Configuration");
    char word[1100];
    uint64_t n = 0;

    (void)snprintf(word, sizeof(word), "%.*s", len < 1099 ? (int)len : 1099,
                   text);
    if (pl_starts_with(word, "output="))
        return json_object_set_new(
            conf, "ResultConfiguration",
            json_pack("{s:s}", "OutputLocation", word + strlen("output=")));
    if (pl_starts_with(word, "cutoff=") &&
        pl_parse_u64(word + strlen("cutoff="), &n) == 0 && n <= INT64_MAX)
        return json_object_set_new(conf, "BytesScannedCutoffPerQuery",
                                   json_integer((json_int_t)n));
    if (strcmp(word, "enforce") == 0)
        return json_object_set_new(conf, "EnforceWorkGroupConfiguration",
                                   json_true());
    if (strcmp(word, "managed") == 0)
        return json_object_set_new(conf, "ManagedQueryResultsConfiguration",
                                   json_pack("{s:b}", "Enabled", 1));
    if (strcmp(word, "disabled") == 0)
        return json_object_set_new(group, "State", json_string("DISABLED"));
    return pl_fail(err, PL_USAGE_INVALID,
                   "'%.60s' is none of output=URI, cutoff=N, enforce, managed, "
                   "disabled",
                   word);
}

static int add_text(struct local *local, const char *text, size_t len,
                    struct pl_err *err)
{
    const char *end = text + len;
    const size_t name = strcspn(text, ",;");
    json_t *group =
        json_pack("{s:s%,s:{}}", "Name", text, name, "Configuration");
    const char *at = text + name;
    int rc = group != NULL ? 0 : pl_fail_memory(err);

    while (rc == 0 && at < end) {
        const size_t part = strcspn(++at, ",;");

        rc = read_setting(at, part, group, err);
        at += part;
    }
    if (rc == 0)
        rc = local_athena_workgroup(local, group, err);
    json_decref(group);
    return rc;
}

int local_athena_workgroups_add(struct local *local, const char *list,
                                struct pl_err *err)
{
    while (list != NULL && *list != '\0') {
        const size_t len = strcspn(list, ";");

        if (len > 0 && add_text(local, list, len, err) != 0)
            return pl_context(err, "--workgroup");
        list += len + (list[len] == ';');
    }
    return 0;
}

/* Needs the lock. */
static json_t *named(const struct local_athena_call *c)
{
    const char *name = local_athena_text(c->in, "WorkGroup", NULL);

    return json_object_get(c->a->workgroups, name != NULL ? name : "");
}

static int not_found(const struct local_athena_call *c)
{
    return local_athena_invalid(c, "WorkGroup is not found.");
}

int local_athena_get_workgroup(const struct local_athena_call *c,
                               struct pl_err *err)
{
    json_t *group;

    (void)pthread_mutex_lock(&c->a->lock);
    group = json_deep_copy(named(c));
    (void)pthread_mutex_unlock(&c->a->lock);
    if (group == NULL)
        return not_found(c);
    return local_answer_json(c->resp, 200,
                             json_pack("{s:o}", "WorkGroup", group), err);
}

/* Ends a change: what the client did wrong is an answer. */
static int answer_change(const struct local_athena_call *c, int rc,
                         struct pl_err *err)
{
    if (rc != 0 && err->code == PL_DATA_INVALID)
        return local_athena_invalid(c, err->msg);
    return rc != 0 ? -1 : local_answer_json(c->resp, 200, json_object(), err);
}

int local_athena_create_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err)
{
    const char *name = local_athena_text(c->in, "Name", NULL);
    const char *about = local_athena_text(c->in, "Description", NULL);
    json_t *conf = json_deep_copy(json_object_get(c->in, "Configuration"));
    json_t *group = fresh(name);
    int rc;

    if (group == NULL) {
        json_decref(conf);
        return pl_fail_memory(err);
    }
    if (conf != NULL)
        (void)json_object_update(json_object_get(group, "Configuration"), conf);
    json_decref(conf);
    if (about != NULL)
        (void)json_object_set_new(group, "Description", json_string(about));
    (void)pthread_mutex_lock(&c->a->lock);
    if (json_object_get(c->a->workgroups, name) != NULL) {
        json_decref(group);
        rc = pl_fail(err, PL_DATA_INVALID, "WorkGroup is already created");
    } else {
        rc = keep(c->a, group, err);
    }
    (void)pthread_mutex_unlock(&c->a->lock);
    return answer_change(c, rc, err);
}

/* Members of updates go into conf; "RemoveX" takes X away. */
static void update(json_t *conf, const json_t *updates)
{
    const char *name;
    json_t *value;
    json_t *all;

    memcpy(&all, &updates, sizeof(all));
    json_object_foreach(all, name, value)
    {
        if (pl_starts_with(name, "Remove")) {
            if (json_is_true(value))
                (void)json_object_del(conf, name + strlen("Remove"));
        } else if (pl_ends_with(name, "Updates")) {
            char target[64];
            json_t *inner;

            (void)snprintf(target, sizeof(target), "%.*s",
                           (int)(strlen(name) - strlen("Updates")), name);
            inner = json_object_get(conf, target);
            if (inner == NULL) {
                inner = json_object();
                (void)json_object_set_new(conf, target, inner);
            }
            update(inner, value);
        } else {
            (void)json_object_set_new(conf, name, json_deep_copy(value));
        }
    }
}

int local_athena_update_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err)
{
    static const char *const fields[] = {"State", "Description"};
    json_t *group;
    int rc = 0;

    (void)pthread_mutex_lock(&c->a->lock);
    group = json_deep_copy(named(c));
    if (group != NULL) {
        update(json_object_get(group, "Configuration"),
               json_object_get(c->in, "ConfigurationUpdates"));
        for (size_t i = 0; i < PL_COUNT(fields); i++)
            if (json_object_get(c->in, fields[i]) != NULL)
                (void)json_object_set_new(
                    group, fields[i],
                    json_deep_copy(json_object_get(c->in, fields[i])));
        rc = keep(c->a, group, err);
    }
    (void)pthread_mutex_unlock(&c->a->lock);
    return group == NULL ? not_found(c) : answer_change(c, rc, err);
}

/* Forgets the queries of a work group, or says that there are some. Needs the
 * lock. */
static int forget(const struct local_athena_call *c, const char *name,
                  struct pl_err *err)
{
    const bool is_recursive =
        json_is_true(json_object_get(c->in, "RecursiveDeleteOption"));

    for (size_t i = 0; i < c->a->count; i++) {
        struct local_athena_query *q = c->a->queries[i];

        if (q->is_forgotten || strcmp(q->workgroup, name) != 0)
            continue;
        if (!is_recursive)
            return pl_fail(err, PL_DATA_INVALID, "WorkGroup %s is not empty",
                           name);
        local_athena_cancel(c->a, q, "The work group was deleted");
        q->is_forgotten = true;
    }
    return 0;
}

int local_athena_delete_workgroup(const struct local_athena_call *c,
                                  struct pl_err *err)
{
    const char *name = local_athena_text(c->in, "WorkGroup", NULL);
    bool is_there;
    int rc = 0;

    if (strcmp(name, "primary") == 0)
        return local_athena_invalid(c, "Cannot delete primary workgroup");
    (void)pthread_mutex_lock(&c->a->lock);
    is_there = named(c) != NULL;
    if (is_there)
        rc = forget(c, name, err);
    if (is_there && rc == 0)
        (void)json_object_del(c->a->workgroups, name);
    (void)pthread_mutex_unlock(&c->a->lock);
    return is_there ? answer_change(c, rc, err) : not_found(c);
}

static json_t *summary(const json_t *group)
{
    return json_pack("{s:O,s:O,s:O,s:O,s:O*}", "Name",
                     json_object_get(group, "Name"), "State",
                     json_object_get(group, "State"), "CreationTime",
                     json_object_get(group, "CreationTime"), "EngineVersion",
                     json_object_get(json_object_get(group, "Configuration"),
                                     "EngineVersion"),
                     "Description", json_object_get(group, "Description"));
}

int local_athena_list_workgroups(const struct local_athena_call *c,
                                 struct pl_err *err)
{
    const char *token = local_athena_text(c->in, "NextToken", NULL);
    const json_t *max_field = json_object_get(c->in, "MaxResults");
    const size_t max =
        max_field != NULL ? (size_t)json_integer_value(max_field) : PAGE_MAX;
    json_t *all = json_array();
    json_t *out = json_pack("{s:o}", "WorkGroups", all);
    uint64_t from = 0;
    const char *name;
    const json_t *group;
    size_t i = 0;

    if (token != NULL && pl_parse_u64(token, &from) != 0) {
        json_decref(out);
        return local_athena_invalid(c, "NextToken is invalid");
    }
    (void)pthread_mutex_lock(&c->a->lock);
    json_object_foreach(c->a->workgroups, name, group)
    {
        if (i >= from && i < from + max)
            (void)json_array_append_new(all, summary(group));
        i++;
    }
    (void)pthread_mutex_unlock(&c->a->lock);
    if (i > from + max)
        (void)json_object_set_new(
            out, "NextToken",
            json_sprintf("%llu", (unsigned long long)from + max));
    return local_answer_json(c->resp, 200, out, err);
}
