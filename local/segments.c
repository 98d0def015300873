/* Segments: who is in them, evaluated when read. */
#include "local/pinpoint.h"

#include "pipeline/base/text.h"

#define DEPTH_MAX 5

/* One dimension with its names looked up: numbers are compared, not texts. */
struct test {
    bool is_user;
    bool is_exclusive;
    bool is_contains;
    uint32_t name;
    const json_t *values;
    uint32_t *numbers; /* of the values; LOCAL_NO_TEXT: in no endpoint */
    size_t count;
};

static const char *const kinds[] = {"Attributes", "UserAttributes"};

static const char *dimension_fault(const json_t *dimension)
{
    const char *type =
        json_string_value(json_object_get(dimension, "AttributeType"));
    const json_t *values = json_object_get(dimension, "Values");

    if (type != NULL && strcmp(type, "INCLUSIVE") != 0 &&
        strcmp(type, "EXCLUSIVE") != 0 && strcmp(type, "CONTAINS") != 0)
        return "AttributeType must be INCLUSIVE, EXCLUSIVE or CONTAINS";
    if (!json_is_array(values) || json_array_size(values) == 0 ||
        json_array_size(values) > 50)
        return "Values must be a list of 1 to 50 strings";
    for (size_t i = 0; i < json_array_size(values); i++)
        if (!json_is_string(json_array_get(values, i)))
            return "Values must be strings";
    return NULL;
}

static const char *dimensions_fault(const json_t *dimensions)
{
    const char *kind;
    const char *name;
    json_t *map;
    json_t *one;
    json_t *all;

    if (!json_is_object(dimensions))
        return "Dimensions must be an object";
    memcpy(&all, &dimensions, sizeof(all));
    json_object_foreach(all, kind, map)
    {
        if (strcmp(kind, kinds[0]) != 0 && strcmp(kind, kinds[1]) != 0)
            return "only the dimensions Attributes and UserAttributes are "
                   "known here";
        if (!json_is_object(map))
            return "Attributes must be an object";
        json_object_foreach(map, name,
                            one) if (dimension_fault(one) !=
                                     NULL) return dimension_fault(one);
    }
    return NULL;
}

static bool is_one_of(const json_t *field, const char *a, const char *b,
                      const char *c)
{
    const char *text = json_string_value(field);

    return field == NULL ||
           (text != NULL && (strcmp(text, a) == 0 || strcmp(text, b) == 0 ||
                             strcmp(text, c) == 0));
}

static const char *group_fault(const json_t *group)
{
    const json_t *list = json_object_get(group, "Dimensions");

    if (!is_one_of(json_object_get(group, "Type"), "ALL", "ANY", "NONE") ||
        !is_one_of(json_object_get(group, "SourceType"), "ALL", "ANY", "NONE"))
        return "Type and SourceType must be ALL, ANY or NONE";
    for (size_t i = 0; i < json_array_size(list); i++)
        if (dimensions_fault(json_array_get(list, i)) != NULL)
            return dimensions_fault(json_array_get(list, i));
    return NULL;
}

const char *local_segment_fault(const json_t *segment)
{
    const json_t *dimensions = json_object_get(segment, "Dimensions");
    const json_t *groups = json_object_get(segment, "SegmentGroups");
    const json_t *list = json_object_get(groups, "Groups");

    if (!json_is_object(segment))
        return "the body must be an object";
    if (dimensions != NULL && groups != NULL)
        return "Dimensions and SegmentGroups exclude each other";
    if (dimensions == NULL && groups == NULL)
        return "Dimensions or SegmentGroups are needed";
    if (dimensions != NULL)
        return dimensions_fault(dimensions);
    if (!is_one_of(json_object_get(groups, "Include"), "ALL", "ANY", "NONE"))
        return "Include must be ALL, ANY or NONE";
    for (size_t i = 0; i < json_array_size(list); i++)
        if (group_fault(json_array_get(list, i)) != NULL)
            return group_fault(json_array_get(list, i));
    return NULL;
}

/* Adds to hits 1 for each endpoint that has one of the values. */
static bool has_value(const struct local_endpoints *all,
                      const struct local_fields *fields, const struct test *t)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].name != t->name)
            continue;
        for (size_t v = 0; v < t->count; v++) {
            const char *part = json_string_value(json_array_get(t->values, v));

            if (t->is_contains ? strstr(local_pool_text(&all->pool,
                                                        fields->items[i].value),
                                        part) != NULL
                               : fields->items[i].value == t->numbers[v])
                return true;
        }
    }
    return false;
}

