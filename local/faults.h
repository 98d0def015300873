/*
 * faults.h - requests that a test asked to go wrong: which, how, how often.
 *
 * A rule as text, as --fault takes it:
 *
 *     SERVICE.OPERATION=KIND[:VALUE][,count=N][,skip=N][,probability=P]
 *
 * A rule as JSON, as the admin path takes it, is {"rule": "..."} with that
 * text, or has the fields service, operation, kind, bytes, delay_ms, status,
 * code, outcome, count, skip and probability.
 */
#ifndef LOCAL_FAULTS_H
#define LOCAL_FAULTS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

/* What goes wrong. Of those that break a body, a body too short for it comes
 * whole. */
enum local_fault_kind {
    LOCAL_FAULT_ERROR,    /* refused with status and code */
    LOCAL_FAULT_ERROR200, /* refused with code, behind status 200 */
    LOCAL_FAULT_DELAY,    /* all is well, delay_ms later */
    LOCAL_FAULT_CUT,      /* connection reset after bytes of the body; with 0
                             nothing is done and nothing is answered */
    LOCAL_FAULT_LOST,     /* done, but the connection ends without an answer */
    LOCAL_FAULT_TRUNCATE, /* bytes of the body, then the connection ends */
    LOCAL_FAULT_SHORT,    /* bytes of the body, and Content-Length says so */
    LOCAL_FAULT_CORRUPT,  /* one bit of the byte at `bytes` is another */
    LOCAL_FAULT_SLOW,     /* bytes of the body in each second */
    LOCAL_FAULT_OUTCOME   /* of an import job, "FAILED" */
};

#define LOCAL_FAULT_HALF UINT64_MAX /* for bytes: the middle of the body */

struct local_fault {
    char service[24];
    char operation[48]; /* "*": every one */
    enum local_fault_kind kind;
    char code[64];
    char outcome[40];
    int status;
    int delay_ms; /* before the answer, whatever it is */
    uint64_t bytes;
    unsigned skip;      /* so many requests go well first */
    unsigned count;     /* so many uses are left */
    double probability; /* of each request; 1: all */
    bool is_endless;    /* count does not count */
};

struct local_faults {
    pthread_mutex_t lock;
    struct local_fault *items;
    size_t count;
    uint64_t seed; /* the same sequence in every run */
};

void local_faults_init(struct local_faults *faults);
void local_faults_release(struct local_faults *faults);
/* Reads one rule; PL_USAGE_INVALID says what is wrong with it. */
int local_fault_parse(const char *text, size_t len, struct local_fault *fault,
                      struct pl_err *err) PL_MUST_CHECK;
int local_fault_of_json(const json_t *rule, struct local_fault *fault,
                        struct pl_err *err) PL_MUST_CHECK;
/* Adds rules parted by ';'. */
int local_faults_add_text(struct local_faults *faults, const char *rules,
                          struct pl_err *err) PL_MUST_CHECK;
int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err) PL_MUST_CHECK;
void local_faults_clear(struct local_faults *faults);
/* [{service, operation, skip, count}], a new reference: how many uses are left
 * of each rule. */
json_t *local_faults_show(struct local_faults *faults);
/* Takes one use of the first rule that fits. */
bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault);

#endif
