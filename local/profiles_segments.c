/* Segments: definitions over profiles' fields, evaluated when they are used. */
#include "local/profiles.h"

#include <math.h>

#include "pipeline/base/text.h"

#define DEPTH_MAX 5
#define VALUES_MAX 50
#define MEMBERS_MAX 100

static bool is_word(const json_t *text, const char *word)
{
    return json_is_string(text) && strcmp(json_string_value(text), word) == 0;
}

static bool has_text(const json_t *values, const char *value,
                     bool (*test)(const char *value, const char *want))
{
    const json_t *want;
    size_t i;

    json_array_foreach(values, i, want)
    {
        if (json_is_string(want) && test(value, json_string_value(want)))
            return true;
    }
    return false;
}

static bool is_equal(const char *value, const char *want)
{
    return strcmp(value, want) == 0;
}

static bool has_within(const char *value, const char *want)
{
    return strstr(value, want) != NULL;
}

/* Numbers by their value, everything else (dates in ISO 8601) as text. */
static int compare(const char *a, const char *b)
{
    char *end_a = NULL;
    char *end_b = NULL;
    const double x = strtod(a, &end_a);
    const double y = strtod(b, &end_b);

    if (*a != '\0' && *b != '\0' && *end_a == '\0' && *end_b == '\0' &&
        !isnan(x) && !isnan(y))
        return x < y ? -1 : x > y ? 1 : 0;
    return strcmp(a, b) < 0 ? -1 : strcmp(a, b) > 0 ? 1 : 0;
}

static bool is_between(const json_t *values, const char *value)
{
    const char *from = json_string_value(json_array_get(values, 0));
    const char *to = json_string_value(json_array_get(values, 1));

    return from != NULL && to != NULL && compare(value, from) >= 0 &&
           compare(value, to) <= 0;
}

/* What compare() must say for each type, as a set of -1, 0 and 1. */
static const struct {
    const char *type;
    bool is_less;
    bool is_same;
    bool is_more;
} orders[] = {
    {"BEFORE", true, false, false},
    {"LESS_THAN", true, false, false},
    {"LESS_THAN_OR_EQUAL", true, true, false},
    {"ON", false, true, false},
    {"EQUAL", false, true, false},
    {"GREATER_THAN_OR_EQUAL", false, true, true},
    {"GREATER_THAN", false, false, true},
    {"AFTER", false, false, true},
};

static const char *const others[] = {"INCLUSIVE",   "EXCLUSIVE", "CONTAINS",
                                     "BEGINS_WITH", "ENDS_WITH", "BETWEEN",
                                     "NOT_BETWEEN"};

static bool is_type(const json_t *type)
{
    if (!json_is_string(type))
        return false;
    for (size_t i = 0; i < PL_COUNT(orders); i++)
        if (is_word(type, orders[i].type))
            return true;
    return pl_is_one_of(json_string_value(type), others, PL_COUNT(others));
}

/* value NULL: the profile has none. */
static bool fits(const json_t *dimension, const char *value)
{
    const json_t *type = json_object_get(dimension, "DimensionType");
    const json_t *values = json_object_get(dimension, "Values");

    if (is_word(type, "EXCLUSIVE"))
        return value == NULL || !has_text(values, value, is_equal);
    if (is_word(type, "NOT_BETWEEN"))
        return value == NULL || !is_between(values, value);
    if (value == NULL)
        return false;
    if (is_word(type, "INCLUSIVE"))
        return has_text(values, value, is_equal);
    if (is_word(type, "CONTAINS"))
        return has_text(values, value, has_within);
    if (is_word(type, "BEGINS_WITH"))
        return has_text(values, value, pl_starts_with);
    if (is_word(type, "ENDS_WITH"))
        return has_text(values, value, pl_ends_with);
    if (is_word(type, "BETWEEN"))
        return is_between(values, value);
    for (size_t i = 0; i < PL_COUNT(orders); i++) {
        const char *want = json_string_value(json_array_get(values, 0));
        const int order = want != NULL ? compare(value, want) : 2;

        if (is_word(type, orders[i].type))
            return (order < 0 && orders[i].is_less) ||
                   (order == 0 && orders[i].is_same) ||
                   (order == 1 && orders[i].is_more);
    }
    return false;
}

/* A dimension, or a map of them one level below (Attributes, Address). */
static const char *dimension_fault(const json_t *dimension, unsigned depth)
{
    const json_t *values = json_object_get(dimension, "Values");
    const char *name;
    const json_t *inner;

    if (!json_is_object(dimension) || json_object_size(dimension) == 0)
        return "a dimension is empty";
    if (json_object_get(dimension, "DimensionType") != NULL) {
        if (!is_type(json_object_get(dimension, "DimensionType")))
            return "a DimensionType is none";
        return json_is_array(values) && json_array_size(values) > 0 &&
                       json_array_size(values) <= VALUES_MAX
                   ? NULL
                   : "a dimension takes 1 to 50 Values";
    }
    if (depth > 0)
        return "a dimension has no DimensionType";
    json_object_foreach((json_t *)(uintptr_t)dimension, name, inner)
    {
        const char *why = dimension_fault(inner, depth + 1);

        if (why != NULL)
            return why;
    }
    return NULL;
}

