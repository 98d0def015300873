#include "pipeline/runs/job.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

/* Where ${NAME} is read: places and names, which differ between test and
 * production. Never the SQL: a value there would need SQL's own quoting, and
 * query.parameters has it. docs/runs.md lists them. */
static const char *const expanded[] = {
    "run.work_uri",     "query.catalog",         "query.database",
    "query.workgroup",  "query.output_uri",      "query.kms_key",
    "import.domain",    "import.application_id", "import.region",
    "import.role_arn",  "import.id_map",         "import.object_type",
    "notify.topic_arn",
};

/* They must not get into a manifest, which is kept and sent around. */
static const char *const secret[] = {"AWS_SECRET_ACCESS_KEY",
                                     "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
                                     "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

/* The line, from 1, on which a comment begins; 0 when there is none. */
static size_t find_comment(const char *text, size_t len, const char **kind)
{
    bool is_string = false;
    size_t line = 1;

    for (size_t i = 0; i < len; i++) {
        const char next = i + 1 < len ? text[i + 1] : '\0';

        if (text[i] == '\n')
            line++;
        if (is_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            is_string = !is_string;
        else if (!is_string &&
                 (text[i] == '#' ||
                  (text[i] == '/' && (next == '/' || next == '*')))) {
            *kind = text[i] == '#' ? "#" : next == '/' ? "//" : "/*";
            return line;
        }
    }
    return 0;
}

static int refuse_comment(const char *text, size_t len, struct pl_err *err)
{
    const char *kind = "";
    const size_t line = find_comment(text, len, &kind);

    if (line == 0)
        return -1;
    pl_err_clear(err);
    return pl_fail(err, PL_MANIFEST_INVALID,
                   "line %zu has a comment ('%s'), and JSON has none: words "
                   "about the job may stand in a member of their own, such as "
                   "\"comment\": \"...\"",
                   line, kind);
}

static int read_sql(struct pl_manifest *job, const char *dir,
                    struct pl_err *err)
{
    const char *file = pl_manifest_str(job, "query.sql_file");
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    PL_AUTO(pl_buf) sql = PL_BUF_INIT_MAX(PL_JOB_SQL_MAX);

    if (pl_manifest_get(job, "query.sql_file") == NULL)
        return 0;
    if (file == NULL || *file == '\0' || dir == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'query.sql_file' must be the path of a file");
    if (pl_manifest_get(job, "query.sql") != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'query.sql' and 'query.sql_file' are both there: which "
                       "one is the query?");
    if (pl_buf_addf(&path, err, "%s%s", *file == '/' ? "" : dir, file) != 0 ||
        pl_file_read(path.data, &sql, err) != 0)
        return pl_context(err, "query.sql_file");
    if (strlen(pl_buf_str(&sql)) != sql.len ||
        pl_utf8_valid_len(pl_buf_str(&sql), sql.len) != sql.len)
        return pl_fail(err, PL_QUERY_INVALID, "'%s' is no text in UTF-8",
                       path.data);
    (void)json_object_del(pl_manifest_get(job, "query"), "sql_file");
    return pl_manifest_set_str(job, "query.sql", pl_buf_str(&sql), err);
}

/* Appends the value of the variable that at ("${NAME}...") names, and moves
 * behind it. */
static int add_variable(const char *path, const char **at, struct pl_buf *out,
                        struct pl_err *err)
{
    const char *name = *at + 2;
    const char *end = name;
    char text[128];
    const char *value;

    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    if (*end != '}' || end == name || isdigit((unsigned char)*name) ||
        (size_t)(end - name) >= sizeof(text))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': a variable is written ${NAME}, with letters, "
                       "digits and _",
                       path);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(end - name), name);
    if (pl_is_one_of(text, secret, PL_COUNT(secret)))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': %s is a secret, and a manifest holds none", path,
                       text);
    value = getenv(text);
    if (value == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': the variable %s is not set", path, text);
    if (pl_utf8_valid_len(value, strlen(value)) != strlen(value))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': the variable %s is no text in UTF-8", path, text);
    *at = end + 1;
    return pl_buf_adds(out, value, err);
}

static int expand(struct pl_manifest *job, const char *path, struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT_MAX(65536);
    const char *at = pl_manifest_str(job, path);

    if (at == NULL || strstr(at, "${") == NULL)
        return 0;
    while (*at != '\0') {
        const char *next = strstr(at, "${");
        const size_t len = next != NULL ? (size_t)(next - at) : strlen(at);

        if (pl_buf_add(&out, at, len, err) != 0)
            return -1;
        at += len;
        if (next != NULL && add_variable(path, &at, &out, err) != 0)
            return -1;
    }
    return pl_manifest_set_str(job, path, pl_buf_str(&out), err);
}

int pl_job_parse(struct pl_manifest *job, const char *text, size_t len,
                 const char *dir, struct pl_err *err)
{
    if (pl_manifest_parse(job, text, len, err) != 0)
        return refuse_comment(text, len, err);
    for (size_t i = 0; i < PL_COUNT(expanded); i++)
        if (expand(job, expanded[i], err) != 0)
            return -1;
    return read_sql(job, dir, err);
}

int pl_job_read(const char *path, struct pl_manifest *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    const char *slash = strrchr(path, '/');
    const bool is_stdin = strcmp(path, "-") == 0;
    const int rc =
        is_stdin ? pl_fd_read_all(STDIN_FILENO, "standard input", &text, err)
                 : pl_file_read(path, &text, err);

    if (rc != 0 ||
        (slash != NULL &&
         pl_buf_add(&dir, path, (size_t)(slash - path) + 1, err) != 0))
        return -1;
    if (pl_job_parse(job, pl_buf_str(&text), text.len, pl_buf_str(&dir), err) !=
        0)
        return pl_context(err, "'%s'", path);
    return 0;
}
