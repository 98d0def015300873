/* Records in order, in memory and through a temporary file. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/sorter.h"

#define RECORDS_MAX 60000

static uint64_t state;

static uint64_t next_random(void)
{
    state =
        state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 33;
}

struct record {
    unsigned char key[24];
    size_t key_len;
    uint32_t number;
};

static struct record records[RECORDS_MAX];

static int by_key_then_number(const void *va, const void *vb)
{
    const struct record *a = va;
    const struct record *b = vb;
    const int order = memcmp(a->key, b->key,
                             a->key_len < b->key_len ? a->key_len : b->key_len);

    if (order != 0)
        return order;
    if (a->key_len != b->key_len)
        return a->key_len < b->key_len ? -1 : 1;
    return a->number < b->number ? -1 : 1;
}

/* Keys of few letters, so that many are equal or begin alike. */
static void make_records(size_t count, size_t key_max)
{
    state = count + key_max;
    for (size_t i = 0; i < count; i++) {
        records[i].number = (uint32_t)i;
        records[i].key_len = (size_t)(next_random() % (key_max + 1));
        for (size_t k = 0; k < records[i].key_len; k++)
            records[i].key[k] = (unsigned char)(next_random() % 3 * 127);
    }
}

static const struct {
    size_t count;
    size_t key_max;
    size_t value_len; /* behind the number: 0 to this */
    bool has_file;
} cases[] = {{0, 8, 0, false},          {1, 8, 0, false},
             {1000, 0, 10, false},      {2000, 3, 10, false},
             {RECORDS_MAX, 3, 9, true}, {RECORDS_MAX, 24, 60, true},
             {9000, 12, 900, true}};

/* One assertion for each record: check writes every one of them down. */
static bool is_record(const struct pl_sorted *got, const struct record *want,
                      size_t value_len)
{
    const size_t more = want->number % (value_len + 1);
    static unsigned char value[1024];

    memcpy(value, &want->number, sizeof(want->number));
    memset(value + sizeof(want->number), (int)more, more);
    return got->key_len == want->key_len &&
           memcmp(got->key, want->key, want->key_len) == 0 &&
           got->value_len == sizeof(want->number) + more &&
           memcmp(got->value, value, got->value_len) == 0;
}

START_TEST(as_a_stable_sort)
{
    struct pl_sorter s;
    struct pl_err err = {0};
    struct pl_sorted got;
    static unsigned char value[1024];

    make_records(cases[_i].count, cases[_i].key_max);
    pl_sorter_init(&s, NULL, 1); /* the least there is */
    for (size_t i = 0; i < cases[_i].count; i++) {
        const size_t more = i % (cases[_i].value_len + 1);

        memcpy(value, &records[i].number, sizeof(records[i].number));
        memset(value + sizeof(records[i].number), (int)more, more);
        ck_assert_int_eq(pl_sorter_add(&s, records[i].key, records[i].key_len,
                                       value, sizeof(uint32_t) + more, &err),
                         0);
    }
    ck_assert_int_eq(pl_sorter_finish(&s, &err), 0);
    ck_assert_int_eq(s.run_count > 0, cases[_i].has_file);
    if (cases[_i].count > 0)
        qsort(records, cases[_i].count, sizeof(*records), by_key_then_number);
    for (size_t i = 0; i < cases[_i].count; i++) {
        ck_assert_int_eq(pl_sorter_next(&s, &got, &err), 1);
        if (!is_record(&got, &records[i], cases[_i].value_len))
            ck_abort_msg("record %zu is another one", i);
    }
    ck_assert_int_eq(pl_sorter_next(&s, &got, &err), 0);
    ck_assert_int_eq(pl_sorter_next(&s, &got, &err), 0);
    pl_sorter_release(&s);
    pl_sorter_release(&s);
}
END_TEST

START_TEST(large_records)
{
    static unsigned char large[(size_t)256 << 10];
    struct pl_sorter s;
    struct pl_err err = {0};
    struct pl_sorted got;

    pl_sorter_init(&s, NULL, 1);
    for (unsigned char i = 20; i > 0; i--) {
        memset(large, i, sizeof(large));
        ck_assert_int_eq(
            pl_sorter_add(&s, &i, 1, large, sizeof(large) - 1, &err), 0);
    }
    ck_assert_int_eq(pl_sorter_add(&s, large, 1, large, sizeof(large), &err),
                     -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_sorter_finish(&s, &err), 0);
    for (unsigned char i = 1; i <= 20; i++) {
        ck_assert_int_eq(pl_sorter_next(&s, &got, &err), 1);
        ck_assert_uint_eq(got.key[0], i);
        ck_assert_uint_eq(got.value_len, sizeof(large) - 1);
        ck_assert_uint_eq(got.value[0], i);
        ck_assert_uint_eq(got.value[got.value_len - 1], i);
    }
    ck_assert_int_eq(pl_sorter_next(&s, &got, &err), 0);
    pl_sorter_release(&s);
}
END_TEST

START_TEST(no_place_for_the_file)
{
    struct pl_sorter s;
    struct pl_err err = {0};
    int rc = 0;

    pl_sorter_init(&s, "/nonexistent", 1);
    for (int i = 0; rc == 0 && i < 100000; i++)
        rc = pl_sorter_add(&s, "0123456789", 10, "0123456789", 10, &err);
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(err.code, PL_FILE_ERROR);
    pl_sorter_release(&s);
}
END_TEST

UNIT_MAIN("sorter",
          tcase_add_loop_test(tc, as_a_stable_sort, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, large_records);
          tcase_add_test(tc, no_place_for_the_file);)
