/* Profiles one by one: made, changed, looked up by their keys. */
#include "local/profiles.h"

#define IDS_MAX 20
#define KEYS_MAX 5 /* the main one and four more */

static int64_t default_expiry(const struct profiles_call *c)
{
    return c->now_s +
           LOCAL_DAY_S * (int64_t)json_integer_value(json_object_get(
                             c->domain->about, "DefaultExpirationDays"));
}

int profiles_create_profile(struct profiles_call *c, struct pl_err *err)
{
    json_t *shown = json_object();
    const char *why = profiles_merge(shown, c->in, false);
    json_t *profile = NULL;
    char id[33];

    if (why != NULL) {
        json_decref(shown);
        return profiles_bad(c, "%s", why);
    }
    if (profiles_add(c->domain, default_expiry(c), id, &profile, err) != 0) {
        json_decref(shown);
        return -1;
    }
    (void)json_object_update(json_object_get(profile, "shown"), shown);
    json_decref(shown);
    profiles_index(c->domain, id, profile);
    return profiles_answer(c, json_pack("{s:s}", "ProfileId", id), err);
}

int profiles_update_profile(struct profiles_call *c, struct pl_err *err)
{
    const char *id = profiles_text(c, "ProfileId");
    json_t *profile =
        id != NULL ? json_object_get(c->domain->profiles, id) : NULL;
    const char *why;

    if (id == NULL)
        return profiles_bad(c, "ProfileId is needed");
    if (profile == NULL)
        return profiles_missing(c, "the profile");
    why = profiles_merge(json_object_get(profile, "shown"), c->in, true);
    if (why != NULL)
        return profiles_bad(c, "%s", why);
    profiles_index(c->domain, id, profile);
    return profiles_answer(c, json_pack("{s:s}", "ProfileId", id), err);
}

int profiles_delete_profile(struct profiles_call *c, struct pl_err *err)
{
    const char *id = profiles_text(c, "ProfileId");

    if (id == NULL)
        return profiles_bad(c, "ProfileId is needed");
    if (json_object_get(c->domain->profiles, id) == NULL)
        return profiles_missing(c, "the profile");
    profiles_drop(c->domain, id);
    return profiles_answer(c, json_pack("{s:s}", "Message", "OK."), err);
}

/* 1 to max texts of 1 to 255 characters. */
static bool are_values(const json_t *values, size_t max)
{
    const json_t *value;
    size_t i;

    if (!json_is_array(values) || json_array_size(values) == 0 ||
        json_array_size(values) > max)
        return false;
    json_array_foreach(values, i, value)
    {
        if (!profiles_has_length(value, 1, 255))
            return false;
    }
    return true;
}

int profiles_add_key(struct profiles_call *c, struct pl_err *err)
{
    const char *id = profiles_text(c, "ProfileId");
    const char *name = profiles_text(c, "KeyName");
    json_t *values = json_object_get(c->in, "Values");
    json_t *profile =
        id != NULL ? json_object_get(c->domain->profiles, id) : NULL;

    if (!profiles_is_name(name, "") || name[0] == '_')
        return profiles_bad(c, "KeyName is invalid");
    if (!are_values(values, 255))
        return profiles_bad(c, "Values must have texts of 1 to 255 characters");
    if (profile == NULL)
        return profiles_missing(c, "the profile");
    (void)json_object_set(json_object_get(profile, "keys"), name, values);
    profiles_index(c->domain, id, profile);
    return profiles_answer(
        c, json_pack("{s:s,s:O}", "KeyName", name, "Values", values), err);
}

int profiles_batch_get(struct profiles_call *c, struct pl_err *err)
{
    const json_t *ids = json_object_get(c->in, "ProfileIds");
    json_t *found;
    json_t *errors;
    const json_t *id;
    size_t i;

    if (!are_values(ids, IDS_MAX))
        return profiles_bad(c, "ProfileIds must have 1 to %d ids", IDS_MAX);
    found = json_array();
    errors = json_array();
    json_array_foreach(ids, i, id)
    {
        const json_t *profile =
            json_object_get(c->domain->profiles, json_string_value(id));

        if (profile != NULL)
            (void)json_array_append(found, json_object_get(profile, "shown"));
        else
            (void)json_array_append_new(
                errors, json_pack("{s:s,s:s,s:s}", "Code", "404", "Message",
                                  "the profile does not exist", "ProfileId",
                                  json_string_value(id)));
    }
    return profiles_answer(
        c, json_pack("{s:o,s:o}", "Profiles", found, "Errors", errors), err);
}

