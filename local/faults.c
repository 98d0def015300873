#include "local/faults.h"

#include <stdlib.h>
#include <string.h>

void local_faults_init(struct local_faults *faults)
{
    *faults = (struct local_faults){.items = NULL};
    (void)pthread_mutex_init(&faults->lock, NULL);
}

void local_faults_release(struct local_faults *faults)
{
    free(faults->items);
    (void)pthread_mutex_destroy(&faults->lock);
    faults->items = NULL;
    faults->count = 0;
}

static int text_of(const json_t *rule, const char *name, const char *fallback,
                   char *out, size_t cap, struct pl_err *err)
{
    const json_t *field = json_object_get(rule, name);
    const char *text = field != NULL ? json_string_value(field) : fallback;

    if (text == NULL || strlen(text) >= cap)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' must be a string of at most %zu bytes", name,
                       cap - 1);
    (void)snprintf(out, cap, "%s", text);
    return 0;
}

static int number_of(const json_t *rule, const char *name, int fallback,
                     int *out, struct pl_err *err)
{
    const json_t *field = json_object_get(rule, name);

    if (field != NULL &&
        (!json_is_integer(field) || json_integer_value(field) < 0 ||
         json_integer_value(field) > 1000000))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' must be a number", name);
    *out = field != NULL ? (int)json_integer_value(field) : fallback;
    return 0;
}

int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err)
{
    struct local_fault fault = {.status = 0};
    struct local_fault *list;
    int count = 0;

    if (text_of(rule, "service", NULL, fault.service, sizeof(fault.service),
                err) != 0 ||
        text_of(rule, "operation", "*", fault.operation,
                sizeof(fault.operation), err) != 0 ||
        text_of(rule, "code", "InternalError", fault.code, sizeof(fault.code),
                err) != 0 ||
        text_of(rule, "outcome", "", fault.outcome, sizeof(fault.outcome),
                err) != 0 ||
        number_of(rule, "status", 500, &fault.status, err) != 0 ||
        number_of(rule, "delay_ms", 0, &fault.delay_ms, err) != 0 ||
        number_of(rule, "count", 1, &count, err) != 0)
        return -1;
    if (fault.outcome[0] == '\0' && (fault.status < 300 || fault.status > 599))
        return pl_fail(err, PL_USAGE_INVALID, "'status' must be 300 to 599");
    fault.count = (unsigned)count;
    (void)pthread_mutex_lock(&faults->lock);
    list = realloc(faults->items, (faults->count + 1) * sizeof(*list));
    if (list != NULL) {
        faults->items = list;
        list[faults->count++] = fault;
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return list != NULL ? 0 : pl_fail_memory(err);
}

void local_faults_clear(struct local_faults *faults)
{
    (void)pthread_mutex_lock(&faults->lock);
    faults->count = 0;
    (void)pthread_mutex_unlock(&faults->lock);
}

/* An outcome belongs to a job, the rest to requests. */
static bool fits(const struct local_fault *f, const char *service,
                 const char *operation)
{
    const bool is_any = strcmp(f->operation, "*") == 0 &&
                        f->outcome[0] == '\0' &&
                        strcmp(operation, "ImportJob") != 0;

    return f->count > 0 && strcmp(f->service, service) == 0 &&
           (is_any || strcmp(f->operation, operation) == 0);
}

bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault)
{
    bool found = false;

    (void)pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !found; i++) {
        struct local_fault *f = &faults->items[i];

        if (fits(f, service, operation)) {
            f->count--;
            *fault = *f;
            found = true;
        }
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return found;
}
