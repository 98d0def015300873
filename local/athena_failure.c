/* What went wrong, as Athena says it: the engine has words of its own. */
#include "local/athena.h"
#include "local/sql_tokens.h"

#include <ctype.h>

#include "pipeline/base/text.h"

static const struct {
    const char *part;
    int type;
    const char *name;
} known[] = {
    {"Catalog Error: Table with name", 1110, "TABLE_NOT_FOUND"},
    {"Catalog Error: Scalar Function", 1006, "FUNCTION_NOT_FOUND"},
    {"Catalog Error", 1004, "SCHEMA_NOT_FOUND"},
    {"Parser Error", 1006, "SYNTAX_ERROR"},
    {"Binder Error: Referenced column", 1006, "COLUMN_NOT_FOUND"},
    {"Binder Error", 1006, "SYNTAX_ERROR"},
    {"Not Supported", 1006, "NOT_SUPPORTED"},
    {"Conversion Error", 1001, "INVALID_CAST_ARGUMENT"},
    {"Invalid Input Error", 1001, "INVALID_FUNCTION_ARGUMENT"},
    {"Out of Range Error", 1001, "NUMERIC_VALUE_OUT_OF_RANGE"},
    {"Out of Memory", 0, "EXCEEDED_MEMORY_LIMIT"},
    {"IO Error", 1109, "HIVE_CANNOT_OPEN_SPLIT"},
};

/* Names of ours that words may begin with. */
static const struct {
    const char *name;
    int type;
} own[] = {
    {"SYNTAX_ERROR: ", 1006},
    {"NOT_SUPPORTED: ", 1006},
    {"INVALID_TABLE_PROPERTY: ", 1103},
    {"HIVE_COLUMN_ORDER_MISMATCH: ", 1006},
    {"HIVE_PATH_ALREADY_EXISTS: ", 1000},
    {"HIVE_TOO_MANY_OPEN_PARTITIONS: ", 1000},
    {"NOT_FOUND: ", 1306},
    {"INTERNAL_ERROR: ", 401},
};

/* What stands in the first quotes after the first before. */
static bool quoted_word(const char *words, const char *before, char quote,
                        char out[256])
{
    const char *at = strstr(words, before);
    size_t len;

    if (at == NULL)
        return false;
    at += strlen(before);
    len = strcspn(at, (const char[]){quote, '\0'});
    if (len == 0 || len > 255 || at[len] == '\0')
        return false;
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

/* Lines and columns from 1; where the name stands first as a word. */
static void find_place(const char *sql, const char *name, unsigned long *line,
                       unsigned long *column)
{
    struct local_token t = local_token_at(sql);
    const char *at = sql;

    *line = 1;
    *column = 1;
    while (t.kind != LOCAL_TOKEN_END) {
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        struct pl_err err = {0};

        if ((t.kind == LOCAL_TOKEN_WORD || t.kind == LOCAL_TOKEN_QUOTED) &&
            local_token_text(&t, &text, &err) == 0 &&
            pl_ieq(pl_buf_str(&text), name))
            break;
        t = local_token_after(&t);
    }
    if (t.kind == LOCAL_TOKEN_END)
        return;
    for (; at < t.at; at++) {
        *line += *at == '\n';
        *column = *at == '\n' ? 1 : *column + 1;
    }
}

static bool say_table(const char *words, const char *sql, const char *database,
                      char *out, size_t cap)
{
    unsigned long line;
    unsigned long column;
    char name[256];

    if (!quoted_word(words, "Table with name ", ' ', name))
        return false;
    find_place(sql, name, &line, &column);
    (void)snprintf(out, cap,
                   "TABLE_NOT_FOUND: line %lu:%lu: Table "
                   "'awsdatacatalog.%s.%s' does not exist",
                   line, column, database, name);
    return true;
}

static bool say_column(const char *words, const char *sql, char *out,
                       size_t cap)
{
    unsigned long line;
    unsigned long column;
    char name[256];

    if (!quoted_word(words, "Referenced column \"", '"', name))
        return false;
    find_place(sql, name, &line, &column);
    (void)snprintf(out, cap,
                   "COLUMN_NOT_FOUND: line %lu:%lu: Column '%s' cannot be "
                   "resolved or requester is not authorized to access "
                   "requested resources",
                   line, column, name);
    return true;
}

static bool say_function(const char *words, const char *sql, char *out,
                         size_t cap)
{
    unsigned long line;
    unsigned long column;
    char name[256];

    if (!quoted_word(words, "Scalar Function with name ", ' ', name))
        return false;
    find_place(sql, name, &line, &column);
    (void)snprintf(out, cap,
                   "FUNCTION_NOT_FOUND: line %lu:%lu: Function '%s' not "
                   "registered",
                   line, column, name);
    return true;
}

void local_athena_failure(const char *words, const char *sql,
                          const char *database, int *type, char *out,
                          size_t cap)
{
    const char *name = "GENERIC_USER_ERROR";

    *type = 1000;
    for (size_t i = 0; i < PL_COUNT(own); i++)
        if (pl_starts_with(words, own[i].name)) {
            *type = own[i].type;
            (void)snprintf(out, cap, "%s", words);
            return;
        }
    for (size_t i = 0; i < PL_COUNT(known); i++)
        if (strstr(words, known[i].part) != NULL) {
            *type = known[i].type;
            name = known[i].name;
            break;
        }
    if (!say_table(words, sql, database, out, cap) &&
        !say_column(words, sql, out, cap) &&
        !say_function(words, sql, out, cap))
        (void)snprintf(out, cap, "%s: %s", name, words);
}
