/* STS: who am I, and keys for a while. */
#include "local/local.h"

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define XMLNS "https://sts.amazonaws.com/doc/2011-06-15/"

static int answer(struct local_request *req, struct local_response *resp,
                  const struct pl_buf *inner, struct pl_err *err)
{
    resp->status = 200;
    if (pl_buf_addf(&resp->body, err,
                    "<%sResponse xmlns=\"" XMLNS "\"><%sResult>%s</%sResult>"
                    "<ResponseMetadata><RequestId>%s</RequestId>"
                    "</ResponseMetadata></%sResponse>\n",
                    req->operation, req->operation, pl_buf_str(inner),
                    req->operation, req->request_id, req->operation) != 0)
        return -1;
    return local_set_header(resp, "Content-Type", "text/xml", err);
}

static int caller(struct local_request *req, struct local_response *resp,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) inner = PL_BUF_INIT;

    if (pl_buf_addf(&inner, err,
                    "<Arn>arn:aws:iam::" LOCAL_ACCOUNT ":user/local</Arn>"
                    "<UserId>%s</UserId><Account>" LOCAL_ACCOUNT "</Account>",
                    req->access_key) != 0)
        return -1;
    return answer(req, resp, &inner, err);
}

static int make_key(struct local_key *key, uint64_t seconds, struct pl_err *err)
{
    unsigned char raw[64];
    char hex[129];

    if (pl_random(raw, sizeof(raw), err) != 0)
        return -1;
    pl_hex(raw, sizeof(raw), hex);
    (void)snprintf(key->access, sizeof(key->access), "ASIA%.16s", hex);
    for (char *p = key->access; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'f')
            *p = (char)(*p - 'a' + 'A');
    (void)snprintf(key->secret, sizeof(key->secret), "%.40s", hex + 16);
    (void)snprintf(key->token, sizeof(key->token), "%.72s", hex + 56);
    key->expires_at_ms = pl_now_ms(&pl_clock_real) + (int64_t)seconds * 1000;
    pl_wipe(hex, sizeof(hex));
    return 0;
}

/* "role/name" of the ARN, or NULL. */
static const char *role_name(const char *arn)
{
    const char *role = arn != NULL && pl_starts_with(arn, "arn:aws:iam::")
                           ? strstr(arn, ":role/")
                           : NULL;

    return role != NULL && role[6] != '\0' ? role + 6 : NULL;
}

static int refuse(struct local_request *req, struct local_response *resp,
                  const char *what)
{
    return local_refuse(req, resp, 400, "ValidationError",
                        "1 validation error detected: %s", what);
}

static int answer_keys(struct local_request *req, struct local_response *resp,
                       const struct local_key *key, struct pl_err *err)
{
    PL_AUTO(pl_buf) inner = PL_BUF_INIT;
    const char *role = role_name(local_query(req, "RoleArn"));
    const char *session = local_query(req, "RoleSessionName");
    char until[PL_TIME_LEN];

    pl_time_iso(key->expires_at_ms, until);
    if (pl_buf_addf(&inner, err,
                    "<Credentials><AccessKeyId>%s</AccessKeyId>"
                    "<SecretAccessKey>%s</SecretAccessKey>"
                    "<SessionToken>%s</SessionToken>"
                    "<Expiration>%s</Expiration></Credentials>"
                    "<AssumedRoleUser><AssumedRoleId>AROALOCAL:",
                    key->access, key->secret, key->token, until) != 0 ||
        local_xml_text(&inner, session, err) != 0 ||
        pl_buf_adds(&inner,
                    "</AssumedRoleId><Arn>arn:aws:sts::" LOCAL_ACCOUNT
                    ":assumed-role/",
                    err) != 0 ||
        local_xml_text(&inner, role, err) != 0 ||
        pl_buf_addc(&inner, '/', err) != 0 ||
        local_xml_text(&inner, session, err) != 0 ||
        pl_buf_adds(&inner, "</Arn></AssumedRoleUser>", err) != 0)
        return -1;
    return answer(req, resp, &inner, err);
}

static int assume(struct local *local, struct local_request *req,
                  struct local_response *resp, struct pl_err *err)
{
    const char *session = local_query(req, "RoleSessionName");
    const char *duration = local_query(req, "DurationSeconds");
    struct local_key key = {.expires_at_ms = 0};
    uint64_t seconds = 3600;
    int rc;

    if (role_name(local_query(req, "RoleArn")) == NULL)
        return refuse(req, resp, "RoleArn");
    if (session == NULL || strlen(session) < 2 || strlen(session) > 64)
        return refuse(req, resp, "RoleSessionName");
    if (duration != NULL && (pl_parse_u64(duration, &seconds) != 0 ||
                             seconds < 900 || seconds > 43200))
        return refuse(req, resp, "DurationSeconds");
    if (make_key(&key, seconds, err) != 0 ||
        local_keys_add(&local->keys, &key, err) != 0)
        return -1;
    rc = answer_keys(req, resp, &key, err);
    pl_wipe(&key, sizeof(key));
    return rc;
}

static int assume_with_token(struct local *local, struct local_request *req,
                             struct local_response *resp, struct pl_err *err)
{
    const char *token = local_query(req, "WebIdentityToken");

    if (token == NULL || strlen(token) < 4 || strlen(token) > 20000)
        return refuse(req, resp, "WebIdentityToken");
    if (strcmp(token, "expired") == 0)
        return local_refuse(req, resp, 400, "ExpiredTokenException",
                            "Token expired");
    if (strcmp(token, "invalid") == 0)
        return local_refuse(req, resp, 400, "InvalidIdentityToken",
                            "No OpenIDConnect provider found");
    return assume(local, req, resp, err);
}

int local_sts_handle(struct local *local, struct local_request *req,
                     struct local_response *resp, struct pl_err *err)
{
    if (strcmp(req->operation, "GetCallerIdentity") == 0)
        return caller(req, resp, err);
    if (strcmp(req->operation, "AssumeRole") == 0)
        return assume(local, req, resp, err);
    if (strcmp(req->operation, "AssumeRoleWithWebIdentity") == 0)
        return assume_with_token(local, req, resp, err);
    return local_refuse(req, resp, 400, "InvalidAction",
                        "The action %.60s is not valid for this endpoint.",
                        req->operation);
}
