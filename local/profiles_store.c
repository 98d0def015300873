/* Profiles: their fields, how long they live, and the index that finds them. */
#include "local/profiles.h"

#include "pipeline/base/text.h"

#define VALUE_MAX 255
#define INFORMATION_MAX 1000

/* sources 9.8; key: the standard key that finds it. */
static const struct {
    const char *name;
    const char *key;
} fields[] = {
    {"AccountNumber", "_account"},
    {"AdditionalInformation", NULL},
    {"BirthDate", NULL},
    {"BusinessEmailAddress", "_email"},
    {"BusinessName", NULL},
    {"BusinessPhoneNumber", "_phone"},
    {"EmailAddress", "_email"},
    {"FirstName", NULL},
    {"GenderString", NULL},
    {"HomePhoneNumber", "_phone"},
    {"LastName", NULL},
    {"MiddleName", NULL},
    {"MobilePhoneNumber", "_phone"},
    {"PartyTypeString", NULL},
    {"PersonalEmailAddress", "_email"},
    {"PhoneNumber", "_phone"},
};

static const char *const addresses[] = {"Address", "ShippingAddress",
                                        "MailingAddress", "BillingAddress"};
static const char *const address_parts[] = {
    "Address1", "Address2", "Address3", "Address4", "City",
    "County",   "State",    "Province", "Country",  "PostalCode"};

static const struct {
    const char *name;
    const char *words[4];
} enums[] = {
    {"PartyType", {"INDIVIDUAL", "BUSINESS", "OTHER"}},
    {"Gender", {"MALE", "FEMALE", "UNSPECIFIED"}},
    {"ProfileType", {"ACCOUNT_PROFILE", "PROFILE"}},
};

