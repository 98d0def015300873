#include "pipeline/target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/target/mapping.h"

static const struct pl_target targets[] = {{.name = "pinpoint"},
                                           {.name = "customer-profiles",
                                            .is_profiles = true,
                                            .key_column = "User.UserId",
                                            .key_field = "AccountNumber"}};

/* sources 1.1 */
static const struct {
    const char *name;
    enum pl_column_kind kind;
} fixed[] = {
    {"Id", PL_COLUMN_ID},
    {"ChannelType", PL_COLUMN_CHANNEL},
    {"Address", PL_COLUMN_ADDRESS},
    {"User.UserId", PL_COLUMN_USER_ID},
    {"OptOut", PL_COLUMN_OPT_OUT},
    {"Location.City", PL_COLUMN_TEXT},
    {"Location.Country", PL_COLUMN_COUNTRY},
    {"Location.Region", PL_COLUMN_TEXT},
    {"Location.PostalCode", PL_COLUMN_TEXT},
    {"Location.Latitude", PL_COLUMN_LATITUDE},
    {"Location.Longitude", PL_COLUMN_LONGITUDE},
    {"Demographic.AppVersion", PL_COLUMN_TEXT},
    {"Demographic.Locale", PL_COLUMN_LOCALE},
    {"Demographic.Make", PL_COLUMN_TEXT},
    {"Demographic.Model", PL_COLUMN_TEXT},
    {"Demographic.ModelVersion", PL_COLUMN_TEXT},
    {"Demographic.Platform", PL_COLUMN_TEXT},
    {"Demographic.PlatformVersion", PL_COLUMN_TEXT},
    {"Demographic.Timezone", PL_COLUMN_TIME_ZONE},
    {"EffectiveDate", PL_COLUMN_EFFECTIVE_DATE},
    {"RequestId", PL_COLUMN_TEXT},
};

static const struct {
    const char *prefix;
    enum pl_column_kind kind;
} custom[] = {
    {"Attributes.", PL_COLUMN_ATTRIBUTE},
    {"User.UserAttributes.", PL_COLUMN_USER_ATTRIBUTE},
    {"Metrics.", PL_COLUMN_METRIC},
};

/* Columns that the service lists or knows, and why they are not taken. */
static const struct {
    const char *name;
    const char *why;
} refused[] = {
    {"EndpointStatus", "an import cannot set it"},
};

