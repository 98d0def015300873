#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/text.h"

static const struct {
    const char *text;
    size_t valid; /* length of the valid prefix */
} utf8[] = {
    {"", 0},
    {"abc", 3},
    {"\xC3\xA9", 2},
    {"\xE4\xB8\xAD\xF0\x9F\x98\x80", 7},
    {"a\xC3(", 1},
    {"\xC0\x80", 0},         /* overlong */
    {"\xE0\x80\x80", 0},     /* overlong */
    {"\xED\xA0\x80", 0},     /* surrogate */
    {"\xF4\x90\x80\x80", 0}, /* above U+10FFFF */
    {"\xF4\x8F\xBF\xBF", 4},
    {"ab\xE4\xB8", 2}, /* cut off */
    {"\x80", 0},
    {"\xFF", 0},
};

START_TEST(utf8_table)
{
    ck_assert_uint_eq(pl_utf8_valid_len(utf8[_i].text, strlen(utf8[_i].text)),
                      utf8[_i].valid);
}
END_TEST

static const struct {
    const char *plain;
    const char *encoded;
} uri[] = {{"a b", "a%20b"},
           {"-._~", "-._~"},
           {"a+b=c&d/e", "a%2Bb%3Dc%26d%2Fe"},
           {"\xC3\xA9%", "%C3%A9%25"}};

START_TEST(uri_both_ways)
{
    PL_AUTO(pl_buf) there = PL_BUF_INIT;
    PL_AUTO(pl_buf) back = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_uri_encode(&there, uri[_i].plain, strlen(uri[_i].plain),
                                   false, &err),
                     0);
    ck_assert_str_eq(there.data, uri[_i].encoded);
    ck_assert_int_eq(pl_uri_decode(&back, there.data, there.len, false, &err),
                     0);
    ck_assert_str_eq(back.data, uri[_i].plain);
}
END_TEST

static const char *const broken_uri[] = {"%", "%1", "%zz", "a%f", "%%41"};

START_TEST(broken_escapes)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_uri_decode(&out, broken_uri[_i], strlen(broken_uri[_i]),
                                   false, &err),
                     -1);
}
END_TEST

START_TEST(literals_are_masked)
{
    char out[64];

    pl_mask_literals("cannot cast 'anna@example.com' to \"x\"", out,
                     sizeof(out));
    ck_assert_str_eq(out, "cannot cast '...' to \"...\"");
    pl_mask_literals("open 'secret", out, sizeof(out));
    ck_assert_str_eq(out, "open '...");
    pl_mask_literals("long text that does not fit", out, 10);
    ck_assert_uint_lt(strlen(out), 10);
}
END_TEST

START_TEST(json_strings)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_json_quote(&out, "a\"\\\n\x01\xC3\xA9\xFF", 8, &err),
                     0);
    ck_assert_str_eq(out.data, "\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\"");
}
END_TEST

START_TEST(ulid_is_sorted_by_time)
{
    const unsigned char ones[10] = {255, 255, 255, 255, 255,
                                    255, 255, 255, 255, 255};
    const unsigned char zeros[10] = {0};
    char early[27];
    char late[27];

    pl_ulid(1469918176385, zeros, early);
    ck_assert_str_eq(early, "01ARYZ6S410000000000000000");
    pl_ulid(1469918176384, ones, early);
    pl_ulid(1469918176385, zeros, late);
    ck_assert_int_lt(strcmp(early, late), 0);
    ck_assert_uint_eq(strlen(late), 26);
}
END_TEST

START_TEST(distances)
{
    ck_assert_uint_eq(pl_edit_distance("User.UserId", "user.userid"), 0);
    ck_assert_uint_eq(pl_edit_distance("Adress", "Address"), 1);
    ck_assert_uint_eq(pl_edit_distance("", "abc"), 3);
}
END_TEST

START_TEST(numbers)
{
    uint64_t v = 0;

    ck_assert_int_eq(pl_parse_u64("18446744073709551615", &v), 0);
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(pl_parse_u64("18446744073709551616", &v), -1);
    ck_assert_int_eq(pl_parse_u64("", &v), -1);
    ck_assert_int_eq(pl_parse_u64("-1", &v), -1);
    ck_assert_int_eq(pl_parse_u64("1 ", &v), -1);
}
END_TEST

UNIT_MAIN("text", tcase_add_loop_test(tc, utf8_table, 0, UNIT_COUNT(utf8));
          tcase_add_loop_test(tc, uri_both_ways, 0, UNIT_COUNT(uri));
          tcase_add_loop_test(tc, broken_escapes, 0, UNIT_COUNT(broken_uri));
          tcase_add_test(tc, literals_are_masked);
          tcase_add_test(tc, json_strings);
          tcase_add_test(tc, ulid_is_sorted_by_time);
          tcase_add_test(tc, distances); tcase_add_test(tc, numbers);)
