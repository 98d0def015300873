/*
 * athena_rules.h - queries that a test wants to be slow or to fail, and the
 * settings of the service that are undocumented or too large for a test.
 */
#ifndef LOCAL_ATHENA_RULES_H
#define LOCAL_ATHENA_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct local;

/* How a query goes. */
struct local_athena_rule {
    char match[128];     /* a part of the statement; "": every one */
    int64_t queued_ms;   /* QUEUED for so long */
    int64_t running_ms;  /* then RUNNING for so long; -1: as usual */
    int64_t requeued_ms; /* then QUEUED again for so long; -1: not at all */
    char state[12];      /* "FAILED", "CANCELLED", or "" */
    int category;
    int type;
    bool is_retryable;
    char message[512];
    unsigned skip;
    unsigned count;
    bool is_endless;
};

struct local_athena_rules {
    struct local_athena_rule *items;
    size_t count;
    unsigned max_active;   /* queries queued and running */
    unsigned unload_parts; /* to which the rows of an UNLOAD are dealt */
    bool unload_nulls;     /* JSON has a key for NULL, too */
};

void local_athena_rules_init(struct local_athena_rules *rules);
void local_athena_rules_release(struct local_athena_rules *rules);
/* From the admin path: a rule, or settings. PL_USAGE_INVALID says what is
 * wrong. */
int local_athena_rules_add(struct local_athena_rules *rules, const json_t *rule,
                           struct pl_err *err) PL_MUST_CHECK;
int local_athena_rules_set(struct local_athena_rules *rules,
                           const json_t *settings,
                           struct pl_err *err) PL_MUST_CHECK;
/* Takes one use of the first rule that fits; else how queries usually go. */
void local_athena_rules_take(struct local_athena_rules *rules, const char *sql,
                             struct local_athena_rule *rule);

#endif
