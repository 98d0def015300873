/* The bounds that Athena's model sets to its requests, checked as the service
 * does: in words that name the member and the rule. */
#include "local/athena_call.h"

#include <ctype.h>

#include "pipeline/base/text.h"

enum type { OBJECT, TEXT, NUMBER, FLAG, TEXTS };

#define NAME_FORM "[a-zA-Z0-9._-]"
#define KEYS "CSE_KMS|SSE_KMS|SSE_S3"
#define CONFIG(op, root) \
    {op, root, OBJECT, 0, 0, NULL, false}, \
        {op, root ".OutputLocation", TEXT, 0, 0, NULL, false}, \
        {op, root ".EncryptionConfiguration", OBJECT, 0, 0, NULL, false}, \
        {op,   root ".EncryptionConfiguration.EncryptionOption", \
         TEXT, 0, \
         0,    KEYS, \
         true}, \
        {op, root ".EncryptionConfiguration.KmsKey", TEXT, 0, 0, NULL, false}, \
        {op, root ".ExpectedBucketOwner", TEXT, 12, 12, "[0-9]", false}, \
        {op, root ".AclConfiguration", OBJECT, 0, 0, NULL, false}, \
    { \
        op, root ".AclConfiguration.S3AclOption", TEXT, 0, 0, \
            "BUCKET_OWNER_FULL_CONTROL", true \
    }
#define GROUP(op, root, result, managed) \
    {op, root, OBJECT, 0, 0, NULL, false}, CONFIG(op, root "." result), \
        {op,        root ".BytesScannedCutoffPerQuery", \
         NUMBER,    10000000, \
         INT64_MAX, NULL, \
         false}, \
        {op, root ".EnforceWorkGroupConfiguration", FLAG, 0, 0, NULL, false}, \
        {op, root ".PublishCloudWatchMetricsEnabled", FLAG, 0, 0, NULL, false}, \
        {op, root ".RequesterPaysEnabled", FLAG, 0, 0, NULL, false}, \
        {op, root "." managed, OBJECT, 0, 0, NULL, false}, \
    { \
        op, root "." managed ".Enabled", FLAG, 0, 0, NULL, false \
    }

/* max 0: no bound. form: "[a-z]" of these characters, else one of "A|B". */
static const struct rule { /* NOLINT: in the order in which one reads */
    const char *operation;
    const char *path;
    enum type type;
    int64_t min;
    int64_t max;
    const char *form;
    bool is_needed; /* where its object is there */
} rules[] = {
    {"StartQueryExecution", "QueryString", TEXT, 1, 262144, NULL, true},
    {"StartQueryExecution", "ClientRequestToken", TEXT, 32, 128, NULL, true},
    {"StartQueryExecution", "QueryExecutionContext", OBJECT, 0, 0, NULL, false},
    {"StartQueryExecution", "QueryExecutionContext.Database", TEXT, 1, 255,
     NULL, false},
    {"StartQueryExecution", "QueryExecutionContext.Catalog", TEXT, 1, 256, NULL,
     false},
    CONFIG("StartQueryExecution", "ResultConfiguration"),
    {"StartQueryExecution", "WorkGroup", TEXT, 1, 128, NAME_FORM, false},
    {"StartQueryExecution", "ExecutionParameters", TEXTS, 1, 1024, NULL, false},
    {"StartQueryExecution", "ResultReuseConfiguration", OBJECT, 0, 0, NULL,
     false},
    {"StartQueryExecution",
     "ResultReuseConfiguration.ResultReuseByAgeConfiguration", OBJECT, 0, 0,
     NULL, false},
    {"StartQueryExecution",
     "ResultReuseConfiguration.ResultReuseByAgeConfiguration.Enabled", FLAG, 0,
     0, NULL, true},
    {"StartQueryExecution",
     "ResultReuseConfiguration.ResultReuseByAgeConfiguration.MaxAgeInMinutes",
     NUMBER, 0, 10080, NULL, false},
    {"GetQueryExecution", "QueryExecutionId", TEXT, 1, 128, NULL, true},
    {"StopQueryExecution", "QueryExecutionId", TEXT, 1, 128, NULL, true},
    {"BatchGetQueryExecution", "QueryExecutionIds", TEXTS, 1, 128, NULL, true},
    {"ListQueryExecutions", "MaxResults", NUMBER, 0, 50, NULL, false},
    {"ListQueryExecutions", "NextToken", TEXT, 1, 1024, NULL, false},
    {"ListQueryExecutions", "WorkGroup", TEXT, 1, 128, NAME_FORM, false},
    {"GetQueryResults", "QueryExecutionId", TEXT, 1, 128, NULL, true},
    {"GetQueryResults", "NextToken", TEXT, 1, 1024, NULL, false},
    {"GetQueryResults", "MaxResults", NUMBER, 1, 1000, NULL, false},
    {"GetQueryResults", "QueryResultType", TEXT, 0, 0,
     "DATA_MANIFEST|DATA_ROWS", false},
    {"GetWorkGroup", "WorkGroup", TEXT, 1, 128, NAME_FORM, true},
    {"CreateWorkGroup", "Name", TEXT, 1, 128, NAME_FORM, true},
    {"CreateWorkGroup", "Description", TEXT, 0, 1024, NULL, false},
    GROUP("CreateWorkGroup", "Configuration", "ResultConfiguration",
          "ManagedQueryResultsConfiguration"),
    {"UpdateWorkGroup", "WorkGroup", TEXT, 1, 128, NAME_FORM, true},
    {"UpdateWorkGroup", "Description", TEXT, 0, 1024, NULL, false},
    {"UpdateWorkGroup", "State", TEXT, 0, 0, "DISABLED|ENABLED", false},
    GROUP("UpdateWorkGroup", "ConfigurationUpdates",
          "ResultConfigurationUpdates",
          "ManagedQueryResultsConfigurationUpdates"),
    {"DeleteWorkGroup", "WorkGroup", TEXT, 1, 128, NAME_FORM, true},
    {"DeleteWorkGroup", "RecursiveDeleteOption", FLAG, 0, 0, NULL, false},
    {"ListWorkGroups", "MaxResults", NUMBER, 1, 50, NULL, false},
    {"ListWorkGroups", "NextToken", TEXT, 1, 1024, NULL, false},
};

