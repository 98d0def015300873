#include "local/engine_lake.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#include "pipeline/base/text.h"

enum format { NONE, PARQUET, CSV, JSON };

struct table {
    char name[256];
    enum format format;
    struct pl_buf files; /* "'a','b'" */
    json_t *types;       /* of CSV columns, or NULL */
    uint64_t bytes;
};

static void table_release(struct table *t)
{
    pl_buf_release(&t->files);
    json_decref(t->types);
}

static enum format format_of(const char *name)
{
    if (name[0] == '_' || name[0] == '.')
        return NONE;
    if (pl_ends_with(name, ".parquet"))
        return PARQUET;
    if (pl_ends_with(name, ".csv") || pl_ends_with(name, ".csv.gz"))
        return CSV;
    if (pl_ends_with(name, ".json") || pl_ends_with(name, ".jsonl") ||
        pl_ends_with(name, ".ndjson") || pl_ends_with(name, ".json.gz"))
        return JSON;
    return NONE;
}

int local_sql_quote(struct pl_buf *out, const char *text, char quote,
                    struct pl_err *err)
{
    if (pl_buf_addc(out, quote, err) != 0)
        return -1;
    for (; *text != '\0'; text++)
        if ((*text == quote && pl_buf_addc(out, quote, err) != 0) ||
            pl_buf_addc(out, *text, err) != 0)
            return -1;
    return pl_buf_addc(out, quote, err);
}