const struct pl_target *pl_target_by_name(const char *name)
{
    for (size_t i = 0; i < PL_COUNT(targets); i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

/* The key of import.key: one of the fields that a profile is found by, and a
 * column that can hold it. */
static int choose_key(const struct pl_target_wish *wish,
                      struct pl_target *target, struct pl_err *err)
{
    struct pl_column column = {0};
    struct pl_err why = {0};
    const struct pl_key_field *field;

    if (wish->key_column != NULL)
        target->key_column = wish->key_column;
    if (wish->key_field != NULL)
        target->key_field = wish->key_field;
    field = pl_key_field_by_name(target->key_field);
    if (field == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.key.field '%s': a profile is found by "
                       "AccountNumber, EmailAddress or PhoneNumber",
                       target->key_field);
    if (pl_target_column(target, target->key_column, strlen(target->key_column),
                         &column, &why) != 0)
        return pl_fail(err, PL_CONFIG_INVALID, "import.key.column: %s",
                       why.msg);
    if (column.kind == PL_COLUMN_ADDRESS && field->channel == PL_MAPPING_ANY)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "import.key: 'Address' is an e-mail address or a phone "
                       "number; its field is EmailAddress or PhoneNumber");
    return 0;
}

int pl_target_choose(const struct pl_target_wish *wish,
                     struct pl_target *target, struct pl_err *err)
{
    const char *name = wish->name != NULL ? wish->name : targets[0].name;
    const struct pl_target *found = pl_target_by_name(name);

    if (found == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "unknown target '%s'; there are pinpoint and "
                       "customer-profiles",
                       name);
    *target = *found;
    target->has_id_map = found->is_profiles && wish->id_map != NULL;
    return found->is_profiles ? choose_key(wish, target, err) : 0;
}

static int take_custom(const char *prefix, enum pl_column_kind kind,
                       const char *name, size_t len, struct pl_column *column,
                       struct pl_err *err)
{
    const size_t prefix_len = strlen(prefix);
    const char *own = name + prefix_len;
    const size_t own_len = len - prefix_len;
    const size_t characters = pl_utf8_count(own, own_len);

    if (characters == 0 || characters > PL_TARGET_NAME_MAX)
        return pl_fail(err, PL_DATA_INVALID,
                       "column '%.*s': the name after '%s' must have 1 to %d "
                       "characters",
                       (int)len, name, prefix, PL_TARGET_NAME_MAX);
    if (memchr(own, '.', own_len) != NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "column '%.*s': no dot in the name after '%s'", (int)len,
                       name, prefix);
    if (prefix_len + own_len >= sizeof(column->name))
        return pl_fail(err, PL_DATA_INVALID, "column '%.*s' is too long", 80,
                       name);
    *column =
        (struct pl_column){.kind = kind, .is_multi = kind != PL_COLUMN_METRIC};
    (void)snprintf(column->name, sizeof(column->name), "%s%.*s", prefix,
                   (int)own_len, own);
    column->is_odd = strpbrk(column->name, "#:?\\/") != NULL;
    return 0;
}

/* How far a name is from a right one; its last part alone may be all that
 * was written: UserId for User.UserId. */
static unsigned distance(const char *text, const char *name)
{
    const char *dot = strrchr(name, '.');
    const unsigned whole = pl_edit_distance(text, name);
    const unsigned last =
        dot != NULL ? pl_edit_distance(text, dot + 1) + 2 : whole;

    return last < 4 && last < whole ? last : whole;
}

/* The right name nearest to a wrong one, into out; "" when none is near. */
static void nearest_name(const char *text, char *out, size_t cap)
{
    const char *dot = strrchr(text, '.');
    unsigned best = 4; /* edits that still pass for a slip */
    char head[128];

    out[0] = '\0';
    for (size_t i = 0; i < PL_COUNT(fixed); i++) {
        const unsigned d = distance(text, fixed[i].name);

        if (d < best && d < strlen(fixed[i].name)) {
            best = d;
            (void)snprintf(out, cap, "%s", fixed[i].name);
        }
    }
    if (dot == NULL || dot[1] == '\0')
        return;
    (void)snprintf(head, sizeof(head), "%.*s", (int)(dot + 1 - text), text);
    for (size_t i = 0; i < PL_COUNT(custom); i++) {
        const unsigned d = pl_edit_distance(head, custom[i].prefix);

        if (d < best) {
            best = d;
            (void)snprintf(out, cap, "%s%.50s", custom[i].prefix, dot + 1);
        }
    }
}

static int unknown(const char *name, size_t len, struct pl_err *err)
{
    char text[128];
    char nearest[192];

    (void)snprintf(text, sizeof(text), "%.*s", (int)len, name);
    nearest_name(text, nearest, sizeof(nearest));
    if (nearest[0] != '\0')
        return pl_fail(err, PL_DATA_INVALID,
                       "the target has no place for column '%s'; did you mean "
                       "'%s'?",
                       text, nearest);
    return pl_fail(err, PL_DATA_INVALID,
                   "the target has no place for column '%s'; values of your "
                   "own go into 'Attributes.%s' or 'User.UserAttributes.%s'",
                   text, text, text);
}

int pl_target_column(const struct pl_target *target, const char *name,
                     size_t len, struct pl_column *column, struct pl_err *err)
{
    (void)target; /* both take the same names */
    if (len == 0)
        return pl_fail(err, PL_DATA_INVALID, "a column without a name");
    for (size_t i = 0; i < PL_COUNT(fixed); i++) {
        if (!pl_ieqn(name, len, fixed[i].name, strlen(fixed[i].name)))
            continue;
        *column = (struct pl_column){.kind = fixed[i].kind};
        (void)snprintf(column->name, sizeof(column->name), "%s", fixed[i].name);
        return 0;
    }
    for (size_t i = 0; i < PL_COUNT(custom); i++) {
        const size_t n = strlen(custom[i].prefix);

        if (len >= n && pl_ieqn(name, n, custom[i].prefix, n))
            return take_custom(custom[i].prefix, custom[i].kind, name, len,
                               column, err);
    }
    for (size_t i = 0; i < PL_COUNT(refused); i++)
        if (pl_ieqn(name, len, refused[i].name, strlen(refused[i].name)))
            return pl_fail(err, PL_DATA_INVALID, "column '%s' is refused: %s",
                           refused[i].name, refused[i].why);
    return unknown(name, len, err);
}

int pl_target_refuse_effective_date(struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID,
                   "column 'EffectiveDate' is refused: the service's guide "
                   "says both that an import takes it and that it does not; "
                   "validate.rules.effective_date: keep lets it pass");
}

