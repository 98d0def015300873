#include "tests/unit/unit.h"

#include "pipeline/stream/uri.h"

static const struct {
    const char *text;
    const char *bucket; /* NULL: must be refused; "": a file */
    const char *path;
} cases[] = {
    {"s3://bucket/a/b c.csv", "bucket", "a/b c.csv"},
    {"s3://bucket/", "bucket", ""},
    {"s3://bucket", "bucket", ""},
    {"s3://bu", NULL, NULL},
    {"s3:///key", NULL, NULL},
    {"file:///a/b%20c", "", "/a/b c"},
    {"file://host/a", NULL, NULL},
    {"file:///a%0", NULL, NULL},
    {"file:///a%00b", NULL, NULL},
    {"/plain/path", "", "/plain/path"},
    {"dir/with://colon", "", "dir/with://colon"},
    {"relative.csv", "", "relative.csv"},
    {"https://example.com/x", NULL, NULL},
    {"", NULL, NULL},
};

START_TEST(uri_table)
{
    struct pl_uri uri;
    struct pl_err err = {0};
    const int rc = pl_uri_parse(cases[_i].text, &uri, &err);

    ck_assert_msg((rc == 0) == (cases[_i].bucket != NULL), "%s",
                  cases[_i].text);
    if (rc != 0) {
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        return;
    }
    ck_assert_int_eq(uri.is_s3, cases[_i].bucket[0] != '\0');
    ck_assert_str_eq(uri.bucket, cases[_i].bucket);
    ck_assert_str_eq(uri.path, cases[_i].path);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(pl_uri_name("s3://b/x/y.csv"), "y.csv");
    ck_assert_str_eq(pl_uri_name("y.csv"), "y.csv");
    ck_assert_str_eq(pl_uri_name("a/"), "");
}
END_TEST

UNIT_MAIN("uri", tcase_add_loop_test(tc, uri_table, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, names);)
