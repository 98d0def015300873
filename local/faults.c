#include "local/faults.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

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
         json_integer_value(field) > 1000000000))
        return pl_fail(err, PL_USAGE_INVALID, "'%s' must be a number", name);
    *out = field != NULL ? (int)json_integer_value(field) : fallback;
    return 0;
}

static const struct {
    const char *name;
    enum local_fault_kind kind;
    const char *argument; /* the JSON field of the text's argument */
} kinds[] = {{"status", LOCAL_FAULT_STATUS, "status"},
             {"inside", LOCAL_FAULT_INSIDE, "code"},
             {"delay", LOCAL_FAULT_DELAY, "delay_ms"},
             {"lost", LOCAL_FAULT_LOST, NULL},
             {"cut", LOCAL_FAULT_CUT, "bytes"},
             {"short", LOCAL_FAULT_SHORT, "bytes"},
             {"corrupt", LOCAL_FAULT_CORRUPT, "bytes"},
             {"slow", LOCAL_FAULT_SLOW, "bytes"}};

static int read_kind(const json_t *rule, struct local_fault *fault,
                     struct pl_err *err)
{
    char name[16];
    int bytes = 0;

    if (text_of(rule, "kind", "status", name, sizeof(name), err) != 0 ||
        number_of(rule, "bytes", 0, &bytes, err) != 0)
        return -1;
    fault->bytes = bytes;
    for (size_t i = 0; i < PL_COUNT(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0) {
            fault->kind = kinds[i].kind;
            return 0;
        }
    return pl_fail(err, PL_USAGE_INVALID, "there is no fault '%s'", name);
}

int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err)
{
    struct local_fault fault = {.status = 0};
    struct local_fault *list;
    int count = 0;
    int skip = 0;
    int percent = 0;

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
        number_of(rule, "count", 1, &count, err) != 0 ||
        number_of(rule, "skip", 0, &skip, err) != 0 ||
        number_of(rule, "percent", 100, &percent, err) != 0 ||
        read_kind(rule, &fault, err) != 0)
        return -1;
    if (fault.outcome[0] == '\0' && (fault.status < 300 || fault.status > 599))
        return pl_fail(err, PL_USAGE_INVALID, "'status' must be 300 to 599");
    fault.count = (unsigned)count;
    fault.skip = (unsigned)skip;
    fault.percent = (unsigned)percent;
    (void)pthread_mutex_lock(&faults->lock);
    list = realloc(faults->items, (faults->count + 1) * sizeof(*list));
    if (list != NULL) {
        faults->items = list;
        list[faults->count++] = fault;
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return list != NULL ? 0 : pl_fail_memory(err);
}

/* A number where it is one. */
static json_t *value_of(const char *text)
{
    uint64_t number = 0;

    return pl_parse_u64(text, &number) == 0 ? json_integer((json_int_t)number)
                                            : json_string(text);
}

static int parse_action(json_t *rule, char *text, struct pl_err *err)
{
    char *argument = strchr(text, ':');
    char *code;

    if (argument != NULL)
        *argument++ = '\0';
    (void)json_object_set_new(rule, "kind", json_string(text));
    if (argument == NULL)
        return 0;
    code = strchr(argument, ':');
    if (code != NULL)
        *code++ = '\0';
    for (size_t i = 0; i < PL_COUNT(kinds); i++)
        if (strcmp(text, kinds[i].name) == 0 && kinds[i].argument != NULL)
            (void)json_object_set_new(rule, kinds[i].argument,
                                      value_of(argument));
    if (code != NULL)
        (void)json_object_set_new(rule, "code", json_string(code));
    if (json_object_size(rule) < 4)
        return pl_fail(err, PL_USAGE_INVALID, "'%s' takes no argument", text);
    return 0;
}

/* "s3.GetObject=cut:1000,count=2" */
static int parse_rule(struct local_faults *faults, char *text,
                      struct pl_err *err)
{
    json_t *rule = json_object();
    char *save = NULL;
    char *equals = strchr(text, '=');
    char *dot = strchr(text, '.');
    char *field;
    int rc;

    if (equals == NULL || dot == NULL || dot > equals) {
        json_decref(rule);
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' is not SERVICE.OPERATION=KIND", text);
    }
    *dot = *equals = '\0';
    (void)json_object_set_new(rule, "service", json_string(text));
    (void)json_object_set_new(rule, "operation", json_string(dot + 1));
    field = strtok_r(equals + 1, ",", &save);
    rc = field != NULL
             ? parse_action(rule, field, err)
             : pl_fail(err, PL_USAGE_INVALID,
                       "nothing is said of what befalls %s.%s", text, dot + 1);
    while (rc == 0 && (field = strtok_r(NULL, ",", &save)) != NULL) {
        char *value = strchr(field, '=');

        if (value == NULL) {
            rc =
                pl_fail(err, PL_USAGE_INVALID, "'%s' is not NAME=VALUE", field);
            break;
        }
        *value++ = '\0';
        (void)json_object_set_new(rule, field, value_of(value));
    }
    if (rc == 0)
        rc = local_faults_add(faults, rule, err);
    json_decref(rule);
    return rc;
}

int local_faults_parse(struct local_faults *faults, const char *text,
                       struct pl_err *err)
{
    PL_AUTO_STR *copy = strdup(text);
    char *save = NULL;

    if (copy == NULL)
        return pl_fail_memory(err);
    for (char *rule = strtok_r(copy, ";", &save); rule != NULL;
         rule = strtok_r(NULL, ";", &save))
        if (parse_rule(faults, rule, err) != 0)
            return pl_context(err, "--fault");
    return 0;
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

static bool is_hit(unsigned percent)
{
    struct pl_err ignored = {0};
    uint32_t bits = 0;

    return pl_random(&bits, sizeof(bits), &ignored) == 0 &&
           bits % 100 < percent;
}

bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault)
{
    bool found = false;

    (void)pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !found; i++) {
        struct local_fault *f = &faults->items[i];

        if (!fits(f, service, operation))
            continue;
        if (f->skip > 0) {
            f->skip--;
        } else if (f->percent == 100 || is_hit(f->percent)) {
            f->count--;
            *fault = *f;
            found = true;
        }
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return found;
}
