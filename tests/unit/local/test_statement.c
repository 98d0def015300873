#include "local/statement.h"

#include "tests/unit/unit.h"

static const struct {
    const char *sql;
    enum local_statement_kind kind;
    const char *type;
    const char *subtype;
    const char *query;
} good[] = {
    {"select 1", LOCAL_STATEMENT_SELECT, "DML", "SELECT", "select 1"},
    {" -- x\n/* y */ With a AS (SELECT 1) TABLE a", LOCAL_STATEMENT_SELECT,
     "DML", "SELECT", NULL},
    {"(SELECT 1)", LOCAL_STATEMENT_SELECT, "DML", "SELECT", NULL},
    {"selec 1", LOCAL_STATEMENT_SELECT, "DML", "", NULL},
    {"", LOCAL_STATEMENT_SELECT, "DML", "", NULL},
    {"DROP TABLE x", LOCAL_STATEMENT_OTHER, "DDL", "DROP", NULL},
    {"show tables", LOCAL_STATEMENT_OTHER, "UTILITY", "SHOW", NULL},
    {"EXPLAIN (TYPE VALIDATE) SELECT 1 -- x", LOCAL_STATEMENT_VALIDATE,
     "UTILITY", "EXPLAIN", "SELECT 1 -- x"},
    {"UNLOAD (SELECT ')' -- )\n) TO 's3://b/p' WITH (format = 'json')",
     LOCAL_STATEMENT_UNLOAD, "DML", "UNLOAD", "SELECT ')' -- )\n"},
    {"unload(select (1))to's3://b/it''s/'with(FORMAT='TextFile',"
     "field_delimiter=',', compression='gzip', partitioned_by=ARRAY['A','b'])",
     LOCAL_STATEMENT_UNLOAD, "DML", "UNLOAD", "select (1)"},
};

START_TEST(good_table)
{
    PL_AUTO(local_statement) s = {.kind = LOCAL_STATEMENT_OTHER};
    struct pl_err err = {0};

    ck_assert_int_eq(local_statement_read(good[_i].sql, &s, &err), 0);
    ck_assert_int_eq(s.kind, good[_i].kind);
    ck_assert_str_eq(s.type, good[_i].type);
    ck_assert_str_eq(s.subtype, good[_i].subtype);
    ck_assert_str_eq(pl_buf_str(&s.query),
                     good[_i].query != NULL ? good[_i].query : good[_i].sql);
}
END_TEST

START_TEST(parts_of_unload)
{
    PL_AUTO(local_statement) s = {.kind = LOCAL_STATEMENT_OTHER};
    struct pl_err err = {0};

    ck_assert_int_eq(local_statement_read(good[9].sql, &s, &err), 0);
    ck_assert_str_eq(pl_buf_str(&s.to), "s3://b/it's/");
    ck_assert_str_eq(s.format, "TEXTFILE");
    ck_assert_str_eq(s.compression, "GZIP");
    ck_assert_int_eq(s.delimiter, ',');
    ck_assert_uint_eq(json_array_size(s.partitions), 2);
    ck_assert_str_eq(json_string_value(json_array_get(s.partitions, 0)), "a");
}
END_TEST

#define TO "UNLOAD (SELECT 1 a) TO 's3://b/p' "

static const struct {
    const char *sql;
    const char *words; /* a part of the message */
} bad[] = {
    {"UNLOAD", "line 1:7: mismatched input '<EOF>'. Expecting: ("},
    {"UNLOAD SELECT 1", "Expecting: ("},
    {"UNLOAD (SELECT (1) TO 's3://b/p'", "Expecting: )"},
    {"UNLOAD (SELECT 1)\n  INTO 's3://b/p'",
     "line 2:3: mismatched input 'INTO'. Expecting: TO"},
    {"UNLOAD (SELECT 1) TO s3", "Expecting: a location"},
    {TO, "Expecting: WITH"},
    {TO "WITH ()", "Expecting: a property"},
    {TO "WITH (format)", "Expecting: ="},
    {TO "WITH (format=)", "Expecting: a value"},
    {TO "WITH (format='JSON'", "Expecting: )"},
    {TO "WITH (format='JSON',)", "Expecting: a property"},
    {TO "WITH (format='JSON') x", "Expecting: <EOF>"},
    {TO "WITH (compression='GZIP')", "format is required"},
    {TO "WITH (format='CSV')", "'format'"},
    {TO "WITH (format='JSON', header='true')",
     "Unload property 'HEADER' does not exist"},
    {TO "WITH (format='JSON', compression='SNAPPY')", "GZIP"},
    {TO "WITH (format='JSON', field_delimiter=',')", "TEXTFILE"},
    {TO "WITH (format='TEXTFILE', field_delimiter=',,')", "one character"},
    {TO "WITH (format='JSON', partitioned_by='a')", "Expecting: ARRAY"},
    {TO "WITH (format='JSON', partitioned_by=ARRAY['a'", "Expecting: ]"},
    {TO "WITH (format='JSON', partitioned_by=ARRAY[a])", "a string"},
    {TO "WITH (format='JSON', partitioned_by=ARRAY['\xff'])", "UTF-8"},
    {"UNLOAD (SELECT 1) TO 'file:///tmp/x' WITH (format='JSON')", "s3://"},
    {"UNLOAD (SELECT 1) TO 's3://' WITH (format='JSON')", "s3://"},
    {"EXPLAIN SELECT 1", "TYPE VALIDATE"},
    {"EXPLAIN (TYPE LOGICAL) SELECT 1", "TYPE VALIDATE"},
    {"EXPLAIN (TYPE VALIDATE)", "Expecting: a statement"},
};

START_TEST(bad_table)
{
    PL_AUTO(local_statement) s = {.kind = LOCAL_STATEMENT_OTHER};
    struct pl_err err = {0};

    ck_assert_int_eq(local_statement_read(bad[_i].sql, &s, &err), -1);
    ck_assert_int_eq(err.code, PL_QUERY_FAILED);
    ck_assert_msg(strstr(err.msg, bad[_i].words) != NULL, "%s", err.msg);
}
END_TEST

UNIT_MAIN("statement", tcase_add_loop_test(tc, good_table, 0, UNIT_COUNT(good));
          tcase_add_test(tc, parts_of_unload);
          tcase_add_loop_test(tc, bad_table, 0, UNIT_COUNT(bad));)