static bool passes(const struct local_endpoints *all,
                   const struct local_endpoint *e, const struct test *t)
{
    bool has = t->name != LOCAL_NO_TEXT && has_value(all, &e->fields, t);

    if (!has && t->name != LOCAL_NO_TEXT && t->is_user &&
        e->user != LOCAL_NO_TEXT)
        has = has_value(all, &all->users[e->user].fields, t);
    return has != t->is_exclusive;
}

/* A set of endpoints, one byte for each. */
struct set {
    uint8_t *in;
    size_t count;
};

static void set_release(struct set *s)
{
    free(s->in);
    s->in = NULL;
}

static int set_open(struct set *s, const struct local_app *app, bool is_full,
                    struct pl_err *err)
{
    s->count = app->endpoints.count;
    s->in = malloc(s->count + 1);
    if (s->in == NULL)
        return pl_fail_memory(err);
    memset(s->in, is_full ? 1 : 0, s->count + 1);
    return 0;
}

static int apply_test(const struct local_app *app, const char *prefix,
                      const char *name, const json_t *dimension, struct set *s,
                      struct pl_err *err)
{
    const struct local_endpoints *all = &app->endpoints;
    const json_t *values = json_object_get(dimension, "Values");
    const char *type =
        json_string_value(json_object_get(dimension, "AttributeType"));
    PL_AUTO(pl_buf) full = PL_BUF_INIT;
    struct test t = {.is_user = strcmp(prefix, "Attributes.") != 0,
                     .values = values,
                     .count = json_array_size(values)};

    if (pl_buf_addf(&full, err, "%s%s", prefix, name) != 0)
        return -1;
    t.is_exclusive = type != NULL && strcmp(type, "EXCLUSIVE") == 0;
    t.is_contains = type != NULL && strcmp(type, "CONTAINS") == 0;
    t.name = local_pool_find(&all->pool, full.data, full.len);
    t.numbers = calloc(t.count + 1, sizeof(*t.numbers));
    if (t.numbers == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < t.count; i++) {
        const json_t *v = json_array_get(values, i);

        t.numbers[i] = local_pool_find(&all->pool, json_string_value(v),
                                       json_string_length(v));
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->in[i] != 0 && !passes(all, &all->items[i], &t))
            s->in[i] = 0;
    free(t.numbers);
    return 0;
}

/* All of the dimensions must hold. */
static int apply_dimensions(const struct local_app *app,
                            const json_t *dimensions, struct set *s,
                            struct pl_err *err)
{
    static const char *const prefixes[] = {"Attributes.",
                                           "User.UserAttributes."};

    for (size_t k = 0; k < PL_COUNT(kinds); k++) {
        json_t *map = json_object_get(dimensions, kinds[k]);
        const char *name;
        json_t *one;

        json_object_foreach(map, name,
                            one) if (apply_test(app, prefixes[k], name, one, s,
                                                err) != 0) return -1;
    }
    return 0;
}

/* Joins one more set into s: ALL and, ANY or, NONE and-not. */
static void join(struct set *s, const struct set *other, const char *how,
                 bool is_first)
{
    for (size_t i = 0; i < s->count; i++) {
        const uint8_t b =
            strcmp(how, "NONE") == 0 ? (uint8_t)!other->in[i] : other->in[i];

        if (is_first)
            s->in[i] = b;
        else if (strcmp(how, "ANY") == 0)
            s->in[i] = s->in[i] | b;
        else
            s->in[i] = s->in[i] & b;
    }
}

static int evaluate(const struct local_app *app, const json_t *segment,
                    unsigned depth, struct set *s, struct pl_err *err);

static void mark_members(const struct local_app *app, const char *id,
                         struct set *s)
{
    for (size_t m = 0; m < app->member_count; m++) {
        const struct local_members *list = &app->members[m];

        if (strcmp(list->segment, id) != 0)
            continue;
        for (size_t i = 0; i < list->count; i++) {
            const char *text =
                local_pool_text(&app->endpoints.pool, list->ids[i]);
            const uint32_t n =
                local_endpoints_find(&app->endpoints, text, strlen(text));

            if (n != LOCAL_NO_TEXT && n < s->count)
                s->in[n] = 1;
        }
    }
}

