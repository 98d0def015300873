#include <string.h>

#include "pipeline/base/io.h"
#include "tests/unit/unit.h"

#define BYTES 200000U

static unsigned char at_place(uint64_t at)
{
    return (unsigned char)(at * 31 / 7);
}

/* ctx: the place at which it fails. */
static int read_at(void *ctx, uint64_t at, void *buf, size_t n,
                   struct pl_err *err)
{
    const uint64_t *bad = ctx;
    unsigned char *to = buf;

    ck_assert_uint_le(at + n, BYTES);
    if (*bad >= at && *bad < at + n)
        return pl_fail(err, PL_FILE_ERROR, "bad at %u", (unsigned)*bad);
    for (size_t i = 0; i < n; i++)
        to[i] = at_place(at + i);
    return 0;
}

static void check(void *ctx, const void *data, size_t len)
{
    const unsigned char *from = data;
    uint64_t *seen = ctx;

    for (size_t i = 0; i < len; i++)
        ck_assert_uint_eq(from[i], at_place(*seen + i));
    *seen += len;
}

START_TEST(a_blob_is_passed_on_whole_and_in_order)
{
    uint64_t bad = UINT64_MAX;
    struct pl_blob blob = {.len = BYTES, .ctx = &bad, .read_at = read_at};
    struct pl_err err = {0};
    uint64_t seen = 0;

    ck_assert_int_eq(pl_blob_each(&blob, check, &seen, &err), 0);
    ck_assert_uint_eq(seen, BYTES);
    blob.len = seen = 0;
    ck_assert_int_eq(pl_blob_each(&blob, check, &seen, &err), 0);
    ck_assert_uint_eq(seen, 0);
}
END_TEST

START_TEST(a_blob_in_memory_is_one_piece)
{
    const unsigned char data[] = {at_place(0), at_place(1), at_place(2)};
    const struct pl_blob blob = {.data = data, .len = sizeof(data)};
    struct pl_err err = {0};
    uint64_t seen = 0;

    ck_assert_int_eq(pl_blob_each(&blob, check, &seen, &err), 0);
    ck_assert_uint_eq(seen, sizeof(data));
}
END_TEST

START_TEST(a_blob_that_cannot_be_read)
{
    uint64_t bad = BYTES - 1;
    const struct pl_blob blob = {.len = BYTES, .ctx = &bad, .read_at = read_at};
    struct pl_err err = {0};
    uint64_t seen = 0;

    ck_assert_int_eq(pl_blob_each(&blob, check, &seen, &err), -1);
    ck_assert_int_eq(err.code, PL_FILE_ERROR);
    ck_assert_uint_lt(seen, BYTES);
}
END_TEST

UNIT_MAIN("io", tcase_add_test(tc, a_blob_is_passed_on_whole_and_in_order);
          tcase_add_test(tc, a_blob_in_memory_is_one_piece);
          tcase_add_test(tc, a_blob_that_cannot_be_read);)
