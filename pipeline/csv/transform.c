#include "pipeline/csv/transform.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/dedupe.h"
#include "pipeline/csv/reader.h"
#include "pipeline/csv/rules.h"
#include "pipeline/csv/writer.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define RECORD_BYTES_MAX ((size_t)16 << 20)
#define FLUSH_BYTES ((size_t)256 << 10)

struct transform {
    const struct pl_csv_config *cfg;
    struct pl_csv_report *report;
    struct pl_csv_shape shape;
    bool has_header;
    struct pl_dedupe dedupe;
    struct pl_buf row;            /* the row being written */
    struct pl_buf key;            /* its key, in lower case */
    struct pl_buf out;            /* not yet in the sink */
    struct pl_buf rejects;        /* not yet in the sink */
    struct pl_csv_cell null_cell; /* of an empty line */
    char *chunk;                  /* what was read last */
};

static void transform_release(struct transform *t)
{
    free(t->shape.columns);
    free(t->shape.is_dropped);
    free(t->chunk);
    pl_dedupe_release(&t->dedupe);
    pl_buf_release(&t->row);
    pl_buf_release(&t->key);
    pl_buf_release(&t->out);
    pl_buf_release(&t->rejects);
}

void pl_csv_report_release(struct pl_csv_report *report)
{
    for (size_t i = 0; i < report->column_count; i++)
        free(report->columns[i].name);
    free(report->columns);
    free(report->rules);
    memset(report, 0, sizeof(*report));
}

static int flush(const struct pl_sink *sink, struct pl_buf *buf,
                 size_t at_least, struct pl_err *err)
{
    if (buf->len < at_least || buf->len == 0)
        return 0;
    if (pl_sink_write(sink, buf->data, buf->len, err) != 0)
        return -1;
    pl_buf_reset(buf);
    return 0;
}

/* The header */

static int take_column(struct transform *t, size_t i,
                       const struct pl_csv_cell *cell, struct pl_err *err)
{
    struct pl_column *column = &t->shape.columns[i];
    struct pl_err why = {0};

    if (pl_target_column(t->cfg->target, cell->data, cell->len, column, &why) ==
        0)
        return 0;
    if (t->cfg->rules.unknown_columns == PL_CSV_UNKNOWN_DROP) {
        t->shape.is_dropped[i] = true;
        (void)snprintf(column->name, sizeof(column->name), "%.*s",
                       (int)(cell->len < 100 ? cell->len : 100), cell->data);
        return 0;
    }
    *err = why;
    return pl_context(err, "header, column %zu", i + 1);
}

static void note_places(struct pl_csv_shape *shape)
{
    shape->id = shape->channel = shape->address = shape->user_id = SIZE_MAX;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->is_dropped[i])
            continue;
        if (shape->columns[i].kind == PL_COLUMN_ID)
            shape->id = i;
        else if (shape->columns[i].kind == PL_COLUMN_CHANNEL)
            shape->channel = i;
        else if (shape->columns[i].kind == PL_COLUMN_ADDRESS)
            shape->address = i;
        else if (shape->columns[i].kind == PL_COLUMN_USER_ID)
            shape->user_id = i;
    }
}

/* The columns that are written, side by side, for the target's judgement. */
static int check_columns(struct transform *t, struct pl_err *err)
{
    struct pl_column *kept = calloc(t->shape.count, sizeof(*kept));
    size_t count = 0;
    int rc;

    if (kept == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < t->shape.count; i++)
        if (!t->shape.is_dropped[i])
            kept[count++] = t->shape.columns[i];
    rc = pl_target_check(t->cfg->target, kept, count, err);
    free(kept);
    return rc == 0 ? 0 : pl_context(err, "header");
}

static int begin_report(struct transform *t, struct pl_err *err)
{
    struct pl_csv_report *r = t->report;

    r->columns = calloc(t->shape.count, sizeof(*r->columns));
    if (r->columns == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < t->shape.count; i++) {
        if (t->shape.is_dropped[i])
            continue;
        r->columns[r->column_count].name = strdup(t->shape.columns[i].name);
        if (r->columns[r->column_count].name == NULL)
            return pl_fail_memory(err);
        r->column_count++;
    }
    return 0;
}

