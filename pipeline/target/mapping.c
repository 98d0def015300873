#include "pipeline/target/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

/*
 * sources 9.10. Where AWS's own sample leaves a choice: numbers are in the
 * order of the values (its sets have none); a fifth number is PhoneNumber_5
 * and a fourth address EmailAddress_4; several values of a user attribute are
 * UserAttributes_<k>_<i>, with no dot, which would name a level of its own;
 * Demographic.<k> is kept (its script loses it). What has no rule here (Id,
 * ChannelType, OptOut, EffectiveDate, RequestId) has no place in a profile.
 */
static const struct pl_mapping_rule rules[] = {
    {"User.UserId", PL_MAPPING_ANY, PL_MAPPING_ONE, "AccountNumber",
     PL_CONTENT_STRING},
    {"Address", PL_MAPPING_PHONE, PL_MAPPING_ONE, "PhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PL_MAPPING_PHONE, PL_MAPPING_ONE, "HomePhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PL_MAPPING_PHONE, PL_MAPPING_ONE, "MobilePhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PL_MAPPING_PHONE, PL_MAPPING_ONE, "BusinessPhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PL_MAPPING_PHONE, PL_MAPPING_REST, "Attributes.PhoneNumber_#",
     PL_CONTENT_PHONE},
    {"Address", PL_MAPPING_EMAIL, PL_MAPPING_ONE, "EmailAddress",
     PL_CONTENT_EMAIL},
    {"Address", PL_MAPPING_EMAIL, PL_MAPPING_ONE, "PersonalEmailAddress",
     PL_CONTENT_EMAIL},
    {"Address", PL_MAPPING_EMAIL, PL_MAPPING_ONE, "BusinessEmailAddress",
     PL_CONTENT_EMAIL},
    {"Address", PL_MAPPING_EMAIL, PL_MAPPING_REST, "Attributes.EmailAddress_#",
     PL_CONTENT_EMAIL},
    {"Location.City", PL_MAPPING_ANY, PL_MAPPING_ONE, "Address.City",
     PL_CONTENT_STRING},
    {"Location.Country", PL_MAPPING_ANY, PL_MAPPING_ONE, "Address.Country",
     PL_CONTENT_STRING},
    {"Location.PostalCode", PL_MAPPING_ANY, PL_MAPPING_ONE,
     "Address.PostalCode", PL_CONTENT_STRING},
    {"Location.Region", PL_MAPPING_ANY, PL_MAPPING_ONE, "Address.County",
     PL_CONTENT_STRING},
    {"Location.Latitude", PL_MAPPING_ANY, PL_MAPPING_ONE, "Attributes.Latitude",
     PL_CONTENT_STRING},
    {"Location.Longitude", PL_MAPPING_ANY, PL_MAPPING_ONE,
     "Attributes.Longitude", PL_CONTENT_STRING},
    {"Attributes.", PL_MAPPING_ANY, PL_MAPPING_SOLE, "Attributes.*",
     PL_CONTENT_STRING},
    {"Attributes.", PL_MAPPING_ANY, PL_MAPPING_MANY, "Attributes.*_#",
     PL_CONTENT_STRING},
    {"User.UserAttributes.", PL_MAPPING_ANY, PL_MAPPING_SOLE, "Attributes.*",
     PL_CONTENT_STRING},
    {"User.UserAttributes.", PL_MAPPING_ANY, PL_MAPPING_MANY,
     "Attributes.UserAttributes_*_#", PL_CONTENT_STRING},
    {"Metrics.", PL_MAPPING_ANY, PL_MAPPING_ONE, "Attributes.Metrics_*",
     PL_CONTENT_STRING},
    {"Demographic.", PL_MAPPING_ANY, PL_MAPPING_ONE, "Attributes.Demographic_*",
     PL_CONTENT_STRING},
};

static const struct pl_mapping by_default = {rules, PL_COUNT(rules)};

/* sources 9.8: the indexes that one value finds. */
static const struct pl_key_field key_fields[] = {
    {"AccountNumber", "_account", "PROFILE", PL_CONTENT_STRING, PL_MAPPING_ANY},
    {"EmailAddress", "_email", "PROFILE", PL_CONTENT_EMAIL, PL_MAPPING_EMAIL},
    {"PhoneNumber", "_phone", "PROFILE", PL_CONTENT_PHONE, PL_MAPPING_PHONE},
};

const struct pl_mapping *pl_mapping_default(void)
{
    return &by_default;
}

const char *pl_content_name(enum pl_content content)
{
    static const char *const names[] = {"STRING", "NUMBER", "PHONE_NUMBER",
                                        "EMAIL_ADDRESS", "NAME"};

    return names[content];
}

const struct pl_key_field *pl_key_field_by_name(const char *field)
{
    for (size_t i = 0; i < PL_COUNT(key_fields); i++)
        if (strcmp(key_fields[i].field, field) == 0)
            return &key_fields[i];
    return NULL;
}

