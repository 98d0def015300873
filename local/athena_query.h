/*
 * athena_query.h - one query from its start to its result, and what the
 * service keeps.
 */
#ifndef LOCAL_ATHENA_QUERY_H
#define LOCAL_ATHENA_QUERY_H

#include "local/athena.h"
#include "local/athena_rules.h"
#include "local/engine.h"
#include "local/statement.h"

struct local_athena_query {
    char id[40];
    json_t *in;    /* the request, as it came */
    char *request; /* the same as a text: what the token stands for */
    char *token;
    char *bound; /* the statement with its parameters */
    char *database;
    char *workgroup;
    struct local_statement statement;
    json_t *output; /* the effective ResultConfiguration without the place */
    json_t *engine_version;
    bool is_managed;
    json_t *managed_encryption; /* or NULL */
    char *bucket;               /* of the result, unless it is managed */
    char *key;                  /* "athena/<id>.csv" */
    char *output_uri;
    char *manifest_key; /* of an UNLOAD */
    char *file;         /* a managed result, or manifest */
    json_t *manifest;   /* an array of URIs */
    uint64_t cutoff;    /* bytes to scan at most; 0: any */
    bool is_reused;
    unsigned unload_parts; /* the settings when it began */
    bool unload_nulls;

    const char *state;
    char reason[1100];
    int error_category;
    int error_type;
    bool is_retryable;
    int64_t submitted_ms;
    int64_t since_ms; /* in this state */
    int64_t ended_ms;
    int64_t queued_ms; /* the sum of earlier states */
    int64_t ran_ms;
    int64_t planning_ms;
    int64_t storing_ms;
    uint64_t bytes;     /* of the files behind the tables */
    int64_t scan_at_ms; /* when the scan began; 0: not yet */
    int64_t scan_ms;    /* how long it is to take */
    uint64_t scanned;   /* when it is over */
    uint64_t update_rows;
    json_t *columns;
    bool is_cancelled;
    bool is_forgotten;           /* with its work group */
    bool has_place;              /* among those that run */
    struct local_engine *engine; /* while it runs */
};

struct local_athena {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct local_athena_query **queries;
    size_t count;
    json_t *workgroups; /* by name */
    struct local_athena_rules rules;
    unsigned running;
    unsigned threads;
    bool is_closing;
};

/* The thread of a query: waits for its turn, runs, stores the result. */
void local_athena_work(struct local *local, struct local_athena_query *query);
void local_athena_query_free(struct local_athena_query *query);
/* Moves to another state; those that are over are for good. All need the
 * lock. */
void local_athena_enter(struct local_athena *a, struct local_athena_query *q,
                        const char *state);
bool local_athena_is_over(const struct local_athena_query *q);
/* Ends a query with CANCELLED, if it is not over. */
void local_athena_cancel(struct local_athena *a, struct local_athena_query *q,
                         const char *reason);
uint64_t local_athena_scanned(const struct local_athena_query *q,
                              int64_t now_ms);

/* What a query left: nothing of it is seen before it is kept. */
struct local_athena_product {
    struct local_s3_file file; /* the CSV, or the text */
    int fd;                    /* the same of a managed result, or -1 */
    struct local_unload *unload;
    json_t *columns;
};
void local_athena_product_release(struct local_athena_product *product);
int local_athena_produce(struct local *local, struct local_athena_query *q,
                         struct local_engine *engine,
                         struct local_athena_product *product,
                         struct pl_err *err) PL_MUST_CHECK;
/* Puts the objects into their places. Returns an S3 error code, or NULL. */
const char *local_athena_keep(struct local *local, struct local_athena_query *q,
                              struct local_athena_product *product);
/* An object with the query's encryption. */
const char *local_athena_put(struct local *local,
                             const struct local_athena_query *q,
                             const char *bucket, const char *key,
                             struct local_s3_file *file);
const char *local_athena_put_text(struct local *local,
                                  const struct local_athena_query *q,
                                  const char *bucket, const char *key,
                                  const char *text);

#endif