static bool is_field(const char *name)
{
    for (size_t i = 0; i < PL_COUNT(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

static size_t max_of(const char *name)
{
    return strcmp(name, "AdditionalInformation") == 0 ? INFORMATION_MAX
                                                      : VALUE_MAX;
}

/* "_profile.Address.City" is "Address" and "City"; *inner NULL: no second
 * part. False for what is no target. */
static bool take_apart(const char *target, char outer[300], const char **inner)
{
    const char *dot;

    if (!pl_starts_with(target, "_profile."))
        return false;
    target += strlen("_profile.");
    dot = strchr(target, '.');
    if (strlen(target) >= 300)
        return false;
    (void)snprintf(outer, 300, "%.*s",
                   dot != NULL ? (int)(dot - target) : (int)strlen(target),
                   target);
    *inner = dot != NULL ? dot + 1 : NULL;
    if (*inner == NULL)
        return is_field(outer);
    if (strcmp(outer, "Attributes") == 0)
        return **inner != '\0' && pl_utf8_count(*inner, strlen(*inner)) <= 255;
    return pl_is_one_of(outer, addresses, PL_COUNT(addresses)) &&
           pl_is_one_of(*inner, address_parts, PL_COUNT(address_parts));
}

bool profiles_is_target(const char *target)
{
    char outer[300];
    const char *inner;

    return take_apart(target, outer, &inner);
}

const char *profiles_set(json_t *shown, const char *target, const char *value)
{
    char outer[300];
    const char *inner = NULL;
    json_t *at = shown;
    const char *name = outer;
    const size_t len = strlen(value);

    if (!take_apart(target, outer, &inner))
        return "no such field in a profile";
    if (pl_utf8_valid_len(value, len) != len)
        return "a value is not UTF-8";
    if (pl_utf8_count(value, len) > max_of(outer))
        return "a value is longer than 255 characters";
    if (inner != NULL) {
        at = json_object_get(shown, outer);
        if (at == NULL) {
            at = json_object();
            (void)json_object_set_new(shown, outer, at);
        }
        name = inner;
    }
    if (len > 0)
        (void)json_object_set_new(at, name, json_string(value));
    else
        (void)json_object_del(at, name);
    if (inner != NULL && json_object_size(at) == 0)
        (void)json_object_del(shown, outer);
    return NULL;
}

static const char *merge_map(json_t *shown, const char *outer,
                             const json_t *map, bool may_clear)
{
    const char *name;
    json_t *value;

    if (!json_is_object(map))
        return "an address or Attributes is no object";
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        PL_AUTO(pl_buf) target = PL_BUF_INIT;
        struct pl_err err = {0};
        const char *why;

        if (!profiles_has_length(value, may_clear ? 0 : 1, VALUE_MAX))
            return "a value must have 1 to 255 characters";
        if (pl_buf_addf(&target, &err, "_profile.%s.%s", outer, name) != 0)
            return "out of memory";
        why = profiles_set(shown, target.data, json_string_value(value));
        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *merge_enum(json_t *shown, const char *name, json_t *value)
{
    for (size_t i = 0; i < PL_COUNT(enums); i++) {
        if (strcmp(enums[i].name, name) != 0)
            continue;
        for (size_t k = 0; enums[i].words[k] != NULL; k++)
            if (json_is_string(value) &&
                strcmp(enums[i].words[k], json_string_value(value)) == 0) {
                (void)json_object_set(shown, name, value);
                return NULL;
            }
        return "PartyType, Gender or ProfileType is none of its words";
    }
    return "a field that no profile has";
}

static const char *merge_one(json_t *shown, const char *name, json_t *value,
                             bool may_clear)
{
    PL_AUTO(pl_buf) target = PL_BUF_INIT;
    struct pl_err err = {0};

    if (strcmp(name, "Attributes") == 0 ||
        pl_is_one_of(name, addresses, PL_COUNT(addresses)))
        return merge_map(shown, name, value, may_clear);
    if (strcmp(name, "EngagementPreferences") == 0 && json_is_object(value)) {
        (void)json_object_set(shown, name, value);
        return NULL;
    }
    if (!is_field(name))
        return merge_enum(shown, name, value);
    if (!profiles_has_length(value, may_clear ? 0 : 1, max_of(name)))
        return "a value must have 1 to 255 characters";
    if (pl_buf_addf(&target, &err, "_profile.%s", name) != 0)
        return "out of memory";
    return profiles_set(shown, target.data, json_string_value(value));
}

const char *profiles_merge(json_t *shown, const json_t *in, bool may_clear)
{
    json_t *trial = json_deep_copy(shown);
    const char *why = NULL;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)in, name, value)
    {
        if (why == NULL && strcmp(name, "ProfileId") != 0 &&
            !json_is_null(value))
            why = merge_one(trial, name, value, may_clear);
    }
    if (why == NULL) {
        (void)json_object_clear(shown);
        (void)json_object_update(shown, trial);
    }
    json_decref(trial);
    return why;
}

const char *profiles_key_of(const char *target)
{
    for (size_t i = 0; i < PL_COUNT(fields); i++)
        if (fields[i].key != NULL && pl_starts_with(target, "_profile.") &&
            strcmp(target + strlen("_profile."), fields[i].name) == 0)
            return fields[i].key;
    return target;
}

/* As keys are compared: telephone numbers by their digits, addresses and
 * names without case. */
static int fold(const char *key, const char *value, struct pl_buf *out,
                struct pl_err *err)
{
    const bool is_phone = strcmp(key, "_phone") == 0;
    const bool is_blind =
        strcmp(key, "_email") == 0 || strcmp(key, "_fullName") == 0;

    for (; *value != '\0'; value++) {
        char ch = *value;

        if (is_phone && (ch < '0' || ch > '9'))
            continue;
        if (is_blind && ch >= 'A' && ch <= 'Z')
            ch = (char)(ch - 'A' + 'a');
        if (pl_buf_addc(out, ch, err) != 0)
            return -1;
    }
    return 0;
}

json_t *profiles_by_key(const struct local_domain *d, const char *key,
                        const char *value)
{
    PL_AUTO(pl_buf) folded = PL_BUF_INIT;
    struct pl_err err = {0};

    if (fold(key, value, &folded, &err) != 0)
        return NULL;
    return json_object_get(json_object_get(d->index, key), pl_buf_str(&folded));
}

/* Enters a value, and notes in the profile that it stands there. */
static void enter(struct local_domain *d, const char *id, json_t *profile,
                  const char *key, const char *value)
{
    PL_AUTO(pl_buf) folded = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *values = json_object_get(d->index, key);
    json_t *ids;

    if (value == NULL || *value == '\0' || fold(key, value, &folded, &err) != 0)
        return;
    if (values == NULL) {
        values = json_object();
        (void)json_object_set_new(d->index, key, values);
    }
    ids = json_object_get(values, pl_buf_str(&folded));
    if (ids == NULL) {
        ids = json_object();
        (void)json_object_set_new(values, pl_buf_str(&folded), ids);
    }
    (void)json_object_set_new(ids, id, json_true());
    (void)json_array_append_new(json_object_get(profile, "indexed"),
                                json_pack("[s,s]", key, pl_buf_str(&folded)));
}

static void leave_index(struct local_domain *d, const char *id, json_t *profile)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(profile, "indexed"), i, entry)
    {
        json_t *values = json_object_get(
            d->index, json_string_value(json_array_get(entry, 0)));
        const char *value = json_string_value(json_array_get(entry, 1));
        json_t *ids = json_object_get(values, value);

        (void)json_object_del(ids, id);
        if (ids != NULL && json_object_size(ids) == 0)
            (void)json_object_del(values, value);
    }
    (void)json_object_set_new(profile, "indexed", json_array());
}

