/* Any bytes as parts of JSON lines: the same CSV whatever is read at a time;
 * one record a line, malformed or with a cell a column, for both readers of
 * CSV; and the transformer comes to the same in every way. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/jsonl.h"
#include "pipeline/csv/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS_MAX 4
#define PART_END 0x1E /* begins the next part */

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

struct input {
    const char *data[PARTS_MAX];
    size_t lens[PARTS_MAX];
    size_t count;
    size_t bite;
    unsigned settings;
    struct pl_mem_source mem;
};

static int open_part(void *ctx, size_t i, struct pl_source *source,
                     struct pl_err *err)
{
    struct input *in = ctx;

    (void)err;
    in->mem = (struct pl_mem_source){
        .data = in->data[i], .len = in->lens[i], .bite = in->bite};
    *source = pl_mem_source(&in->mem);
    return 0;
}

static struct pl_jsonl_config config_of(struct input *in)
{
    static const char *const names[PARTS_MAX] = {"p0", "p1", "p2", "p3"};
    static const char *const columns[] = {"Id", "Attributes.A", "Attributes.B"};

    return (struct pl_jsonl_config){
        .part_count = in->count,
        .part_names = names,
        .open_part = open_part,
        .part_ctx = in,
        .columns = columns,
        .column_count = (in->settings & 1) != 0 ? 3 : 0,
        .has_numbered_keys = (in->settings & 2) != 0,
        .non_finite = (enum pl_jsonl_non_finite)(in->settings >> 2 & 3) %
                      (PL_JSONL_NON_FINITE_REJECT + 1),
        .line_bytes_max = (in->settings & 16) != 0 ? 50 : 0,
        .read_bytes = in->bite == 0 ? 4096 : 3 * in->bite};
}

static int convert(struct input *in, size_t bite, struct pl_buf *out,
                   struct pl_err *err)
{
    struct pl_jsonl_config cfg;
    struct pl_jsonl *j;
    struct pl_source source;
    char text[301];
    int64_t n;

    in->bite = bite;
    cfg = config_of(in);
    j = pl_jsonl_open(&cfg, err);
    require(j != NULL);
    source = pl_jsonl_source(j);
    while ((n = source.read(source.ctx, text, sizeof(text), err)) > 0)
        require(pl_buf_add(out, text, (size_t)n, err) == 0);
    pl_jsonl_release(j);
    return (int)n;
}

static uint64_t count_lines(const struct input *in)
{
    uint64_t count = 0;

    for (size_t i = 0; i < in->count; i++) {
        const char *data = in->data[i];
        size_t len = in->lens[i];

        if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
            data += 3;
            len -= 3;
        }
        for (size_t k = 0; k < len; k++)
            count += data[k] == '\n' || k + 1 == len;
    }
    return count;
}

/* Records of the CSV as the reference reads them. */
static uint64_t count_records(const struct pl_buf *csv)
{
    struct pl_err err = {0};
    struct pl_csv_reference *r = pl_csv_reference_open(&err);
    size_t columns = 0;
    uint64_t count = 0;

    require(r != NULL);
    for (size_t at = 0; at < csv->len; count++) {
        struct pl_csv_record record;
        const int64_t len = pl_csv_reference_next(
            r, csv->data + at, csv->len - at, true, &record, &err);

        require(len > 0);
        if (count == 0)
            columns = record.count;
        require(record.is_malformed || record.count == columns ||
                (columns == 1 && record.count == 0));
        require(!record.is_malformed ||
                pl_jsonl_wrong_of(record.raw, record.raw_len) !=
                    PL_JSONL_RIGHT);
        at += (size_t)len;
    }
    pl_csv_reference_release(r);
    return count;
}

struct outcome {
    int rc;
    struct pl_err err;
    struct pl_buf out;
    struct pl_buf rejects;
    struct pl_csv_report report;
};

static void outcome_release(struct outcome *o)
{
    pl_buf_release(&o->out);
    pl_buf_release(&o->rejects);
    pl_csv_report_release(&o->report);
}

static const struct way {
    const char *reader;
    size_t chunk_bytes;
    unsigned threads;
    uint64_t keys_memory;
    size_t bite;
} ways[] = {{"libcsv", 4096, 1, 0, 0},
            {NULL, 4096, 1, 0, 1},
            {NULL, 33, 2, 0, 5},
            {"scalar", 100, 1, 1, 0}};

static void transform(struct input *in, const struct way *way,
                      struct outcome *o)
{
    const struct pl_jsonl_config lines = config_of(in);
    struct pl_jsonl *j = pl_jsonl_open(&lines, &o->err);
    const struct pl_csv_origin origin = pl_jsonl_origin(j);
    const struct pl_source source = pl_jsonl_source(j);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);
    const struct pl_csv_config cfg = {
        .target = pl_target_by_name("pinpoint"),
        .rules = {.has_json = true, .unknown_columns = PL_CSV_UNKNOWN_DROP},
        .limits = {.max_reject_percent = 100,
                   .max_rejects = -1,
                   .max_rows = -1},
        .in = &source,
        .origin = &origin,
        .out = &out,
        .rejects = &rejects,
        .has_raw = true,
        .reader = way->reader,
        .chunk_bytes = way->chunk_bytes,
        .threads = way->threads,
        .keys_memory = way->keys_memory,
        .max_record_bytes = PL_JSONL_RECORD_MAX};

    o->rc = pl_csv_transform(&cfg, &o->report, &o->err);
    pl_jsonl_release(j);
}

static bool is_same(const struct pl_buf *a, const struct pl_buf *b)
{
    return a->len == b->len &&
           memcmp(pl_buf_str(a), pl_buf_str(b), a->len) == 0;
}

static void transform_all(struct input *in, uint64_t lines)
{
    __attribute__((cleanup(outcome_release))) struct outcome first = {.rc = 0};

    in->bite = ways[0].bite;
    transform(in, &ways[0], &first);
    require(first.rc != 0 || first.report.rows_in == lines);
    for (size_t i = 1; i < PL_COUNT(ways); i++) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};

        in->bite = ways[i].bite;
        transform(in, &ways[i], &o);
        require(o.rc == first.rc && strcmp(o.err.msg, first.err.msg) == 0);
        require(is_same(&o.out, &first.out));
        require(is_same(&o.rejects, &first.rejects));
    }
}

/* The first byte has the settings; parts end with PART_END. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_buf) whole = PL_BUF_INIT;
    PL_AUTO(pl_buf) pieces = PL_BUF_INIT;
    struct pl_err err = {0};
    struct pl_err err_pieces = {0};
    struct input in = {.count = 1, .data = {(const char *)data + 1}};
    int rc;

    if (size == 0)
        return 0;
    in.settings = data[0];
    for (size_t i = 1; i < size; i++) {
        if (data[i] != PART_END || in.count == PARTS_MAX)
            in.lens[in.count - 1]++;
        else
            in.data[in.count++] = (const char *)data + i + 1;
    }
    rc = convert(&in, 0, &whole, &err);
    require(convert(&in, 3, &pieces, &err_pieces) == rc);
    require(strcmp(err.msg, err_pieces.msg) == 0);
    if (rc != 0)
        return 0;
    require(is_same(&whole, &pieces));
    if (whole.len > 0)
        require(count_records(&whole) == count_lines(&in) + 1);
    transform_all(&in, count_lines(&in));
    return 0;
}
