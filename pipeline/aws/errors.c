#include "pipeline/aws/errors.h"

#include <jansson.h>
#include <string.h>

#include "pipeline/aws/xml.h"
#include "pipeline/base/text.h"

static void copy(char *to, size_t cap, const char *from)
{
    if (from != NULL)
        (void)snprintf(to, cap, "%s", from);
}

/* A service's words, as a line that a terminal and a JSON document can take.
 * Some services append the canonical request to "signature does not match",
 * and that holds the session token. */
static void copy_message(char *to, size_t cap, const char *from)
{
    const char *secret =
        from != NULL ? strstr(from, "The Canonical String for") : NULL;
    size_t len = from == NULL     ? 0
                 : secret != NULL ? (size_t)(secret - from)
                                  : strlen(from);

    if (len >= cap)
        len = cap - 1;
    if (len > 0)
        len = pl_utf8_valid_len(from, len);
    for (size_t i = 0; i < len; i++)
        to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7F ? ' ' : from[i];
    while (len > 0 && to[len - 1] == ' ')
        len--;
    to[len] = '\0';
}

/* "ns#Name:http://..." is Name. */
static void copy_name(char *to, size_t cap, const char *from)
{
    const char *hash = from != NULL ? strchr(from, '#') : NULL;

    copy(to, cap, hash != NULL ? hash + 1 : from);
    to[strcspn(to, ":")] = '\0';
}

static const char *member(const json_t *object, const char *a, const char *b)
{
    const char *text = json_string_value(json_object_get(object, a));

    return text != NULL ? text : json_string_value(json_object_get(object, b));
}

static void read_json(const struct pl_http_response *resp,
                      struct pl_service_error *e)
{
    json_t *body = json_loadb(pl_buf_str(&resp->body), resp->body.len, 0, NULL);
    const char *type = pl_http_headers_get(&resp->headers, "x-amzn-errortype");

    copy_name(e->code, sizeof(e->code),
              type != NULL ? type : member(body, "__type", "code"));
    copy_message(e->message, sizeof(e->message),
                 member(body, "message", "Message"));
    json_decref(body);
}

static void read_xml(const struct pl_http_response *resp,
                     struct pl_service_error *e)
{
    const char *text = pl_buf_str(&resp->body);
    const size_t len = resp->body.len;
    char message[2048] = "";

    (void)pl_xml_find(text, len, "Code", e->code, sizeof(e->code));
    (void)pl_xml_find(text, len, "Message", message, sizeof(message));
    copy_message(e->message, sizeof(e->message), message);
    (void)pl_xml_find(text, len, "Region", e->region, sizeof(e->region));
    (void)pl_xml_find(text, len, "RequestId", e->request_id,
                      sizeof(e->request_id));
}

void pl_error_read(enum pl_aws_protocol protocol,
                   const struct pl_http_response *resp,
                   struct pl_service_error *e)
{
    const char *id = pl_http_headers_get(&resp->headers, "x-amzn-requestid");

    if (protocol == PL_AWS_JSON || protocol == PL_AWS_REST_JSON)
        read_json(resp, e);
    else
        read_xml(resp, e);
    if (id == NULL)
        id = pl_http_headers_get(&resp->headers, "x-amz-request-id");
    copy(e->request_id, sizeof(e->request_id), id);
}

bool pl_error_is_expired(const char *code)
{
    static const char *const expired[] = {
        "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"};

    return pl_is_one_of(code, expired, PL_COUNT(expired));
}

static enum pl_code code_of(int status, const char *code,
                            enum pl_retry_kind kind)
{
    static const char *const signature[] = {
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidToken",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
        "AuthorizationHeaderMalformed",
        "AuthFailure"};

    if (pl_error_is_expired(code))
        return PL_CREDENTIALS_EXPIRED;
    if (pl_is_one_of(code, signature, PL_COUNT(signature)))
        return PL_SIGNATURE_REFUSED;
    if (kind == PL_RETRY_THROTTLE)
        return PL_THROTTLED;
    if (kind == PL_RETRY_TRANSIENT || status >= 500)
        return PL_SERVICE_UNAVAILABLE;
    if (status == 401 || status == 403 || pl_starts_with(code, "AccessDenied"))
        return PL_ACCESS_DENIED;
    return PL_SERVICE_REFUSED;
}

int pl_error_fail(struct pl_err *err, const char *operation, int status,
                  const struct pl_service_error *e, enum pl_retry_kind kind)
{
    (void)pl_fail(err, code_of(status, e->code, kind),
                  "cannot %s: HTTP %d%s%s (request %s)%s%s", operation, status,
                  e->code[0] != '\0' ? " " : "", e->code,
                  e->request_id[0] != '\0' ? e->request_id : "?",
                  e->message[0] != '\0' ? ": " : "", e->message);
    err->http_status = status;
    (void)snprintf(err->service, sizeof(err->service), "%s", e->code);
    return -1;
}
