#include "stages/csv_validate/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

/* Text in gzip or zstd is seldom more than this many times as long. */
#define INFLATED_MOST 16

void csv_input_release(struct csv_input *in)
{
    pl_jsonl_release(in->jsonl);
    pl_inflate_release(&in->inflate);
    pl_reader_release(&in->reader);
    for (size_t i = 0; i < in->count; i++) {
        free(in->uris[i]);
        free(in->crcs[i]);
    }
    free(in->uris);
    free(in->crcs);
    free(in->names);
    free((void *)in->columns);
}

const char *csv_input_format(const char *name)
{
    static const char *const ends[] = {".jsonl",  ".jsonl.gz",  ".jsonl.zst",
                                       ".ndjson", ".ndjson.gz", ".ndjson.zst"};

    for (size_t i = 0; i < PL_COUNT(ends); i++)
        if (pl_ends_with(name, ends[i]))
            return "jsonl";
    return "csv";
}

/* Which data */

static int add_part(struct csv_input *in, const struct pl_data *data,
                    struct pl_err *err)
{
    const size_t i = in->count;

    in->uris[i] = strdup(data->uri);
    in->crcs[i] = data->crc64nvme != NULL ? strdup(data->crc64nvme) : NULL;
    in->count++;
    if (in->uris[i] == NULL || (data->crc64nvme != NULL && in->crcs[i] == NULL))
        return pl_fail_memory(err);
    if (data->bytes < 0 || in->bytes < 0)
        in->bytes = -1;
    else
        in->bytes += data->bytes;
    return 0;
}

static int check_format(struct csv_input *in, const char *format,
                        const struct pl_data *data, struct pl_err *err)
{
    const bool is_jsonl = strcmp(format, "jsonl") == 0;

    if (!is_jsonl && strcmp(format, "csv") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': format '%s', but only csv and jsonl are read, as "
                       "they are or in gzip or zstd",
                       data->uri, format);
    if (in->count > 0 && is_jsonl != in->is_jsonl)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "data[] with role 'query-result' is partly csv, partly "
                       "jsonl");
    if (in->count > 0 && !is_jsonl)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "more than one entry of data[] with role "
                       "'query-result'");
    in->is_jsonl = is_jsonl;
    return 0;
}

static int find_parts(struct csv_input *in,
                      const struct csv_validate_config *cfg,
                      const struct pl_manifest *m, struct pl_err *err)
{
    const size_t count = pl_manifest_data_count(m);

    in->uris = calloc(count + 1, sizeof(*in->uris));
    in->crcs = calloc(count + 1, sizeof(*in->crcs));
    if (in->uris == NULL || in->crcs == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, err) != 0)
            return -1;
        if (strcmp(data.role, "query-result") != 0)
            continue;
        if (check_format(
                in, cfg->input_format != NULL ? cfg->input_format : data.format,
                &data, err) != 0 ||
            add_part(in, &data, err) != 0)
            return -1;
    }
    if (in->count == 0)
        return pl_fail(err, PL_MANIFEST_INVALID,
                       "nothing to validate: no data with role "
                       "'query-result'");
    return 0;
}

/* Which columns */

static int take_option(struct csv_input *in, const char *option,
                       struct pl_err *err)
{
    size_t count = 1;
    char *at;

    in->names = strdup(option);
    if (in->names == NULL)
        return pl_fail_memory(err);
    for (at = in->names; *at != '\0'; at++)
        count += *at == ',';
    in->columns = calloc(count, sizeof(*in->columns));
    if (in->columns == NULL)
        return pl_fail_memory(err);
    in->columns[0] = in->names;
    at = in->names;
    for (size_t i = 1; i < count; i++) {
        at += strcspn(at, ",");
        *at++ = '\0';
        in->columns[i] = at;
    }
    in->lines.column_count = count;
    return 0;
}

static int take_list(struct csv_input *in, const struct pl_manifest *m,
                     const char *path, struct pl_err *err)
{
    const json_t *list = pl_manifest_get(m, path);
    const size_t count = json_array_size(list);

    if (list != NULL && !json_is_array(list))
        return pl_fail(err, PL_CONFIG_INVALID, "%s: a list of names", path);
    in->columns = calloc(count + 1, sizeof(*in->columns));
    if (in->columns == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        in->columns[i] = json_string_value(json_array_get(list, i));
        if (in->columns[i] == NULL)
            return pl_fail(err, PL_CONFIG_INVALID, "%s: a list of names", path);
    }
    in->lines.column_count = count;
    return 0;
}

/* The job's own word comes before what the query stage found. */
static int choose_columns(struct csv_input *in,
                          const struct csv_validate_config *cfg,
                          const struct pl_manifest *m, struct pl_err *err)
{
    static const char own[] = "validate.input.columns";

    if (cfg->columns != NULL)
        return take_option(in, cfg->columns, err);
    in->lines.has_numbered_keys = pl_manifest_get(m, own) == NULL;
    return take_list(
        in, m, in->lines.has_numbered_keys ? "query.result.columns" : own, err);
}

