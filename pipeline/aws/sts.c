#include "pipeline/aws/sts.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/form.h"
#include "pipeline/aws/xml.h"
#include "pipeline/base/digest.h"

static int begin(struct pl_buf *form, const char *operation, struct pl_err *err)
{
    if (pl_form_add(form, "Action", operation, err) != 0)
        return -1;
    return pl_form_add(form, "Version", "2011-06-15", err);
}

int pl_sts_get_caller_identity(struct pl_aws *aws,
                               struct pl_sts_identity *identity,
                               struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_STS,
                                     .protocol = PL_AWS_QUERY,
                                     .operation = "GetCallerIdentity",
                                     .is_idempotent = true};
    PL_AUTO(pl_buf) form = PL_BUF_INIT;
    PL_AUTO(pl_http_response) resp = {.status = 0};
    const char *xml;

    if (begin(&form, call.operation, err) != 0 ||
        pl_form_send(aws, &call, &form, &resp, err) != 0)
        return -1;
    xml = pl_buf_str(&resp.body);
    memset(identity, 0, sizeof(*identity));
    if (!pl_xml_find(xml, resp.body.len, "Account", identity->account,
                     sizeof(identity->account)) ||
        !pl_xml_find(xml, resp.body.len, "Arn", identity->arn,
                     sizeof(identity->arn)))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "GetCallerIdentity answered without an account");
    (void)pl_xml_find(xml, resp.body.len, "UserId", identity->user_id,
                      sizeof(identity->user_id));
    return 0;
}

static int read_keys(const char *operation, const struct pl_http_response *resp,
                     struct pl_credentials *keys, struct pl_err *err)
{
    const char *xml = pl_buf_str(&resp->body);
    const size_t len = resp->body.len;
    char until[64] = "";
    int64_t ms = 0;

    if (!pl_xml_find(xml, len, "AccessKeyId", keys->access_key,
                     sizeof(keys->access_key)) ||
        !pl_xml_find(xml, len, "SecretAccessKey", keys->secret_key,
                     sizeof(keys->secret_key)) ||
        !pl_xml_find(xml, len, "SessionToken", keys->session_token,
                     sizeof(keys->session_token)) ||
        !pl_xml_find(xml, len, "Expiration", until, sizeof(until)) ||
        pl_time_parse_iso(until, &ms) != 0)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE, "%s answered without keys",
                       operation);
    keys->expires_at = ms / 1000;
    return 0;
}

static int send_for_keys(struct pl_aws *aws, const struct pl_aws_call *call,
                         struct pl_buf *form, struct pl_credentials *keys,
                         struct pl_err *err)
{
    PL_AUTO(pl_http_response) resp = {.status = 0};
    int rc = pl_form_send(aws, call, form, &resp, err);

    if (rc == 0)
        rc = read_keys(call->operation, &resp, keys, err);
    if (resp.body.data != NULL)
        pl_wipe(resp.body.data, resp.body.cap);
    return rc;
}

void pl_sts_session_name(const struct pl_aws *aws, char out[PL_STS_SESSION])
{
    (void)snprintf(out, PL_STS_SESSION, "lakeseg-%" PRId64,
                   pl_now_ms(&aws->clock) / 1000);
}

int pl_sts_assume_role(struct pl_aws *aws, const struct pl_sts_role *role,
                       const struct pl_credentials *source,
                       struct pl_credentials *credentials, struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_STS,
                                     .protocol = PL_AWS_QUERY,
                                     .operation = "AssumeRole",
                                     .keys = source,
                                     .is_idempotent = true};
    PL_AUTO(pl_buf) form = PL_BUF_INIT;
    char seconds[16];

    (void)snprintf(seconds, sizeof(seconds), "%d", role->duration_s);
    if (begin(&form, call.operation, err) != 0 ||
        pl_form_add(&form, "RoleArn", role->arn, err) != 0 ||
        pl_form_add(&form, "RoleSessionName", role->session, err) != 0 ||
        (role->external_id[0] != '\0' &&
         pl_form_add(&form, "ExternalId", role->external_id, err) != 0) ||
        (role->duration_s > 0 &&
         pl_form_add(&form, "DurationSeconds", seconds, err) != 0))
        return -1;
    return send_for_keys(aws, &call, &form, credentials, err);
}

int pl_sts_assume_role_with_web_identity(
    struct pl_aws *aws, const char *role_arn, const char *session_name,
    const char *token, struct pl_credentials *credentials, struct pl_err *err)
{
    const struct pl_aws_call call = {.service = PL_AWS_STS,
                                     .protocol = PL_AWS_QUERY,
                                     .operation = "AssumeRoleWithWebIdentity",
                                     .is_unsigned = true,
                                     .is_idempotent = true};
    PL_AUTO(pl_buf) form = PL_BUF_INIT;
    int rc = -1;

    if (begin(&form, call.operation, err) == 0 &&
        pl_form_add(&form, "RoleArn", role_arn, err) == 0 &&
        pl_form_add(&form, "RoleSessionName", session_name, err) == 0 &&
        pl_form_add(&form, "WebIdentityToken", token, err) == 0)
        rc = send_for_keys(aws, &call, &form, credentials, err);
    if (form.data != NULL)
        pl_wipe(form.data, form.cap);
    return rc;
}
