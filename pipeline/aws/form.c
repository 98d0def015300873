#include "pipeline/aws/form.h"

#include <string.h>

#include "pipeline/aws/call.h"
#include "pipeline/base/text.h"

int pl_form_add(struct pl_buf *form, const char *name, const char *value,
                struct pl_err *err)
{
    if (pl_buf_addf(form, err, "%s%s=", form->len > 0 ? "&" : "", name) != 0)
        return -1;
    return pl_uri_encode(form, value, strlen(value), false, err);
}

int pl_form_send(struct pl_aws *aws, const struct pl_aws_call *call,
                 const struct pl_buf *form, struct pl_http_response *resp,
                 struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.method = "POST"};

    if (pl_call_begin(aws, call->service, call->region, "POST", "/", &req,
                      err) != 0 ||
        pl_http_headers_set(&req.headers, "content-type",
                            "application/x-www-form-urlencoded; charset=utf-8",
                            err) != 0)
        return -1;
    req.body = form->data;
    req.body_len = form->len;
    return pl_aws_send(aws, call, &req, resp, err);
}