static int choose_non_finite(struct csv_input *in,
                             const struct csv_validate_config *cfg,
                             const struct pl_manifest *m, struct pl_err *err)
{
    const char *word = pl_setting_of(
        cfg->non_finite, pl_manifest_str(m, "validate.input.non_finite"),
        "LAKESEG_NON_FINITE");

    if (word == NULL || strcmp(word, "keep") == 0)
        in->lines.non_finite = PL_JSONL_NON_FINITE_KEEP;
    else if (strcmp(word, "null") == 0)
        in->lines.non_finite = PL_JSONL_NON_FINITE_NULL;
    else if (strcmp(word, "reject") == 0)
        in->lines.non_finite = PL_JSONL_NON_FINITE_REJECT;
    else
        return pl_fail(err, PL_CONFIG_INVALID,
                       "non-finite: '%s' is none of 'keep', 'null', 'reject'",
                       word);
    return 0;
}

int csv_input_find(struct csv_input *in, const struct csv_validate_config *cfg,
                   const struct pl_manifest *m, struct pl_err *err)
{
    if (find_parts(in, cfg, m, err) != 0)
        return -1;
    if (!in->is_jsonl && cfg->columns != NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--columns goes with JSON lines: CSV has a header");
    if (!in->is_jsonl)
        return 0;
    return choose_columns(in, cfg, m, err) != 0
               ? -1
               : choose_non_finite(in, cfg, m, err);
}

/* Reading */

static int open_file(struct csv_input *in, size_t i, struct pl_err *err)
{
    in->opened = i + 1;
    if (pl_reader_open(&in->reader, in->uris[i], in->aws, err) != 0)
        return -1;
    in->read = pl_reader_source(&in->reader);
    if (pl_inflate_open(&in->inflate, &in->read, err) != 0)
        return pl_context(err, "cannot read '%s'", in->uris[i]);
    return 0;
}

int csv_input_verify(struct csv_input *in, struct pl_err *err)
{
    return in->opened == 0
               ? 0
               : pl_reader_verify(&in->reader, in->crcs[in->opened - 1], err);
}

static int next_part(void *ctx, size_t i, struct pl_source *source,
                     struct pl_err *err)
{
    struct csv_input *in = ctx;

    if (csv_input_verify(in, err) != 0)
        return -1;
    in->passed += in->opened > 0 ? in->reader.passed : 0;
    pl_inflate_release(&in->inflate);
    pl_reader_release(&in->reader);
    in->reader = (struct pl_reader){.fd = -1};
    if (open_file(in, i, err) != 0)
        return -1;
    *source = pl_inflate_source(&in->inflate);
    return 0;
}

static int64_t read_again(void *ctx, uint64_t offset, void *buf, size_t cap,
                          struct pl_err *err)
{
    const struct csv_input *in = ctx;
    ssize_t n;

    do
        n = pread(in->reader.fd, buf, cap, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s' again",
                             in->uris[0]);
    return n;
}

static int open_csv(struct csv_input *in, struct pl_csv_config *csv,
                    struct pl_err *err)
{
    const struct pl_reader *r = &in->reader;

    if (open_file(in, 0, err) != 0)
        return -1;
    in->source = pl_inflate_source(&in->inflate);
    in->bytes = r->bytes > 0 ? r->bytes : 0;
    csv->most_bytes = in->bytes * INFLATED_MOST;
    if (in->inflate.kind != PL_COMPRESSION_NONE)
        return 0;
    csv->in_bytes = in->bytes;
    in->again = (struct pl_csv_again){.ctx = in, .read_at = read_again};
    if (!r->uri.is_s3 && r->bytes >= 0)
        csv->again = &in->again;
    return 0;
}

/* Of files on this machine; 0: not known of all. */
static int64_t local_bytes(const struct csv_input *in)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < in->count; i++) {
        struct pl_uri uri;
        struct pl_err ignored = {0};
        struct stat st;

        if (pl_uri_parse(in->uris[i], &uri, &ignored) != 0 || uri.is_s3 ||
            stat(uri.path, &st) != 0 || !S_ISREG(st.st_mode))
            return 0;
        bytes += st.st_size;
    }
    return bytes;
}

static int open_jsonl(struct csv_input *in, struct pl_csv_config *csv,
                      struct pl_err *err)
{
    in->lines.part_count = in->count;
    in->lines.part_names = (const char *const *)in->uris;
    in->lines.open_part = next_part;
    in->lines.part_ctx = in;
    in->lines.columns = in->columns;
    in->jsonl = pl_jsonl_open(&in->lines, err);
    if (in->jsonl == NULL)
        return -1;
    in->source = pl_jsonl_source(in->jsonl);
    in->origin = pl_jsonl_origin(in->jsonl);
    if (in->bytes < 0)
        in->bytes = local_bytes(in);
    csv->most_bytes = in->bytes * INFLATED_MOST;
    csv->origin = &in->origin;
    csv->rules.has_json = true;
    csv->max_record_bytes = PL_JSONL_RECORD_MAX;
    return 0;
}

int csv_input_open(struct csv_input *in, struct pl_aws *aws,
                   struct pl_csv_config *csv, struct pl_err *err)
{
    in->aws = aws;
    if ((in->is_jsonl ? open_jsonl(in, csv, err) : open_csv(in, csv, err)) != 0)
        return -1;
    csv->in = &in->source;
    return 0;
}

int64_t csv_input_left(const struct csv_input *in)
{
    return !in->is_jsonl && in->inflate.kind == PL_COMPRESSION_NONE
               ? in->reader.bytes - in->reader.passed
               : -1;
}

uint64_t csv_input_passed(const struct csv_input *in)
{
    return (uint64_t)(in->passed + in->reader.passed);
}
