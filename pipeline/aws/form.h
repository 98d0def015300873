/*
 * form.h - the Query protocol: a form in, XML out (SNS, STS).
 */
#ifndef PL_AWS_FORM_H
#define PL_AWS_FORM_H

#include "pipeline/aws/client.h"

/* Appends "&name=value", the value percent-encoded (the first without "&"). */
int pl_form_add(struct pl_buf *form, const char *name, const char *value,
                struct pl_err *err) PL_MUST_CHECK;
/* Sends the form; the answer's XML is in resp->body. */
int pl_form_send(struct pl_aws *aws, const struct pl_aws_call *call,
                 const struct pl_buf *form, struct pl_http_response *resp,
                 struct pl_err *err) PL_MUST_CHECK;

#endif
