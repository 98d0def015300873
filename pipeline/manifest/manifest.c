#include "pipeline/manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

/* Known fields and the one type each may have; null is always allowed. The
 * rest of the document belongs to the user. */
static const struct {
    const char *path;
    json_type type;
} known[] = {
    {"run", JSON_OBJECT},
    {"run.id", JSON_STRING},
    {"run.name", JSON_STRING},
    {"run.stages", JSON_ARRAY},
    {"run.timeout_s", JSON_INTEGER},
    {"run.stage_timeout_s", JSON_OBJECT},
    {"run.local", JSON_TRUE},
    {"run.work_uri", JSON_STRING},
    {"status", JSON_STRING},
    {"query", JSON_OBJECT},
    {"query.sql", JSON_STRING},
    {"query.catalog", JSON_STRING},
    {"query.database", JSON_STRING},
    {"query.workgroup", JSON_STRING},
    {"query.output_uri", JSON_STRING},
    {"query.timeout_s", JSON_INTEGER},
    {"query.max_scanned_bytes", JSON_INTEGER},
    {"query.parameters", JSON_ARRAY},
    {"query.mode", JSON_STRING},
    {"query.explain", JSON_TRUE},
    {"query.encryption", JSON_STRING},
    {"query.kms_key", JSON_STRING},
    {"query.bucket_owner", JSON_STRING},
    {"query.reuse_minutes", JSON_INTEGER},
    {"query.price_per_tb", JSON_REAL},
    {"query.min_billed_bytes", JSON_INTEGER},
    {"query.result", JSON_OBJECT},
    {"data", JSON_ARRAY},
    {"validate", JSON_OBJECT},
    {"validate.target", JSON_STRING},
    {"validate.rules", JSON_OBJECT},
    {"validate.limits", JSON_OBJECT},
    {"validate.limits.max_reject_percent", JSON_REAL},
    {"validate.limits.max_rejects", JSON_INTEGER},
    {"validate.limits.min_rows", JSON_INTEGER},
    {"validate.limits.max_rows", JSON_INTEGER},
    {"validate.limits.max_change_percent", JSON_REAL},
    {"validate.limits.max_gone_percent", JSON_REAL},
    {"validate.limits.min_rows_percent_of_last", JSON_REAL},
    {"import", JSON_OBJECT},
    {"import.mode", JSON_STRING},
    {"import.gone", JSON_OBJECT},
    {"import.gone.attribute", JSON_STRING},
    {"import.gone.value", JSON_STRING},
    {"import.destination", JSON_STRING},
    {"import.application_id", JSON_STRING},
    {"import.role_arn", JSON_STRING},
    {"import.define_segment", JSON_TRUE},
    {"import.register_endpoints", JSON_TRUE},
    {"import.segment_name", JSON_STRING},
    {"import.segment_id", JSON_STRING},
    {"import.segment_per_part", JSON_TRUE},
    {"import.max_jobs", JSON_INTEGER},
    {"import.max_job_bytes", JSON_INTEGER},
    {"import.retired_check", JSON_STRING},
    {"import.region", JSON_STRING},
    {"import.max_failed_percent", JSON_REAL},
    {"import.timeout_s", JSON_INTEGER},
    {"import.domain", JSON_STRING},
    {"import.method", JSON_STRING},
    {"import.object_type", JSON_STRING},
    {"import.objects_per_second", JSON_INTEGER},
    {"import.expiry_days", JSON_INTEGER},
    {"import.unique_key", JSON_STRING},
    {"import.upload_key", JSON_STRING},
    {"import.sample_keys", JSON_INTEGER},
    {"import.max_unknown_keys_percent", JSON_REAL},
    {"import.segment", JSON_OBJECT},
    {"import.segment.name", JSON_STRING},
    {"import.segment.tag", JSON_STRING},
    {"import.segment.value", JSON_STRING},
    {"import.segment.previous", JSON_STRING},
    {"report", JSON_OBJECT},
    {"report.uri", JSON_STRING},
    {"notify", JSON_OBJECT},
    {"notify.topic_arn", JSON_STRING},
    {"error", JSON_OBJECT},
    {"error.stage", JSON_STRING},
    {"error.name", JSON_STRING},
    {"error.message", JSON_STRING},
    {"error.exit", JSON_INTEGER},
    {"stages", JSON_ARRAY},
};

