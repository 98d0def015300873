/*
 * customer_call.h - what the files customer*.c share: one call.
 */
#ifndef PL_AWS_CUSTOMER_CALL_H
#define PL_AWS_CUSTOMER_CALL_H

#include "pipeline/aws/call.h"
#include "pipeline/aws/customer.h"

struct pl_customer_call {
    const char *operation;
    const char *method;
    const char *below; /* "/upload-jobs", behind the domain, or "" */
    const char *name;  /* encoded behind below and a slash, or NULL */
    const char *end;   /* "/path", or NULL */
    const char *query; /* encoded, or NULL */
    bool is_secret;    /* the answer is wiped */
    bool is_single;    /* the caller looks before another attempt */
};

/* body (NULL: none) is taken over. */
int pl_customer_send(const struct pl_customer *c,
                     const struct pl_customer_call *call, json_t *body,
                     struct pl_json *answer, struct pl_err *err) PL_MUST_CHECK;
/* The map of ObjectTypeField; NULL when a text is not UTF-8. */
json_t *pl_customer_fields(const struct pl_customer_field *fields,
                           size_t count);

#endif
