/*
 * UNLOAD: a large result as many objects of gzip'd JSON lines. The analyst's
 * query stays what was judged; we put it into the statement. Hive's column
 * names are lower case and one of each, so that the columns are c0, c1, ...
 * there, and query.result.columns has their names in that order.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/writer.h"
#include "stages/athena_exec/job.h"
#include "stages/athena_exec/parts.h"

int athena_unload_prefix(const struct athena_job *job, int attempt,
                         struct pl_buf *out, struct pl_err *err)
{
    if (job->place.len == 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "UNLOAD needs a place in S3: set 'query.output_uri' or "
                       "'run.work_uri'");
    return pl_buf_addf(out, err, "%sunload/%d/", job->place.data, attempt);
}

/* Two Ids that the transformer may find to be the same differ in blanks, line
 * breaks and the case of ASCII letters only; this hash sees none of them. Rows
 * without an Id are rejected wherever they are. */
static int word_partition(const struct athena_unload *u, struct pl_buf *out,
                          struct pl_err *err)
{
    return pl_buf_addf(out, err,
                       ", coalesce(mod(crc32(to_utf8(lower(regexp_replace("
                       "CAST(c%zu AS varchar), '\\s+')))), %" PRId64
                       "), 0) AS p",
                       u->id_column, u->partitions);
}

int athena_unload_word(const struct athena_unload *u, struct pl_buf *out,
                       struct pl_err *err)
{
    if (pl_buf_adds(out, "UNLOAD (SELECT *", err) != 0 ||
        (u->partitions > 0 && word_partition(u, out, err) != 0) ||
        /* line ends, since the query may end in a comment */
        pl_buf_adds(out, " FROM (\n", err) != 0 ||
        pl_buf_add(out, u->sql, u->len, err) != 0 ||
        pl_buf_adds(out, "\n) AS t(", err) != 0)
        return -1;
    for (size_t i = 0; i < u->column_count; i++)
        if (pl_buf_addf(out, err, "%sc%zu", i > 0 ? ", " : "", i) != 0)
            return -1;
    if (pl_buf_adds(out, ")) TO '", err) != 0)
        return -1;
    for (const char *p = u->prefix; *p != '\0'; p++)
        if ((*p == '\'' && pl_buf_addc(out, '\'', err) != 0) ||
            pl_buf_addc(out, *p, err) != 0)
            return -1;
    if (pl_buf_adds(out, "' WITH (format = 'JSON'", err) != 0 ||
        (u->partitions > 0 &&
         pl_buf_adds(out, ", partitioned_by = ARRAY['p']", err) != 0))
        return -1;
    return pl_buf_addc(out, ')', err);
}

static int add_row(void *ctx, const struct pl_slice *values, size_t count,
                   struct pl_err *err)
{
    struct athena_parts *parts = ctx;

    if (count == 0 || values[0].data == NULL)
        return 0;
    return athena_parts_add(parts, values[0].data, values[0].len, err);
}

/* The list of what was written: an object beside where a SELECT's result would
 * be, or, with managed results, pages. */
static int read_list(struct athena_job *job, struct athena_parts *parts,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(ATHENA_PARTS_BYTES_MAX);
    const struct pl_sink sink = pl_buf_sink(&text);
    struct pl_uri uri;

    if (job->x.manifest_uri[0] == '\0')
        return pl_athena_manifest_rows(job->aws, job->x.id, add_row, parts,
                                       err);
    if (pl_uri_parse(job->x.manifest_uri, &uri, err) != 0 ||
        pl_s3_get(job->aws, uri.bucket, uri.path, -1, -1, NULL, &sink, NULL,
                  err) != 0)
        return pl_context(err, "cannot read what query %s wrote", job->x.id);
    return athena_parts_read(parts, pl_buf_str(&text), text.len, err);
}

struct listing {
    struct athena_job *job;
    struct athena_parts *parts;
    const char *bucket;
    size_t prefix_len; /* of the keys */
};

/* Which partition an object is of, by the folder that the engine gave it:
 * "p=7/..." below the prefix. */