static int take_header(struct transform *t, const struct pl_csv_record *record,
                       struct pl_err *err)
{
    if (record->is_malformed || record->count == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       record->is_malformed ? "header: malformed quoting"
                                            : "no header: the first line is "
                                              "empty");
    if (pl_utf8_valid_len(record->raw, record->raw_len) != record->raw_len ||
        memchr(record->raw, '\0', record->raw_len) != NULL)
        return pl_fail(err, PL_DATA_INVALID, "header: not UTF-8 text");
    t->shape.columns = calloc(record->count, sizeof(*t->shape.columns));
    t->shape.is_dropped = calloc(record->count, sizeof(bool));
    if (t->shape.columns == NULL || t->shape.is_dropped == NULL)
        return pl_fail_memory(err);
    t->shape.count = record->count;
    for (size_t i = 0; i < record->count; i++)
        if (take_column(t, i, &record->cells[i], err) != 0)
            return -1;
    if (check_columns(t, err) != 0 || begin_report(t, err) != 0)
        return -1;
    note_places(&t->shape);
    t->has_header = true;
    return pl_csv_write_header(&t->shape, &t->out, err);
}

/* Rows */

static int reject(struct transform *t, const struct pl_csv_record *record,
                  const struct pl_csv_verdict *v, struct pl_err *err)
{
    const struct pl_csv_limits *limits = &t->cfg->limits;
    const size_t at = t->shape.id != SIZE_MAX        ? t->shape.id
                      : t->shape.address != SIZE_MAX ? t->shape.address
                                                     : t->shape.user_id;
    const bool has_key =
        record->count == t->shape.count && !record->cells[at].is_null;

    t->report->rows_rejected++;
    t->report->rules[v->rule - 1].count++;
    if (pl_csv_write_reject(&t->shape, record, v,
                            has_key ? &record->cells[at] : NULL,
                            t->cfg->rules.has_raw, &t->rejects, err) != 0 ||
        flush(t->cfg->rejects, &t->rejects, FLUSH_BYTES, err) != 0)
        return -1;
    if (limits->max_rejects >= 0 &&
        t->report->rows_rejected > (uint64_t)limits->max_rejects)
        return pl_fail(err, PL_DATA_INVALID,
                       "more than %" PRId64 " rows rejected, the last one in "
                       "line %" PRIu64 " by rule %s",
                       limits->max_rejects, record->line,
                       pl_rule_code(v->rule));
    return 0;
}

/* Id, or channel and address, or the user's id: without case, as the service
 * compares Ids. */
static int make_key(struct transform *t, const struct pl_csv_cell *cells,
                    struct pl_err *err)
{
    const struct pl_csv_shape *s = &t->shape;

    pl_buf_reset(&t->key);
    if (s->id != SIZE_MAX) {
        if (pl_buf_add(&t->key, cells[s->id].data, cells[s->id].len, err) != 0)
            return -1;
    } else if (s->channel != SIZE_MAX) {
        if (pl_buf_add(&t->key, cells[s->channel].data, cells[s->channel].len,
                       err) != 0 ||
            pl_buf_addc(&t->key, '\0', err) != 0 ||
            pl_buf_add(&t->key, cells[s->address].data, cells[s->address].len,
                       err) != 0)
            return -1;
    } else if (pl_buf_add(&t->key, cells[s->user_id].data,
                          cells[s->user_id].len, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->key.len; i++)
        if (t->key.data[i] >= 'A' && t->key.data[i] <= 'Z')
            t->key.data[i] = (char)(t->key.data[i] + ('a' - 'A'));
    return 0;
}

static void count_cells(struct transform *t, const struct pl_csv_cell *cells)
{
    size_t written = 0;

    for (size_t i = 0; i < t->shape.count; i++) {
        struct pl_csv_column *c;

        if (t->shape.is_dropped[i])
            continue;
        c = &t->report->columns[written++];
        if (cells[i].is_null) {
            c->null++;
        } else if (cells[i].len == 0) {
            c->empty++;
        } else {
            c->filled++;
            if (cells[i].len > c->longest) {
                const size_t n = pl_utf8_count(cells[i].data, cells[i].len);

                c->longest = n > c->longest ? n : c->longest;
            }
        }
    }
}

static int accept(struct transform *t, const struct pl_csv_record *record,
                  struct pl_err *err)
{
    const struct pl_csv_limits *limits = &t->cfg->limits;
    enum pl_dedupe_verdict seen;