enum pl_mapping_channel pl_mapping_channel_of(const char *channel_type,
                                              size_t len)
{
    if (pl_ieqn(channel_type, len, "SMS", 3) ||
        pl_ieqn(channel_type, len, "VOICE", 5))
        return PL_MAPPING_PHONE;
    return pl_ieqn(channel_type, len, "EMAIL", 5) ? PL_MAPPING_EMAIL
                                                  : PL_MAPPING_NONE;
}

static bool is_key(const struct pl_target *target,
                   const struct pl_column *column,
                   enum pl_mapping_channel channel)
{
    const struct pl_key_field *key = pl_key_field_by_name(target->key_field);

    return pl_ieq(column->name, target->key_column) &&
           (column->kind != PL_COLUMN_ADDRESS || key->channel == channel);
}

/* What stands behind the prefix of the rule's column; NULL: not its column. */
static const char *name_behind(const struct pl_mapping_rule *rule,
                               const char *column)
{
    const size_t len = strlen(rule->column);

    if (len > 0 && rule->column[len - 1] == '.')
        return pl_starts_with(column, rule->column) ? column + len : NULL;
    return pl_ieq(rule->column, column) ? "" : NULL;
}

/* Fills in '*' and '#'; false when it does not fit. */
static bool spell_field(const char *field, const char *name, size_t number,
                        char *out, size_t cap)
{
    size_t n = 0;

    for (const char *p = field; *p != '\0' && n < cap; p++) {
        int wrote = 0;

        if (*p == '*')
            wrote = snprintf(out + n, cap - n, "%s", name);
        else if (*p == '#')
            wrote = snprintf(out + n, cap - n, "%zu", number);
        else
            wrote = snprintf(out + n, cap - n, "%c", *p);
        n += (size_t)wrote;
    }
    return n < cap;
}

/* The header of a field: one '_' for each character that may not stand in a
 * name of Fields, and for the dots. */
static bool spell_header(const char *field, char out[PL_PROFILE_HEADER_MAX + 1])
{
    size_t n = 0;

    for (const char *p = field; *p != '\0'; p++) {
        const bool is_plain = (*p >= '0' && *p <= '9') ||
                              (*p >= 'A' && *p <= 'Z') ||
                              (*p >= 'a' && *p <= 'z') || *p == '-';

        if (((unsigned char)*p & 0xC0U) == 0x80U)
            continue; /* the rest of a character */
        if (n == PL_PROFILE_HEADER_MAX)
            return false;
        out[n++] = is_plain ? *p : '_';
    }
    out[n] = '\0';
    return true;
}

static int fill_place(const char *field, enum pl_content content,
                      const struct pl_column *column, struct pl_place *place,
                      struct pl_err *err)
{
    const char *own = pl_starts_with(field, "Attributes.")
                          ? field + strlen("Attributes.")
                          : field;
    /* what is ours to name has no prefix: it leaves room for long names */
    const bool is_ours =
        own != field && (pl_starts_with(own, "Metrics_") ||
                         pl_starts_with(own, "Demographic_") ||
                         pl_starts_with(own, "UserAttributes_"));

    *place = (struct pl_place){.content = content};
    if (!spell_header(is_ours ? own : field, place->header))
        return pl_fail(err, PL_DATA_INVALID,
                       "column '%s': the name makes a header of more than %d "
                       "characters; shorten it",
                       column->name, PL_PROFILE_HEADER_MAX);
    (void)snprintf(place->source, sizeof(place->source), "_source.%s",
                   place->header);
    (void)snprintf(place->target, sizeof(place->target), "_profile.%s", field);
    return 0;
}

/* Whether the rule takes this value. *next is the number of the value that
 * the next rule for one alone would take. */
static bool takes(const struct pl_mapping_rule *rule, size_t index,
                  size_t count, size_t *next)
{
    switch (rule->use) {
    case PL_MAPPING_ONE:
        return (*next)++ == index;
    case PL_MAPPING_REST:
        return index >= *next;
    case PL_MAPPING_SOLE:
        return count == 1;
    case PL_MAPPING_MANY:
        return count > 1;
    }
    return false;
}

int pl_mapping_place(const struct pl_mapping *mapping,
                     const struct pl_target *target,
                     const struct pl_column *column,
                     enum pl_mapping_channel channel, size_t index,
                     size_t count, struct pl_place *place, struct pl_err *err)
{
    const struct pl_mapping *m = mapping != NULL ? mapping : &by_default;
    const bool has_key = is_key(target, column, channel);
    size_t next = has_key ? 1 : 0;
    char field[PL_PROFILE_NAME_MAX + 32] = "";

    if (has_key && index == 0)
        return fill_place(target->key_field,
                          pl_key_field_by_name(target->key_field)->content,
                          column, place, err);
    for (size_t i = 0; i < m->count; i++) {
        const struct pl_mapping_rule *rule = &m->rules[i];
        const char *name = name_behind(rule, column->name);

        if (name == NULL ||
            (rule->channel != PL_MAPPING_ANY && rule->channel != channel))
            continue;
        if (strcmp(rule->field, target->key_field) == 0)
            continue; /* the key's alone */
        if (!takes(rule, index, count, &next))
            continue;
        if (!spell_field(rule->field, name,
                         rule->use == PL_MAPPING_REST ? index + 1 : index,
                         field, sizeof(field)))
            return pl_fail(err, PL_DATA_INVALID, "column '%s': too long a name",
                           column->name);
        return fill_place(field, rule->content, column, place, err);
    }
    *place = (struct pl_place){.is_dropped = true};
    return 0;
}