static int read_partition(const struct athena_job *job, const char *name,
                          int64_t *number, struct pl_err *err)
{
    char *end = NULL;

    *number = pl_starts_with(name, "p=") ? strtoll(name + 2, &end, 10) : -1;
    if (*number < 0 || *number >= job->set.partitions || *end != '/')
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "query %s wrote '%s', which is of no partition",
                       job->x.id, name);
    return 0;
}

static int set_partition(struct pl_manifest *m, int64_t number,
                         struct pl_err *err)
{
    json_t *data = pl_manifest_get(m, "data");
    json_t *last = json_array_get(data, json_array_size(data) - 1);

    return json_object_set_new(last, "partition",
                               json_integer((json_int_t)number)) == 0
               ? 0
               : pl_fail_memory(err);
}

/* Adds an object to data[] if the query wrote it; others are left overs of a
 * task that the service repeated. */
static int add_part(void *ctx, const char *key, int64_t bytes, const char *etag,
                    struct pl_err *err)
{
    const struct listing *l = ctx;
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_data data = {.role = "query-result",
                           .format = "jsonl",
                           .compression = "gzip",
                           .bytes = bytes,
                           .rows = -1,
                           .etag = etag};
    int64_t number = 0;

    if (pl_buf_addf(&uri, err, "s3://%s/%s", l->bucket, key) != 0)
        return -1;
    data.uri = uri.data;
    if (!athena_parts_take(l->parts, uri.data))
        return 0;
    if (l->job->set.partitions > 0 &&
        read_partition(l->job, key + l->prefix_len, &number, err) != 0)
        return -1;
    if (pl_manifest_data_add(l->job->m, &data, err) != 0)
        return -1;
    return l->job->set.partitions > 0 ? set_partition(l->job->m, number, err)
                                      : 0;
}

/* An UNLOAD of no rows writes nothing, and the next stage must see that this
 * is the result, not that there is none: an empty part says so. */
static int add_empty(struct athena_job *job, const char *prefix,
                     struct pl_err *err)
{
    PL_AUTO(pl_writer) writer = {.fd = -1};
    PL_AUTO(pl_transfer) how = {0};
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_data data = {.role = "query-result",
                           .format = "jsonl",
                           .compression = "none",
                           .rows = -1};

    if (pl_buf_addf(&uri, err, "%sempty.jsonl", prefix) != 0 ||
        athena_result_writer(job, &how, err) != 0 ||
        pl_writer_open(&writer, uri.data, &how, job->aws, err) != 0 ||
        pl_writer_commit(&writer, err) != 0)
        return pl_context(err, "cannot write an empty part");
    data.uri = uri.data;
    data.etag = writer.etag[0] != '\0' ? writer.etag : NULL;
    return pl_manifest_data_add(job->m, &data, err);
}

int athena_unload_add(struct athena_job *job, struct pl_err *err)
{
    PL_AUTO(pl_buf) prefix = PL_BUF_INIT;
    PL_AUTO(athena_parts) parts = {0};
    struct listing listing = {.job = job, .parts = &parts};
    struct pl_uri uri;

    if (athena_unload_prefix(job, job->attempt, &prefix, err) != 0 ||
        pl_uri_parse(prefix.data, &uri, err) != 0 ||
        athena_parts_open(&parts, prefix.data, err) != 0 ||
        read_list(job, &parts, err) != 0 ||
        pl_manifest_set_str(job->m, "run.work_uri", job->place.data, err) != 0)
        return -1;
    if (athena_parts_left(&parts) == NULL)
        return add_empty(job, prefix.data, err);
    listing.bucket = uri.bucket;
    listing.prefix_len = strlen(uri.path);
    if (pl_s3_list(job->aws, uri.bucket, uri.path, add_part, &listing, err) !=
        0)
        return pl_context(err, "cannot list what query %s wrote", job->x.id);
    if (athena_parts_left(&parts) != NULL)
        return pl_fail(err, PL_SERVICE_REFUSED,
                       "query %s says that it wrote '%s', which is not there",
                       job->x.id, athena_parts_left(&parts));
    return 0;
}