static const char *type_name(json_type type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",    [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a string",     [JSON_INTEGER] = "a whole number",
        [JSON_REAL] = "a number",       [JSON_TRUE] = "true or false",
        [JSON_FALSE] = "true or false", [JSON_NULL] = "null"};

    return names[type];
}

static bool has_type(const json_t *value, json_type type)
{
    if (type == JSON_REAL)
        return json_is_number(value);
    if (type == JSON_TRUE)
        return json_is_boolean(value);
    return json_typeof(value) == type;
}

void pl_manifest_release(struct pl_manifest *m)
{
    json_decref(m->root);
    m->root = NULL;
}

/* The member of object named by the next part of *path; moves past it. */
static json_t *step(json_t *object, const char **path)
{
    const char *dot = strchr(*path, '.');
    const size_t len = dot != NULL ? (size_t)(dot - *path) : strlen(*path);
    json_t *member = json_object_getn(object, *path, len);

    *path = dot != NULL ? dot + 1 : *path + len;
    return member;
}

json_t *pl_manifest_get(const struct pl_manifest *m, const char *path)
{
    json_t *at = m->root;

    while (at != NULL && *path != '\0')
        at = step(at, &path);
    return json_is_null(at) ? NULL : at;
}

const char *pl_manifest_str(const struct pl_manifest *m, const char *path)
{
    return json_string_value(pl_manifest_get(m, path));
}

int64_t pl_manifest_int(const struct pl_manifest *m, const char *path,
                        int64_t fallback)
{
    const json_t *v = pl_manifest_get(m, path);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}

double pl_manifest_real(const struct pl_manifest *m, const char *path,
                        double fallback)
{
    const json_t *v = pl_manifest_get(m, path);

    return json_is_number(v) ? json_number_value(v) : fallback;
}

bool pl_manifest_bool(const struct pl_manifest *m, const char *path,
                      bool fallback)
{
    const json_t *v = pl_manifest_get(m, path);

    return json_is_boolean(v) ? json_is_true(v) : fallback;
}

int pl_manifest_set_new(struct pl_manifest *m, const char *path, json_t *value,
                        struct pl_err *err)
{
    json_t *at = m->root;

    for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        const size_t len = (size_t)(dot - path);
        json_t *next = json_object_getn(at, path, len);

        if (!json_is_object(next)) {
            next = json_object();
            if (json_object_setn_new(at, path, len, next) != 0) {
                json_decref(value);
                return pl_fail_memory(err);
            }
        }
        at = next;
    }
    if (json_object_set_new(at, path, value) != 0)
        return pl_fail_memory(err);
    return 0;
}

int pl_manifest_set_str(struct pl_manifest *m, const char *path,
                        const char *value, struct pl_err *err)
{
    json_t *text = json_string(value);

    if (text == NULL) /* not UTF-8: a service's words, kept as far as so */
        text = json_stringn(value, pl_utf8_valid_len(value, strlen(value)));
    return pl_manifest_set_new(m, path, text, err);
}

int pl_manifest_set_int(struct pl_manifest *m, const char *path, int64_t value,
                        struct pl_err *err)
{
    return pl_manifest_set_new(m, path, json_integer(value), err);
}

static int check_types(const struct pl_manifest *m, struct pl_err *err)
{
    for (size_t i = 0; i < PL_COUNT(known); i++) {
        const json_t *v = pl_manifest_get(m, known[i].path);

        if (v != NULL && !has_type(v, known[i].type))
            return pl_fail(err, PL_MANIFEST_INVALID, "'%s' must be %s",
                           known[i].path, type_name(known[i].type));
    }
    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
    }
    return 0;
}

int pl_manifest_init(struct pl_manifest *m, struct pl_err *err)
{
    m->root = json_pack("{s:i}", "lakeseg", 1);
    return m->root != NULL ? 0 : pl_fail_memory(err);
}

