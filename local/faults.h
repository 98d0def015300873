/*
 * faults.h - answers that a test asked to go wrong, each for a number of
 * requests.
 */
#ifndef LOCAL_FAULTS_H
#define LOCAL_FAULTS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "pipeline/base/err.h"

struct local_fault {
    char service[24];
    char operation[48]; /* "*": every one */
    char code[64];
    char outcome[24]; /* "" or of a job, "FAILED" */
    int status;
    int delay_ms; /* before the answer */
    unsigned count;
};

struct local_faults {
    pthread_mutex_t lock;
    struct local_fault *items;
    size_t count;
};

void local_faults_init(struct local_faults *faults);
void local_faults_release(struct local_faults *faults);
/* Reads {"service","operation","status","code","count","outcome"}. */
int local_faults_add(struct local_faults *faults, const json_t *rule,
                     struct pl_err *err) PL_MUST_CHECK;
void local_faults_clear(struct local_faults *faults);
/* Takes one use of the first rule that fits. */
bool local_faults_take(struct local_faults *faults, const char *service,
                       const char *operation, struct local_fault *fault);

#endif