static void enter_name(struct local_domain *d, const char *id, json_t *profile)
{
    static const char *const parts[] = {"FirstName", "MiddleName", "LastName"};
    const json_t *shown = json_object_get(profile, "shown");
    PL_AUTO(pl_buf) name = PL_BUF_INIT;
    struct pl_err err = {0};

    for (size_t i = 0; i < PL_COUNT(parts); i++) {
        const char *part = json_string_value(json_object_get(shown, parts[i]));

        if (part != NULL && pl_buf_addf(&name, &err, "%s%s",
                                        name.len > 0 ? " " : "", part) != 0)
            return;
    }
    enter(d, id, profile, "_fullName", pl_buf_str(&name));
}

void profiles_index(struct local_domain *d, const char *id, json_t *profile)
{
    const json_t *shown = json_object_get(profile, "shown");
    const char *key;
    json_t *values;
    const json_t *value;
    size_t i;

    leave_index(d, id, profile);
    enter(d, id, profile, "_profileId", id);
    for (size_t f = 0; f < PL_COUNT(fields); f++)
        if (fields[f].key != NULL)
            enter(d, id, profile, fields[f].key,
                  json_string_value(json_object_get(shown, fields[f].name)));
    enter_name(d, id, profile);
    json_object_foreach(json_object_get(profile, "keys"), key, values)
    {
        json_array_foreach(values, i, value)
        {
            enter(d, id, profile, key, json_string_value(value));
        }
    }
    d->is_changed = true;
}

int profiles_add(struct local_domain *d, int64_t expires_s, char id[33],
                 json_t **profile, struct pl_err *err)
{
    if (profiles_id(id, err) != 0)
        return -1;
    *profile =
        json_pack("{s:{s:s},s:I,s:{},s:{},s:[]}", "shown", "ProfileId", id,
                  "expires_s", (json_int_t)0, "keys", "objects", "indexed");
    if (json_object_set_new(d->profiles, id, *profile) != 0)
        return pl_fail_memory(err);
    profiles_keep_until(d, *profile, expires_s);
    return 0;
}

void profiles_keep_until(struct local_domain *d, json_t *profile,
                         int64_t expires_s)
{
    if (json_integer_value(json_object_get(profile, "expires_s")) >= expires_s)
        return;
    (void)json_object_set_new(profile, "expires_s",
                              json_integer((json_int_t)expires_s));
    if (expires_s < d->next_expiry_s)
        d->next_expiry_s = expires_s;
}

void profiles_drop(struct local_domain *d, const char *id)
{
    json_t *profile = json_object_get(d->profiles, id);

    if (profile == NULL)
        return;
    leave_index(d, id, profile);
    (void)json_object_del(d->profiles, id);
    d->is_changed = true;
}

void profiles_sweep(struct local_domain *d, int64_t now_s)
{
    const char *id;
    json_t *profile;
    void *next;

    if (now_s < d->next_expiry_s)
        return;
    d->next_expiry_s = INT64_MAX;
    json_object_foreach_safe(d->profiles, next, id, profile)
    {
        const int64_t at =
            json_integer_value(json_object_get(profile, "expires_s"));

        if (at <= now_s)
            profiles_drop(d, id);
        else if (at < d->next_expiry_s)
            d->next_expiry_s = at;
    }
}