static int from_historical(struct pl_manifest *m, struct pl_err *err)
{
    json_t *sql = json_object_get(m->root, "Query");

    if (!json_is_string(sql))
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "'Query' must be a string of SQL");
    json_incref(sql);
    (void)json_object_del(m->root, "Query");
    if (json_object_set_new(m->root, "lakeseg", json_integer(1)) != 0) {
        json_decref(sql);
        return pl_fail_memory(err);
    }
    return pl_manifest_set_new(m, "query.sql", sql, err);
}

int pl_manifest_parse(struct pl_manifest *m, const char *text, size_t len,
                      struct pl_err *err)
{
    json_error_t where;
    const json_t *version;

    if (len == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "no manifest: the program before sent nothing");
    m->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (m->root == NULL)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "no complete manifest: line %d, column %d: %s",
                       where.line, where.column, where.text);
    if (!json_is_object(m->root))
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "a manifest must be a JSON object");
    version = json_object_get(m->root, "lakeseg");
    if (version == NULL && json_object_get(m->root, "Query") != NULL) {
        if (from_historical(m, err) != 0)
            return -1;
    } else if (json_integer_value(version) != 1) {
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "not a manifest of format 1: 'lakeseg' must be 1");
    }
    return check_types(m, err);
}

int pl_manifest_print(const struct pl_manifest *m, struct pl_buf *out,
                      struct pl_err *err)
{
    char *text = json_dumps(m->root, JSON_COMPACT);
    int rc;

    if (text == NULL)
        return pl_fail_memory(err);
    rc = pl_buf_adds(out, text, err) == 0 && pl_buf_addc(out, '\n', err) == 0
             ? 0
             : -1;
    free(text);
    return rc;
}

size_t pl_manifest_data_count(const struct pl_manifest *m)
{
    return json_array_size(pl_manifest_get(m, "data"));
}

static const char *optional_str(const json_t *entry, const char *key,
                                const char *fallback)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text != NULL ? text : fallback;
}

static int64_t optional_int(const json_t *entry, const char *key)
{
    const json_t *v = json_object_get(entry, key);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : -1;
}

int pl_manifest_data_get(const struct pl_manifest *m, size_t i,
                         struct pl_data *data, struct pl_err *err)
{
    const json_t *entry = json_array_get(pl_manifest_get(m, "data"), i);

    *data = (struct pl_data){
        .uri = optional_str(entry, "uri", NULL),
        .role = optional_str(entry, "role", NULL),
        .format = optional_str(entry, "format", "csv"),
        .compression = optional_str(entry, "compression", "none"),
        .bytes = optional_int(entry, "bytes"),
        .rows = optional_int(entry, "rows"),
        .crc64nvme = optional_str(entry, "crc64nvme", NULL),
        .etag = optional_str(entry, "etag", NULL),
        .sha256 = optional_str(entry, "sha256", NULL)};
    if (data->uri == NULL || *data->uri == '\0' || data->role == NULL)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "data[%zu] must have a 'uri' and a 'role'", i);
    return 0;
}

