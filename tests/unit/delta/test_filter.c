/* What is new, changed, the same and gone, against a plain comparison of the
 * rows themselves; in every way of cutting the text into pieces. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/delta/filter.h"

#define HEADER "Id,Attributes.a\n"

static const struct pl_delta_key key = {"0123456789abcdef", "fedcba9876543210"};

/* One run: its rows in, its output and its fingerprints out. */
struct run {
    struct pl_buf out; /* parts, each ended by "--\n" */
    struct pl_buf prints;
    uint64_t counts[PL_DELTA_KINDS];
    uint64_t gone;
    uint64_t rows;
};

static void run_release(struct run *r)
{
    pl_buf_release(&r->out);
    pl_buf_release(&r->prints);
}

static int next_part(void *ctx, uint64_t rows, struct pl_err *err)
{
    (void)rows;
    return pl_buf_adds(ctx, "--\n", err);
}

static void load(struct pl_delta_table *t, const struct pl_buf *prints[],
                 size_t count, size_t memory)
{
    static struct pl_delta_file_reader readers[4];
    struct pl_delta_file_reader *all[4];
    struct pl_mem_source mem[4];
    struct pl_source sources[4];
    struct pl_err err = {0};

    for (size_t i = 0; i < count; i++) {
        memset(&readers[i], 0, sizeof(readers[i]));
        mem[i] = (struct pl_mem_source){prints[i]->data, prints[i]->len, 0, 0};
        sources[i] = pl_mem_source(&mem[i]);
        ck_assert_int_eq(pl_delta_read_open(&readers[i], &sources[i], &err), 0);
        all[i] = &readers[i];
    }
    if (count > 0)
        ck_assert_msg(pl_delta_table_load(t, all, count, memory, NULL, &err) ==
                          0,
                      "%s", err.msg);
}

static void go(struct pl_delta_filter_config cfg, const char *text,
               size_t piece, const struct pl_buf *prints[], size_t count,
               size_t memory, struct run *r)
{
    struct pl_delta_table table = {0};
    struct pl_delta_filter f;
    const struct pl_sink out = pl_buf_sink(&r->out);
    const struct pl_sink kept = pl_buf_sink(&r->prints);
    const struct pl_sink sink = pl_delta_filter_sink(&f);
    const size_t len = strlen(text);
    struct pl_err err = {0};

    cfg.key = key;
    cfg.out = &out;
    cfg.next_part = next_part;
    cfg.part_ctx = &r->out;
    load(&table, prints, count, memory);
    pl_delta_filter_open(&f, &cfg, &table);
    for (size_t at = 0; at < len; at += piece)
        ck_assert_int_eq(pl_sink_write(&sink, text + at,
                                       piece < len - at ? piece : len - at,
                                       &err),
                         0);
    ck_assert_int_eq(pl_delta_filter_settle(&f, &err), 0);
    memcpy(r->counts, f.counts, sizeof(r->counts));
    r->gone = pl_delta_filter_gone(&f);
    r->rows = pl_delta_filter_rows(&f);
    ck_assert_msg(pl_delta_filter_write(&f, &kept, &err) == 0, "%s", err.msg);
    pl_delta_filter_release(&f);
    pl_delta_table_release(&table);
}

static void check_counts(const struct run *r, uint64_t fresh, uint64_t changed,
                         uint64_t same, uint64_t gone)
{
    ck_assert_uint_eq(r->counts[PL_DELTA_NEW], fresh);
    ck_assert_uint_eq(r->counts[PL_DELTA_CHANGED], changed);
    ck_assert_uint_eq(r->counts[PL_DELTA_UNCHANGED], same);
    ck_assert_uint_eq(r->gone, gone);
}

START_TEST(second_run_lets_through_what_differs)
{
    const char *first = HEADER "a,1\nB,2\nc,3\n\"d,d\",4\n";
    const char *second = HEADER "b,2\nc,33\n\"d,d\",4\ne,5\n";

    for (size_t piece = 1; piece < 40; piece++) {
        struct run a = {.rows = 0};
        struct run b = {.rows = 0};
        const struct pl_buf *prints[] = {&a.prints};

        go((struct pl_delta_filter_config){0}, first, piece, NULL, 0, SIZE_MAX,
           &a);
        ck_assert_str_eq(pl_buf_str(&a.out), first);
        check_counts(&a, 4, 0, 0, 0);
        go((struct pl_delta_filter_config){0}, second, piece, prints, 1,
           SIZE_MAX, &b);
        /* b is the same endpoint as B, but another row */
        ck_assert_str_eq(pl_buf_str(&b.out), HEADER "b,2\nc,33\ne,5\n");
        check_counts(&b, 1, 2, 1, 1);
        run_release(&a);
        run_release(&b);
    }
}
END_TEST

