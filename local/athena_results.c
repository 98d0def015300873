#include "local/athena_call.h"

#include <fcntl.h>
#include <unistd.h>

#include "pipeline/base/text.h"

#define PAGE_MAX 1000

/* A result page: rows of the CSV object from one byte on. */
struct page {
    FILE *file;
    uint64_t at;
    bool is_text; /* no CSV: one text a line */
    bool is_end;
};

/* Reads one record: an array of data, or NULL at the end. */
static json_t *read_record(struct page *p, struct pl_buf *cell)
{
    json_t *data = json_array();
    struct pl_err err = {0};
    bool is_quoted = false;
    bool is_inside = false;
    int ch;

    pl_buf_reset(cell);
    for (;;) {
        ch = getc(p->file);
        if (ch == EOF) {
            p->is_end = true;
            json_decref(data);
            return NULL;
        }
        p->at++;
        if (is_inside ? ch != '"' : (ch != '"' && ch != ',' && ch != '\n')) {
            if (pl_buf_addc(cell, (char)ch, &err) != 0)
                break;
        } else if (ch == '"') {
            is_inside = !is_inside;
            if (is_inside && is_quoted && /* it was a doubled one */
                pl_buf_addc(cell, '"', &err) != 0)
                break;
            is_quoted = true;
        } else {
            (void)json_array_append_new(
                data, is_quoted
                          ? json_pack("{s:o}", "VarCharValue",
                                      json_stringn(pl_buf_str(cell), cell->len))
                          : json_object());
            pl_buf_reset(cell);
            is_quoted = false;
            if (ch == '\n')
                break;
        }
    }
    return json_pack("{s:o}", "Data", data);
}

/* Of a text, a line is a record with one datum. */
static json_t *read_line(struct page *p, struct pl_buf *line)
{
    struct pl_err err = {0};
    int ch;

    pl_buf_reset(line);
    while ((ch = getc(p->file)) != EOF && ch != '\n')
        if (pl_buf_addc(line, (char)ch, &err) != 0)
            break;
    p->is_end = ch == EOF;
    p->at += line->len + 1;
    return p->is_end ? NULL
                     : json_pack("{s:[{s:o}]}", "Data", "VarCharValue",
                                 json_stringn(pl_buf_str(line), line->len));
}

static json_t *read_rows(struct page *p, uint64_t max)
{
    PL_AUTO(pl_buf) cell = PL_BUF_INIT;
    json_t *rows = json_array();

    while (json_array_size(rows) < max) {
        json_t *row = p->is_text ? read_line(p, &cell) : read_record(p, &cell);

        if (row == NULL)
            break;
        (void)json_array_append_new(rows, row);
    }
    if (!p->is_end) {
        const int ch = getc(p->file);

        p->is_end = ch == EOF;
    }
    return rows;
}

static json_t *column_info(const json_t *columns)
{
    json_t *info = json_array();

    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *c = json_array_get(columns, i);
        const char *type = local_athena_text(c, "Type", NULL);

        (void)json_array_append_new(
            info,
            json_pack("{s:s,s:s,s:s,s:O,s:O,s:s,s:O,s:O,s:s,s:b}",
                      "CatalogName", "hive", "SchemaName", "", "TableName", "",
                      "Name", json_object_get(c, "Name"), "Label",
                      json_object_get(c, "Name"), "Type", type, "Precision",
                      json_object_get(c, "Precision"), "Scale",
                      json_object_get(c, "Scale"), "Nullable", "UNKNOWN",
                      "CaseSensitive", (int)(strcmp(type, "varchar") == 0)));
    }
    return info;
}

static json_t *answer_of(json_t *take_rows, const json_t *columns,
                         uint64_t updated)
{
    return json_pack("{s:I,s:{s:o,s:{s:o}}}", "UpdateCount",
                     (json_int_t)updated, "ResultSet", "Rows", take_rows,
                     "ResultSetMetadata", "ColumnInfo", column_info(columns));
}

static void add_token(json_t *out, uint64_t at)
{
    (void)json_object_set_new(out, "NextToken",
                              json_sprintf("%llu", (unsigned long long)at));
}

/* What a page is made of: taken under the lock, used without it. */
struct result {
    int fd; /* or -1: no rows */
    json_t *columns;
    json_t *manifest; /* or NULL */
    bool is_text;
    uint64_t updated;
};

static void result_release(struct result *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    json_decref(r->columns);
    json_decref(r->manifest);
}

