/* What a query makes: a result, a manifest, data of an UNLOAD. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local/athena_query.h"
#include "local/athena_unload.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

void local_athena_product_release(struct local_athena_product *p)
{
    local_s3_file_release(&p->file);
    if (p->fd >= 0)
        (void)close(p->fd);
    local_unload_free(p->unload);
    json_decref(p->columns);
    *p = (struct local_athena_product){.file = {.fd = -1}, .fd = -1};
}

/* Opens where the result goes until it is kept. */
static int open_result(struct local *local, struct local_athena_query *q,
                       struct local_athena_product *p, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;

    if (!q->is_managed)
        return local_s3_file_open(&p->file, &local->s3, err);
    if (pl_buf_addf(&path, err, "%s/tmp/managed-%s", local->state, q->id) != 0)
        return -1;
    p->fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (p->fd < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make '%s'", path.data);
    q->file = pl_buf_take(&path);
    return q->file != NULL ? 0 : pl_fail_memory(err);
}

static int write_result(struct local_athena_product *p, const void *data,
                        size_t len, struct pl_err *err)
{
    const struct pl_sink sink = pl_fd_sink(&p->fd);

    return p->fd >= 0 ? pl_sink_write(&sink, data, len, err)
                      : local_s3_file_write(&p->file, data, len, err);
}

static int take_csv(void *ctx, const char *folder, const char *text, size_t len,
                    struct pl_err *err)
{
    (void)folder;
    return write_result(ctx, text, len, err);
}

static int end_result(struct local_athena_product *p, struct pl_err *err)
{
    return p->fd >= 0 ? 0 : local_s3_file_end(&p->file, err);
}

static int select_rows(struct local *local, struct local_athena_query *q,
                       struct local_engine *engine,
                       struct local_athena_product *p, struct pl_err *err)
{
    const struct local_rows_out out = {
        .form = LOCAL_ROWS_CSV, .ctx = p, .take = take_csv};

    if (open_result(local, q, p, err) != 0 ||
        local_engine_run(engine, pl_buf_str(&q->statement.query), &out,
                         &p->columns, err) != 0)
        return -1;
    return end_result(p, err);
}

/* One row that says true; no row tells of a fault, the failure does. */
static int validate(struct local *local, struct local_athena_query *q,
                    struct local_engine *engine, struct local_athena_product *p,
                    struct pl_err *err)
{
    if (local_engine_validate(engine, pl_buf_str(&q->statement.query), err) !=
            0 ||
        open_result(local, q, p, err) != 0 ||
        write_result(p, "true\n", strlen("true\n"), err) != 0)
        return -1;
    p->columns = json_pack("[{s:s,s:s,s:i,s:i}]", "Name", "Valid", "Type",
                           "boolean", "Precision", 0, "Scale", 0);
    return end_result(p, err);
}

static int unload_parquet(struct local *local, struct local_athena_query *q,
                          struct local_engine *engine,
                          struct local_athena_product *p, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    uint64_t rows = 0;
    int rc;

    if (q->statement.partitions != NULL)
        return pl_fail(err, PL_QUERY_FAILED,
                       "NOT_SUPPORTED: partitions go with JSON and TEXTFILE "
                       "here");
    /* the engine may write below this name, and nowhere else */
    if (pl_buf_addf(&path, err, "%s/tmp/%s/", local->state, q->id) != 0)
        return -1;
    if (mkdir(path.data, 0700) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot make '%s'", path.data);
    if (pl_buf_adds(&path, "data", err) != 0)
        return -1;
    rc = local_engine_parquet(engine, pl_buf_str(&q->statement.query),
                              path.data, &p->columns, &rows, err);
    if (rc == 0)
        rc = local_unload_file(p->unload, path.data, rows, err);
    (void)unlink(path.data);
    path.data[path.len - strlen("/data")] = '\0';
    (void)rmdir(path.data);
    return rc;
}

static int unload(struct local *local, struct local_athena_query *q,
                  struct local_engine *engine, struct local_athena_product *p,
                  struct pl_err *err)
{
    const struct local_statement *s = &q->statement;
    const bool is_json = strcmp(s->format, "JSON") == 0;

    if (local_unload_open(&p->unload, local, q, err) != 0)
        return -1;
    if (strcmp(s->format, "PARQUET") == 0) {
        if (unload_parquet(local, q, engine, p, err) != 0)
            return -1;
    } else if (is_json || strcmp(s->format, "TEXTFILE") == 0) {
        const struct local_rows_out out = {.form = is_json ? LOCAL_ROWS_JSON
                                                           : LOCAL_ROWS_TEXT,
                                           .has_nulls = q->unload_nulls,
                                           .delimiter = s->delimiter,
                                           .partitions = s->partitions,
                                           .ctx = p->unload,
                                           .take = local_unload_take};

        if (local_engine_run(engine, pl_buf_str(&s->query), &out, &p->columns,
                             err) != 0)
            return -1;
    } else {
        return pl_fail(err, PL_QUERY_FAILED,
                       "NOT_SUPPORTED: UNLOAD writes JSON, TEXTFILE and "
                       "PARQUET here, no %s",
                       s->format);
    }
    return local_unload_end(p->unload, err);
}

int local_athena_produce(struct local *local, struct local_athena_query *q,
                         struct local_engine *engine,
                         struct local_athena_product *p, struct pl_err *err)
{
    switch (q->statement.kind) {
    case LOCAL_STATEMENT_UNLOAD:
        return unload(local, q, engine, p, err);
    case LOCAL_STATEMENT_VALIDATE:
        return validate(local, q, engine, p, err);
    case LOCAL_STATEMENT_SELECT:
    case LOCAL_STATEMENT_OTHER: /* refused by the engine */
    default:
        return select_rows(local, q, engine, p, err);
    }
}

/* As S3 keeps it of a PutObject. */
static json_t *encryption_headers(const struct local_athena_query *q)
{
    const json_t *encryption =
        json_object_get(q->output, "EncryptionConfiguration");
    const char *option =
        json_string_value(json_object_get(encryption, "EncryptionOption"));
    const char *key = json_string_value(json_object_get(encryption, "KmsKey"));

    if (option == NULL)
        return NULL;
    if (strcmp(option, "SSE_S3") == 0)
        return json_pack("{s:s}", "x-amz-server-side-encryption", "AES256");
    return json_pack("{s:s,s:s*}", "x-amz-server-side-encryption", "aws:kms",
                     "x-amz-server-side-encryption-aws-kms-key-id", key);
}

const char *local_athena_put(struct local *local,
                             const struct local_athena_query *q,
                             const char *bucket, const char *key,
                             struct local_s3_file *file)
{
    json_t *headers = encryption_headers(q);
    const struct local_s3_put put = {
        .bucket = bucket, .key = key, .headers = headers};
    const char *code = local_s3_commit(&local->s3, &put, file);

    json_decref(headers);
    return code;
}

const char *local_athena_put_text(struct local *local,
                                  const struct local_athena_query *q,
                                  const char *bucket, const char *key,
                                  const char *text)
{
    PL_AUTO(local_s3_file) file = {.fd = -1};
    struct pl_err err = {0};

    if (local_s3_file_open(&file, &local->s3, &err) == 0 &&
        local_s3_file_write(&file, text, strlen(text), &err) == 0 &&
        local_s3_file_end(&file, &err) == 0)
        return local_athena_put(local, q, bucket, key, &file);
    pl_warn("athena: %s: %s", key, err.msg);
    return "InternalError";
}

/* The companion of a result: "<id>.csv.metadata", of an UNLOAD
 * "<id>.metadata". */
static void keep_metadata(struct local *local,
                          const struct local_athena_query *q)
{
    PL_AUTO(pl_buf) key = PL_BUF_INIT;
    struct pl_err err = {0};
    char *text = json_dumps(q->columns, JSON_COMPACT);

    if (text != NULL && pl_buf_addf(&key, &err, "%s.metadata", q->key) == 0)
        (void)local_athena_put_text(local, q, q->bucket, key.data, text);
    free(text);
}

static const char *keep_manifest(struct local *local,
                                 const struct local_athena_query *q)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    for (size_t i = 0; i < json_array_size(q->manifest); i++)
        if (pl_buf_addf(&text, &err, "%s\n",
                        json_string_value(json_array_get(q->manifest, i))) != 0)
            return "InternalError";
    return local_athena_put_text(local, q, q->bucket, q->manifest_key,
                                 pl_buf_str(&text));
}

const char *local_athena_keep(struct local *local, struct local_athena_query *q,
                              struct local_athena_product *p)
{
    const char *code = NULL;

    q->columns = p->columns;
    p->columns = NULL;
    if (p->unload != NULL)
        code = local_unload_keep(p->unload, &q->manifest, &q->update_rows);
    if (code != NULL || q->is_managed)
        return code;
    if (p->unload != NULL)
        code = keep_manifest(local, q);
    else
        code = local_athena_put(local, q, q->bucket, q->key, &p->file);
    if (code == NULL)
        keep_metadata(local, q);
    return code;
}