/* The member at a dotted path; *has_parent tells whether its object is there. */
static const json_t *member_at(const json_t *in, const char *path,
                               bool *has_parent)
{
    for (;;) {
        const size_t len = strcspn(path, ".");
        char name[64];

        *has_parent = json_is_object(in);
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
        in = json_object_get(in, name);
        if (path[len] == '\0')
            return in;
        path += len + 1;
    }
}

/* "resultConfiguration.outputLocation": the service names members so. */
static void member_name(const char *path, char out[128])
{
    bool is_first = true;
    size_t i = 0;

    for (; path[i] != '\0' && i + 1 < 128; i++) {
        out[i] = is_first ? (char)tolower((unsigned char)path[i]) : path[i];
        is_first = path[i] == '.';
    }
    out[i] = '\0';
}

static int broken(const struct rule *r, const char *rule, struct pl_err *err)
{
    char name[128];

    member_name(r->path, name);
    return pl_fail(err, PL_DATA_INVALID,
                   "1 validation error detected: Value at '%s' failed to "
                   "satisfy constraint: Member must %s",
                   name, rule);
}

static bool has_form(const char *text, const char *form)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = strlen(text);

    if (form[0] == '[')
        return strspn(text, form[1] == '0' ? "0123456789" : letters) == len;
    while (*form != '\0') {
        const size_t n = strcspn(form, "|");

        if (n == len && strncmp(form, text, n) == 0)
            return true;
        form += n + (form[n] == '|');
    }
    return false;
}

static int check_text(const struct rule *r, const json_t *value,
                      struct pl_err *err)
{
    const int64_t len = (int64_t)json_string_length(value);
    char text[96];

    if (len < r->min) {
        (void)snprintf(text, sizeof(text),
                       "have length greater than or equal to %lld",
                       (long long)r->min);
        return broken(r, text, err);
    }
    if (r->max > 0 && len > r->max) {
        (void)snprintf(text, sizeof(text),
                       "have length less than or equal to %lld",
                       (long long)r->max);
        return broken(r, text, err);
    }
    if (r->form == NULL || has_form(json_string_value(value), r->form))
        return 0;
    if (r->form[0] == '[')
        (void)snprintf(text, sizeof(text),
                       "satisfy regular expression pattern: %s+", r->form);
    else
        (void)snprintf(text, sizeof(text), "satisfy enum value set: [%s]",
                       r->form);
    return broken(r, text, err);
}

static int check_number(const struct rule *r, const json_t *value,
                        struct pl_err *err)
{
    const json_int_t n = json_integer_value(value);
    char text[96];

    if (n >= r->min && n <= r->max)
        return 0;
    (void)snprintf(text, sizeof(text), "have value %s than or equal to %lld",
                   n < r->min ? "greater" : "less",
                   (long long)(n < r->min ? r->min : r->max));
    return broken(r, text, err);
}

/* A list with at least one member, each within bounds. */
static int check_texts(const struct rule *r, const json_t *value,
                       struct pl_err *err)
{
    if (json_array_size(value) == 0)
        return broken(r, "have length greater than or equal to 1", err);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);

        if (!json_is_string(item))
            return pl_fail(err, PL_USAGE_INVALID, "%s holds no strings",
                           r->path);
        if (check_text(r, item, err) != 0)
            return -1;
    }
    return 0;
}

static bool has_type(enum type type, const json_t *value)
{
    switch (type) {
    case OBJECT:
        return json_is_object(value);
    case TEXT:
        return json_is_string(value);
    case NUMBER:
        return json_is_integer(value);
    case FLAG:
        return json_is_boolean(value);
    case TEXTS:
    default:
        return json_is_array(value);
    }
}

static int check(const struct rule *r, const json_t *in, struct pl_err *err)
{
    bool has_parent;
    const json_t *value = member_at(in, r->path, &has_parent);

    if (value == NULL || json_is_null(value))
        return r->is_needed && has_parent ? broken(r, "not be null", err) : 0;
    if (!has_type(r->type, value))
        return pl_fail(err, PL_USAGE_INVALID, "%s is of the wrong type",
                       r->path);
    switch (r->type) {
    case TEXT:
        return check_text(r, value, err);
    case NUMBER:
        return check_number(r, value, err);
    case TEXTS:
        return check_texts(r, value, err);
    case OBJECT:
    case FLAG:
    default:
        return 0;
    }
}

int local_athena_check(const char *operation, const json_t *in,
                       struct pl_err *err)
{
    for (size_t i = 0; i < PL_COUNT(rules); i++)
        if (strcmp(rules[i].operation, operation) == 0 &&
            check(&rules[i], in, err) != 0)
            return -1;
    return 0;
}