static int answer_page(const struct local_athena_call *c,
                       const struct result *r, FILE *file, uint64_t from,
                       uint64_t max, struct pl_err *err)
{
    struct page p = {.file = file, .at = from, .is_text = r->is_text};
    json_t *out;

    if (fseeko(file, (off_t)from, SEEK_SET) != 0)
        return local_athena_invalid(c, "NextToken is invalid");
    out = answer_of(read_rows(&p, max), r->columns, 0);
    if (!p.is_end)
        add_token(out, p.at);
    return local_answer_json(c->resp, 200, out, err);
}

/* One row for each object of an UNLOAD. */
static int answer_manifest(const struct local_athena_call *c,
                           const json_t *manifest, uint64_t from, uint64_t max,
                           struct pl_err *err)
{
    json_t *rows = json_array();
    json_t *out;
    uint64_t at = from;

    for (; at < json_array_size(manifest) && at - from < max; at++)
        (void)json_array_append_new(
            rows, json_pack("{s:[{s:O}]}", "Data", "VarCharValue",
                            json_array_get(manifest, (size_t)at)));
    out = answer_of(rows, NULL, 0);
    if (at < json_array_size(manifest))
        add_token(out, at);
    return local_answer_json(c->resp, 200, out, err);
}

static const char *unfinished(const struct local_athena_query *q)
{
    if (strcmp(q->state, "QUEUED") == 0)
        return "Query has not yet finished. Current state: QUEUED";
    if (strcmp(q->state, "RUNNING") == 0)
        return "Query has not yet finished. Current state: RUNNING";
    return strcmp(q->state, "FAILED") == 0
               ? "Query did not finish successfully. Final query state: FAILED"
               : "Query did not finish successfully. Final query state: "
                 "CANCELLED";
}

/* Needs the lock. NULL, or why there is no result. */
static const char *take_result(const struct local_athena_call *c,
                               struct result *r)
{
    const struct local_athena_query *q = local_athena_find(c);
    const char *kind = local_athena_text(c->in, "QueryResultType", NULL);
    const bool wants_manifest =
        kind != NULL && strcmp(kind, "DATA_MANIFEST") == 0;
    json_t *meta = NULL;
    const char *code = NULL;

    if (q == NULL)
        return "QueryExecution was not found";
    if (strcmp(q->state, "SUCCEEDED") != 0)
        return unfinished(q);
    if (wants_manifest && q->manifest == NULL)
        return "DATA_MANIFEST is only there for CTAS, INSERT and UNLOAD";
    r->columns = json_deep_copy(q->columns);
    r->updated = q->update_rows;
    r->is_text = q->statement.kind == LOCAL_STATEMENT_VALIDATE;
    if (wants_manifest)
        r->manifest = json_deep_copy(q->manifest);
    if (q->manifest != NULL)
        return NULL;
    if (q->is_managed)
        r->fd = open(q->file, O_RDONLY | O_CLOEXEC);
    else
        code = local_s3_get(&c->local->s3, q->bucket, q->key, &r->fd, &meta);
    json_decref(meta);
    return code != NULL || r->fd < 0 ? "Could not find results" : NULL;
}

static int answer_rows(const struct local_athena_call *c, struct result *r,
                       uint64_t from, uint64_t max, struct pl_err *err)
{
    FILE *file = fdopen(r->fd, "rb");
    int rc;

    if (file == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
    r->fd = -1;
    rc = answer_page(c, r, file, from, max, err);
    (void)fclose(file);
    return rc;
}

int local_athena_results(const struct local_athena_call *c, struct pl_err *err)
{
    const char *token = local_athena_text(c->in, "NextToken", NULL);
    const json_t *max_field = json_object_get(c->in, "MaxResults");
    const uint64_t max =
        max_field != NULL ? (uint64_t)json_integer_value(max_field) : PAGE_MAX;
    PL_AUTO(result) r = {.fd = -1};
    const char *why;
    uint64_t from = 0;

    if (token != NULL && pl_parse_u64(token, &from) != 0)
        return local_athena_invalid(c, "NextToken is invalid");
    (void)pthread_mutex_lock(&c->a->lock);
    why = take_result(c, &r);
    (void)pthread_mutex_unlock(&c->a->lock);
    if (why != NULL)
        return local_athena_invalid(c, why);
    if (r.manifest != NULL)
        return answer_manifest(c, r.manifest, from, max, err);
    if (r.fd < 0) /* an UNLOAD: what it wrote is no result */
        return local_answer_json(
            c->resp, 200, answer_of(json_array(), r.columns, r.updated), err);
    return answer_rows(c, &r, from, max, err);
}
