/* Rows that repeat others, many of them: what is seen in memory against what is
 * settled by temporary files, which is other code. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/transform.h"

#define ROWS 20000

struct outcome {
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
    bool has_size; /* the length of the input is known */
} ways[] = {
    {"libcsv", 1 << 20, 1, 1, true}, /* the measure of the others */
    {NULL, 0, 1, 0, true},           {NULL, 0, 1, 0, false},
    {NULL, 4000, 3, 0, false},       {"scalar", 700, 2, 0, true},
    {"libcsv", 9000, 2, 0, false},   {NULL, 5000, 2, 1, true},
};

static void run(const struct way *way, const struct pl_buf *text,
                struct outcome *o)
{
    struct pl_mem_source mem = {.data = text->data, .len = text->len};
    const struct pl_source in = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);
    struct pl_err err = {0};
    const struct pl_csv_config cfg = {
        .target = pl_target_by_name("pinpoint"),
        .limits = {.max_reject_percent = 100,
                   .max_rejects = -1,
                   .max_rows = -1},
        .in = &in,
        .in_bytes = way->has_size ? (int64_t)text->len : 0,
        .out = &out,
        .rejects = &rejects,
        .has_raw = true,
        .threads = way->threads,
        .reader = way->reader,
        .keys_memory = way->keys_memory,
        .chunk_bytes = way->chunk_bytes};

    ck_assert_msg(pl_csv_transform(&cfg, &o->report, &err) == 0, "%s", err.msg);
}

static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (unsigned)((state >> 33) % n);
}

/* A name and a number in one of two forms that mean the same. */
static const struct word {
    char letter;
    const char *name;
    const char *other_name;
    const char *end;
    const char *other_end;
} words[] = {
    {'i', "id-", "\"Id-", "", "\""},
    {'c', "EMAIL", "\"email\"", "", ""},
    {'a', "jo.", "\"jo.", "@example.com", "@Example.com\""},
    {'u', "user-", "\" user-", "", "\""},
    {'m', "1", "\"1\"", "", ""},
};

static void add_word(struct pl_buf *text, char letter)
{
    struct pl_err err = {0};
    const struct word *w = words;
    const bool is_other = below(4) == 0;
    const unsigned most = letter == 'i'                    ? ROWS / 2
                          : letter == 'u' && below(2) == 0 ? 40
                                                           : ROWS;

    while (w->letter != letter)
        w++;
    ck_assert_int_eq(
        pl_buf_adds(text, is_other ? w->other_name : w->name, &err), 0);
    if (strchr("iau", letter) != NULL)
        ck_assert_int_eq(pl_buf_addf(text, &err, "%u", below(most)), 0);
    ck_assert_int_eq(pl_buf_adds(text, is_other ? w->other_end : w->end, &err),
                     0);
}

/* Some are bad in themselves. */
static void add_row(struct pl_buf *text, const char *form)
{
    struct pl_err err = {0};

    for (; *form != '\0'; form++) {
        if (*form == 'm' && below(50) == 0)
            ck_assert_int_eq(pl_buf_addc(text, 'x', &err), 0);
        else
            add_word(text, *form);
        ck_assert_int_eq(pl_buf_addc(text, form[1] == '\0' ? '\n' : ',', &err),
                         0);
    }
}

static void add_again(struct pl_buf *text, size_t at)
{
    PL_AUTO(pl_buf) row = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_add(&row, text->data + at, text->len - at, &err),
                     0);
    ck_assert_int_eq(pl_buf_add(text, row.data, row.len, &err), 0);
}

static const struct {
    const char *header;
    const char *form;
} shapes[] = {
    {"Id,ChannelType,Address,User.UserId,Metrics.M\n", "icaum"},
    {"Metrics.M,User.UserId,Address,ChannelType,Id\n", "muaci"},
    {"ChannelType,Address,Metrics.M\n", "cam"},
    {"User.UserId\n", "u"},
    {"Id,Metrics.M\n", "im"},
};

START_TEST(as_by_temporary_files)
{
    __attribute__((cleanup(outcome_release))) struct outcome first = {
        .report = {0}};
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    state = (uint64_t)_i + 1;
    ck_assert_int_eq(pl_buf_adds(&text, shapes[_i].header, &err), 0);
    for (unsigned i = 0; i < ROWS; i++) {
        const size_t at = text.len;

        add_row(&text, shapes[_i].form);
        if (below(20) == 0) /* once more, with all its values */
            add_again(&text, at);
    }
    run(&ways[0], &text, &first);
    ck_assert_uint_gt(first.report.rows_out, 1000);
    ck_assert_uint_gt(first.report.rows_dropped, 0);
    ck_assert(first.report.rows_rejected > 100 || shapes[_i].form[1] == '\0');
    for (size_t i = 1; i < UNIT_COUNT(ways); i++) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {
            .report = {0}};

        run(&ways[i], &text, &o);
        ck_assert_uint_eq(o.report.rows_out, first.report.rows_out);
        ck_assert_uint_eq(o.report.rows_dropped, first.report.rows_dropped);
        ck_assert_uint_eq(o.out.len, first.out.len);
        ck_assert_mem_eq(o.out.data, first.out.data, o.out.len);
        ck_assert_uint_eq(o.rejects.len, first.rejects.len);
        if (o.rejects.len == 0)
            continue;
        ck_assert_mem_eq(o.rejects.data, first.rejects.data, o.rejects.len);
    }
}
END_TEST

UNIT_MAIN("keys", tcase_add_loop_test(tc, as_by_temporary_files, 0,
                                      UNIT_COUNT(shapes));)
