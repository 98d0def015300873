/* Rules of faults: as text and as JSON. */
#include "local/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/text.h"

#define NUMBER_MAX 1000000U

enum value { NONE, BYTES, MS, STATUS, CODE, WORD };

static const struct {
    const char *name;
    enum local_fault_kind kind;
    enum value value;
    bool is_needed;
    uint64_t bytes; /* when none are given */
} kinds[] = {
    {"error", LOCAL_FAULT_ERROR, STATUS, true, 0},
    {"error200", LOCAL_FAULT_ERROR200, CODE, false, 0},
    {"delay", LOCAL_FAULT_DELAY, MS, true, 0},
    {"cut", LOCAL_FAULT_CUT, BYTES, false, LOCAL_FAULT_HALF},
    {"lost", LOCAL_FAULT_LOST, NONE, false, 0},
    {"truncate", LOCAL_FAULT_TRUNCATE, BYTES, false, LOCAL_FAULT_HALF},
    {"short", LOCAL_FAULT_SHORT, BYTES, false, LOCAL_FAULT_HALF},
    {"corrupt", LOCAL_FAULT_CORRUPT, BYTES, false, LOCAL_FAULT_HALF},
    {"slow", LOCAL_FAULT_SLOW, BYTES, true, 0},
    {"outcome", LOCAL_FAULT_OUTCOME, WORD, true, 0},
};

static int find_kind(const char *name, size_t *at, struct pl_err *err)
{
    for (size_t i = 0; i < PL_COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0) {
            *at = i;
            return 0;
        }
    return pl_fail(err, PL_USAGE_INVALID, "there is no fault '%s'", name);
}

/* What a rule is before it says more: once, and InternalError. */
static void defaults(struct local_fault *f)
{
    *f = (struct local_fault){
        .kind = LOCAL_FAULT_ERROR, .status = 500, .count = 1, .probability = 1};
    (void)snprintf(f->code, sizeof(f->code), "InternalError");
}

static int check(const struct local_fault *f, struct pl_err *err)
{
    if (f->service[0] == '\0' || f->operation[0] == '\0')
        return pl_fail(err, PL_USAGE_INVALID,
                       "a fault is for SERVICE.OPERATION");
    if (f->kind == LOCAL_FAULT_ERROR && (f->status < 300 || f->status > 599))
        return pl_fail(err, PL_USAGE_INVALID, "'status' must be 300 to 599");
    if (f->kind == LOCAL_FAULT_SLOW && f->bytes == 0)
        return pl_fail(err, PL_USAGE_INVALID, "'slow' needs bytes a second");
    if (!(f->probability > 0 && f->probability <= 1))
        return pl_fail(err, PL_USAGE_INVALID,
                       "'probability' must be above 0 and at most 1");
    return 0;
}

static int copy(const char *text, size_t len, char *out, size_t cap,
                struct pl_err *err)
{
    if (len == 0 || len >= cap)
        return pl_fail(err, PL_USAGE_INVALID, "'%.*s' must have 1 to %zu bytes",
                       len < 60 ? (int)len : 60, text, cap - 1);
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int number(const char *name, const char *text, uint64_t max,
                  uint64_t *out, struct pl_err *err)
{
    if (pl_parse_u64(text, out) != 0 || *out > max)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' must be a number of at most %llu", name,
                       (unsigned long long)max);
    return 0;
}

static int read_probability(const char *text, double *out, struct pl_err *err)
{
    char *end = NULL;

    *out = strtod(text, &end);
    if (end == text || *end != '\0')
        return pl_fail(err, PL_USAGE_INVALID, "'probability' must be a number");
    return 0;
}

/* "503:SlowDown" or "503" */
static int read_status(const char *text, struct local_fault *f,
                       struct pl_err *err)
{
    const size_t len = strcspn(text, ":");
    char digits[8];
    uint64_t n = 0;

