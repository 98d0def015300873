/*
 * advice.h - what each error name means to the people who are told of it: what
 * happened, whose it is to mend, what to do next. One table for notifications
 * and reports, beside that of names and exit statuses (err.h).
 */
#ifndef PL_BASE_ADVICE_H
#define PL_BASE_ADVICE_H

#include "pipeline/base/err.h"

struct pl_advice {
    const char *what; /* "the query was cancelled" */
    const char *who;  /* "the operator" */
    const char *next; /* one or two whole sentences */
};

/* The table's line for a code; never NULL (unknown codes: InternalError). */
const struct pl_advice *pl_advice(enum pl_code code);

#endif
