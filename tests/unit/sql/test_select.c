#include "pipeline/sql/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Columns joined by '|'; a quoted name in quotes. */
static const struct {
    const char *sql;
    const char *want;
} good[] = {
    /* names */
    {"SELECT id FROM t", "id"},
    {"select Id", "id"},
    {"SELECT a AS Id, b \"X.y\" FROM t", "id|\"X.y\""},
    {"SELECT a Id, b x", "id|x"},
    {"SELECT a as\"a\"\"b\"", "\"a\"b\""},
    {"SELECT t.Id, \"t\".\"Col\", a.b.c FROM t", "id|\"Col\"|c"},
    {"SELECT (id), ((t.id)), (t).b, (a, b)", "id|id|b|_col3"},
    {"SELECT f(x).b, a[1].c, a[1], CAST(r AS ROW(x int)).x",
     "_col0|_col1|_col2|_col3"},
    {"SELECT DISTINCT(x) AS Id, 'Yes' AS \"A.b\" FROM t", "id|\"A.b\""},
    {"SELECT DISTINCT (x) FROM t", "x"},
    {"SELECT ALL x, y", "x|y"},
    {"SELECT all FROM t", "all"},
    {"SELECT all, b FROM t", "all|b"},
    {"SELECT ALL *", "*"},
    /* expressions without a name */
    {"SELECT 1, 'x', a + t.b, -a, NULL, true, current_date, ?",
     "_col0|_col1|_col2|_col3|_col4|_col5|_col6|_col7"},
    {"SELECT count(*), coalesce(a, b)", "_col0|_col1"},
    {"SELECT CASE WHEN a THEN b END", "_col0"},
    {"SELECT (SELECT max(x) FROM t)", "_col0"},
    {"SELECT NOT a, a = b, a OR b", "_col0|_col1|_col2"},
    {"SELECT DATE '2026-01-01', interval '1' day, interval -'1-2' year to "
     "month, DOUBLE PRECISION '1'",
     "_col0|_col1|_col2|_col3"},
    {"SELECT a AT TIME ZONE 'UTC'", "_col0"},
    {"SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)", "_col0"},
    /* aliases behind all kinds of expression */
    {"SELECT coalesce(a, b) x, concat('a', ',', b) AS y", "x|y"},
    {"SELECT CASE a WHEN 1 THEN (CASE WHEN b THEN 2 END) ELSE CASE WHEN c "
     "THEN 3 END END x, y",
     "x|y"},
    {"SELECT CASE WHEN a IS DISTINCT FROM b THEN 1 END AS x FROM t", "x"},
    {"SELECT EXTRACT(year FROM d) y, TRIM(BOTH ' ' FROM s) s2 FROM t", "y|s2"},
    {"SELECT SUBSTRING(a FROM 1 FOR 2) x FROM t", "x"},
    {"SELECT count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b, c) n FROM t",
     "n"},
    {"SELECT lag(a) IGNORE NULLS OVER (ORDER BY b) x FROM t", "x"},
    {"SELECT listagg(a, ',') WITHIN GROUP (ORDER BY a) x FROM t", "x"},
    {"SELECT a IS DISTINCT FROM b x, a IS NOT DISTINCT FROM b AS y FROM t",
     "x|y"},
    {"SELECT a IS NULL n, a IS NOT NULL AS m, a LIKE 'x' ESCAPE '!' l",
     "n|m|l"},
    {"SELECT a BETWEEN 1 AND 2 b, a IN (1, 2) i, NOT a n", "b|i|n"},
    {"SELECT transform(a, x -> x + 1) t, ARRAY[1, 2] r, ROW(1, 2) s", "t|r|s"},
    {"SELECT map_filter(m, (k, v) -> k > v) x", "x"},
    {"SELECT (SELECT a, b FROM c) x FROM t", "x"},
    {"SELECT EXISTS (SELECT 1 FROM x) e, x = ANY (SELECT 1) a FROM t", "e|a"},
    {"SELECT interval '1' day d, DATE '2026-01-01' e, interval", "d|e|"
                                                                 "interval"},
    {"SELECT interval - x i, INTERVAL - '1' DAY j", "i|j"},
    {"SELECT a AT TIME ZONE 'UTC' b, now() AT TIME ZONE INTERVAL '1' HOUR c",
     "b|c"},
    {"SELECT U&'\\0041' UESCAPE '!' a, X'00' b", "a|b"},
    {"SELECT 1 a, -1 b, 1.5 c, ? d, current_date e", "a|b|c|d|e"},
    {"SELECT 'a' || ', FROM' || b AS x FROM t", "x"},
    {"SELECT -- a, b\n a /* , c */ FROM t", "a"},
    {"SELECT JSON_VALUE(j, 'lax $.a' RETURNING varchar) v FROM t", "v"},
    {"SELECT GROUPING(a) g FROM t GROUP BY ROLLUP (a)", "g"},
    /* words that Trino does not reserve are names where they can be */
    {"SELECT limit FROM t", "limit"},
    {"SELECT a limit, b offset, c fetch, d over, e filter, f at FROM t",
     "limit|offset|fetch|over|filter|at"},
    {"SELECT date, user, year, first FROM t", "date|user|year|first"},
    {"SELECT 1 AS limit LIMIT 5", "limit"},
    {"SELECT a LIMIT 5", "a"},
    {"SELECT a OFFSET 1 LIMIT 5", "a"},
    {"SELECT a FETCH FIRST ROW ONLY", "a"},
    {"SELECT a LIMIT ALL", "a"},
    /* where the list ends */
    {"SELECT a WHERE true", "a"},
    {"SELECT a ORDER BY 1", "a"},
    {"SELECT a UNION SELECT b UNION ALL SELECT c", "a"},
    {"SELECT a INTERSECT SELECT b EXCEPT DISTINCT SELECT c", "a"},
    {"(SELECT a FROM t) UNION (SELECT b FROM t) ORDER BY 1", "a"},
    {"((SELECT a FROM t))", "a"},
    {"(SELECT a FROM t", NULL},
    /* WITH */
    {"WITH q AS (SELECT x, y FROM t) SELECT a FROM q", "a"},
    {"WITH RECURSIVE q (n) AS (SELECT 1 UNION ALL SELECT n FROM q), r AS "
     "(VALUES 1) SELECT n AS Id FROM q",
     "id"},
    {"WITH q AS (WITH p AS (SELECT 1) SELECT * FROM p) (SELECT b FROM q)", "b"},
    {"with \"q\" as ((table t)) select b from \"q\"", "b"},
    /* stars, tables, values */
    {"SELECT * FROM t", "*"},
    {"SELECT a, t.*, f(x).*, b FROM t", "a|*|*|b"},
    {"SELECT t.* AS (a, \"B\"), c FROM t", "a|\"B\"|c"},
    {"SELECT a * b, count(*) * 2 c", "_col0|c"},
    {"TABLE t", "*"},
    {"TABLE a.b.c ORDER BY 1", "*"},
    {"VALUES (1, f(2, 3)), (4, 5)", "_col0|_col1"},
    {"VALUES 1, 2", "_col0"},
    {"SELECT id FROM (VALUES (1)) AS t (id)", "id"},
    /* trailing semicolons */
    {"SELECT a;", "a"},
    {"SELECT a ; ; -- end", "a"},
    {"SELECT a FROM t MATCH_RECOGNIZE (PATTERN (A B+ {- C -}) DEFINE A AS "
     "a > 1)",
     "a"},
};

