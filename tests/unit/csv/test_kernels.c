/* Every kernel against the reference, over generated files, cut at places
 * that fall on the edges of blocks. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/kernel.h"
#include "pipeline/csv/rules.h"

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

static void run(const char *reader, size_t chunk_bytes, unsigned threads,
                const struct pl_buf *text, struct outcome *o)
{
    struct pl_mem_source mem = {.data = text->data, .len = text->len};
    const struct pl_source in = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);
    const struct pl_csv_config cfg = {
        .target = pl_target_by_name("pinpoint"),
        .rules = {.empty = PL_CSV_EMPTY_KEEP,
                  .off = UINT64_C(1) << PL_RULE_ADDRESS_DUPLICATE},
        .limits = {.max_reject_percent = 100,
                   .max_rejects = -1,
                   .max_rows = -1},
        .in = &in,
        .out = &out,
        .rejects = &rejects,
        .has_raw = true,
        .has_report = true,
        .threads = threads,
        .reader = reader,
        .chunk_bytes = chunk_bytes};

    o->rc = pl_csv_transform(&cfg, &o->report, &o->err);
}

static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (unsigned)((state >> 33) % n);
}

static void add(struct pl_buf *text, const char *piece)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(text, piece, &err), 0);
}

/* Rows of every kind, most of them good. */
static void make_file(struct pl_buf *text, unsigned rows)
{
    static const char *const cells[] = {
        "plain",
        "\"quoted\"",
        "",
        "\"\"",
        "\" blank \"",
        " blank",
        "\"a,b\"",
        "\"q\"\"q\"",
        "\"l\nb\"",
        "\"c\r\nb\"",
        "\xC3\xA9",
        "\"\xF0\x9F\x98\x80\"",
        "tab\tx",
        "\"[a]\"",
        "x\xC3",
        "bad\"quote",
        "\"bad\"x",
        "\"\x01\"",
        "a b  c",
        "\"0123456789012345678901234567890123456789012345678901234567890\"",
        "\"a,0123456789012345678901234567890,\n0123456789012345678901,z\"",
    };
    static const char *const numbers[] = {
        "1", "\"-2.5\"", "3e-7", "\"1e99\"", "", "x", "\"1.\"", "+4", "0.125"};
    static const char *const addresses[] = {"EMAIL,ann@Example.COM",
                                            "\"EMAIL\",\"b.c@d-e.fr\"",
                                            "SMS,+4915112345678",
                                            "\"SMS\",\"+49 151 (1)\"",
                                            "GCM,abcdef",
                                            "\"APNS\",\"00ff\"",
                                            "email,x@y.zz",
                                            ",",
                                            "EMAIL,nobody",
                                            "PIGEON,x",
                                            "SMS,0151",
                                            "\"EMAIL\",\"a@b..c\""};
    static const char *const ends[] = {"\n", "\n", "\n", "\n", "\r\n", "\r"};

    add(text, "Id,ChannelType,Address,\"Attributes.A\",Metrics.M,"
              "User.UserAttributes.B\n");
    for (unsigned i = 0; i < rows; i++) {
        struct pl_err err = {0};

        ck_assert_int_eq(pl_buf_addf(text, &err,
                                     below(2) ? "\"id-%u\"," : "id-%u,",
                                     below(8) ? i : below(i + 1)),
                         0);
        add(text, addresses[below(below(4) ? 7 : UNIT_COUNT(addresses))]);
        add(text, ",");
        add(text, cells[below(below(3) ? 2 : UNIT_COUNT(cells))]);
        add(text, ",");
        add(text, numbers[below(below(3) ? 4 : UNIT_COUNT(numbers))]);
        add(text, ",");
        add(text, cells[below(below(3) ? 2 : UNIT_COUNT(cells))]);
        if (below(50) == 0)
            add(text, ",more");
        add(text, ends[below(UNIT_COUNT(ends))]);
    }
    if (below(2))
        add(text, "last,,,,,");
}

static void compare(const struct outcome *a, const struct outcome *b,
                    const char *what, size_t chunk_bytes)
{
    ck_assert_msg(a->rc == b->rc && strcmp(a->err.msg, b->err.msg) == 0,
                  "%s, %zu: %s, %s", what, chunk_bytes, a->err.msg, b->err.msg);
    ck_assert_msg(
        a->rejects.len == b->rejects.len &&
            strcmp(pl_buf_str(&a->rejects), pl_buf_str(&b->rejects)) == 0,
        "%s, %zu: other rejects", what, chunk_bytes);
    ck_assert_msg(a->out.len == b->out.len &&
                      strcmp(pl_buf_str(&a->out), pl_buf_str(&b->out)) == 0,
                  "%s, %zu: other rows", what, chunk_bytes);
    for (size_t i = 0; i < a->report.column_count; i++)
        ck_assert_uint_eq(a->report.columns[i].distinct,
                          b->report.columns[i].distinct);
}

START_TEST(kernels_agree)
{
    static const char *const names[] = {"avx512", "avx2", "sse2", "neon",
                                        "scalar"};
    const char *name = names[_i];

    if (pl_csv_kernel_by_name(name) == NULL)
        return; /* not of this machine */
    for (unsigned seed = 1; seed <= 6; seed++) {
        __attribute__((cleanup(outcome_release))) struct outcome a = {.rc = 0};
        PL_AUTO(pl_buf) text = PL_BUF_INIT;

        state = seed;
        make_file(&text, 400);
        run("libcsv", 0, 1, &text, &a);
        ck_assert_msg(a.report.rows_out > 100, "%s", a.err.msg);
        for (size_t chunk = 1; chunk < 2000; chunk = chunk * 3 / 2 + 1) {
            __attribute__((cleanup(outcome_release))) struct outcome b = {
                .rc = 0};

            run(name, chunk, 1 + (unsigned)chunk % 3, &text, &b);
            compare(&a, &b, name, chunk);
        }
    }
}
END_TEST

UNIT_MAIN("kernels", tcase_add_loop_test(tc, kernels_agree, 0, 5);)