static json_t *int_or_null(int64_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

static json_t *str_or_null(const char *value)
{
    return value != NULL ? json_string(value) : json_null();
}

static int write_entry(json_t *entry, const struct pl_data *data,
                       struct pl_err *err)
{
    if (json_object_set_new(entry, "uri", json_string(data->uri)) != 0 ||
        json_object_set_new(entry, "role", json_string(data->role)) != 0 ||
        json_object_set_new(entry, "format", json_string(data->format)) != 0 ||
        json_object_set_new(entry, "compression",
                            json_string(data->compression)) != 0 ||
        json_object_set_new(entry, "bytes", int_or_null(data->bytes)) != 0 ||
        json_object_set_new(entry, "rows", int_or_null(data->rows)) != 0 ||
        json_object_set_new(entry, "crc64nvme", str_or_null(data->crc64nvme)) !=
            0 ||
        json_object_set_new(entry, "etag", str_or_null(data->etag)) != 0 ||
        (data->sha256 != NULL &&
         json_object_set_new(entry, "sha256", json_string(data->sha256)) != 0))
        return pl_fail_memory(err);
    return 0;
}

int pl_manifest_data_add(struct pl_manifest *m, const struct pl_data *data,
                         struct pl_err *err)
{
    json_t *list = pl_manifest_get(m, "data");
    json_t *entry = json_object();

    if (list == NULL) {
        list = json_array();
        if (pl_manifest_set_new(m, "data", list, err) != 0) {
            json_decref(entry);
            return -1;
        }
    }
    if (json_array_append_new(list, entry) != 0)
        return pl_fail_memory(err);
    return write_entry(entry, data, err);
}

int pl_manifest_data_set(struct pl_manifest *m, size_t i,
                         const struct pl_data *data, struct pl_err *err)
{
    json_t *entry = json_array_get(pl_manifest_get(m, "data"), i);

    /* data may borrow from the entry itself: build first, then merge */
    json_t *fresh = json_object();
    int rc = -1;

    if (fresh == NULL)
        return pl_fail_memory(err);
    if (write_entry(fresh, data, err) == 0) {
        rc = json_object_update(entry, fresh);
        if (rc != 0)
            (void)pl_fail_memory(err);
    }
    json_decref(fresh);
    return rc;
}

void pl_manifest_data_drop(struct pl_manifest *m, const char *role)
{
    json_t *list = pl_manifest_get(m, "data");

    for (size_t i = json_array_size(list); i > 0; i--) {
        const char *has = json_string_value(
            json_object_get(json_array_get(list, i - 1), "role"));

        if (has != NULL && strcmp(has, role) == 0)
            (void)json_array_remove(list, i - 1);
    }
}

int pl_manifest_begin(struct pl_manifest *m, int64_t now_ms, struct pl_err *err)
{
    unsigned char random[10];
    char id[27];
    char now[PL_TIME_LEN];

    if (pl_manifest_str(m, "run.id") == NULL) {
        if (pl_random(random, sizeof(random), err) != 0)
            return -1;
        pl_ulid(now_ms, random, id);
        if (pl_manifest_set_str(m, "run.id", id, err) != 0)
            return -1;
    }
    if (pl_manifest_str(m, "run.started_at") == NULL) {
        pl_time_iso(now_ms, now);
        if (pl_manifest_set_str(m, "run.started_at", now, err) != 0)
            return -1;
    }
    if (pl_manifest_str(m, "status") == NULL)
        return pl_manifest_set_str(m, "status", "pending", err);
    return 0;
}

/* Appends text and a slash if it has none at its end. */
static int add_folder(struct pl_buf *out, const char *text, struct pl_err *err)
{
    if (pl_buf_adds(out, text, err) != 0)
        return -1;
    return pl_ends_with(text, "/") ? 0 : pl_buf_addc(out, '/', err);
}

int pl_manifest_work_uri(const struct pl_manifest *m, struct pl_buf *out,
                         struct pl_err *err)
{
    const char *work = pl_manifest_str(m, "run.work_uri");
    const char *output = pl_manifest_str(m, "query.output_uri");
    const char *id = pl_manifest_str(m, "run.id");
    struct pl_data data = {0};
    struct pl_err ignored = {0};

    if (work != NULL)
        return add_folder(out, work, err);
    if (output != NULL)
        return add_folder(out, output, err) == 0
                   ? pl_buf_addf(out, err, "lakeseg/%s/", id)
                   : -1;
    if (pl_manifest_data_count(m) > 0 &&
        pl_manifest_data_get(m, 0, &data, &ignored) == 0 && data.uri != NULL &&
        pl_starts_with(data.uri, "s3://")) {
        const char *slash = strrchr(data.uri, '/');

        return pl_buf_addf(out, err, "%.*s/lakeseg/%s/",
                           (int)(slash - data.uri), data.uri, id);
    }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "no place in S3 for this run: set 'run.work_uri' or "
                   "'query.output_uri'");
}

