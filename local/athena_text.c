#include "local/athena.h"

#include "pipeline/base/text.h"

int local_athena_error_type(const char *text, const char **name)
{
    static const struct {
        const char *part;
        int type;
        const char *name;
    } known[] = {
        {"Catalog Error: Table with name", 1110, "TABLE_NOT_FOUND"},
        {"Catalog Error: Scalar Function", 1006, "FUNCTION_NOT_FOUND"},
        {"Catalog Error", 1004, "SCHEMA_NOT_FOUND"},
        {"Parser Error", 1006, "SYNTAX_ERROR"},
        {"Binder Error", 1006, "SYNTAX_ERROR"},
        {"Not Supported", 1006, "NOT_SUPPORTED"},
        {"Conversion Error", 1001, "INVALID_CAST_ARGUMENT"},
        {"Invalid Input Error", 1001, "INVALID_FUNCTION_ARGUMENT"},
        {"Out of Range Error", 1001, "NUMERIC_VALUE_OUT_OF_RANGE"},
        {"Out of Memory", 0, "EXCEEDED_MEMORY_LIMIT"},
        {"IO Error", 1109, "HIVE_CANNOT_OPEN_SPLIT"},
    };

    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (strstr(text, known[i].part) != NULL) {
            *name = known[i].name;
            return known[i].type;
        }
    *name = "GENERIC_USER_ERROR";
    return 1000;
}

/* Steps over a quoted text or a comment at *at; copies it. False: neither. */
static bool skip_quoted(const char **at, struct pl_buf *out, int *rc,
                        struct pl_err *err)
{
    const char *start = *at;
    const char *end = NULL;

    if (*start == '\'' || *start == '"') {
        end = strchr(start + 1, *start);
        end = end != NULL ? end + 1 : start + strlen(start);
    } else if (pl_starts_with(start, "--")) {
        end = start + strcspn(start, "\n");
    } else if (pl_starts_with(start, "/*")) {
        end = strstr(start + 2, "*/");
        end = end != NULL ? end + 2 : start + strlen(start);
    } else {
        return false;
    }
    *rc = pl_buf_add(out, start, (size_t)(end - start), err);
    *at = end;
    return true;
}

int local_athena_bind(const char *sql, const json_t *parameters,
                      struct pl_buf *out, struct pl_err *err)
{
    const size_t count = json_array_size(parameters);
    size_t used = 0;
    int rc = 0;

    if (count == 0)
        return pl_buf_adds(out, sql, err);
    while (rc == 0 && *sql != '\0') {
        if (skip_quoted(&sql, out, &rc, err))
            continue;
        if (*sql == '?' && used < count) {
            const char *text =
                json_string_value(json_array_get(parameters, used++));

            if (text == NULL)
                return pl_fail(err, PL_DATA_INVALID,
                               "parameters must be strings");
            rc = pl_buf_adds(out, text, err);
            sql++;
            continue;
        }
        rc = pl_buf_addc(out, *sql++, err);
    }
    if (rc == 0 && used != count)
        return pl_fail(err, PL_DATA_INVALID,
                       "more parameters than question marks");
    return rc;
}
