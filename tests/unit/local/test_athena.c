#include "local/athena.h"

#include "tests/unit/unit.h"

static const struct {
    const char *sql;
    const char *parameters;
    const char *want; /* NULL: refused */
} binds[] = {
    {"SELECT 1", "[]", "SELECT 1"},
    {"SELECT ?", "[\"1\"]", "SELECT 1"},
    {"? '?' ? \"?\" -- ?\n? /* ? */", "[\"a\", \"'b'\", \"c\"]",
     "a '?' 'b' \"?\" -- ?\nc /* ? */"},
    {"'it''s ?' ?", "[\"x\"]", "'it''s ?' x"},
    {"? ?", "[\"x\"]", "x ?"},
    {"SELECT 1", "[\"x\"]", NULL},
    {"?", "[1]", NULL},
    {"'open ?", "[\"x\"]", NULL},
    {"/* open ?", "[\"x\"]", NULL},
};

START_TEST(bind_table)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    json_t *parameters = json_loads(binds[_i].parameters, 0, NULL);
    const int rc = local_athena_bind(binds[_i].sql, parameters, &out, &err);

    if (binds[_i].want == NULL) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_DATA_INVALID);
    } else {
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(out.data, binds[_i].want);
    }
    json_decref(parameters);
}
END_TEST

START_TEST(error_types)
{
    const char *name = NULL;

    ck_assert_int_eq(
        local_athena_error_type(
            "Catalog Error: Table with name x does not exist!", &name),
        1110);
    ck_assert_str_eq(name, "TABLE_NOT_FOUND");
    ck_assert_int_eq(local_athena_error_type("Parser Error: x", &name), 1006);
    ck_assert_int_eq(local_athena_error_type("Conversion Error: x", &name),
                     1001);
    ck_assert_int_eq(local_athena_error_type("what", &name), 1000);
}
END_TEST

UNIT_MAIN("athena", tcase_add_loop_test(tc, bind_table, 0, UNIT_COUNT(binds));
          tcase_add_test(tc, error_types);)
