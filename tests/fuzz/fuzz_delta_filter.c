/* Any text as normalized rows: the same counts and bytes in pieces of any size,
 * and a second run with the same rows sends nothing but the header. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/delta/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pl_delta_key key = {"0123456789abcdef", "fedcba9876543210"};

struct outcome {
    struct pl_buf out;
    struct pl_buf prints;
    uint64_t counts[PL_DELTA_KINDS];
    int rc;
};

static void outcome_release(struct outcome *o)
{
    pl_buf_release(&o->out);
    pl_buf_release(&o->prints);
}

static void load(struct pl_delta_table *t, const struct pl_buf *prints)
{
    static struct pl_delta_file_reader file;
    struct pl_delta_file_reader *const files[] = {&file};
    struct pl_mem_source mem = {prints->data, prints->len, 0, 0};
    const struct pl_source source = pl_mem_source(&mem);
    struct pl_err err = {0};

    memset(&file, 0, sizeof(file));
    if (pl_delta_read_open(&file, &source, &err) != 0 ||
        pl_delta_table_load(t, files, 1, SIZE_MAX, NULL, &err) != 0)
        abort();
}

static void go(enum pl_delta_rows kind, const uint8_t *data, size_t size,
               size_t piece, const struct pl_buf *prints, struct outcome *o)
{
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink kept = pl_buf_sink(&o->prints);
    const struct pl_delta_filter_config cfg = {
        .kind = kind, .key = key, .out = &out};
    struct pl_delta_table table = {0};
    struct pl_delta_filter f;
    const struct pl_sink sink = pl_delta_filter_sink(&f);
    struct pl_err err = {0};

    if (prints != NULL)
        load(&table, prints);
    pl_delta_filter_open(&f, &cfg, &table);
    o->rc = 0;
    for (size_t at = 0; o->rc == 0 && at < size; at += piece)
        o->rc = pl_sink_write(&sink, data + at,
                              piece < size - at ? piece : size - at, &err);
    if (o->rc == 0)
        o->rc = pl_delta_filter_settle(&f, &err);
    if (o->rc == 0)
        o->rc = pl_delta_filter_write(&f, &kept, &err);
    memcpy(o->counts, f.counts, sizeof(o->counts));
    pl_delta_filter_release(&f);
    pl_delta_table_release(&table);
}

static bool is_same(const struct pl_buf *a, const struct pl_buf *b)
{
    return a->len == b->len &&
           memcmp(pl_buf_str(a), pl_buf_str(b), a->len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int kind = PL_DELTA_ENDPOINTS; kind <= PL_DELTA_PROFILES; kind++) {
        __attribute__((cleanup(outcome_release))) struct outcome a = {0};
        __attribute__((cleanup(outcome_release))) struct outcome b = {0};
        __attribute__((cleanup(outcome_release))) struct outcome c = {0};

        go((enum pl_delta_rows)kind, data, size, size + 1, NULL, &a);
        go((enum pl_delta_rows)kind, data, size, 3, NULL, &b);
        if (a.rc != b.rc || (a.rc == 0 && !is_same(&a.out, &b.out)) ||
            (a.rc == 0 && !is_same(&a.prints, &b.prints)))
            abort();
        if (a.rc != 0 || a.prints.len == 0)
            continue;
        go((enum pl_delta_rows)kind, data, size, 5, &a.prints, &c);
        /* rows with one id may be told for each other's changes, never more */
        if (c.rc != 0 || c.counts[PL_DELTA_NEW] != 0 ||
            c.counts[PL_DELTA_CHANGED] + c.counts[PL_DELTA_UNCHANGED] !=
                a.counts[PL_DELTA_NEW])
            abort();
    }
    return 0;
}
