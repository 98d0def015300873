#include "local/athena_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

#define MS_MAX 3600000
#define ACTIVE_MAX 200 /* the quota of the largest regions */
#define PARTS 3

void local_athena_rules_init(struct local_athena_rules *rules)
{
    *rules = (struct local_athena_rules){.max_active = ACTIVE_MAX,
                                         .unload_parts = PARTS};
}

void local_athena_rules_release(struct local_athena_rules *rules)
{
    free(rules->items);
    rules->items = NULL;
    rules->count = 0;
}

/* A field of a rule or of the settings, and where it goes. */
struct field {
    const char *name;
    char *text; /* of cap bytes, or: */
    size_t cap;
    int64_t *number; /* min to max, or: */
    int64_t min;
    int64_t max;
    bool *flag;
};

static int read_field(const struct field *f, const json_t *value,
                      struct pl_err *err)
{
    if (f->flag != NULL && json_is_boolean(value)) {
        *f->flag = json_is_true(value);
        return 0;
    }
    if (f->number != NULL && json_is_integer(value) &&
        json_integer_value(value) >= f->min &&
        json_integer_value(value) <= f->max) {
        *f->number = json_integer_value(value);
        return 0;
    }
    if (f->text != NULL && json_is_string(value) &&
        json_string_length(value) < f->cap) {
        (void)snprintf(f->text, f->cap, "%s", json_string_value(value));
        return 0;
    }
    if (f->number != NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' must be a number of %lld to %lld", f->name,
                       (long long)f->min, (long long)f->max);
    return pl_fail(err, PL_USAGE_INVALID, "'%s' must be %s", f->name,
                   f->flag != NULL ? "true or false" : "a shorter text");
}

static int read_fields(const json_t *object, const struct field *fields,
                       size_t count, struct pl_err *err)
{
    const char *name;
    const json_t *value;
    json_t *items;

    if (!json_is_object(object))
        return pl_fail(err, PL_USAGE_INVALID, "a JSON object is expected");
    memcpy(&items, &object, sizeof(items));
    json_object_foreach(items, name, value)
    {
        size_t i = 0;

        while (i < count && strcmp(fields[i].name, name) != 0)
            i++;
        if (i == count)
            return pl_fail(err, PL_USAGE_INVALID, "there is no '%.60s'", name);
        if (read_field(&fields[i], value, err) != 0)
            return -1;
    }
    return 0;
}

static int read_rule(const json_t *rule, struct local_athena_rule *r,
                     struct pl_err *err)
{
    int64_t category = 2;
    int64_t type = 1000;
    int64_t count = 1;
    int64_t skip = 0;
    const struct field fields[] = {
        {"match", r->match, sizeof(r->match), NULL, 0, 0, NULL},
        {"queued_ms", NULL, 0, &r->queued_ms, 0, MS_MAX, NULL},
        {"running_ms", NULL, 0, &r->running_ms, 0, MS_MAX, NULL},
        {"requeued_ms", NULL, 0, &r->requeued_ms, 0, MS_MAX, NULL},
        {"state", r->state, sizeof(r->state), NULL, 0, 0, NULL},
        {"category", NULL, 0, &category, 1, 3, NULL},
        {"type", NULL, 0, &type, 0, 9999, NULL},
        {"retryable", NULL, 0, NULL, 0, 0, &r->is_retryable},
        {"message", r->message, sizeof(r->message), NULL, 0, 0, NULL},
        {"count", NULL, 0, &count, 0, 1000000, NULL},
        {"skip", NULL, 0, &skip, 0, 1000000, NULL},
    };

    *r = (struct local_athena_rule){.running_ms = -1, .requeued_ms = -1};
    (void)snprintf(r->message, sizeof(r->message), "injected fault");
    if (read_fields(rule, fields, PL_COUNT(fields), err) != 0)
        return -1;
    r->category = (int)category;
    r->type = (int)type;
    r->count = (unsigned)count;
    r->skip = (unsigned)skip;
    r->is_endless = count == 0;
    if (r->state[0] != '\0' && strcmp(r->state, "FAILED") != 0 &&
        strcmp(r->state, "CANCELLED") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'state' must be FAILED or CANCELLED");
    return 0;
}

int local_athena_rules_add(struct local_athena_rules *rules, const json_t *rule,
                           struct pl_err *err)
{
    struct local_athena_rule read;
    struct local_athena_rule *items;

    if (read_rule(rule, &read, err) != 0)
        return -1;
    items = realloc(rules->items, (rules->count + 1) * sizeof(*items));
    if (items == NULL)
        return pl_fail_memory(err);
    rules->items = items;
    items[rules->count++] = read;
    return 0;
}

int local_athena_rules_set(struct local_athena_rules *rules,
                           const json_t *settings, struct pl_err *err)
{
    int64_t active = rules->max_active;
    int64_t parts = rules->unload_parts;
    bool nulls = rules->unload_nulls;
    const struct field fields[] = {
        {"max_active", NULL, 0, &active, 1, 1000000, NULL},
        {"unload_parts", NULL, 0, &parts, 1, 100, NULL},
        {"unload_nulls", NULL, 0, NULL, 0, 0, &nulls},
    };

    if (read_fields(settings, fields, PL_COUNT(fields), err) != 0)
        return -1;
    rules->max_active = (unsigned)active;
    rules->unload_parts = (unsigned)parts;
    rules->unload_nulls = nulls;
    return 0;
}

void local_athena_rules_take(struct local_athena_rules *rules, const char *sql,
                             struct local_athena_rule *rule)
{
    *rule = (struct local_athena_rule){.running_ms = -1, .requeued_ms = -1};
    for (size_t i = 0; i < rules->count; i++) {
        struct local_athena_rule *r = &rules->items[i];

        if ((r->count == 0 && !r->is_endless) || strstr(sql, r->match) == NULL)
            continue;
        if (r->skip > 0) {
            r->skip--;
            continue;
        }
        r->count -= r->count > 0;
        *rule = *r;
        return;
    }
}
