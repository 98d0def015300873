/* Any bytes: counts add up; every reader, chunk size, number of threads and
 * way of finding duplicates comes to the same bytes and the same words; and
 * what was written is read again without a reject. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/kernel.h"
#include "pipeline/csv/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
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

/* How it is done; the first is what the others are compared with. */
static const struct way {
    const char *reader;
    size_t chunk_bytes;
    unsigned threads;
    uint64_t keys_memory;
} ways[] = {
    {"libcsv", 65536, 1, 0}, {"libcsv", 1, 1, 0},   {NULL, 65536, 1, 0},
    {NULL, 1, 1, 0},         {NULL, 97, 2, 0},      {"avx2", 7, 1, 0},
    {"sse2", 130, 1, 0},     {"scalar", 64, 1, 0},  {"scalar", 65536, 1, 1},
    {NULL, 200, 3, 1},       {"neon", 65536, 1, 0},
};

static void run(const struct way *way, const uint8_t *data, size_t size,
                unsigned settings, struct outcome *o)
{
    struct pl_mem_source mem = {.data = (const char *)data, .len = size};
    const struct pl_source in = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);
    struct pl_csv_config cfg = {.target = pl_target_by_name("pinpoint"),
                                .limits = {.max_reject_percent = 100,
                                           .max_rejects = -1,
                                           .max_rows = -1},
                                .in = &in,
                                .in_bytes = (int64_t)size,
                                .out = &out,
                                .rejects = &rejects,
                                .has_raw = true,
                                .has_report = (settings & 1) != 0,
                                .threads = way->threads,
                                .reader = way->reader,
                                .keys_memory = way->keys_memory,
                                .chunk_bytes = way->chunk_bytes};

    cfg.rules.empty = (settings & 2) != 0   ? PL_CSV_EMPTY_NULL
                      : (settings & 4) != 0 ? PL_CSV_EMPTY_KEEP
                                            : PL_CSV_EMPTY_REJECT;
    cfg.rules.unknown_columns =
        (settings & 8) != 0 ? PL_CSV_UNKNOWN_DROP : PL_CSV_UNKNOWN_REFUSE;
    cfg.rules.duplicates = (settings & 16) != 0 ? PL_CSV_DUPLICATES_KEEP_LAST
                                                : PL_CSV_DUPLICATES_REJECT;
    cfg.format = (settings & 32) != 0 ? PL_CSV_OUT_JSON : PL_CSV_OUT_CSV;
    o->rc = pl_csv_transform(&cfg, &o->report, &o->err);
    require(o->report.rows_in == o->report.rows_out + o->report.rows_rejected +
                                     o->report.rows_dropped);
}

static void require_same(const struct pl_buf *a, const struct pl_buf *b)
{
    require(a->len == b->len);
    require(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    require(a->rc == b->rc && strcmp(a->err.msg, b->err.msg) == 0);
    require_same(&a->rejects, &b->rejects);
    require_same(&a->out, &b->out);
    require(a->report.rows_in == b->report.rows_in &&
            a->report.rows_out == b->report.rows_out);
    require(a->report.column_count == b->report.column_count);
    for (size_t i = 0; i < a->report.column_count; i++) {
        const struct pl_csv_column *x = &a->report.columns[i];
        const struct pl_csv_column *y = &b->report.columns[i];

        require(x->filled == y->filled && x->null == y->null &&
                x->empty == y->empty && x->longest == y->longest &&
                x->distinct == y->distinct && x->top_count == y->top_count);
    }
}

/* The first byte says how strict, the others are the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    __attribute__((cleanup(outcome_release))) struct outcome first = {.rc = 0};
    const unsigned settings = size > 0 ? data[0] : 0;

    if (size == 0)
        return 0;
    run(&ways[0], data + 1, size - 1, settings, &first);
    for (size_t i = 1; i < PL_COUNT(ways); i++) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};

        if (ways[i].reader != NULL && strcmp(ways[i].reader, "libcsv") != 0 &&
            pl_csv_kernel_by_name(ways[i].reader) == NULL)
            continue;
        run(&ways[i], data + 1, size - 1, settings, &o);
        compare(&first, &o);
    }
    if (first.rc == 0 && (settings & 32) == 0) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};

        run(&ways[2], (const uint8_t *)first.out.data, first.out.len, settings,
            &o);
        require(o.rc == 0 && o.report.rows_rejected == 0);
        require_same(&first.out, &o.out);
    }
    return 0;
}