bool pl_mapping_has_place(const struct pl_mapping *mapping,
                          const struct pl_target *target,
                          const struct pl_column *column)
{
    const struct pl_mapping *m = mapping != NULL ? mapping : &by_default;

    if (pl_ieq(column->name, target->key_column))
        return true;
    for (size_t i = 0; i < m->count; i++)
        if (name_behind(&m->rules[i], column->name) != NULL &&
            strcmp(m->rules[i].field, target->key_field) != 0)
            return true;
    return false;
}

/* A place that columns of the header lead to. */
struct used {
    char header[PL_PROFILE_HEADER_MAX + 1];
    const struct pl_column *column;
};

static int by_header(const void *a, const void *b)
{
    const struct used *x = a;
    const struct used *y = b;
    const int order = strcmp(x->header, y->header);

    return order != 0              ? order
           : x->column < y->column ? -1
           : x->column > y->column ? 1
                                   : 0;
}

static int by_column_name(const void *a, const void *b)
{
    const struct pl_column *const *x = a;
    const struct pl_column *const *y = b;
    const int order = strcmp((*x)->name, (*y)->name);

    return order != 0 ? order : *x < *y ? -1 : *x > *y;
}

/* The places of the columns, which are sorted by name so that the values of
 * one stand together. */
static int collect(const struct pl_mapping *mapping,
                   const struct pl_target *target,
                   const struct pl_column *const *sorted, size_t count,
                   struct used *used, size_t *used_count, struct pl_err *err)
{
    const struct pl_key_field *key = pl_key_field_by_name(target->key_field);
    size_t values = 1;

    for (size_t i = 0; i < count; i += values) {
        const struct pl_column *c = sorted[i];
        const enum pl_mapping_channel channel =
            c->kind != PL_COLUMN_ADDRESS     ? PL_MAPPING_ANY
            : key->channel != PL_MAPPING_ANY ? key->channel
                                             : PL_MAPPING_EMAIL;

        for (values = 1; i + values < count &&
                         strcmp(sorted[i + values]->name, c->name) == 0;)
            values++;
        for (size_t v = 0; v < values; v++) {
            struct pl_place place = {0};

            if (pl_mapping_place(mapping, target, c, channel, v, values, &place,
                                 err) != 0)
                return -1;
            if (place.is_dropped)
                continue;
            used[*used_count].column = sorted[i + v];
            memcpy(used[(*used_count)++].header, place.header,
                   sizeof(place.header));
        }
    }
    return 0;
}

/* others: places that no column of the header leads to. */
static int check_used(struct used *used, size_t count, size_t others,
                      struct pl_err *err)
{
    qsort(used, count, sizeof(*used), by_header);
    for (size_t i = 1; i < count; i++)
        if (strcmp(used[i - 1].header, used[i].header) == 0)
            return pl_fail(err, PL_DATA_INVALID,
                           "columns '%s' and '%s' both become '%s' of a "
                           "profile; rename one",
                           used[i - 1].column->name, used[i].column->name,
                           used[i].header);
    if (count + others > PL_PROFILE_COLUMNS_MAX)
        return pl_fail(err, PL_DATA_INVALID,
                       "%zu columns are mapped to a profile; an upload takes "
                       "%d",
                       count + others, PL_PROFILE_COLUMNS_MAX);
    return 0;
}

int pl_mapping_check(const struct pl_mapping *mapping,
                     const struct pl_target *target,
                     const struct pl_column *columns, size_t count,
                     struct pl_err *err)
{
    const struct pl_column **sorted = calloc(count + 1, sizeof(*sorted));
    struct used *used = calloc(count + 1, sizeof(*used));
    size_t used_count = 0;
    size_t of_map = 1; /* the key, where an id map has it */
    int rc = -1;

    if (sorted == NULL || used == NULL) {
        (void)pl_fail_memory(err);
    } else {
        for (size_t i = 0; i < count; i++) {
            sorted[i] = &columns[i];
            if (pl_ieq(columns[i].name, target->key_column))
                of_map = 0;
        }
        qsort(sorted, count, sizeof(*sorted), by_column_name);
        rc = collect(mapping, target, sorted, count, used, &used_count, err);
        if (rc == 0)
            rc = check_used(used, used_count, of_map, err);
    }
    free(sorted);
    free(used);
    return rc;
}
