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
    {"? \"a\"\"?\" `?` ?", "[\"x\", \"?\"]", "x \"a\"\"?\" `?` ?"},
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

static const struct {
    const char *words;
    const char *sql;
    int type;
    const char *want;
} failures[] = {
    {"Catalog Error: Table with name nope does not exist!",
     "SELECT 1\nFROM due.nope", 1110,
     "TABLE_NOT_FOUND: line 2:10: Table 'awsdatacatalog.due.nope' does not "
     "exist"},
    {"Binder Error: Referenced column \"X y\" not found in FROM clause!",
     "SELECT 'X y', \"X y\" FROM t", 1006,
     "COLUMN_NOT_FOUND: line 1:15: Column 'X y' cannot be resolved or "
     "requester is not authorized to access requested resources"},
    {"Catalog Error: Scalar Function with name f does not exist!",
     "SELECT F(1)", 1006,
     "FUNCTION_NOT_FOUND: line 1:8: Function 'f' not registered"},
    {"Parser Error: x", "x", 1006, "SYNTAX_ERROR: Parser Error: x"},
    {"Conversion Error: x", "x", 1001,
     "INVALID_CAST_ARGUMENT: Conversion Error: x"},
    {"what", "x", 1000, "GENERIC_USER_ERROR: what"},
    {"INVALID_TABLE_PROPERTY: x", "x", 1103, "INVALID_TABLE_PROPERTY: x"},
    {"Binder Error: Referenced column \"", "x", 1006,
     "COLUMN_NOT_FOUND: Binder Error: Referenced column \""},
};

START_TEST(failure_table)
{
    char text[300];
    int type = -1;

    local_athena_failure(failures[_i].words, failures[_i].sql, "due", &type,
                         text, sizeof(text));
    ck_assert_str_eq(text, failures[_i].want);
    ck_assert_int_eq(type, failures[_i].type);
}
END_TEST

UNIT_MAIN("athena", tcase_add_loop_test(tc, bind_table, 0, UNIT_COUNT(binds));
          tcase_add_loop_test(tc, failure_table, 0, UNIT_COUNT(failures));)
