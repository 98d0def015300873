#include "local/trino_sql.h"

#include "tests/unit/unit.h"

static const struct {
    const char *sql;
    const char *want; /* NULL: as it is */
} rewrites[] = {
    {"SELECT 1", NULL},
    {"", NULL},
    {"SELECT transform(a, x -> x + 1) FROM t",
     "SELECT list_transform(a,  x -> x + 1) FROM t"},
    {"Transform ( filter(a, x -> x > 0), y -> f(y, ')') )",
     "list_transform( list_filter(a,  x -> x > 0),  y -> f(y, ')') )"},
    {"reduce(a, 0, (s, x) -> s + x, s -> s)",
     "(list_transform([list_reduce(a,  (s, x) -> s + x,  0)],  s -> s)[1])"},
    {"count(*) FILTER (WHERE x)", NULL},
    {"'transform(a, x -> x)' -- transform(a, b)\n\"filter\"(1, 2)", NULL},
    {"transform(a, x -> x", NULL},
    {"transform", NULL},
    {"transform(", NULL},
    {"transform()", NULL},
    {"transform(a, b, c)", NULL},
    {"map_filter(m, v -> v)", NULL},
    {"map_filter(m, (k, v) -> v > 1)",
     "map_from_entries(list_filter(map_entries(m), e_ -> "
     "list_transform([e_.key], k -> list_transform([e_.value], v ->  v > "
     "1)[1])[1]))"},
    {"CAST(x AS ARRAY(ARRAY(row(a integer, b varchar))))",
     "CAST(x AS row(a integer, b varchar)[][])"},
    {"ARRAY[transform(ARRAY[1], x -> x)]",
     "ARRAY[list_transform(ARRAY[1],  x -> x)]"},
    {"X'6162' || x '61' || ax'61'", "from_hex('6162') || x '61' || ax'61'"},
    {"x'", "from_hex(')"},
};

START_TEST(rewrite_table)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const char *want =
        rewrites[_i].want != NULL ? rewrites[_i].want : rewrites[_i].sql;

    ck_assert_int_eq(local_trino_rewrite(rewrites[_i].sql, &out, &err), 0);
    ck_assert_str_eq(pl_buf_str(&out), want);
}
END_TEST

START_TEST(deep_nesting)
{
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(pl_buf_adds(&sql, "array(", &err), 0);
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(pl_buf_addc(&sql, ')', &err), 0);
    ck_assert_int_eq(local_trino_rewrite(sql.data, &out, &err), 0);
    ck_assert(out.len > 5000);
}
END_TEST

/* Nothing closes: each bracket would be looked for to the end. */
START_TEST(hostile)
{
    PL_AUTO(pl_buf) sql = PL_BUF_INIT;
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    while (sql.len < 262144)
        ck_assert_int_eq(pl_buf_adds(&sql, "array(1, ", &err), 0);
    ck_assert_int_eq(local_trino_rewrite(sql.data, &out, &err), 0);
    ck_assert_str_eq(out.data, sql.data);
}
END_TEST

UNIT_MAIN("trino_sql",
          tcase_add_loop_test(tc, rewrite_table, 0, UNIT_COUNT(rewrites));
          tcase_add_test(tc, deep_nesting); tcase_add_test(tc, hostile);)
