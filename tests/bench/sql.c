/*
 * How long the judge takes for a query of the longest length that Athena
 * takes, 262,144 bytes, of several shapes. Prints a line for each: the best
 * and the median of many rounds, on one core. With a limit in milliseconds
 * it fails when a median is above it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/sql/judge.h"
#include "pipeline/target/target.h"

#define ROUNDS 101

/* head, then as many of more as fit, then tail; blanks fill what is left. */
static const struct {
    const char *name;
    const char *head;
    const char *more;
    const char *tail;
} shapes[] = {
    {"numbers of one digit", "SELECT a AS Id FROM t WHERE b IN (0", ",1", ")"},
    {"names of one letter", "SELECT a AS Id FROM t WHERE f(a", ",a", ")"},
    {"sums", "SELECT a AS Id FROM t WHERE b=a", "+a", ""},
    {"conditions", "SELECT a AS Id FROM t WHERE a = 1",
     "\n  OR (country = 'NL' AND opened_at > now() - INTERVAL '30' DAY)", ""},
    {"strings", "SELECT a AS Id FROM t WHERE b IN (''",
     ",\n  '01HZX3J9PZ6W5Y1S9K2C'", ")"},
    {"one string", "SELECT a AS Id FROM t WHERE b = '", "x", "'"},
    {"one comment", "SELECT a AS Id /*", "x", "*/"},
    {"lines of comment", "SELECT a AS Id", "\n-- what follows is left out", ""},
    {"blanks", "SELECT a AS Id", "\n", ""},
    {"unions", "SELECT a AS Id FROM t",
     "\nUNION ALL SELECT id AS Id FROM schema.table_1 x JOIN y USING (id)", ""},
    {"columns", "SELECT a AS Id",
     ",\n  CAST(count(*) AS varchar) AS \"Attributes.SessionsLast24Hours\", "
     "coalesce(max(s.state), 'none, so far, and a literal of some length') AS "
     "\"User.UserAttributes.UnengagedByState\"",
     " FROM t"},
    {"CASE", "SELECT CASE WHEN a THEN b", " WHEN c=1 THEN d", " END AS Id"},
    {"invisible characters", "SELECT a AS Id", "\xE2\x80\xA8", ""},
};

static char *query_of(size_t shape)
{
    char *sql = malloc(PL_SQL_MAX_BYTES + 1);
    const size_t more = strlen(shapes[shape].more);
    const size_t tail = strlen(shapes[shape].tail);
    size_t n = strlen(shapes[shape].head);

    if (sql == NULL)
        abort();
    memset(sql, ' ', PL_SQL_MAX_BYTES);
    memcpy(sql, shapes[shape].head, n);
    for (; n + more + tail <= PL_SQL_MAX_BYTES; n += more)
        memcpy(sql + n, shapes[shape].more, more);
    memcpy(sql + n, shapes[shape].tail, tail);
    sql[PL_SQL_MAX_BYTES] = '\0';
    return sql;
}

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double judge_ms(const char *sql)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};
    const double start = now_ms();

    /* some are refused, for their columns, when all has been read */
    if (pl_sql_judge(sql, PL_SQL_MAX_BYTES, pl_target_by_name("pinpoint"), &v,
                     &err) != 0 &&
        v.place.line != 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    return now_ms() - start;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    const double limit = argc > 1 ? strtod(argv[1], NULL) : 0;
    int rc = 0;

    for (size_t i = 0; i < PL_COUNT(shapes); i++) {
        double ms[ROUNDS];
        char *sql = query_of(i);

        for (size_t round = 0; round < ROUNDS; round++)
            ms[round] = judge_ms(sql);
        free(sql);
        qsort(ms, ROUNDS, sizeof(ms[0]), by_value);
        (void)printf("%-22s best %.2f ms, median %.2f ms\n", shapes[i].name,
                     ms[0], ms[ROUNDS / 2]);
        if (limit > 0 && ms[ROUNDS / 2] > limit)
            rc = 1;
    }
    return rc;
}
