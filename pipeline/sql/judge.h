/*
 * judge.h - may this SQL text be run and its result be imported?
 *
 * One verdict before anything is paid for: a single read-only statement whose
 * output columns the target can take. Pure, linear, bounded; see select.h.
 */
#ifndef PL_SQL_JUDGE_H
#define PL_SQL_JUDGE_H

#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/sql/select.h"

struct pl_target;

#define PL_SQL_MAX_NOTES 8

struct pl_sql_verdict {
    bool takes_execute; /* set by the caller: EXECUTE of a prepared statement
                           is taken, whose columns are unknown */
    struct pl_sql_select select;
    char *sql;                     /* to be sent: see pl_sql_judge() */
    size_t sql_len;                /* bytes, without the NUL behind them */
    char *notes[PL_SQL_MAX_NOTES]; /* what a person should know */
    size_t note_count;
    struct pl_sql_place place; /* of the trouble; line 0: of no one place */
};

void pl_sql_verdict_release(struct pl_sql_verdict *verdict);

/*
 * Judge len bytes of SQL for a target (never NULL).
 *
 * verdict must be zeroed, but for takes_execute; the caller releases it. On
 * success it holds the columns, the notes and the text to send to Athena: the
 * statement without trailing semicolons, and with a blank for each invisible
 * character outside quotes.
 *
 * Fails with PL_QUERY_INVALID and one line, "line 2, column 5: what is wrong;
 * what to do": names of the query may be in it, its string literals never
 * are. Only verdict->place is then set. PL_CONFIG_INVALID: the query is well
 * but for the key that the job wants. PL_HOST_ERROR: out of memory.
 */
int pl_sql_judge(const char *sql, size_t len, const struct pl_target *target,
                 struct pl_sql_verdict *verdict,
                 struct pl_err *err) PL_MUST_CHECK;

#endif
