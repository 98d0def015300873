/*
 * athena_query.h - one query from its start to its result object.
 */
#ifndef LOCAL_ATHENA_QUERY_H
#define LOCAL_ATHENA_QUERY_H

#include "local/athena.h"
#include "local/engine.h"

struct local_athena_query {
    char id[40];
    char *sql;   /* as it was sent */
    char *bound; /* with its parameters */
    char *token;
    char *request; /* what the token stands for */
    char *catalog;
    char *database;
    char *workgroup;
    char *bucket;
    char *key; /* of the result object */
    char *output_uri;
    const char *state;
    char reason[1100];
    int error_type;
    int64_t submitted_ms;
    int64_t started_ms;
    int64_t ended_ms;
    uint64_t scanned_bytes;
    json_t *columns;
    bool is_cancelled;
    struct local_engine *engine; /* while it runs */
};

struct local_athena {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct local_athena_query **queries;
    size_t count;
    json_t *workgroups; /* by name */
    unsigned running;
    unsigned threads;
    bool is_closing;
};

/* The thread of a query: waits for its turn, runs, stores the result. */
void local_athena_work(struct local *local, struct local_athena_query *query);
void local_athena_query_free(struct local_athena_query *query);

#endif