static bool has_kind(const struct pl_column *columns, size_t count,
                     enum pl_column_kind kind)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i].kind == kind)
            return true;
    return false;
}

static bool is_custom(const struct pl_column *c)
{
    return c->kind == PL_COLUMN_ATTRIBUTE ||
           c->kind == PL_COLUMN_USER_ATTRIBUTE || c->kind == PL_COLUMN_METRIC;
}

static int by_name(const void *va, const void *vb)
{
    const struct pl_column *const *a = va;
    const struct pl_column *const *b = vb;

    return strcmp((*a)->name, (*b)->name);
}

/* Sorted, so that it stays quick with any number of columns. */
static int check_repeats(const struct pl_target *target,
                         const struct pl_column *columns, size_t count,
                         struct pl_err *err)
{
    const struct pl_column **sorted = calloc(count, sizeof(*sorted));
    size_t custom_names = 0;
    size_t run = 1;
    int rc = 0;

    if (sorted == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &columns[i];
    qsort(sorted, count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const bool is_repeat =
            i > 0 && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0;

        run = is_repeat ? run + 1 : 1;
        custom_names += !is_repeat && is_custom(sorted[i]) ? 1 : 0;
        if (is_repeat && !sorted[i]->is_multi)
            rc = pl_fail(err, PL_DATA_INVALID,
                         "column '%s' stands twice; only attributes may",
                         sorted[i]->name);
        else if (run > PL_TARGET_VALUES_MAX)
            rc = pl_fail(err, PL_DATA_INVALID,
                         "column '%s' stands more than %d times",
                         sorted[i]->name, PL_TARGET_VALUES_MAX);
    }
    free(sorted);
    if (rc == 0 && !target->is_profiles &&
        custom_names > PL_TARGET_ATTRIBUTES_MAX)
        rc = pl_fail(err, PL_DATA_INVALID,
                     "%zu custom attributes; a project takes %d", custom_names,
                     PL_TARGET_ATTRIBUTES_MAX);
    return rc;
}

static bool has_name(const struct pl_column *columns, size_t count,
                     const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (pl_ieq(columns[i].name, name))
            return true;
    return false;
}

/* Customer Profiles: who a row is about, and what fits into one upload. */
static int check_profiles(const struct pl_target *target,
                          const struct pl_column *columns, size_t count,
                          struct pl_err *err)
{
    const bool has_id = has_kind(columns, count, PL_COLUMN_ID);

    if (has_name(columns, count, target->key_column) ||
        (has_id && target->has_id_map))
        return pl_mapping_check(target->mapping, target, columns, count, err);
    if (has_id)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "no column '%s', the key, and a profile knows no "
                       "endpoint Id; select the key, name another column in "
                       "import.key, or set import.id_map",
                       target->key_column);
    return pl_fail(err, PL_CONFIG_INVALID,
                   "no column '%s', the key; select it, or name another "
                   "column in import.key",
                   target->key_column);
}

int pl_target_check(const struct pl_target *target,
                    const struct pl_column *columns, size_t count,
                    struct pl_err *err)
{
    const bool has_id = has_kind(columns, count, PL_COLUMN_ID);
    const bool has_channel = has_kind(columns, count, PL_COLUMN_CHANNEL);
    const bool has_address = has_kind(columns, count, PL_COLUMN_ADDRESS);
    const bool is_user_list =
        count == 1 && columns[0].kind == PL_COLUMN_USER_ID;

    if (has_channel != has_address)
        return pl_fail(err, PL_DATA_INVALID, "column '%s' needs column '%s'",
                       has_channel ? "ChannelType" : "Address",
                       has_channel ? "Address" : "ChannelType");
    if (check_repeats(target, columns, count, err) != 0)
        return -1;
    if (target->is_profiles)
        return check_profiles(target, columns, count, err);
    if (!has_id && !has_channel && !is_user_list)
        return pl_fail(err, PL_DATA_INVALID,
                       "no column 'Id'; a file needs it, or 'ChannelType' "
                       "with 'Address', or 'User.UserId' alone");
    return 0;
}