START_TEST(full_run_writes_all_and_counts_the_same)
{
    struct run a = {.rows = 0};
    struct run b = {.rows = 0};
    const struct pl_buf *prints[] = {&a.prints};

    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,2\n", 7, NULL, 0,
       SIZE_MAX, &a);
    go((struct pl_delta_filter_config){.is_full = true}, HEADER "a,1\nc,2\n", 7,
       prints, 1, SIZE_MAX, &b);
    ck_assert_str_eq(pl_buf_str(&b.out), HEADER "a,1\nc,2\n");
    check_counts(&b, 1, 0, 1, 1);
    run_release(&a);
    run_release(&b);
}
END_TEST

/* Another header: every row is another one. */
START_TEST(other_columns_change_every_row)
{
    struct run a = {.rows = 0};
    struct run b = {.rows = 0};
    const struct pl_buf *prints[] = {&a.prints};

    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,2\n", 9, NULL, 0,
       SIZE_MAX, &a);
    go((struct pl_delta_filter_config){0}, "Id,Attributes.b\na,1\nb,2\n", 9,
       prints, 1, SIZE_MAX, &b);
    check_counts(&b, 0, 2, 0, 0);
    run_release(&a);
    run_release(&b);
}
END_TEST

/* A column that nobody filled comes or goes: nothing changes for others. */
START_TEST(profiles_are_compared_by_their_filled_cells)
{
    const struct pl_delta_filter_config cfg = {.kind = PL_DELTA_PROFILES};
    struct run a = {.rows = 0};
    struct run b = {.rows = 0};
    const struct pl_buf *prints[] = {&a.prints};

    go(cfg, "Key,x\nu1,1\nu2,\nu3,3\n", 5, NULL, 0, SIZE_MAX, &a);
    go(cfg, "Key,w,x\nu1,,1\nu2,2,\nu3,3,\n", 5, prints, 1, SIZE_MAX, &b);
    ck_assert_str_eq(pl_buf_str(&b.out), "Key,w,x\nu2,2,\nu3,3,\n");
    check_counts(&b, 0, 2, 1, 0);
    run_release(&a);
    run_release(&b);
}
END_TEST

START_TEST(keys_without_case_where_the_service_has_none)
{
    struct run a = {.rows = 0};
    struct run b = {.rows = 0};
    struct run c = {.rows = 0};
    const struct pl_buf *prints[] = {&a.prints};

    go((struct pl_delta_filter_config){.kind = PL_DELTA_PROFILES}, "K,x\nA,1\n",
       99, NULL, 0, SIZE_MAX, &a);
    go((struct pl_delta_filter_config){.kind = PL_DELTA_PROFILES}, "K,x\na,1\n",
       99, prints, 1, SIZE_MAX, &b);
    check_counts(&b, 1, 0, 0, 1);
    run_release(&b);
    run_release(&a);
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    go((struct pl_delta_filter_config){.kind = PL_DELTA_PROFILES,
                                       .is_folded = true},
       "K,x\nA,1\n", 99, NULL, 0, SIZE_MAX, &a);
    go((struct pl_delta_filter_config){.kind = PL_DELTA_PROFILES,
                                       .is_folded = true},
       "K,x\na,1\n", 99, prints, 1, SIZE_MAX, &c);
    check_counts(&c, 0, 1, 0, 0);
    run_release(&a);
    run_release(&c);
}
END_TEST

START_TEST(address_is_an_id_with_its_channel)
{
    struct run a = {.rows = 0};
    struct run b = {.rows = 0};
    const struct pl_buf *prints[] = {&a.prints};

    go((struct pl_delta_filter_config){0},
       "Address,Attributes.a,ChannelType\nx,1,SMS\ny,1,SMS\n", 99, NULL, 0,
       SIZE_MAX, &a);
    go((struct pl_delta_filter_config){0},
       "Address,Attributes.a,ChannelType\nx,2,SMS\ny,1,VOICE\n", 99, prints, 1,
       SIZE_MAX, &b);
    check_counts(&b, 1, 1, 0, 1);
    run_release(&a);
    run_release(&b);
}
END_TEST

/* What an import that did not end may have changed is sent again. */
START_TEST(rows_of_an_unsettled_run_are_not_unchanged)
{
    struct run last = {.rows = 0};
    struct run open = {.rows = 0};
    struct run now = {.rows = 0};
    const struct pl_buf *prints[] = {&last.prints, &open.prints};

    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,1\nc,1\n", 99, NULL,
       0, SIZE_MAX, &last);
    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,2\nd,1\n", 99, NULL,
       0, SIZE_MAX, &open);
    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,1\n", 99, prints, 2,
       SIZE_MAX, &now);
    ck_assert_str_eq(pl_buf_str(&now.out), HEADER "b,1\n");
    check_counts(&now, 0, 1, 1, 2); /* c, and d that may have been sent */
    run_release(&last);
    run_release(&open);
    run_release(&now);
}
END_TEST

