#include "local/faults.h"

#include "pipeline/base/text.h"

#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)

void local_faults_init(struct local_faults *faults)
{
    *faults = (struct local_faults){.seed = SEED};
    (void)pthread_mutex_init(&faults->lock, NULL);
}

void local_faults_release(struct local_faults *faults)
{
    free(faults->items);
    (void)pthread_mutex_destroy(&faults->lock);
    faults->items = NULL;
    faults->count = 0;
}

static int add(struct local_faults *faults, const struct local_fault *fault,
               struct pl_err *err)
{
    struct local_fault *list;

    (void)pthread_mutex_lock(&faults->lock);
    list = realloc(faults->items, (faults->count + 1) * sizeof(*list));
    if (list != NULL) {
        faults->items = list;
        list[faults->count++] = *fault;
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return list != NULL ? 0 : pl_fail_memory(err);
}

int local_faults_add_text(struct local_faults *faults, const char *rules,
                          struct pl_err *err)
{
    while (*rules != '\0') {
        const size_t len = strcspn(rules, ";");
        struct local_fault fault;

        if (len > 0 && (local_fault_parse(rules, len, &fault, err) != 0 ||
                        add(faults, &fault, err) != 0))
            return -1;
        rules += len + (rules[len] == ';');
    }
    return 0;
}

int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err)
{
    const char *text = json_string_value(json_object_get(rule, "rule"));
    struct local_fault fault;

    if (text != NULL)
        return local_faults_add_text(faults, text, err);
    if (local_fault_of_json(rule, &fault, err) != 0)
        return -1;
    return add(faults, &fault, err);
}

void local_faults_clear(struct local_faults *faults)
{
    (void)pthread_mutex_lock(&faults->lock);
    faults->count = 0;
    (void)pthread_mutex_unlock(&faults->lock);
}

json_t *local_faults_show(struct local_faults *faults)
{
    json_t *all = json_array();

    (void)pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        const struct local_fault *f = &faults->items[i];

        (void)json_array_append_new(
            all, json_pack("{s:s,s:s,s:i,s:i}", "service", f->service,
                           "operation", f->operation, "skip", (int)f->skip,
                           "count", (int)f->count));
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return all;
}

/* An outcome belongs to a job, the rest to requests. */
static bool fits(const struct local_fault *f, const char *service,
                 const char *operation)
{
    static const char *const within[] = {"ImportJob", "UploadJob", "UploadUrl",
                                         "ProfileObject", "SegmentEstimate"};
    const bool is_any = strcmp(f->operation, "*") == 0 &&
                        f->kind != LOCAL_FAULT_OUTCOME &&
                        !pl_is_one_of(operation, within, PL_COUNT(within));

    return (f->count > 0 || f->is_endless) &&
           strcmp(f->service, service) == 0 &&
           (is_any || strcmp(f->operation, operation) == 0);
}

/* Evenly from 0 to 1 (xorshift64). */
static double next(struct local_faults *faults)
{
    uint64_t x = faults->seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    faults->seed = x;
    return (double)(x >> 11) / (double)(UINT64_C(1) << 53);
}

/* Needs the lock. */
static bool is_due(struct local_faults *faults, struct local_fault *f)
{
    if (f->skip > 0) {
        f->skip--;
        return false;
    }
    if (f->probability < 1 && next(faults) >= f->probability)
        return false;
    f->count -= f->count > 0;
    return true;
}

bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault)
{
    bool found = false;

    (void)pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !found; i++) {
        struct local_fault *f = &faults->items[i];

        found = fits(f, service, operation) && is_due(faults, f);
        if (found)
            *fault = *f;
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return found;
}