static void spell(const struct pl_sql_select *s, char *out, size_t cap)
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < s->column_count && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%s%s%s", i > 0 ? "|" : "",
                              s->columns[i].is_quoted ? "\"" : "",
                              s->columns[i].name,
                              s->columns[i].is_quoted ? "\"" : "");
}

START_TEST(columns_of_good_statements)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    const int rc = pl_sql_select_read(good[_i].sql, strlen(good[_i].sql), false,
                                      &s, &place, &err);
    char out[256];

    if (good[_i].want == NULL) {
        ck_assert_int_eq(rc, -1);
    } else {
        ck_assert_msg(rc == 0, "%s: %s", good[_i].sql, err.msg);
        spell(&s, out, sizeof out);
        ck_assert_msg(strcmp(out, good[_i].want) == 0, "%s gave %s",
                      good[_i].sql, out);
    }
}
END_TEST

static const struct {
    const char *sql;
    unsigned line;
    unsigned column;
    const char *says;
} bad[] = {
    /* not one read-only statement */
    {"", 1, 1, "no statement"},
    {"  ;", 1, 3, "no statement"},
    {"-- SELECT a", 1, 12, "no statement"},
    {"insert INTO x SELECT 1", 1, 1, "insert does not begin a read-only"},
    {"UPDATE x SET a = 1", 1, 1, "UPDATE does not"},
    {"DELETE FROM x", 1, 1, "DELETE does not"},
    {"MERGE INTO x USING y", 1, 1, "MERGE does not"},
    {"CREATE TABLE x AS SELECT 1", 1, 1, "CREATE does not"},
    {"DROP TABLE x", 1, 1, "DROP does not"},
    {"ALTER TABLE x", 1, 1, "ALTER does not"},
    {"UNLOAD (SELECT 1) TO 's3://b/'", 1, 1, "UNLOAD does not"},
    {"CALL f()", 1, 1, "CALL does not"},
    {"EXECUTE p", 1, 1, "EXECUTE does not"},
    {"PREPARE p FROM SELECT 1", 1, 1, "PREPARE does not"},
    {"SHOW TABLES", 1, 1, "SHOW does not"},
    {"DESCRIBE x", 1, 1, "DESCRIBE does not"},
    {"EXPLAIN SELECT 1", 1, 1, "EXPLAIN does not"},
    {"\"SELECT\" a", 1, 1, "does not begin"},
    {"'SELECT' a", 1, 1, "a string does not begin"},
    {"(DELETE FROM x)", 1, 2, "DELETE does not begin"},
    {"WITH q AS (SELECT 1) INSERT INTO x SELECT 1", 1, 22, "INSERT does not"},
    {"WITH q AS (DELETE FROM x) SELECT 1", 1, 12, "DELETE does not begin"},
    {"SELECT 1; SELECT 2", 1, 11, "second statement"},
    {"SELECT 1;\nDROP TABLE x", 2, 1, "second statement"},
    {"SELECT 1 FROM t SELECT 2", 1, 17, "second SELECT"},
    {"SELECT 1 FROM t INSERT INTO x", 1, 17, "INSERT has no place"},
    {"SELECT a INTO x FROM t", 1, 10, "not INTO"},
    /* brackets */
    {"SELECT (a FROM t", 1, 8, "'(' that begins here is not closed"},
    {"SELECT f(a[1) x", 1, 13,
     "')' does not close the '[' of line 1, "
     "column 11"},
    {"SELECT a) FROM t", 1, 9, "')' closes nothing"},
    {"SELECT a FROM t)", 1, 16, "')' closes nothing"},
    {"SELECT (a; b)", 1, 8, "not closed"},
    {"WITH q AS (SELECT 1", 1, 11, "not closed"},
    /* the select list */
    {"SELECT", 1, 7, "expected an expression, not the end"},
    {"SELECT FROM t", 1, 8, "expected an expression, not FROM"},
    {"SELECT a, FROM t", 1, 11, "expected an expression, not FROM"},
    {"SELECT a,, b", 1, 10, "expected an expression, not ,"},
    {"SELECT a + FROM t", 1, 12, "expected an expression"},
    {"SELECT a AS FROM t", 1, 13, "a column name"},
    {"SELECT a AS order FROM t", 1, 13, "reserved word needs double quotes"},
    {"SELECT a AS 'Id' FROM t", 1, 13, "single quotes; use double"},
    {"SELECT f(a) 'Id' FROM t", 1, 13, "column name needs double"},
    {"SELECT a AS Attributes.x FROM t", 1, 13, "'.' in it needs double"},
    {"SELECT a x-y FROM t", 1, 10, "'-' in it needs double"},
    {"SELECT a AS b c FROM t", 1, 15, "after the column name, not c"},
    {"SELECT a AS `b` FROM t", 1, 13, "back quotes"},
    {"SELECT `a` FROM t", 1, 8, "back quotes"},
    {"SELECT a AS \"\" FROM t", 1, 13, "empty name"},
    {"SELECT CASE WHEN a THEN b, c FROM t", 1, 8, "CASE that begins here"},
    {"SELECT CASE WHEN a THEN b FROM t", 1, 8, "CASE that begins here"},
    {"SELECT a END FROM t", 1, 10, "not END"},
    {"SELECT a 1 FROM t", 1, 10, "not a number"},
    {"SELECT * AS x FROM t", 1, 10, "after '*'"},
    {"SELECT a JOIN b", 1, 10, "not JOIN"},
    {"SELECT interval '1' fortnight", 1, 21, "a unit (YEAR to SECOND)"},
    {"SELECT t. FROM t", 1, 11, "a name after '.'"},
    {"(WITH q AS (SELECT 1) SELECT 2)", 1, 2, "remove these brackets"},
    {"WITH SELECT 1", 1, 6, "the name of a query"},
    {"WITH q (SELECT 1) SELECT 1", 1, 8, "AS before the query"},
    {"WITH q SELECT 1", 1, 8, "AS ("},
    {"TABLE", 1, 6, "the name of a table"},
    /* behind the select list */
    {"SELECT a FROM", 1, 14, "the name of a table, not the end"},
    {"SELECT a FROM t WHERE", 1, 22, "an expression, not the end"},
    {"SELECT a FROM t WHERE b = 1 AND GROUP BY a", 1, 33, "an expression"},
    {"SELECT a FROM t WHERE b == 1", 1, 26, "an expression, not ="},
    {"SELECT a FROM t WHERE a = b = c", 1, 29, "a clause (WHERE, GROUP BY"},
    {"SELECT a FROM t WHERE a IS b", 1, 28, "NULL or DISTINCT FROM"},
    {"SELECT a FROM t WHERE a IN ()", 1, 28, "an empty list after IN"},
    {"SELECT a FROM t WHERE a BETWEEN 1, 2", 1, 34, "AND of BETWEEN"},
    {"SELECT a FROM t GROUP a", 1, 23, "BY after GROUP"},
    {"SELECT a FROM t ORDER BY", 1, 25, "an expression"},
    {"SELECT a FROM t LIMIT b", 1, 23, "a clause"},
    {"SELECT a FROM t LIMIT 5 OFFSET 5", 1, 25, "a clause"},
    {"SELECT a FROM t JOIN u WHERE true", 1, 24, "ON or USING of the JOIN"},
    {"SELECT a FROM t CROSS u", 1, 23, "JOIN after CROSS"},
    {"SELECT a FROM t, WHERE b", 1, 18, "the name of a table"},
    {"SELECT a FROM t UNION SELECT", 1, 29, "an expression"},
    {"SELECT a FROM t UNION DELETE", 1, 23, "DELETE does not begin"},
    {"SELECT a FROM (SELECT b FROM)", 1, 29, "the name of a table"},
    {"WITH q AS (SELECT a FROM t WHERE) SELECT b FROM q", 1, 33,
     "an expression, not )"},
    {"SELECT CAST(a AS) FROM t", 1, 17, "a type"},
    {"SELECT CAST(a, varchar) FROM t", 1, 14, "AS and a type"},
    {"SELECT EXTRACT(fortnight FROM a)", 1, 16, "does not know this field"},
    {"SELECT coalesce(a)", 1, 8, "COALESCE takes 2 values or more"},
    {"SELECT if(a, b, c, d)", 1, 8, "IF takes 2 or 3 values"},
    {"SELECT listagg(a)", 1, 18, "WITHIN GROUP after LISTAGG"},
    {"SELECT sum(a) OVER (ORDER b)", 1, 27, "BY after ORDER"},
    {"SELECT 99999999999999999999", 1, 8, "too large"},
    {"SELECT X'f'", 1, 8, "two digits for each byte"},
    {"SELECT U&'\\00'", 1, 8, "an escape in U&'' that is not whole"},
    {"SELECT U&'a' UESCAPE 'ab'", 1, 22, "UESCAPE takes one character"},
    {"SELECT X 'ff'", 1, 8, "stand together"},
    {"SELECT a FROM t TABLESAMPLE BERNOULLI ()", 1, 40, "an expression"},
    {"SELECT a FROM UNNEST(b) WITH c", 1, 30, "ORDINALITY after WITH"},
    {"SELECT JSON_VALUE(a)", 1, 20, "a comma and a path"},
    {"SELECT ()", 1, 10, "-> after '()'"},
    {"SELECT a FROM t FOR b", 1, 21, "TIMESTAMP or VERSION"},
    {"WITH FUNCTION f() RETURNS bigint RETURN 1 SELECT f()", 1, 6,
     "WITH FUNCTION defines a function"},
};