int pl_manifest_work_dir(const struct pl_manifest *m, struct pl_buf *out,
                         struct pl_err *err)
{
    const char *work = getenv("LAKESEG_WORK");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int rc;

    if (work != NULL && *work != '\0')
        rc = add_folder(out, work, err);
    else if (cache != NULL && *cache == '/')
        rc = pl_buf_addf(out, err, "%s/lakeseg/", cache);
    else if (home != NULL && *home != '\0')
        rc = pl_buf_addf(out, err, "%s/.cache/lakeseg/", home);
    else
        rc = pl_fail(err, PL_CONFIG_INVALID,
                     "no place for local files: set LAKESEG_WORK");
    if (rc != 0)
        return -1;
    return pl_buf_addf(out, err, "%s/", pl_manifest_str(m, "run.id"));
}

bool pl_manifest_is_failed(const struct pl_manifest *m)
{
    const char *status = pl_manifest_str(m, "status");

    return status != NULL && strcmp(status, "failed") == 0;
}

int pl_manifest_set_error(struct pl_manifest *m, const char *stage,
                          const struct pl_err *cause, struct pl_err *err)
{
    const struct pl_code_info *info = pl_code_info(cause->code);

    if (pl_manifest_set_str(m, "status", "failed", err) != 0 ||
        pl_manifest_set_new(m, "error", json_object(), err) != 0 ||
        pl_manifest_set_str(m, "error.stage", stage, err) != 0 ||
        pl_manifest_set_str(m, "error.name", info->name, err) != 0 ||
        pl_manifest_set_str(m, "error.message", cause->msg, err) != 0 ||
        pl_manifest_set_new(m, "error.retryable",
                            json_boolean(info->is_retryable), err) != 0)
        return -1;
    return pl_manifest_set_int(m, "error.exit", info->exit, err);
}

int pl_manifest_add_stage(struct pl_manifest *m, const char *stage,
                          int64_t started_ms, int64_t ended_ms,
                          const char *status, struct pl_err *err)
{
    char started[PL_TIME_LEN];
    char ended[PL_TIME_LEN];
    json_t *list = pl_manifest_get(m, "stages");
    json_t *line;

    pl_time_iso(started_ms, started);
    pl_time_iso(ended_ms, ended);
    if (list == NULL) {
        list = json_array();
        if (pl_manifest_set_new(m, "stages", list, err) != 0)
            return -1;
    }
    line = json_pack("{s:s, s:s, s:s, s:s, s:s}", "stage", stage, "version",
                     LAKESEG_VERSION, "started_at", started, "ended_at", ended,
                     "status", status);
    if (line == NULL || json_array_append_new(list, line) != 0)
        return pl_fail_memory(err);
    return 0;
}

/* Of an import that crashed, was lost, or was begun and left no word nobody
 * knows how far it came. */
static bool may_have_imported(const struct pl_manifest *m, const char *stage,
                              const char *name)
{
    const bool is_import = strcmp(stage, "pinpoint-import") == 0 ||
                           strcmp(stage, "profiles-import") == 0;

    return json_array_size(pl_manifest_get(m, "import.result.jobs")) > 0 ||
           (is_import && (strcmp(name, "InternalError") == 0 ||
                          strcmp(name, "TaskLost") == 0 ||
                          pl_manifest_bool(m, "error.begun", false)));
}

const char *pl_manifest_subject(const struct pl_manifest *m)
{
    const char *status = pl_manifest_str(m, "status");
    const char *name = pl_manifest_str(m, "error.name");
    const char *stage = pl_manifest_str(m, "error.stage");
    if (status != NULL && strcmp(status, "succeeded") == 0)
        return "successful";
    if (!pl_manifest_is_failed(m) || name == NULL || stage == NULL)
        return "incomplete";
    if (strcmp(name, "QueryInvalid") == 0)
        return "query invalid";
    if (pl_starts_with(name, "Query") || strcmp(stage, "athena-exec") == 0 ||
        strcmp(stage, "query-validate") == 0)
        return "query failed";
    if (may_have_imported(m, stage, name))
        return "import failed: partly imported";
    return "import failed: nothing imported";
}