    pl_buf_reset(&t->row);
    if (pl_csv_write_row(&t->shape, record->cells, &t->row, err) != 0 ||
        make_key(t, record->cells, err) != 0 ||
        pl_dedupe_see(&t->dedupe, t->key.data, t->key.len, t->row.data,
                      t->row.len, &seen, err) != 0)
        return -1;
    if (seen == PL_DEDUPE_IDENTICAL) {
        t->report->rows_dropped++;
        return 0;
    }
    if (seen == PL_DEDUPE_CONFLICT) {
        const struct pl_csv_verdict v = {
            .rule = PL_RULE_ID_DUPLICATE,
            .column = t->shape.id,
            .detail = "the same key as an earlier row, with other values"};

        return reject(t, record, &v, err);
    }
    t->report->rows_out++;
    count_cells(t, record->cells);
    if (limits->max_rows >= 0 &&
        t->report->rows_out > (uint64_t)limits->max_rows)
        return pl_fail(err, PL_DATA_INVALID, "more than %" PRId64 " rows",
                       limits->max_rows);
    if (pl_buf_add(&t->out, t->row.data, t->row.len, err) != 0)
        return -1;
    return flush(t->cfg->out, &t->out, FLUSH_BYTES, err);
}

static int on_record(void *ctx, struct pl_csv_record *record,
                     struct pl_err *err)
{
    struct transform *t = ctx;
    struct pl_csv_verdict v;

    if (!t->has_header)
        return take_header(t, record, err);
    t->report->rows_in++;
    if (record->count == 0 && !record->is_malformed && t->shape.count == 1) {
        t->null_cell = (struct pl_csv_cell){.is_null = true};
        record->cells = &t->null_cell; /* one column: an empty line is a NULL */
        record->count = 1;
    }
    pl_rules_judge(&t->shape, &t->cfg->rules, record, &v);
    return v.rule == PL_RULE_NONE ? accept(t, record, err)
                                  : reject(t, record, &v, err);
}

/* The file */

/* What the first bytes say that a CSV in UTF-8 cannot begin with. */
static int check_magic(const char *data, size_t len, struct pl_err *err)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } magic[] = {{"\xFF\xFE", 2, "UTF-16"},
                 {"\xFE\xFF", 2, "UTF-16"},
                 {"\x1F\x8B", 2, "gzip"},
                 {"\x28\xB5\x2F\xFD", 4, "zstd"},
                 {"PAR1", 4, "Parquet"}};

    for (size_t i = 0; i < PL_COUNT(magic); i++)
        if (len >= magic[i].len &&
            memcmp(data, magic[i].bytes, magic[i].len) == 0)
            return pl_fail(err, PL_DATA_INVALID,
                           "the file is %s, not CSV in UTF-8", magic[i].what);
    return 0;
}

