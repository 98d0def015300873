/* Objects and their types: one object becomes a profile, or joins one. */
#include "local/profiles.h"

#include "pipeline/base/text.h"

#define BATCH_MAX 10
#define OBJECT_MAX 256000
#define TYPES_MAX 100
#define KEYS_MAX 10
#define EXPIRY_DAYS 365 /* of what neither type nor domain says */

static bool is_type_name(const char *name)
{
    return name != NULL && strlen(name) <= 255 &&
           strchr("-0123456789", name[0]) == NULL &&
           strspn(name,
                  "abcdefghijklmnopqrstuvwxyz"
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

static const char *key_fault(const json_t *keys, const json_t *fields)
{
    const char *name;
    const json_t *list;
    const json_t *key;
    const json_t *field;
    size_t i;
    size_t k;

    if (json_object_size(keys) > KEYS_MAX)
        return "an object type has at most 10 keys";
    json_object_foreach((json_t *)(uintptr_t)keys, name, list)
    {
        if (!profiles_is_name(name, "") || !json_is_array(list))
            return "a key is invalid";
        json_array_foreach(list, i, key)
        {
            json_array_foreach(json_object_get(key, "FieldNames"), k, field)
            {
                if (!json_is_string(field) ||
                    json_object_get(fields, json_string_value(field)) == NULL)
                    return "a key names a field that Fields does not have";
            }
        }
    }
    return NULL;
}

int profiles_put_type(struct profiles_call *c, struct pl_err *err)
{
    static const char *const taken[] = {
        "Description", "TemplateId", "ExpirationDays", "EncryptionKey",
        "Fields",      "Keys",       "SourcePriority", "MaxProfileObjectCount",
        "Tags"};
    const json_t *fields = json_object_get(c->in, "Fields");
    const json_t *keys = json_object_get(c->in, "Keys");
    const char *why = NULL;
    const json_t *days = json_object_get(c->in, "ExpirationDays");
    json_t *old = json_object_get(c->domain->types, c->parts[2]);
    json_t *type;

    if (fields != NULL)
        why = profiles_fields_fault(fields, 1000);
    if (why == NULL)
        why = key_fault(keys, fields);
    if (!is_type_name(c->parts[2]))
        why = "ObjectTypeName is invalid";
    else if (!profiles_has_length(json_object_get(c->in, "Description"), 1,
                                  1000))
        why = "Description must have 1 to 1,000 characters";
    else if (days != NULL && !profiles_are_days(days))
        why = "ExpirationDays must be 1 to 1,098";
    else if (old == NULL && json_object_size(c->domain->types) >= TYPES_MAX)
        why = "there are 100 object types already";
    if (why != NULL)
        return profiles_bad(c, "%s", why);
    type = json_pack(
        "{s:s,s:b,s:I,s:I}", "ObjectTypeName", c->parts[2],
        "AllowProfileCreation",
        json_is_true(json_object_get(c->in, "AllowProfileCreation")),
        "CreatedAt",
        old != NULL ? json_integer_value(json_object_get(old, "CreatedAt"))
                    : (json_int_t)c->now_s,
        "LastUpdatedAt", (json_int_t)c->now_s);
    for (size_t i = 0; i < PL_COUNT(taken); i++)
        if (json_object_get(c->in, taken[i]) != NULL)
            (void)json_object_set(type, taken[i],
                                  json_object_get(c->in, taken[i]));
    (void)json_object_set_new(c->domain->types, c->parts[2], type);
    c->domain->is_changed = true;
    return profiles_answer(c, json_deep_copy(type), err);
}

int profiles_get_type(struct profiles_call *c, struct pl_err *err)
{
    const json_t *type = json_object_get(c->domain->types, c->parts[2]);

    if (type == NULL)
        return profiles_missing(c, "the object type");
    return profiles_answer(c, json_deep_copy(type), err);
}

int profiles_list_types(struct profiles_call *c, struct pl_err *err)
{
    static const char *const names[] = {"ObjectTypeName", "Description",
                                        "CreatedAt", "LastUpdatedAt"};
    json_t *list = json_array();
    const char *id;
    json_t *type;

    json_object_foreach(c->domain->types, id, type)
    {
        json_t *one = json_object();

        for (size_t i = 0; i < PL_COUNT(names); i++)
            (void)json_object_set(one, names[i],
                                  json_object_get(type, names[i]));
        (void)json_array_append_new(list, one);
    }
    return profiles_page(c, list, 100, err);
}

int profiles_delete_type(struct profiles_call *c, struct pl_err *err)
{
    if (json_object_del(c->domain->types, c->parts[2]) != 0)
        return profiles_missing(c, "the object type");
    c->domain->is_changed = true;
    return profiles_answer(c, json_pack("{s:s}", "Message", "OK."), err);
}

/* The value in an object that a field of its type names, or NULL. */
static const char *value_of(const json_t *type, const char *field,
                            const json_t *object)
{
    const json_t *f = json_object_get(json_object_get(type, "Fields"), field);
    const char *source = json_string_value(json_object_get(f, "Source"));

    if (source == NULL || !pl_starts_with(source, "_source."))
        return NULL;
    return json_string_value(
        json_object_get(object, source + strlen("_source.")));
}

/* The first key with this standard identifier: its name, and the value that
 * the object has for it. */
static const char *key_with(const json_t *type, const char *identifier,
                            const json_t *object, const char **value)
{
    const char *name;
    const json_t *list;
    const json_t *key;
    const json_t *word;
    size_t i;
    size_t k;

    json_object_foreach(json_object_get(type, "Keys"), name, list)
    {
        json_array_foreach(list, i, key)
        {
            const char *field = json_string_value(
                json_array_get(json_object_get(key, "FieldNames"), 0));

            json_array_foreach(json_object_get(key, "StandardIdentifiers"), k,
                               word)
            {
                if (field == NULL || !json_is_string(word) ||
                    strcmp(json_string_value(word), identifier) != 0)
                    continue;
                *value = value_of(type, field, object);
                return name;
            }
        }
    }
    return NULL;
}

/* What an object sets in its profile; NULL with *why. */
static json_t *fields_of(const json_t *type, const json_t *object,
                         const char **why)
{
    json_t *out = json_object();
    const char *name;
    const json_t *field;

    json_object_foreach(json_object_get(type, "Fields"), name, field)
    {
        const char *target =
            json_string_value(json_object_get(field, "Target"));
        const char *value = value_of(type, name, object);

        if (value == NULL || *value == '\0' || target == NULL ||
            !pl_starts_with(target, "_profile."))
            continue;
        *why = profiles_set(out, target, value);
        if (*why != NULL) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static int64_t expiry_of(const struct profiles_call *c, const json_t *type)
{
    const json_t *days = json_object_get(type, "ExpirationDays");

    if (days == NULL)
        days = json_object_get(c->domain->about, "DefaultExpirationDays");
    return c->now_s + LOCAL_DAY_S * (json_is_integer(days)
                                         ? (int64_t)json_integer_value(days)
                                         : EXPIRY_DAYS);
}

/* Puts an object into a profile that a key finds, or into a new one. */
static int join(struct profiles_call *c, const json_t *type, const char *key,
                const char *value, const json_t *fields, const char *text,
                const char *unique, struct pl_err *err)
{
    struct local_domain *d = c->domain;
    json_t *found = profiles_by_key(d, key, value);
    const char *type_name =
        json_string_value(json_object_get(type, "ObjectTypeName"));
    json_t *profile;
    json_t *objects;
    char id[33];

    if (found != NULL) {
        (void)snprintf(id, sizeof(id), "%.32s",
                       json_object_iter_key(json_object_iter(found)));
        profile = json_object_get(d->profiles, id);
        profiles_keep_until(d, profile, expiry_of(c, type));
    } else if (json_is_true(json_object_get(type, "AllowProfileCreation"))) {
        if (profiles_add(d, expiry_of(c, type), id, &profile, err) != 0)
            return -1;
    } else {
        return 0; /* kept by the service, but in nobody's profile */
    }
    (void)profiles_merge(json_object_get(profile, "shown"), fields, false);
    (void)json_object_set_new(json_object_get(profile, "keys"), key,
                              json_pack("[s]", value));
    objects = json_object_get(json_object_get(profile, "objects"), type_name);
    if (objects == NULL) {
        objects = json_object();
        (void)json_object_set_new(json_object_get(profile, "objects"),
                                  type_name, objects);
    }
    (void)json_object_set_new(objects, unique, json_string(text));
    profiles_index(d, id, profile);
    return 0;
}

/* Takes one object: 0 with its unique key, 1 with *why, or -1. */
static int take(struct profiles_call *c, const json_t *type, const json_t *text,
                char unique[256], const char **why, struct pl_err *err)
{
    json_t *object = json_is_string(text)
                         ? json_loadb(json_string_value(text),
                                      json_string_length(text), 0, NULL)
                         : NULL;
    const char *value = NULL;
    const char *found = NULL;
    const char *key = NULL;
    json_t *fields = NULL;
    int rc = 1;

    *why = NULL;
    if (key_with(type, "UNIQUE", object, &value) == NULL || value == NULL ||
        *value == '\0' || pl_utf8_count(value, strlen(value)) > 255)
        *why = "the object has no value for the type's UNIQUE key";
    if (!json_is_object(object) || json_string_length(text) > OBJECT_MAX)
        *why = "Object is no JSON object of at most 256,000 characters";
    if (*why == NULL)
        fields = fields_of(type, object, why);
    if (fields != NULL) {
        (void)snprintf(unique, 256, "%.255s", value);
        key = key_with(type, "PROFILE", object, &found);
        rc = key == NULL || found == NULL || *found == '\0'
                 ? 0
                 : join(c, type, key, found, fields, json_string_value(text),
                        unique, err);
    }
    json_decref(fields);
    json_decref(object);
    return rc;
}

int profiles_put_object(struct profiles_call *c, struct pl_err *err)
{
    const char *name = profiles_text(c, "ObjectTypeName");
    const json_t *type =
        name != NULL ? json_object_get(c->domain->types, name) : NULL;
    const char *why;
    char unique[256];
    int rc;

    if (type == NULL)
        return profiles_missing(c, "the object type");
    rc = take(c, type, json_object_get(c->in, "Object"), unique, &why, err);
    if (rc == 1)
        return profiles_bad(c, "%s", why);
    return rc != 0
               ? -1
               : profiles_answer(
                     c, json_pack("{s:s}", "ProfileObjectUniqueKey", unique),
                     err);
}

static bool are_items(const json_t *items)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(items) || json_array_size(items) == 0 ||
        json_array_size(items) > BATCH_MAX)
        return false;
    json_array_foreach(items, i, item)
    {
        if (!profiles_is_name(json_string_value(json_object_get(item, "Id")),
                              "") ||
            !json_is_string(json_object_get(item, "Object")))
            return false;
    }
    return true;
}

static void note_failed(json_t *failed, const json_t *item, int code,
                        const char *why)
{
    (void)json_array_append_new(
        failed, json_pack("{s:O,s:i,s:s}", "Id", json_object_get(item, "Id"),
                          "Code", code, "Message", why));
}

int profiles_batch_put_object(struct profiles_call *c, struct pl_err *err)
{
    const char *name = profiles_text(c, "ObjectTypeName");
    const json_t *type =
        name != NULL ? json_object_get(c->domain->types, name) : NULL;
    const json_t *items = json_object_get(c->in, "Items");
    json_t *good;
    json_t *failed;
    const json_t *item;
    size_t i;
    int rc = 0;

    if (type == NULL)
        return profiles_missing(c, "the object type");
    if (!are_items(items))
        return profiles_bad(c, "Items must have 1 to %d objects with an Id",
                            BATCH_MAX);
    good = json_array();
    failed = json_array();
    json_array_foreach(items, i, item)
    {
        struct local_fault fault;
        const char *why = NULL;
        char unique[256];

        if (local_faults_take(&c->local->faults, "profiles", "ProfileObject",
                              &fault)) {
            note_failed(failed, item, fault.status, fault.code);
            continue;
        }
        rc = take(c, type, json_object_get(item, "Object"), unique, &why, err);
        if (rc < 0)
            break;
        if (rc == 1)
            note_failed(failed, item, 400, why);
        else
            (void)json_array_append_new(
                good, json_pack("{s:O,s:s}", "Id", json_object_get(item, "Id"),
                                "ProfileObjectUniqueKey", unique));
    }
    if (rc < 0) {
        json_decref(good);
        json_decref(failed);
        return -1;
    }
    return profiles_answer(
        c, json_pack("{s:o,s:o}", "Successful", good, "Failed", failed), err);
}

int profiles_list_objects(struct profiles_call *c, struct pl_err *err)
{
    const char *name = profiles_text(c, "ObjectTypeName");
    const char *id = profiles_text(c, "ProfileId");
    json_t *list;
    const char *unique;
    json_t *text;

    if (name == NULL || id == NULL)
        return profiles_bad(c, "ObjectTypeName and ProfileId are needed");
    if (json_object_get(c->domain->profiles, id) == NULL)
        return profiles_missing(c, "the profile");
    list = json_array();
    json_object_foreach(
        json_object_get(
            json_object_get(json_object_get(c->domain->profiles, id),
                            "objects"),
            name),
        unique, text)
    {
        (void)json_array_append_new(
            list, json_pack("{s:s,s:s,s:O}", "ObjectTypeName", name,
                            "ProfileObjectUniqueKey", unique, "Object", text));
    }
    return profiles_page(c, list, 100, err);
}