START_TEST(bad_statements_are_refused_with_their_place)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_sql_select_read(bad[_i].sql, strlen(bad[_i].sql), false,
                                     &s, &place, &err) == -1,
                  "%s", bad[_i].sql);
    ck_assert_int_eq(err.code, PL_QUERY_INVALID);
    ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s: %s", bad[_i].sql,
                  err.msg);
    ck_assert_msg(place.line == bad[_i].line && place.column == bad[_i].column,
                  "%s: %s", bad[_i].sql, err.msg);
    ck_assert_ptr_null(s.columns);
}
END_TEST

START_TEST(the_semicolon_is_outside_the_length)
{
    const char *sql = "SELECT a -- b\n ; ";
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_sql_select_read(sql, strlen(sql), false, &s, &place, &err), 0);
    ck_assert(s.has_semicolon);
    ck_assert_uint_eq(s.sql_len, 15);
    ck_assert(!s.is_unknown);
}
END_TEST

/* SELECT, depth times '(', a, depth times ')' */
static int read_deep(size_t depth, struct pl_err *err)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    char text[4096] = "SELECT ";
    size_t n = strlen(text);

    memset(text + n, '(', depth);
    text[n + depth] = 'a';
    memset(text + n + depth + 1, ')', depth);
    return pl_sql_select_read(text, n + 2 * depth + 1, false, &s, &place, err);
}