static int read_all(struct transform *t, struct pl_csv_reader *reader,
                    size_t cap, struct pl_err *err)
{
    uint64_t bytes = 0;
    char first[4];
    size_t len = 0;
    size_t skip = 0;

    if (pl_source_fill(t->cfg->in, first, sizeof(first), &len, err) != 0 ||
        check_magic(first, len, err) != 0)
        return -1;
    if (len >= 3 && memcmp(first, "\xEF\xBB\xBF", 3) == 0)
        skip = 3; /* a byte-order mark: neither target takes one */
    pl_csv_reader_skip(reader, skip);
    if (pl_csv_reader_feed(reader, first + skip, len - skip, err) != 0)
        return -1;
    for (bytes = len; len > 0; bytes += len) {
        const int64_t n = t->cfg->in->read(t->cfg->in->ctx, t->chunk, cap, err);

        if (n < 0 || pl_stop_check(err) != 0 ||
            pl_csv_reader_feed(reader, t->chunk, (size_t)n, err) != 0)
            return -1;
        len = (size_t)n;
        if (t->cfg->progress != NULL)
            t->cfg->progress(t->cfg->progress_ctx, bytes, t->report->rows_in);
    }
    return pl_csv_reader_end(reader, err);
}

static const struct pl_csv_rule_count *most_frequent(
    const struct pl_csv_report *r)
{
    const struct pl_csv_rule_count *best = &r->rules[0];

    for (size_t i = 1; i < r->rule_count; i++)
        if (r->rules[i].count > best->count)
            best = &r->rules[i];
    return best;
}

static int check_limits(const struct transform *t, struct pl_err *err)
{
    const struct pl_csv_report *r = t->report;
    const struct pl_csv_limits *limits = &t->cfg->limits;
    const struct pl_csv_rule_count *most = most_frequent(r);

    if (!t->has_header)
        return pl_fail(err, PL_DATA_INVALID, "no header: the file is empty");
    if (r->rows_in != r->rows_out + r->rows_rejected + r->rows_dropped +
                          r->rows_merged + r->rows_unchanged)
        return pl_fail(err, PL_INTERNAL_ERROR, "counts do not add up");
    if ((double)r->rows_rejected * 100.0 >
        limits->max_reject_percent * (double)r->rows_in)
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " of %" PRIu64 " rows rejected, more than "
                       "max_reject_percent %g allows; most often by rule %s "
                       "(%" PRIu64 ")",
                       r->rows_rejected, r->rows_in, limits->max_reject_percent,
                       most->code, most->count);
    if ((int64_t)r->rows_out < limits->min_rows)
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " rows came out, min_rows asks for %" PRId64,
                       r->rows_out, limits->min_rows);
    return 0;
}

static int begin(struct transform *t, size_t chunk_bytes, struct pl_err *err)
{
    t->row.max_bytes = RECORD_BYTES_MAX * 3;
    t->report->rules = calloc(PL_RULE_COUNT - 1, sizeof(*t->report->rules));
    t->chunk = malloc(chunk_bytes);
    if (t->report->rules == NULL || t->chunk == NULL)
        return pl_fail_memory(err);
    t->report->rule_count = PL_RULE_COUNT - 1;
    for (size_t i = 0; i < t->report->rule_count; i++)
        t->report->rules[i].code = pl_rule_code((enum pl_rule)(i + 1));
    return pl_dedupe_open(&t->dedupe, err);
}

int pl_csv_transform(const struct pl_csv_config *cfg,
                     struct pl_csv_report *report, struct pl_err *err)
{
    PL_AUTO(transform) t = {.cfg = cfg, .report = report};
    PL_AUTO(pl_csv_reader) reader = {0};
    const size_t cap = cfg->chunk_bytes > 0 ? cfg->chunk_bytes : CHUNK_BYTES;
    const size_t max_record =
        cfg->max_record_bytes > 0 ? cfg->max_record_bytes : RECORD_BYTES_MAX;
    struct pl_err verdict = {0};

    memset(report, 0, sizeof(*report));
    if (begin(&t, cap, err) != 0 ||
        pl_csv_reader_open(&reader, max_record, on_record, &t, err) != 0)
        return -1;
    if (read_all(&t, &reader, cap, &verdict) == 0)
        (void)check_limits(&t, &verdict);
    /* the rejects so far are worth most when the run fails */
    if (flush(cfg->rejects, &t.rejects, 1, err) != 0 ||
        (verdict.code == PL_OK && flush(cfg->out, &t.out, 1, err) != 0))
        return -1;
    if (verdict.code != PL_OK) {
        *err = verdict;
        return -1;
    }
    return 0;
}
