/*
 * faults.h - answers that a test asked to go wrong, each for a number of
 * requests.
 *
 * As text, for --fault: "SERVICE.OPERATION=KIND[:ARGUMENT][,count=N][,skip=N]
 * [,percent=N]", several with ";" between; the operation may be "*". As JSON,
 * for the admin path: {"service", "operation", "kind", "status", "code",
 * "bytes", "delay_ms", "count", "skip", "percent", "outcome"}.
 */
#ifndef LOCAL_FAULTS_H
#define LOCAL_FAULTS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "pipeline/base/err.h"

enum local_fault_kind {
    LOCAL_FAULT_STATUS,  /* status:STATUS:CODE, refused, after delay_ms */
    LOCAL_FAULT_INSIDE,  /* inside:CODE, the same error behind a 200 */
    LOCAL_FAULT_DELAY,   /* delay:MS, then done and answered */
    LOCAL_FAULT_LOST,    /* lost: done, but the connection closes */
    LOCAL_FAULT_CUT,     /* cut:BYTES of the body, then it closes */
    LOCAL_FAULT_SHORT,   /* short:BYTES of the body, in a right frame */
    LOCAL_FAULT_CORRUPT, /* corrupt:BYTE of the body has a bit flipped */
    LOCAL_FAULT_SLOW     /* slow:BYTES of the body a second */
};

struct local_fault {
    enum local_fault_kind kind;
    int64_t bytes;
    char service[24];
    char operation[48]; /* "*": every one */
    char code[64];
    char outcome[24]; /* "" or of a job, "FAILED" */
    int status;
    int delay_ms; /* before the answer */
    unsigned count;
    unsigned skip;    /* so many requests pass first */
    unsigned percent; /* of those that fit; 100: all */
};

struct local_faults {
    pthread_mutex_t lock;
    struct local_fault *items;
    size_t count;
};

void local_faults_init(struct local_faults *faults);
void local_faults_release(struct local_faults *faults);
int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err) PL_MUST_CHECK;
/* Reads rules as text. */
int local_faults_parse(struct local_faults *faults, const char *text,
                       struct pl_err *err) PL_MUST_CHECK;
void local_faults_clear(struct local_faults *faults);
/* Takes one use of the first rule that fits. */
bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault);

#endif