static int add_file(struct table *t, const char *dir, const char *name,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const enum format format = format_of(name);
    struct stat st;

    if (format == NONE || (t->format != NONE && t->format != format))
        return 0; /* the first kind wins */
    if (pl_buf_addf(&path, err, "%s/%s", dir, name) != 0)
        return -1;
    if (stat(path.data, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    t->format = format;
    t->bytes += (uint64_t)st.st_size;
    if (t->files.len > 0 && pl_buf_addc(&t->files, ',', err) != 0)
        return -1;
    return local_sql_quote(&t->files, path.data, '\'', err);
}

static int add_folder(struct table *t, const char *dir, struct pl_err *err)
{
    PL_AUTO(pl_buf) schema = PL_BUF_INIT;
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    int rc = 0;

    if (folder == NULL)
        return 0; /* gone since, or no folder */
    while (rc == 0 && (entry = readdir(folder)) != NULL)
        rc = add_file(t, dir, entry->d_name, err);
    (void)closedir(folder);
    if (rc != 0 || pl_buf_addf(&schema, err, "%s/_schema.json", dir) != 0)
        return -1;
    t->types = json_load_file(schema.data, 0, NULL);
    return 0;
}

static int add_types(const struct table *t, struct pl_buf *out,
                     struct pl_err *err)
{
    const char *name;
    json_t *type;
    bool is_first = true;

    if (json_object_size(t->types) == 0)
        return 0;
    if (pl_buf_adds(out, ", types={", err) != 0)
        return -1;
    json_object_foreach(t->types, name, type)
    {
        if (!json_is_string(type))
            continue;
        if ((!is_first && pl_buf_addc(out, ',', err) != 0) ||
            local_sql_quote(out, name, '\'', err) != 0 ||
            pl_buf_addc(out, ':', err) != 0 ||
            local_sql_quote(out, json_string_value(type), '\'', err) != 0)
            return -1;
        is_first = false;
    }
    return pl_buf_addc(out, '}', err);
}

static int add_view(const struct table *t, const char *schema,
                    struct pl_buf *out, struct pl_err *err)
{
    static const char *const readers[] = {[NONE] = "",
                                          [PARQUET] = "read_parquet",
                                          [CSV] = "read_csv",
                                          [JSON] = "read_json"};

    if (pl_buf_adds(out, "CREATE SCHEMA IF NOT EXISTS ", err) != 0 ||
        local_sql_quote(out, schema, '"', err) != 0 ||
        pl_buf_adds(out, "; CREATE OR REPLACE VIEW ", err) != 0 ||
        local_sql_quote(out, schema, '"', err) != 0 ||
        pl_buf_addc(out, '.', err) != 0 ||
        local_sql_quote(out, t->name, '"', err) != 0 ||
        pl_buf_addf(out, err, " AS SELECT * FROM %s([", readers[t->format]) !=
            0 ||
        pl_buf_add(out, t->files.data, t->files.len, err) != 0 ||
        pl_buf_adds(out, "], union_by_name=true", err) != 0)
        return -1;
    /* a file of texts alone has no line that looks like a header */
    if (t->format == CSV &&
        (pl_buf_adds(out,
                     ", header=true, allow_quoted_nulls=false"
                     ", sample_size=200000",
                     err) != 0 ||
         add_types(t, out, err) != 0))
        return -1;
    return pl_buf_adds(out, "); ", err);
}

/* Where name stands in sql next, without regard to case; or NULL. */
static const char *find_name(const char *sql, const char *name)
{
    const size_t len = strlen(name);

    for (; *sql != '\0'; sql++)
        if (pl_ieqn(sql, strnlen(sql, len), name, len))
            return sql;
    return NULL;
}

/* The identifier that stands before a dot at dot[0]: db. or "db". */
static bool schema_before(const char *sql, const char *dot, char out[256])
{
    const char *end = dot;
    const char *start;
    size_t len;

    if (end > sql && end[-1] == '"') {
        end--;
        start = end;
        while (start > sql && start[-1] != '"')
            start--;
    } else {
        start = end;
        while (start > sql &&
               (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
            start--;
    }
    len = (size_t)(end - start);
    if (len == 0 || len > 255)
        return false;
    memcpy(out, start, len);
    out[len] = '\0';
    return true;
}

/* Makes the view in database and in each schema that sql names before it. */
static int add_views(const struct table *t, const char *database,
                     const char *sql, struct pl_buf *out, struct pl_err *err)
{
    const char *at = find_name(sql, t->name);

    if (at == NULL || t->format == NONE)
        return 0;
    if (add_view(t, database, out, err) != 0)
        return -1;
    for (; at != NULL; at = find_name(at + 1, t->name)) {
        const char *dot = at - (at > sql && at[-1] == '"' ? 2 : 1);
        char schema[256];

        if (dot > sql && *dot == '.' && schema_before(sql, dot, schema) &&
            !pl_ieq(schema, database) && !pl_ieq(schema, "awsdatacatalog") &&
            add_view(t, schema, out, err) != 0)
            return -1;
    }
    return 0;
}

static int add_entry(duckdb_connection con, const char *lake, const char *name,
                     const char *database, const char *sql, struct pl_buf *out,
                     uint64_t *bytes, struct pl_err *err)
{
    PL_AUTO(table) t = {.format = NONE};
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    struct stat st;

    if (name[0] == '.' || name[0] == '_' ||
        pl_buf_addf(&path, err, "%s/%s", lake, name) != 0 ||
        stat(path.data, &st) != 0)
        return err->code != PL_OK ? -1 : 0;
    (void)snprintf(t.name, sizeof(t.name), "%.255s", name);
    if (!S_ISDIR(st.st_mode))
        t.name[strcspn(t.name, ".")] = '\0';
    if (find_name(sql, t.name) == NULL)
        return 0;
    if ((S_ISDIR(st.st_mode) ? add_folder(&t, path.data, err)
                             : add_file(&t, lake, name, err)) != 0)
        return -1;
    *bytes += t.bytes;
    if (t.format == CSV) {
        if (!json_is_object(t.types)) {
            json_decref(t.types);
            t.types = json_object();
        }
        if (local_csv_texts(con, t.files.data, t.types, err) != 0)
            return -1;
    }
    return add_views(&t, database, sql, out, err);
}

int local_lake_views(duckdb_connection con, const char *lake,
                     const char *database, const char *sql, struct pl_buf *out,
                     uint64_t *bytes, struct pl_err *err)
{
    const struct dirent *entry;
    DIR *dir;
    int rc = 0;

    *bytes = 0;
    if (pl_buf_adds(out, "CREATE SCHEMA IF NOT EXISTS ", err) != 0 ||
        local_sql_quote(out, database, '"', err) != 0 ||
        pl_buf_adds(out, "; ", err) != 0)
        return -1;
    if (lake == NULL)
        return 0;
    dir = opendir(lake);
    if (dir == NULL)
        return pl_fail_errno(err, PL_CONFIG_INVALID, "the lake '%s'", lake);
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        rc =
            add_entry(con, lake, entry->d_name, database, sql, out, bytes, err);
    (void)closedir(dir);
    return rc;
}
