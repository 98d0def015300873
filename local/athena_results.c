#include "local/athena_call.h"

#include <unistd.h>

#include "pipeline/base/text.h"

#define PAGE_MAX 1000

/* A result page: rows of the CSV object from one byte on. */
struct page {
    FILE *file;
    uint64_t at;
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

static json_t *read_rows(struct page *p, uint64_t max)
{
    PL_AUTO(pl_buf) cell = PL_BUF_INIT;
    json_t *rows = json_array();

    while (json_array_size(rows) < max) {
        json_t *row = read_record(p, &cell);

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
    size_t i;
    json_t *c;
    json_t *list;

    memcpy(&list, &columns, sizeof(list));
    json_array_foreach(list, i, c)(void) json_array_append_new(
        info, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:b}",
                        "CatalogName", "hive", "SchemaName", "", "TableName",
                        "", "Name", local_athena_text(c, "Name", NULL), "Label",
                        local_athena_text(c, "Name", NULL), "Type",
                        local_athena_text(c, "Type", NULL), "Precision", 0,
                        "Scale", 0, "Nullable", "UNKNOWN", "CaseSensitive", 1));
    return info;
}

static int answer_page(const struct local_athena_call *c, FILE *file,
                       uint64_t from, uint64_t max, const json_t *columns,
                       struct pl_err *err)
{
    struct page p = {.file = file, .at = from};
    json_t *rows;
    json_t *out;
    char token[24];

    if (fseeko(file, (off_t)from, SEEK_SET) != 0)
        return local_athena_invalid(c, "NextToken is invalid");
    rows = read_rows(&p, max);
    out = json_pack("{s:i,s:{s:o,s:{s:o}}}", "UpdateCount", 0, "ResultSet",
                    "Rows", rows, "ResultSetMetadata", "ColumnInfo",
                    column_info(columns));
    if (!p.is_end) {
        (void)snprintf(token, sizeof(token), "%llu", (unsigned long long)p.at);
        (void)json_object_set_new(out, "NextToken", json_string(token));
    }
    return local_answer_json(c->resp, 200, out, err);
}

int local_athena_results(const struct local_athena_call *c, struct pl_err *err)
{
    const char *token = local_athena_text(c->in, "NextToken", NULL);
    const json_t *max_field = json_object_get(c->in, "MaxResults");
    const json_int_t max =
        max_field != NULL ? json_integer_value(max_field) : PAGE_MAX;
    const struct local_athena_query *q;
    const char *code = NULL;
    json_t *meta = NULL;
    json_t *columns = NULL;
    uint64_t from = 0;
    FILE *file = NULL;
    int fd = -1;
    int rc;

    if (max < 1 || max > PAGE_MAX ||
        (token != NULL && pl_parse_u64(token, &from) != 0))
        return local_athena_invalid(c, "MaxResults or NextToken is invalid");
    (void)pthread_mutex_lock(&c->a->lock);
    q = local_athena_find(c);
    if (q == NULL)
        code = "QueryExecution was not found";
    else if (strcmp(q->state, "SUCCEEDED") != 0)
        code =
            strcmp(q->state, "QUEUED") == 0 || strcmp(q->state, "RUNNING") == 0
                ? "Query has not yet finished. Current state: RUNNING"
                : "Query did not finish successfully.";
    else if (local_s3_get(&c->local->s3, q->bucket, q->key, &fd, &meta) != NULL)
        code = "Could not find results";
    else
        columns = json_deep_copy(q->columns);
    (void)pthread_mutex_unlock(&c->a->lock);
    json_decref(meta);
    if (code != NULL)
        return local_athena_invalid(c, code);
    file = fdopen(fd, "rb");
    rc = file != NULL ? answer_page(c, file, from, (uint64_t)max, columns, err)
                      : pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
    json_decref(columns);
    if (file != NULL)
        (void)fclose(file);
    else
        (void)close(fd);
    return rc;
}
