/*
 * Managed query results: they are in no bucket, and come as pages of rows.
 * Written down they are the very file that Athena writes elsewhere: a header,
 * every value in quotes, a NULL as nothing, LF.
 */
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/stream/writer.h"
#include "stages/athena_exec/job.h"

struct pages {
    struct pl_writer writer;
    struct pl_buf line;
    json_t *names;
    uint64_t rows; /* the header among them */
};

static void pages_release(struct pages *p)
{
    pl_writer_release(&p->writer);
    pl_buf_release(&p->line);
    json_decref(p->names);
    p->names = NULL;
}

static int add_value(struct pl_buf *line, const char *text, size_t len,
                     struct pl_err *err)
{
    size_t from = 0;

    if (pl_buf_addc(line, '"', err) != 0)
        return -1;
    while (from < len) {
        const char *quote = memchr(text + from, '"', len - from);
        const size_t to = quote != NULL ? (size_t)(quote - text) + 1 : len;

        if (pl_buf_add(line, text + from, to - from, err) != 0 ||
            (quote != NULL && pl_buf_addc(line, '"', err) != 0))
            return -1;
        from = to;
    }
    return pl_buf_addc(line, '"', err);
}

static int write_line(struct pages *p, struct pl_err *err)
{
    const struct pl_sink sink = pl_writer_sink(&p->writer);
    const int rc = pl_buf_addc(&p->line, '\n', err) == 0
                       ? pl_sink_write(&sink, p->line.data, p->line.len, err)
                       : -1;

    pl_buf_reset(&p->line);
    p->rows++;
    return rc;
}

static int add_name(void *ctx, const char *name, struct pl_err *err)
{
    struct pages *p = ctx;

    if (json_array_append_new(p->names, json_string(name)) != 0)
        return pl_fail_memory(err);
    if (p->line.len > 0 && pl_buf_addc(&p->line, ',', err) != 0)
        return -1;
    return add_value(&p->line, name, strlen(name), err);
}

/* The first row of a SELECT's result repeats the names. */
static bool is_header(const struct pages *p, const struct pl_slice *values)
{
    for (size_t i = 0; i < json_array_size(p->names); i++) {
        const json_t *name = json_array_get(p->names, i);

        if (values[i].data == NULL ||
            values[i].len != json_string_length(name) ||
            memcmp(values[i].data, json_string_value(name), values[i].len) != 0)
            return false;
    }
    return true;
}

static int add_row(void *ctx, const struct pl_slice *values, size_t count,
                   struct pl_err *err)
{
    struct pages *p = ctx;

    if (count != json_array_size(p->names))
        return pl_fail(err, PL_DATA_INVALID,
                       "row %llu of the result has %zu columns, the result %zu",
                       (unsigned long long)p->rows, count,
                       json_array_size(p->names));
    if (p->rows == 1 && is_header(p, values)) {
        p->rows = 2; /* once only */
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && pl_buf_addc(&p->line, ',', err) != 0)
            return -1;
        if (values[i].data != NULL &&
            add_value(&p->line, values[i].data, values[i].len, err) != 0)
            return -1;
    }
    pl_progress("rows of the result", p->rows, 0, "rows");
    return write_line(p, err);
}

static int write_all(struct athena_job *job, struct pages *p,
                     struct pl_err *err)
{
    int rc;

    p->names = json_array();
    if (p->names == NULL)
        return pl_fail_memory(err);
    if (pl_athena_columns(job->aws, job->x.id, add_name, p, err) != 0)
        return -1;
    if (json_array_size(p->names) == 0)
        return pl_fail(err, PL_SERVICE_REFUSED, "query %s has no columns",
                       job->x.id);
    if (write_line(p, err) != 0)
        return -1;
    rc = pl_athena_rows(job->aws, job->x.id, add_row, p, err);
    pl_progress_end();
    return rc == 0 ? pl_writer_commit(&p->writer, err) : -1;
}

/* In S3 where a place is known, else in the local place of the run. */
static int find_place(struct athena_job *job, struct pl_buf *uri,
                      struct pl_err *err)
{
    if (job->place.len == 0)
        return pl_manifest_work_dir(job->m, uri, err) == 0
                   ? pl_buf_addf(uri, err, "result/%s.csv", job->x.id)
                   : -1;
    if (pl_manifest_set_str(job->m, "run.work_uri", job->place.data, err) != 0)
        return -1;
    return pl_buf_addf(uri, err, "%sresult/%s.csv", job->place.data, job->x.id);
}

int athena_managed_add(struct athena_job *job, struct pl_err *err)
{
    __attribute__((cleanup(pages_release))) struct pages p = {0};
    PL_AUTO(pl_transfer) how = {0};
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    char crc64nvme[PL_CRC64_TEXT];
    struct pl_data data = {.role = "query-result",
                           .format = "csv",
                           .compression = "none",
                           .rows = -1,
                           .crc64nvme = crc64nvme};

    if (find_place(job, &uri, err) != 0 ||
        athena_result_writer(job, &how, err) != 0)
        return -1;
    if (pl_writer_open(&p.writer, uri.data, &how, job->aws, err) != 0 ||
        write_all(job, &p, err) != 0)
        return pl_context(err, "cannot bring the result of query %s to '%s'",
                          job->x.id, uri.data);
    if (!job->has_columns) {
        if (pl_manifest_set_new(job->m, "query.result.columns",
                                json_incref(p.names), err) != 0)
            return -1;
    }
    pl_crc64_text(p.writer.crc64nvme, crc64nvme);
    data.uri = uri.data;
    data.bytes = p.writer.bytes;
    data.etag = p.writer.etag[0] != '\0' ? p.writer.etag : NULL;
    return pl_manifest_data_add(job->m, &data, err);
}