START_TEST(nesting_is_bounded)
{
    struct pl_err err = {0};

    ck_assert_int_eq(read_deep(PL_SQL_MAX_DEPTH, &err), 0);
    ck_assert_int_eq(read_deep(PL_SQL_MAX_DEPTH + 1, &err), -1);
    ck_assert_str_eq(err.msg, "line 1, column 1008: more than 1000 brackets "
                              "inside each other");
}
END_TEST

static int read_wide(size_t columns, struct pl_err *err)
{
    PL_AUTO(pl_sql_select) s = {0};
    struct pl_sql_place place = {0};
    static char text[32768];
    size_t n = (size_t)snprintf(text, sizeof text, "SELECT a");

    for (; columns > 1; columns--)
        n += (size_t)snprintf(text + n, sizeof text - n, ",a");
    return pl_sql_select_read(text, n, false, &s, &place, err);
}

START_TEST(columns_are_bounded)
{
    struct pl_err err = {0};

    ck_assert_int_eq(read_wide(PL_SQL_MAX_COLUMNS, &err), 0);
    ck_assert_int_eq(read_wide(PL_SQL_MAX_COLUMNS + 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.msg, "more than 4096 columns"));
}
END_TEST

/* Whatever is cut off is judged or refused, never read past. */
START_TEST(every_prefix_is_safe)
{
    const char *sql = good[_i].sql;

    for (size_t len = 0; len <= strlen(sql); len++) {
        PL_AUTO(pl_sql_select) s = {0};
        struct pl_sql_place place = {0};
        struct pl_err err = {0};
        char *copy = malloc(len + 1);

        memcpy(copy, sql, len);
        if (pl_sql_select_read(copy, len, false, &s, &place, &err) != 0)
            ck_assert_int_eq(err.code, PL_QUERY_INVALID);
        free(copy);
    }
}
END_TEST

