#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "stages/athena_exec/literals.h"

static const struct {
    const char *json;
    const char *sql; /* NULL: refused */
} literals[] = {
    {"\"a\"", "'a'"},
    {"\"\"", "''"},
    {"\"it's '' --\"", "'it''s '''' --'"},
    {"\"caf\\u00e9\\n\"", "'caf\xC3\xA9\n'"},
    {"5", "5"},
    {"0", "0"},
    {"-5", "(-5)"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "(-9223372036854775808)"},
    {"1.5", "1.5"},
    {"0.1", "0.1"},
    {"5.0", "5.0"},
    {"-0.25", "(-0.25)"},
    {"1e20", "1E+20"},
    {"3.3333333333333335", "3.3333333333333335"},
    {"1e-7", "1E-07"},
    {"true", "true"},
    {"false", "false"},
    {"null", "null"},
    {"[1]", NULL},
    {"{}", NULL},
};

START_TEST(literal)
{
    json_t *value = json_loads(literals[_i].json, JSON_DECODE_ANY, NULL);
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const int rc = athena_literal(value, 7, &out, &err);

    json_decref(value);
    if (literals[_i].sql == NULL) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_QUERY_INVALID);
        ck_assert_ptr_nonnull(strstr(err.msg, "query.parameters[7]"));
    } else {
        ck_assert_msg(rc == 0, "%s", err.msg);
        ck_assert_str_eq(out.data, literals[_i].sql);
    }
}
END_TEST

/* Athena counts characters, with the quotes and those that are doubled. */
START_TEST(literal_too_long)
{
    for (size_t len = 1022; len <= 1023; len++) {
        PL_AUTO(pl_buf) text = PL_BUF_INIT;
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};
        json_t *value;

        for (size_t i = 0; i < len; i++)
            ck_assert_int_eq(pl_buf_adds(&text, "\xC3\xA9", &err), 0);
        value = json_string(text.data);
        ck_assert_int_eq(athena_literal(value, 0, &out, &err),
                         len == 1022 ? 0 : -1);
        json_decref(value);
    }
}
END_TEST

static const char *const three[] = {"'x?'", "(-1)", "null"};

static const struct {
    const char *sql;
    size_t count;
    const char *want; /* NULL: refused */
} binds[] = {
    {"SELECT 1", 0, "SELECT 1"},
    {"SELECT ?", 1, "SELECT 'x?'"},
    {"?,?,?", 3, "'x?',(-1),null"},
    {"a ? '?' \"?\" -- ?\n/* ? */ -?", 2,
     "a 'x?' '?' \"?\" -- ?\n/* ? */ -(-1)"},
    {"'it''s ?' = ?", 1, "'it''s ?' = 'x?'"},
    {"? ?", 1, NULL},
};

START_TEST(bind)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    const int rc = athena_bind(binds[_i].sql, strlen(binds[_i].sql), three,
                               binds[_i].count, &out, &err);

    if (binds[_i].want == NULL) {
        ck_assert_int_eq(rc, -1);
    } else {
        ck_assert_msg(rc == 0, "%s", err.msg);
        ck_assert_str_eq(out.data, binds[_i].want);
    }
}
END_TEST

static const struct {
    const char *sql;
    const char *message;
    const char *want;
} masks[] = {
    {"SELECT nam FROM t", "Column 'nam' cannot be resolved",
     "Column 'nam' cannot be resolved"},
    {"SELECT \"Nam\" FROM t", "Column 'nam' cannot be resolved",
     "Column 'nam' cannot be resolved"},
    {"SELECT 1 FROM nowhere", "Table 'awsdatacatalog.db.nowhere' is not there",
     "Table 'awsdatacatalog.db.nowhere' is not there"},
    {"SELECT DATE 'secret'", "'secret' is not a valid DATE literal",
     "'...' is not a valid DATE literal"},
    {"SELECT x, 'a' FROM t", "'x' and 'a', ''", "'x' and '...', '...'"},
    {"SELECT DATE 'it''s me'", "1:8: 'it's me' is no 'x'", "1:8: '...'"},
    {"SELECT 1", "an 'open end",
     "an '..."
     "'"},
    {"SELECT 1", "nothing", "nothing"},
    {"SELECT 1", "", ""},
};

START_TEST(mask)
{
    char message[256];

    (void)snprintf(message, sizeof(message), "%s", masks[_i].message);
    athena_mask(masks[_i].sql, strlen(masks[_i].sql), message, sizeof(message));
    ck_assert_str_eq(message, masks[_i].want);
}
END_TEST

START_TEST(mask_in_little_room)
{
    char message[8] = "a 'b' c";

    athena_mask("SELECT 1", 8, message, sizeof(message));
    ck_assert_str_eq(message, "a '...'");
}
END_TEST

UNIT_MAIN("literals", tcase_add_loop_test(tc, literal, 0, UNIT_COUNT(literals));
          tcase_add_test(tc, literal_too_long);
          tcase_add_loop_test(tc, bind, 0, UNIT_COUNT(binds));
          tcase_add_loop_test(tc, mask, 0, UNIT_COUNT(masks));
          tcase_add_test(tc, mask_in_little_room);)