    if (copy(text, len, digits, sizeof(digits), err) != 0 ||
        number("status", digits, 599, &n, err) != 0)
        return -1;
    f->status = (int)n;
    return text[len] == '\0' ? 0
                             : copy(text + len + 1, strlen(text + len + 1),
                                    f->code, sizeof(f->code), err);
}

/* "cut:1000" */
static int read_kind(const char *text, struct local_fault *f,
                     struct pl_err *err)
{
    const size_t len = strcspn(text, ":");
    const char *value = text[len] == ':' ? text + len + 1 : NULL;
    char name[24];
    uint64_t n = 0;
    size_t at = 0;
    int rc = 0;

    if (copy(text, len, name, sizeof(name), err) != 0 ||
        find_kind(name, &at, err) != 0)
        return -1;
    f->kind = kinds[at].kind;
    f->bytes = kinds[at].bytes;
    if (value == NULL)
        return kinds[at].is_needed
                   ? pl_fail(err, PL_USAGE_INVALID, "'%s' needs a value", name)
                   : 0;
    switch (kinds[at].value) {
    case BYTES:
        return number(name, value, UINT64_C(1) << 40, &f->bytes, err);
    case MS:
        rc = number(name, value, NUMBER_MAX, &n, err);
        f->delay_ms = (int)n;
        return rc;
    case STATUS:
        return read_status(value, f, err);
    case CODE:
        return copy(value, strlen(value), f->code, sizeof(f->code), err);
    case WORD:
        return copy(value, strlen(value), f->outcome, sizeof(f->outcome), err);
    case NONE:
    default:
        return pl_fail(err, PL_USAGE_INVALID, "'%s' takes no value", name);
    }
}

/* "count=2" */
static int read_bound(const char *text, struct local_fault *f, bool *has_count,
                      struct pl_err *err)
{
    uint64_t n = 0;

    if (pl_starts_with(text, "probability="))
        return read_probability(text + strlen("probability="), &f->probability,
                                err);
    if (pl_starts_with(text, "count=")) {
        if (number("count", text + strlen("count="), NUMBER_MAX, &n, err) != 0)
            return -1;
        f->count = (unsigned)n;
        *has_count = true;
        return 0;
    }
    if (pl_starts_with(text, "skip=")) {
        if (number("skip", text + strlen("skip="), NUMBER_MAX, &n, err) != 0)
            return -1;
        f->skip = (unsigned)n;
        return 0;
    }
    return pl_fail(err, PL_USAGE_INVALID,
                   "'%.60s' is none of count=N, skip=N, probability=P", text);
}

/* "s3.GetObject": S3's operations hold no dot, nor do the others'. */
static int read_target(const char *text, size_t len, struct local_fault *f,
                       struct pl_err *err)
{
    const char *dot = memchr(text, '.', len);
    const size_t service = dot != NULL ? (size_t)(dot - text) : 0;

    if (dot == NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "a fault is for SERVICE.OPERATION");
    if (copy(text, service, f->service, sizeof(f->service), err) != 0)
        return -1;
    return copy(dot + 1, len - service - 1, f->operation, sizeof(f->operation),
                err);
}

static int parse(char *rule, struct local_fault *f, struct pl_err *err)
{
    char *at = strchr(rule, '=');
    bool has_count = false;
    bool is_kind = true;

    if (at == NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "SERVICE.OPERATION=KIND is expected");
    if (read_target(rule, (size_t)(at - rule), f, err) != 0)
        return -1;
    for (at++; at != NULL;) {
        char *comma = strchr(at, ',');

        if (comma != NULL)
            *comma = '\0';
        if ((is_kind ? read_kind(at, f, err)
                     : read_bound(at, f, &has_count, err)) != 0)
            return -1;
        is_kind = false;
        at = comma != NULL ? comma + 1 : NULL;
    }
    f->is_endless = has_count ? f->count == 0 : f->probability < 1;
    return check(f, err);
}