/* EXECUTE only where it is asked for, and never with a statement inside. */
START_TEST(a_prepared_statement_on_request)
{
    static const struct {
        const char *sql;
        bool is_taken;
    } cases[] = {{"EXECUTE p", true},
                 {"EXECUTE \"p\" USING 1, 'a', ?;", true},
                 {"EXECUTE immediate", true},
                 {"EXECUTE IMMEDIATE 'DROP TABLE t'", false},
                 {"EXECUTE p USING", false},
                 {"EXECUTE p SELECT 1", false},
                 {"EXECUTE p; EXECUTE q", false},
                 {"EXECUTE", false},
                 {"(EXECUTE p)", false},
                 {"WITH q AS (SELECT 1) EXECUTE p", false}};

    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        PL_AUTO(pl_sql_select) s = {0};
        struct pl_sql_place place = {0};
        struct pl_err err = {0};
        const size_t len = strlen(cases[i].sql);

        ck_assert_msg((pl_sql_select_read(cases[i].sql, len, true, &s, &place,
                                          &err) == 0) == cases[i].is_taken,
                      "%s: %s", cases[i].sql, err.msg);
        ck_assert(!cases[i].is_taken || s.is_unknown);
        pl_sql_select_release(&s);
        err = (struct pl_err){0};
        ck_assert_int_eq(
            pl_sql_select_read(cases[i].sql, len, false, &s, &place, &err), -1);
    }
}
END_TEST

UNIT_MAIN("sql.select", tcase_add_loop_test(tc, columns_of_good_statements, 0,
                                            UNIT_COUNT(good));
          tcase_add_loop_test(tc, bad_statements_are_refused_with_their_place,
                              0, UNIT_COUNT(bad));
          tcase_add_test(tc, the_semicolon_is_outside_the_length);
          tcase_add_test(tc, a_prepared_statement_on_request);
          tcase_add_test(tc, nesting_is_bounded);
          tcase_add_test(tc, columns_are_bounded);
          tcase_add_loop_test(tc, every_prefix_is_safe, 0, UNIT_COUNT(good));)