START_TEST(parts_have_the_header_and_their_size)
{
    struct run a = {.rows = 0};

    go((struct pl_delta_filter_config){.max_part_bytes = 24},
       HEADER "a,1\nb,2\nc,3\n", 99, NULL, 0, SIZE_MAX, &a);
    ck_assert_str_eq(pl_buf_str(&a.out),
                     HEADER "a,1\nb,2\n--\n" HEADER "c,3\n");
    run_release(&a);
}
END_TEST

/* Many rows: through the files of the sort, and with a table in a file. */
#define MANY 400000

static void many(struct pl_buf *text, unsigned step, unsigned salt)
{
    struct pl_err err = {0};

    text->max_bytes = SIZE_MAX;
    ck_assert_int_eq(pl_buf_adds(text, HEADER, &err), 0);
    for (unsigned i = step == 0 ? 0 : MANY / 10; i < MANY + step; i++)
        ck_assert_int_eq(
            pl_buf_addf(text, &err, "e%u,%u\n", i, i % 10 == 0 ? salt : 0), 0);
}

START_TEST(many_rows)
{
    struct pl_buf first = PL_BUF_INIT;
    struct pl_buf second = PL_BUF_INIT;
    struct run a = {.out = {.max_bytes = SIZE_MAX},
                    .prints = {.max_bytes = SIZE_MAX}};

    many(&first, 0, 1);
    many(&second, 1000, 2);
    go((struct pl_delta_filter_config){0}, first.data, 1 << 17, NULL, 0,
       SIZE_MAX, &a);
    for (size_t memory = 0; memory < 2; memory++) {
        struct run b = {.out = {.max_bytes = SIZE_MAX},
                        .prints = {.max_bytes = SIZE_MAX}};
        struct run c = {.out = {.max_bytes = SIZE_MAX},
                        .prints = {.max_bytes = SIZE_MAX}};
        const struct pl_buf *of_first[] = {&a.prints};
        const struct pl_buf *of_second[] = {&b.prints};

        go((struct pl_delta_filter_config){0}, second.data, 1 << 17, of_first,
           1, memory == 0 ? 0 : SIZE_MAX, &b);
        check_counts(&b, 1000, MANY / 10 * 9 / 10, MANY / 10 * 81 / 10,
                     MANY / 10);
        go((struct pl_delta_filter_config){0}, second.data, 1 << 17, of_second,
           1, SIZE_MAX, &c);
        check_counts(&c, 0, 0, MANY / 10 * 9 + 1000, 0);
        ck_assert_str_eq(pl_buf_str(&c.out), HEADER);
        /* from where it came does not matter */
        ck_assert_uint_eq(b.prints.len, c.prints.len);
        ck_assert_mem_eq(b.prints.data, c.prints.data, b.prints.len);
        run_release(&b);
        run_release(&c);
    }
    run_release(&a);
    pl_buf_release(&first);
    pl_buf_release(&second);
}
END_TEST

/* Every byte that is another one, and every end that comes early. */
START_TEST(broken_files_are_refused)
{
    struct run a = {.rows = 0};

    go((struct pl_delta_filter_config){0}, HEADER "a,1\nb,2\nc,3\n", 99, NULL,
       0, SIZE_MAX, &a);
    for (size_t i = 0; i < 2 * a.prints.len; i++) {
        struct pl_delta_file_reader r = {.in = NULL};
        const bool is_cut = i >= a.prints.len;
        struct pl_mem_source mem = {
            a.prints.data, is_cut ? i - a.prints.len : a.prints.len, 0, 3};
        const struct pl_source source = pl_mem_source(&mem);
        struct pl_err err = {0};

        if (!is_cut)
            a.prints.data[i] ^= 0x41;
        if (pl_delta_read_open(&r, &source, &err) == 0)
            while (pl_delta_read(&r, &err) != NULL)
                ;
        ck_assert_msg(err.code == PL_DATA_INVALID && !r.is_end, "byte %zu", i);
        if (!is_cut)
            a.prints.data[i] ^= 0x41;
    }
    run_release(&a);
}
END_TEST

UNIT_MAIN("filter", tcase_add_test(tc, second_run_lets_through_what_differs);
          tcase_add_test(tc, full_run_writes_all_and_counts_the_same);
          tcase_add_test(tc, other_columns_change_every_row);
          tcase_add_test(tc, profiles_are_compared_by_their_filled_cells);
          tcase_add_test(tc, keys_without_case_where_the_service_has_none);
          tcase_add_test(tc, address_is_an_id_with_its_channel);
          tcase_add_test(tc, rows_of_an_unsettled_run_are_not_unchanged);
          tcase_add_test(tc, parts_have_the_header_and_their_size);
          tcase_add_test(tc, many_rows);
          tcase_add_test(tc, broken_files_are_refused);)