static const char *groups_fault(const json_t *groups)
{
    const json_t *list = json_object_get(groups, "Groups");
    const json_t *group;
    const json_t *one;
    size_t i;
    size_t k;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return "Groups is needed";
    json_array_foreach(list, i, group)
    {
        json_array_foreach(json_object_get(group, "Dimensions"), k, one)
        {
            const json_t *fields = json_object_get(one, "ProfileAttributes");
            const char *name;
            const json_t *dimension;

            if (fields == NULL)
                return "lakeseg-local evaluates ProfileAttributes only";
            json_object_foreach((json_t *)(uintptr_t)fields, name, dimension)
            {
                const char *why = dimension_fault(dimension, 0);

                if (why != NULL)
                    return why;
            }
        }
    }
    return NULL;
}

static bool fits_all(const json_t *fields, const json_t *shown)
{
    const char *name;
    const json_t *dimension;

    json_object_foreach((json_t *)(uintptr_t)fields, name, dimension)
    {
        const json_t *value = json_object_get(shown, name);
        const char *inner;
        const json_t *below;

        if (json_object_get(dimension, "DimensionType") != NULL) {
            if (!fits(dimension, json_string_value(value)))
                return false;
            continue;
        }
        json_object_foreach((json_t *)(uintptr_t)dimension, inner, below)
        {
            if (!fits(below, json_string_value(json_object_get(value, inner))))
                return false;
        }
    }
    return true;
}

/* How verdicts join: ALL, ANY or NONE. */
struct joined {
    bool has_any;
    bool has_all;
    size_t count;
};

static void join(struct joined *j, bool is_true)
{
    j->has_any = j->has_any || is_true;
    j->has_all = (j->count == 0 || j->has_all) && is_true;
    j->count++;
}

static bool verdict(const struct joined *j, const json_t *how)
{
    if (j->count == 0)
        return true;
    if (is_word(how, "ANY"))
        return j->has_any;
    return is_word(how, "NONE") ? !j->has_any : j->has_all;
}

/* The members of a group's source segments, one set each; NULL with *why. */
static json_t *sources_of(const struct local_domain *d, const json_t *group,
                          unsigned depth, const char **why)
{
    json_t *sets = json_array();
    const json_t *source;
    size_t i;

    json_array_foreach(json_object_get(group, "SourceSegments"), i, source)
    {
        const char *name =
            json_string_value(json_object_get(source, "SegmentDefinitionName"));
        const json_t *segment =
            name != NULL ? json_object_get(d->segments, name) : NULL;
        json_t *set = NULL;

        if (segment == NULL)
            *why = "a source segment does not exist";
        else
            set = profiles_evaluate(
                d, json_object_get(segment, "SegmentGroups"), depth + 1, why);
        if (set == NULL) {
            json_decref(sets);
            return NULL;
        }
        (void)json_array_append_new(sets, set);
    }
    return sets;
}

static bool is_in_group(const json_t *group, const json_t *sets, const char *id,
                        const json_t *shown)
{
    struct joined sources = {false, false, 0};
    struct joined tests = {false, false, 0};
    const json_t *one;
    size_t i;

    json_array_foreach(sets, i, one)
    {
        join(&sources, json_object_get(one, id) != NULL);
    }
    json_array_foreach(json_object_get(group, "Dimensions"), i, one)
    {
        join(&tests,
             fits_all(json_object_get(one, "ProfileAttributes"), shown));
    }
    return verdict(&sources, json_object_get(group, "SourceType")) &&
           verdict(&tests, json_object_get(group, "Type"));
}

static json_t *judge_all(const struct local_domain *d, const json_t *groups,
                         const json_t *sources)
{
    json_t *out = json_object();
    const char *id;
    const json_t *profile;

    json_object_foreach(d->profiles, id, profile)
    {
        const json_t *shown = json_object_get(profile, "shown");
        struct joined all = {false, false, 0};
        const json_t *group;
        size_t i;

        json_array_foreach(json_object_get(groups, "Groups"), i, group)
        {
            join(&all,
                 is_in_group(group, json_array_get(sources, i), id, shown));
        }
        if (verdict(&all, json_object_get(groups, "Include")))
            (void)json_object_set_new(out, id, json_true());
    }
    return out;
}

json_t *profiles_evaluate(const struct local_domain *d, const json_t *groups,
                          unsigned depth, const char **why)
{
    json_t *sources;
    json_t *out;
    const json_t *group;
    size_t i;

    *why = depth > DEPTH_MAX ? "segments refer to each other too deeply"
                             : groups_fault(groups);
    if (*why != NULL)
        return NULL;
    sources = json_array();
    json_array_foreach(json_object_get(groups, "Groups"), i, group)
    {
        json_t *sets = sources_of(d, group, depth, why);

        if (sets == NULL) {
            json_decref(sources);
            return NULL;
        }
        (void)json_array_append_new(sources, sets);
    }
    out = judge_all(d, groups, sources);
    json_decref(sources);
    return out;
}

