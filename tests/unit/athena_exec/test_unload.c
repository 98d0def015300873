#include "tests/unit/unit.h"

#include <string.h>

#include "stages/athena_exec/job.h"
#include "stages/athena_exec/parts.h"

static const struct {
    const char *sql;
    size_t columns;
    const char *prefix;
    const char *want;
    int64_t partitions;
    size_t id;
} words[] = {
    {"SELECT a AS Id FROM t", 1, "s3://b/p/",
     "UNLOAD (SELECT * FROM (\nSELECT a AS Id FROM t\n) AS t(c0)) TO "
     "'s3://b/p/' WITH (format = 'JSON')",
     0, 0},
    {"WITH w AS (SELECT 1) SELECT a, b, c FROM w -- end", 3, "s3://b/it's/",
     "UNLOAD (SELECT * FROM (\nWITH w AS (SELECT 1) SELECT a, b, c FROM w -- "
     "end\n) AS t(c0, c1, c2)) TO 's3://b/it''s/' WITH (format = 'JSON')",
     0, 0},
    {"SELECT a, b AS Id FROM t", 2, "s3://b/p/",
     "UNLOAD (SELECT *, coalesce(mod(crc32(to_utf8(lower(regexp_replace("
     "CAST(c1 AS varchar), '\\s+')))), 16), 0) AS p FROM (\nSELECT a, b AS Id "
     "FROM t\n) AS t(c0, c1)) TO 's3://b/p/' WITH (format = 'JSON', "
     "partitioned_by = ARRAY['p'])",
     16, 1},
};

START_TEST(word)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    const struct athena_unload u = {.sql = words[_i].sql,
                                    .len = strlen(words[_i].sql),
                                    .column_count = words[_i].columns,
                                    .partitions = words[_i].partitions,
                                    .id_column = words[_i].id,
                                    .prefix = words[_i].prefix};

    ck_assert_int_eq(athena_unload_word(&u, &out, &err), 0);
    ck_assert_str_eq(out.data, words[_i].want);
}
END_TEST

START_TEST(prefix)
{
    struct athena_job job = {0};
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(athena_unload_prefix(&job, 1, &out, &err), -1);
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    pl_err_clear(&err);
    ck_assert_int_eq(pl_buf_adds(&place, "s3://b/lakeseg/r/", &err), 0);
    job.place = place;
    ck_assert_int_eq(athena_unload_prefix(&job, 2, &out, &err), 0);
    ck_assert_str_eq(out.data, "s3://b/lakeseg/r/unload/2/");
}
END_TEST

static const struct {
    const char *text;
    int good;
} lists[] = {
    {"", 1},
    {"s3://b/p/1\ns3://b/p/2\n", 1},
    {"\"s3://b/p/1\"\r\n\n\"s3://b/p/2\"", 1},
    {"s3://b/p/1\ns3://b/q/2\n", 0},
    {"s3://b/p/1\nx\n", 0},
    {"s3://b/p/\n", 0}, /* the folder itself */
    {"s3://b/p/\xFF\n", 0},
};

START_TEST(list)
{
    PL_AUTO(athena_parts) parts = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(athena_parts_open(&parts, "s3://b/p/", &err), 0);
    ck_assert_int_eq(
        athena_parts_read(&parts, lists[_i].text, strlen(lists[_i].text), &err),
        lists[_i].good ? 0 : -1);
    if (!lists[_i].good)
        ck_assert_int_eq(err.code, PL_SERVICE_REFUSED);
}
END_TEST

START_TEST(each_is_taken_once)
{
    static const char text[] = "s3://b/p/1\ns3://b/p/2";
    PL_AUTO(athena_parts) parts = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(athena_parts_open(&parts, "s3://b/p/", &err), 0);
    ck_assert_ptr_null(athena_parts_left(&parts));
    ck_assert_int_eq(athena_parts_read(&parts, text, strlen(text), &err), 0);
    ck_assert(!athena_parts_take(&parts, "s3://b/p/3"));
    ck_assert(athena_parts_take(&parts, "s3://b/p/1"));
    ck_assert(!athena_parts_take(&parts, "s3://b/p/1"));
    ck_assert_str_eq(athena_parts_left(&parts), "s3://b/p/2");
    ck_assert(athena_parts_take(&parts, "s3://b/p/2"));
    ck_assert_ptr_null(athena_parts_left(&parts));
}
END_TEST

UNIT_MAIN("unload", tcase_add_loop_test(tc, word, 0, UNIT_COUNT(words));
          tcase_add_test(tc, prefix);
          tcase_add_loop_test(tc, list, 0, UNIT_COUNT(lists));
          tcase_add_test(tc, each_is_taken_once);)