/* All profiles that any of one key's values finds. */
static json_t *found_by(const struct local_domain *d, const json_t *key)
{
    const char *name = json_string_value(json_object_get(key, "KeyName"));
    json_t *all = json_object();
    const json_t *value;
    size_t i;

    json_array_foreach(json_object_get(key, "Values"), i, value)
    {
        json_t *ids = profiles_by_key(d, name, json_string_value(value));

        if (ids != NULL)
            (void)json_object_update(all, ids);
    }
    return all;
}

static bool is_key(const json_t *key)
{
    return profiles_is_name(json_string_value(json_object_get(key, "KeyName")),
                            "") &&
           are_values(json_object_get(key, "Values"), 255);
}

/* One after another into *keys; false for a request that is wrong. */
static bool take_keys(const struct profiles_call *c, json_t *keys)
{
    const json_t *more = json_object_get(c->in, "AdditionalSearchKeys");
    json_t *key;
    size_t i;

    (void)json_array_append_new(
        keys,
        json_pack("{s:O*,s:O*}", "KeyName", json_object_get(c->in, "KeyName"),
                  "Values", json_object_get(c->in, "Values")));
    if (more != NULL && (!json_is_array(more) || json_array_size(more) == 0))
        return false;
    json_array_foreach(more, i, key)
    {
        (void)json_array_append(keys, key);
    }
    json_array_foreach(keys, i, key)
    {
        if (!is_key(key))
            return false;
    }
    return json_array_size(keys) <= KEYS_MAX;
}

static void intersect(json_t *all, const json_t *one)
{
    const char *id;
    json_t *value;
    void *next;

    json_object_foreach_safe(all, next, id, value)
    {
        if (json_object_get(one, id) == NULL)
            (void)json_object_del(all, id);
    }
}

static json_t *show_found(const struct local_domain *d, const json_t *ids,
                          const json_t *sets, const json_t *keys)
{
    json_t *list = json_array();
    const char *id;
    const json_t *value;
    size_t i;
    const json_t *one;

    json_object_foreach((json_t *)(uintptr_t)ids, id, value)
    {
        json_t *item = json_copy(
            json_object_get(json_object_get(d->profiles, id), "shown"));
        json_t *by = json_array();

        json_array_foreach(sets, i, one)
        {
            if (json_object_get(one, id) != NULL)
                (void)json_array_append(by, json_array_get(keys, i));
        }
        (void)json_object_set_new(item, "FoundByItems", by);
        (void)json_array_append_new(list, item);
    }
    return list;
}

int profiles_search(struct profiles_call *c, struct pl_err *err)
{
    const char *how = profiles_text(c, "LogicalOperator");
    json_t *keys = json_array();
    json_t *sets = json_array();
    json_t *ids;
    json_t *list;
    json_t *key;
    size_t i;

    if (!take_keys(c, keys) ||
        (how != NULL && strcmp(how, "AND") != 0 && strcmp(how, "OR") != 0)) {
        json_decref(keys);
        json_decref(sets);
        return profiles_bad(c, "KeyName, Values, AdditionalSearchKeys or "
                               "LogicalOperator is invalid");
    }
    json_array_foreach(keys, i, key)
    {
        (void)json_array_append_new(sets, found_by(c->domain, key));
    }
    ids = json_copy(json_array_get(sets, 0));
    json_array_foreach(sets, i, key)
    {
        if (how != NULL && strcmp(how, "AND") == 0)
            intersect(ids, key);
        else
            (void)json_object_update(ids, key);
    }
    list = show_found(c->domain, ids, sets, keys);
    json_decref(keys);
    json_decref(sets);
    json_decref(ids);
    return profiles_page(c, list, 100, err);
}
