/*
 * job.h - one run of athena-exec, as its rooms share it.
 */
#ifndef ATHENA_EXEC_JOB_H
#define ATHENA_EXEC_JOB_H

#include "pipeline/stream/transfer.h"
#include "stages/athena_exec/settings.h"

enum athena_kind {
    ATHENA_SELECT,
    ATHENA_UNLOAD,
    ATHENA_EXPLAIN /* whether the query could run */
};

struct athena_job {
    struct athena_settings set;
    struct pl_aws *aws;
    struct pl_manifest *m;
    /* the query, from query.c */
    struct pl_buf sql; /* as judged: without a trailing semicolon */
    char **literals;   /* of its parameters */
    size_t literal_count;
    size_t column_count;
    bool has_columns; /* false: only the result tells them */
    size_t id_column; /* with set.partitions */
    /* the work group, from workgroup.c */
    struct pl_athena_workgroup group;
    bool is_group_known;
    struct pl_buf place; /* of this run in S3, ending in "/"; "": none known */
    /* the execution that is followed, from follow.c */
    int64_t deadline_ms; /* of the monotonic clock */
    struct pl_buf text;  /* what was sent */
    int attempt;
    struct pl_athena_execution x; /* as last seen */
    bool was_over;                /* it had ended when it was first looked at */
};
void athena_job_release(struct athena_job *job);

/* query.c: judges query.sql, fills sql, literals, columns. */
int athena_query_judge(struct athena_job *job,
                       struct pl_err *err) PL_MUST_CHECK;
/* The text of one attempt, in job->text. */
int athena_query_word(struct athena_job *job, enum athena_kind kind,
                      int attempt, struct pl_err *err) PL_MUST_CHECK;

/* workgroup.c: what the work group forbids or takes over; fills place. */
int athena_workgroup_check(struct athena_job *job,
                           struct pl_err *err) PL_MUST_CHECK;

/* start.c: starts a statement of this kind, or finds the one that an earlier
 * start with this run's id made, and follows it to its end; attempts that may
 * be repeated are. On 0 job->x is its last state (with is_start_only or
 * is_once: as it is now). */
int athena_start(struct athena_job *job, enum athena_kind kind,
                 struct pl_err *err) PL_MUST_CHECK;
/* The same for an execution that somebody else started, set.wait_id:
 * PL_CONFIG_INVALID when it does not run this query. */
int athena_attach(struct athena_job *job, enum athena_kind kind,
                  struct pl_err *err) PL_MUST_CHECK;

/* follow.c: follows job->x.id to its end, or looks once. */
int athena_follow(struct athena_job *job, bool is_once,
                  struct pl_err *err) PL_MUST_CHECK;
bool athena_has_ended(const struct pl_athena_execution *x);
/* The wait before the next look: from 100 ms, growing with each look (from 0)
 * to most_ms; random (0 <= x < 1) takes away up to half. Pure. */
int64_t athena_pause_ms(unsigned look, int64_t most_ms, double random);

/* result.c: writes what is known of job->x into query.result. */
int athena_result_record(struct athena_job *job,
                         struct pl_err *err) PL_MUST_CHECK;
/* Names the result of a SELECT, or of an UNLOAD, in data[]. */
int athena_result_add(struct athena_job *job, struct pl_err *err) PL_MUST_CHECK;
/* How what we write ourselves is written. */
int athena_result_writer(struct athena_job *job, struct pl_transfer *how,
                         struct pl_err *err) PL_MUST_CHECK;
/* What a query is billed for, as an estimate; -1: unknown. Pure. */
int64_t athena_billed_bytes(const struct pl_athena_execution *x,
                            int64_t min_bytes);
double athena_cost(int64_t billed_bytes, double price_per_tb);

/* managed.c: the pages of a result that is not in S3, as the CSV that Athena
 * would have written; adds it to data[]. */
int athena_managed_add(struct athena_job *job,
                       struct pl_err *err) PL_MUST_CHECK;

/* unload.c: */
/* Where attempt's parts go, appended. PL_CONFIG_INVALID without a place. */
int athena_unload_prefix(const struct athena_job *job, int attempt,
                         struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
struct athena_unload {
    const char *sql;
    size_t len;
    size_t column_count;
    int64_t partitions; /* 0: none */
    size_t id_column;   /* whose hash is the partition */
    const char *prefix;
};
/* The statement, appended: columns named c0, c1, ... Pure. */
int athena_unload_word(const struct athena_unload *u, struct pl_buf *out,
                       struct pl_err *err) PL_MUST_CHECK;
/* Adds the parts to data[]. */
int athena_unload_add(struct athena_job *job, struct pl_err *err) PL_MUST_CHECK;

#endif