static const char *or_all(const json_t *field)
{
    return json_is_string(field) ? json_string_value(field) : "ALL";
}

/* The endpoints that a group starts from: all, or those of its sources. */
static int apply_sources(const struct local_app *app, const json_t *group,
                         unsigned depth, struct set *s, struct pl_err *err)
{
    const json_t *sources = json_object_get(group, "SourceSegments");
    const char *how = or_all(json_object_get(group, "SourceType"));

    for (size_t i = 0; i < json_array_size(sources); i++) {
        const char *id = json_string_value(
            json_object_get(json_array_get(sources, i), "Id"));
        const json_t *source =
            id != NULL ? local_by_id(app->segments, id) : NULL;
        PL_AUTO(set) one = {NULL, 0};

        if (source == NULL)
            return pl_fail(err, PL_SERVICE_REFUSED,
                           "a source segment does not exist");
        if (set_open(&one, app, false, err) != 0 ||
            evaluate(app, source, depth + 1, &one, err) != 0)
            return -1;
        join(s, &one, how, i == 0);
    }
    return 0;
}

static int apply_group(const struct local_app *app, const json_t *group,
                       unsigned depth, struct set *s, struct pl_err *err)
{
    const json_t *list = json_object_get(group, "Dimensions");
    const char *how = or_all(json_object_get(group, "Type"));
    PL_AUTO(set) tests = {NULL, 0};

    if (apply_sources(app, group, depth, s, err) != 0)
        return -1;
    if (json_array_size(list) == 0)
        return 0;
    if (set_open(&tests, app, true, err) != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        PL_AUTO(set) one = {NULL, 0};

        if (set_open(&one, app, true, err) != 0 ||
            apply_dimensions(app, json_array_get(list, i), &one, err) != 0)
            return -1;
        join(&tests, &one, how, i == 0);
    }
    join(s, &tests, "ALL", false);
    return 0;
}

static int evaluate(const struct local_app *app, const json_t *segment,
                    unsigned depth, struct set *s, struct pl_err *err)
{
    const json_t *groups = json_object_get(segment, "SegmentGroups");
    const json_t *list = json_object_get(groups, "Groups");
    const char *how = or_all(json_object_get(groups, "Include"));

    if (depth > DEPTH_MAX)
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "segments refer to each other too deeply");
    if (json_object_get(segment, "ImportDefinition") != NULL) {
        mark_members(app, json_string_value(json_object_get(segment, "Id")), s);
        return 0;
    }
    memset(s->in, 1, s->count);
    if (groups == NULL)
        return apply_dimensions(app, json_object_get(segment, "Dimensions"), s,
                                err);
    for (size_t i = 0; i < json_array_size(list); i++) {
        PL_AUTO(set) one = {NULL, 0};

        if (set_open(&one, app, true, err) != 0 ||
            apply_group(app, json_array_get(list, i), depth, &one, err) != 0)
            return -1;
        join(s, &one, how, i == 0);
    }
    return 0;
}

/* An imported segment has its members also where no endpoint is kept. */
static json_t *imported(const struct local_app *app, const char *id,
                        size_t limit)
{
    json_t *out = json_array();

    for (size_t m = 0; m < app->member_count; m++) {
        const struct local_members *list = &app->members[m];

        if (strcmp(list->segment, id) != 0)
            continue;
        for (size_t i = 0; i < list->count && i < limit; i++)
            (void)json_array_append_new(
                out, json_string(
                         local_pool_text(&app->endpoints.pool, list->ids[i])));
    }
    return out;
}

json_t *local_segment_members(const struct local_app *app,
                              const json_t *segment, size_t limit,
                              struct pl_err *err)
{
    PL_AUTO(set) s = {NULL, 0};
    json_t *out;

    if (json_object_get(segment, "ImportDefinition") != NULL)
        return imported(app, json_string_value(json_object_get(segment, "Id")),
                        limit);
    if (set_open(&s, app, false, err) != 0 ||
        evaluate(app, segment, 0, &s, err) != 0)
        return NULL;
    out = json_array();
    for (size_t i = 0; i < s.count && json_array_size(out) < limit; i++)
        if (s.in[i] != 0 && !app->endpoints.items[i].is_deleted)
            (void)json_array_append_new(
                out, json_string(local_pool_text(&app->endpoints.pool,
                                                 app->endpoints.items[i].id)));
    return out;
}
