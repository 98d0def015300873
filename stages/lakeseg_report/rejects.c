#include "stages/lakeseg_report/rejects.h"

#include <string.h>
#include <sys/stat.h>

#include "pipeline/base/text.h"
#include "pipeline/csv/reader.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/reader.h"

#define CELLS_MAX 16

void report_rejects_release(struct report_rejects *r)
{
    json_decref(r->lines);
    r->lines = NULL;
    r->count = 0;
}

static struct report_text text_of(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);

    return (struct report_text){json_string_value(value),
                                json_string_length(value)};
}

static int64_t number_of(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    uint64_t number;

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return json_integer_value(value);
    return json_is_string(value) &&
                   pl_parse_u64(json_string_value(value), &number) == 0 &&
                   number <= INT64_MAX
               ? (int64_t)number
               : -1;
}

/* Takes line over. */
static int keep(struct report_rejects *r, json_t *line, struct pl_err *err)
{
    if (!json_is_object(line) || number_of(line, "record") < 0 ||
        text_of(line, "rule").len == 0) {
        json_decref(line);
        r->unread++;
        return 0;
    }
    if (json_array_append_new(r->lines, line) != 0)
        return pl_fail_memory(err);
    r->list[r->count++] =
        (struct report_reject){.record = number_of(line, "record"),
                               .line = number_of(line, "line"),
                               .rule = text_of(line, "rule"),
                               .column = text_of(line, "column"),
                               .key = text_of(line, "key"),
                               .detail = text_of(line, "detail"),
                               .raw = text_of(line, "raw")};
    return 0;
}

static int parse_jsonl(struct report_rejects *r, const char *text, size_t len,
                       bool is_all, struct pl_err *err)
{
    for (size_t at = 0; at < len && r->count < REPORT_REJECTS_MAX;) {
        const char *end = memchr(text + at, '\n', len - at);
        const size_t n = end != NULL ? (size_t)(end - text) - at : len - at;

        if (end == NULL && !is_all)
            break;
        if (n > 0 &&
            keep(r,
                 json_loadb(text + at, n,
                            JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL),
                 err) != 0)
            return -1;
        at += n + 1;
    }
    return 0;
}

/* A record becomes an object by the names of the first one. */
static int take_record(struct report_rejects *r, json_t *names,
                       const struct pl_csv_record *record, struct pl_err *err)
{
    json_t *line;
    int rc = 0;

    if (json_array_size(names) == 0) {
        for (size_t i = 0; i < record->count && i < CELLS_MAX; i++)
            rc |= json_array_append_new(
                names, json_stringn_nocheck(record->cells[i].data,
                                            record->cells[i].len));
        return rc == 0 ? 0 : pl_fail_memory(err);
    }
    line = json_object();
    for (size_t i = 0; i < record->count && i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);

        if (!record->cells[i].is_null)
            rc |= json_object_setn_new_nocheck(
                line, json_string_value(name), json_string_length(name),
                json_stringn_nocheck(record->cells[i].data,
                                     record->cells[i].len));
    }
    if (rc == 0)
        return keep(r, line, err);
    json_decref(line);
    return pl_fail_memory(err);
}

static int each_record(struct report_rejects *r, json_t *names,
                       struct pl_csv_reference *reference, const char *text,
                       size_t len, bool is_all, struct pl_err *err)
{
    struct pl_err ignored = {0};
    struct pl_csv_record record;

    for (size_t at = 0; at < len && r->count < REPORT_REJECTS_MAX;) {
        const int64_t n = pl_csv_reference_next(reference, text + at, len - at,
                                                is_all, &record, &ignored);

        if (n <= 0) { /* the rest is cut off */
            r->unread += is_all;
            break;
        }
        if (record.is_malformed)
            r->unread++;
        else if (record.count > 0 && take_record(r, names, &record, err) != 0)
            return -1;
        at += (size_t)n;
    }
    return 0;
}

static int parse_csv(struct report_rejects *r, const char *text, size_t len,
                     bool is_all, struct pl_err *err)
{
    struct pl_csv_reference *reference = pl_csv_reference_open(err);
    json_t *names = json_array();
    int rc = -1;

    if (reference != NULL && names == NULL)
        (void)pl_fail_memory(err);
    else if (reference != NULL)
        rc = each_record(r, names, reference, text, len, is_all, err);
    json_decref(names);
    pl_csv_reference_release(reference);
    return rc;
}

int report_rejects_parse(struct report_rejects *r,
                         const struct pl_source *source, bool is_csv,
                         struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    size_t len = 0;

    if (r->lines == NULL)
        r->lines = json_array();
    if (r->lines == NULL)
        return pl_fail_memory(err);
    if (pl_buf_reserve(&text, REPORT_REJECTS_BYTES, err) != 0 ||
        pl_source_fill(source, text.data, REPORT_REJECTS_BYTES, &len, err) != 0)
        return -1;
    return is_csv
               ? parse_csv(r, text.data, len, len < REPORT_REJECTS_BYTES, err)
               : parse_jsonl(r, text.data, len, len < REPORT_REJECTS_BYTES,
                             err);
}

/* A manifest may name anything: a pipe would be waited for, for ever. */
static int check_place(const char *uri, const struct pl_aws *aws,
                       struct pl_err *err)
{
    struct pl_uri place;
    struct stat st;

    if (pl_uri_parse(uri, &place, err) != 0)
        return -1;
    if (place.is_s3)
        return aws != NULL ? 0
                           : pl_fail(err, PL_CONFIG_INVALID,
                                     "it is in S3, which is not set up here");
    if (stat(place.path, &st) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read it here");
    return S_ISREG(st.st_mode)
               ? 0
               : pl_fail(err, PL_FILE_ERROR, "it is no regular file");
}

static int read_file(struct report_rejects *r, const struct pl_data *data,
                     struct pl_aws *aws, struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    PL_AUTO(pl_inflate) inflate = {0};
    struct pl_source in;
    struct pl_source plain;

    if (check_place(data->uri, aws, err) != 0 ||
        pl_reader_open(&reader, data->uri, aws, err) != 0)
        return -1;
    reader.slot_count = 1; /* the first bytes are all that is wanted */
    in = pl_reader_source(&reader);
    if (pl_inflate_open(&inflate, &in, err) != 0)
        return -1;
    plain = pl_inflate_source(&inflate);
    return report_rejects_parse(r, &plain, strcmp(data->format, "csv") == 0,
                                err);
}

void report_rejects_read(struct report_rejects *r, const struct pl_manifest *m,
                         struct pl_aws *aws)
{
    struct pl_err err = {0};

    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, &err) != 0 ||
            strcmp(data.role, "rejects") != 0)
            continue;
        r->uri = data.uri;
        if (data.rows != 0 && read_file(r, &data, aws, &err) != 0)
            (void)snprintf(r->trouble, sizeof(r->trouble), "%s", err.msg);
        return;
    }
}