int profiles_create_segment(struct profiles_call *c, struct pl_err *err)
{
    const json_t *groups = json_object_get(c->in, "SegmentGroups");
    const char *why = NULL;
    char arn[300];
    json_t *set;
    json_t *shown;

    if (!profiles_is_name(c->parts[2], ""))
        return profiles_bad(c, "SegmentDefinitionName is invalid");
    if (!profiles_has_length(json_object_get(c->in, "DisplayName"), 1, 255))
        return profiles_bad(c, "DisplayName must have 1 to 255 characters");
    if (json_object_get(c->in, "SegmentSqlQuery") != NULL)
        return profiles_bad(c, "the domain has no data store");
    if (json_object_get(c->domain->segments, c->parts[2]) != NULL)
        return profiles_bad(c, "the segment definition exists already");
    set = profiles_evaluate(c->domain, groups, 0, &why);
    if (set == NULL)
        return profiles_bad(c, "%s", why);
    json_decref(set);
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:profile:%.40s:" LOCAL_ACCOUNT
                   ":domains/%s/segment-definitions/%.64s",
                   c->local->region, c->domain->name, c->parts[2]);
    shown = json_pack("{s:s,s:O,s:O*,s:O,s:s,s:I,s:s}", "SegmentDefinitionName",
                      c->parts[2], "DisplayName",
                      json_object_get(c->in, "DisplayName"), "Description",
                      json_object_get(c->in, "Description"), "SegmentGroups",
                      groups, "SegmentDefinitionArn", arn, "CreatedAt",
                      (json_int_t)c->now_s, "SegmentType", "CLASSIC");
    (void)json_object_set_new(c->domain->segments, c->parts[2], shown);
    c->domain->is_changed = true;
    return profiles_answer(
        c,
        json_pack("{s:s,s:O,s:O*,s:s,s:I}", "SegmentDefinitionName",
                  c->parts[2], "DisplayName",
                  json_object_get(c->in, "DisplayName"), "Description",
                  json_object_get(c->in, "Description"), "SegmentDefinitionArn",
                  arn, "CreatedAt", (json_int_t)c->now_s),
        err);
}

int profiles_get_segment(struct profiles_call *c, struct pl_err *err)
{
    const json_t *segment = json_object_get(c->domain->segments, c->parts[2]);

    if (segment == NULL)
        return profiles_missing(c, "the segment definition");
    return profiles_answer(c, json_deep_copy(segment), err);
}

int profiles_list_segments(struct profiles_call *c, struct pl_err *err)
{
    json_t *list = json_array();
    const char *name;
    json_t *segment;

    json_object_foreach(c->domain->segments, name, segment)
    {
        json_t *one = json_copy(segment);

        (void)json_object_del(one, "SegmentGroups");
        (void)json_array_append_new(list, one);
    }
    return profiles_page(c, list, 500, err);
}

int profiles_delete_segment(struct profiles_call *c, struct pl_err *err)
{
    if (json_object_del(c->domain->segments, c->parts[2]) != 0)
        return profiles_missing(c, "the segment definition");
    c->domain->is_changed = true;
    return profiles_answer(c, json_pack("{s:s}", "Message", "OK."), err);
}

int profiles_membership(struct profiles_call *c, struct pl_err *err)
{
    const json_t *segment = json_object_get(c->domain->segments, c->parts[2]);
    const json_t *ids = json_object_get(c->in, "ProfileIds");
    const char *why = NULL;
    json_t *set;
    json_t *list;
    json_t *failures;
    const json_t *id;
    size_t i;

    if (segment == NULL)
        return profiles_missing(c, "the segment definition");
    if (!json_is_array(ids) || json_array_size(ids) == 0 ||
        json_array_size(ids) > MEMBERS_MAX)
        return profiles_bad(c, "ProfileIds must have 1 to 100 ids");
    set = profiles_evaluate(c->domain,
                            json_object_get(segment, "SegmentGroups"), 0, &why);
    if (set == NULL)
        return profiles_bad(c, "%s", why);
    list = json_array();
    failures = json_array();
    json_array_foreach(ids, i, id)
    {
        const char *text = json_is_string(id) ? json_string_value(id) : "";
        const json_t *profile = json_object_get(c->domain->profiles, text);

        if (profile == NULL)
            (void)json_array_append_new(
                failures,
                json_pack("{s:s,s:s,s:i}", "ProfileId", text, "Message",
                          "the profile does not exist", "Status", 404));
        else
            (void)json_array_append_new(
                list,
                json_pack("{s:s,s:s,s:O}", "ProfileId", text, "QueryResult",
                          json_object_get(set, text) != NULL ? "PRESENT"
                                                             : "ABSENT",
                          "Profile", json_object_get(profile, "shown")));
    }
    json_decref(set);
    return profiles_answer(c,
                           json_pack("{s:s,s:o,s:o,s:I}",
                                     "SegmentDefinitionName", c->parts[2],
                                     "Profiles", list, "Failures", failures,
                                     "LastComputedAt", (json_int_t)c->now_s),
                           err);
}