int local_fault_parse(const char *text, size_t len, struct local_fault *fault,
                      struct pl_err *err)
{
    PL_AUTO(pl_buf) rule = PL_BUF_INIT;
    struct local_fault f;

    defaults(&f);
    if (pl_buf_add(&rule, text, len, err) != 0 ||
        pl_buf_addc(&rule, '\0', err) != 0)
        return -1;
    if (parse(rule.data, &f, err) != 0)
        return pl_context(err, "fault '%.*s'", len < 200 ? (int)len : 200,
                          text);
    *fault = f;
    return 0;
}

static int text_of(const json_t *rule, const char *name, char *out, size_t cap,
                   struct pl_err *err)
{
    const json_t *field = json_object_get(rule, name);
    const char *text = json_string_value(field);

    if (field == NULL)
        return 0;
    if (text == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "'%s' must be a string", name);
    return copy(text, strlen(text), out, cap, err);
}

static int number_of(const json_t *rule, const char *name, json_int_t max,
                     uint64_t *out, struct pl_err *err)
{
    const json_t *field = json_object_get(rule, name);

    if (field == NULL)
        return 0;
    if (!json_is_integer(field) || json_integer_value(field) < 0 ||
        json_integer_value(field) > max)
        return pl_fail(err, PL_USAGE_INVALID,
                       "'%s' must be a number of at most %lld", name,
                       (long long)max);
    *out = (uint64_t)json_integer_value(field);
    return 0;
}

static int words_of(const json_t *rule, struct local_fault *f,
                    struct pl_err *err)
{
    char kind[24] = "error";
    size_t at = 0;

    (void)snprintf(f->operation, sizeof(f->operation), "*");
    if (text_of(rule, "service", f->service, sizeof(f->service), err) != 0 ||
        text_of(rule, "operation", f->operation, sizeof(f->operation), err) !=
            0 ||
        text_of(rule, "code", f->code, sizeof(f->code), err) != 0 ||
        text_of(rule, "outcome", f->outcome, sizeof(f->outcome), err) != 0 ||
        text_of(rule, "kind", kind, sizeof(kind), err) != 0 ||
        find_kind(kind, &at, err) != 0)
        return -1;
    f->kind = f->outcome[0] != '\0' ? LOCAL_FAULT_OUTCOME : kinds[at].kind;
    f->bytes = kinds[at].bytes;
    return 0;
}

static int rule_of(const json_t *rule, struct local_fault *f,
                   struct pl_err *err)
{
    const json_t *probability = json_object_get(rule, "probability");
    uint64_t status = 500;
    uint64_t delay_ms = 0;
    uint64_t count = 1;
    uint64_t skip = 0;

    if (words_of(rule, f, err) != 0 ||
        number_of(rule, "status", 599, &status, err) != 0 ||
        number_of(rule, "delay_ms", NUMBER_MAX, &delay_ms, err) != 0 ||
        number_of(rule, "count", NUMBER_MAX, &count, err) != 0 ||
        number_of(rule, "skip", NUMBER_MAX, &skip, err) != 0 ||
        number_of(rule, "bytes", INT64_C(1) << 40, &f->bytes, err) != 0)
        return -1;
    if (probability != NULL)
        f->probability = json_number_value(probability);
    f->status = (int)status;
    f->delay_ms = (int)delay_ms;
    f->count = (unsigned)count;
    f->skip = (unsigned)skip;
    f->is_endless = json_object_get(rule, "count") != NULL ? count == 0
                                                           : f->probability < 1;
    return check(f, err);
}

int local_fault_of_json(const json_t *rule, struct local_fault *fault,
                        struct pl_err *err)
{
    struct local_fault f;

    defaults(&f);
    if (!json_is_object(rule))
        return pl_fail(err, PL_USAGE_INVALID, "a fault is a JSON object");
    if (rule_of(rule, &f, err) != 0)
        return -1;
    *fault = f;
    return 0;
}
