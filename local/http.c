#include "local/http.h"

#include <stdarg.h>
#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

int local_pairs_add(struct local_pairs *pairs, const char *name,
                    const char *value, struct pl_err *err)
{
    struct local_pair pair;

    if (pairs->count == pairs->cap) {
        const size_t cap = pairs->cap == 0 ? 16 : pairs->cap * 2;
        struct local_pair *items = realloc(pairs->items, cap * sizeof(*items));

        if (items == NULL)
            return pl_fail_memory(err);
        pairs->items = items;
        pairs->cap = cap;
    }
    pair.name = strdup(name);
    pair.value = strdup(value);
    if (pair.name == NULL || pair.value == NULL) {
        free(pair.name);
        free(pair.value);
        return pl_fail_memory(err);
    }
    pairs->items[pairs->count++] = pair;
    return 0;
}

const char *local_pairs_get(const struct local_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

void local_pairs_release(struct local_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct local_pairs){0};
}

static int add_decoded(struct local_pairs *pairs, const char *name,
                       size_t name_len, const char *value, size_t value_len,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) n = PL_BUF_INIT;
    PL_AUTO(pl_buf) v = PL_BUF_INIT;

    if (pl_uri_decode(&n, name, name_len, true, err) != 0 ||
        pl_uri_decode(&v, value, value_len, true, err) != 0)
        return -1;
    if (strlen(pl_buf_str(&n)) != n.len || strlen(pl_buf_str(&v)) != v.len)
        return pl_fail(err, PL_DATA_INVALID, "a NUL in a parameter");
    return local_pairs_add(pairs, pl_buf_str(&n), pl_buf_str(&v), err);
}

int local_pairs_parse(struct local_pairs *pairs, const char *query, size_t len,
                      struct pl_err *err)
{
    size_t at = 0;

    while (at < len) {
        const char *part = query + at;
        const char *end = memchr(part, '&', len - at);
        const size_t part_len = end != NULL ? (size_t)(end - part) : len - at;
        const char *eq = memchr(part, '=', part_len);
        const size_t name_len = eq != NULL ? (size_t)(eq - part) : part_len;
        const char *value = eq != NULL ? eq + 1 : part + part_len;

        at += part_len + 1;
        if (part_len > 0 &&
            add_decoded(pairs, part, name_len, value,
                        part_len - (size_t)(value - part), err) != 0)
            return -1;
    }
    return 0;
}

void local_request_release(struct local_request *req)
{
    free(req->method);
    free(req->raw_path);
    free(req->raw_query);
    local_pairs_release(&req->headers);
    local_pairs_release(&req->query);
    local_pairs_release(&req->trailers);
    pl_buf_release(&req->body);
    *req = (struct local_request){0};
}

const char *local_header(const struct local_request *req, const char *name)
{
    return local_pairs_get(&req->headers, name);
}

const char *local_query(const struct local_request *req, const char *name)
{
    return local_pairs_get(&req->query, name);
}

void local_response_release(struct local_response *resp)
{
    local_pairs_release(&resp->headers);
    pl_buf_release(&resp->body);
    if (resp->is_file && resp->fd >= 0)
        (void)close(resp->fd);
    *resp = (struct local_response){0};
}

int local_set_header(struct local_response *resp, const char *name,
                     const char *value, struct pl_err *err)
{
    return local_pairs_add(&resp->headers, name, value, err);
}

static int refuse_s3(const struct local_request *req,
                     struct local_response *resp, const char *code,
                     const char *text, struct pl_err *err)
{
    struct pl_buf *out = &resp->body;

    if (strcmp(req->method, "HEAD") == 0)
        return 0;
    if (pl_buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>",
                    err) != 0 ||
        local_xml_element(out, "Code", code, err) != 0 ||
        local_xml_element(out, "Message", text, err) != 0 ||
        local_xml_element(out, "Resource", req->raw_path, err) != 0 ||
        local_xml_element(out, "RequestId", req->request_id, err) != 0 ||
        pl_buf_adds(out, "<HostId>lakeseg-local</HostId></Error>", err) != 0)
        return -1;
    return local_set_header(resp, "Content-Type", "application/xml", err);
}

static int refuse_query(const struct local_request *req,
                        struct local_response *resp, const char *code,
                        const char *text, struct pl_err *err)
{
    struct pl_buf *out = &resp->body;
    const char *ns = strcmp(req->service, "sts") == 0
                         ? "https://sts.amazonaws.com/doc/2011-06-15/"
                         : "http://sns.amazonaws.com/doc/2010-03-31/";

    if (pl_buf_addf(out, err, "<ErrorResponse xmlns=\"%s\"><Error>", ns) != 0 ||
        local_xml_element(out, "Type",
                          resp->status < 500 ? "Sender" : "Receiver",
                          err) != 0 ||
        local_xml_element(out, "Code", code, err) != 0 ||
        local_xml_element(out, "Message", text, err) != 0 ||
        pl_buf_adds(out, "</Error>", err) != 0 ||
        local_xml_element(out, "RequestId", req->request_id, err) != 0 ||
        pl_buf_adds(out, "</ErrorResponse>\n", err) != 0)
        return -1;
    return local_set_header(resp, "Content-Type", "text/xml", err);
}

/* Athena's own errors have a member more, and spell Message so. */
static int refuse_athena(struct local_response *resp, const char *code,
                         const char *text, struct pl_err *err)
{
    json_t *body = json_pack("{s:s}", "__type", code);
    const bool is_own = strcmp(code, "InvalidRequestException") == 0 ||
                        strcmp(code, "TooManyRequestsException") == 0 ||
                        strcmp(code, "InternalServerException") == 0;

    if (strcmp(code, "ThrottlingException") == 0)
        text = "Rate exceeded";
    if (strcmp(code, "TooManyRequestsException") == 0)
        (void)json_object_set_new(
            body, "Reason", json_string("CONCURRENT_QUERY_LIMIT_EXCEEDED"));
    if (strcmp(code, "InvalidRequestException") == 0)
        (void)json_object_set_new(body, "AthenaErrorCode",
                                  json_string("INVALID_INPUT"));
    (void)json_object_set_new(body, is_own ? "Message" : "message",
                              json_string(text));
    return local_answer_json(resp, resp->status, body, err);
}

static int refuse_json(const struct local_request *req,
                       struct local_response *resp, const char *code,
                       const char *text, struct pl_err *err)
{
    if (strcmp(req->service, "athena") == 0)
        return refuse_athena(resp, code, text, err);
    if (local_set_header(resp, "x-amzn-ErrorType", code, err) != 0)
        return -1;
    return local_answer_json(
        resp, resp->status,
        json_pack("{s:s,s:s}", "Message", text, "RequestID", req->request_id),
        err);
}

bool local_is_s3(const struct local_request *req)
{
    return strcmp(req->service, "s3") == 0 ||
           strcmp(req->service, "upload") == 0;
}

int local_refuse(const struct local_request *req, struct local_response *resp,
                 int status, const char *code, const char *fmt, ...)
{
    struct pl_err err = {0};
    char text[1024];
    va_list ap;
    int rc;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    text[pl_utf8_valid_len(text, strlen(text))] = '\0';
    local_response_release(resp);
    resp->status = status;
    (void)snprintf(resp->code, sizeof(resp->code), "%s", code);
    if (local_is_s3(req))
        rc = refuse_s3(req, resp, code, text, &err);
    else if (strcmp(req->service, "sns") == 0 ||
             strcmp(req->service, "sts") == 0)
        rc = refuse_query(req, resp, code, text, &err);
    else
        rc = refuse_json(req, resp, code, text, &err);
    if (rc != 0) { /* out of memory: the status alone must do */
        local_response_release(resp);
        resp->status = 500;
    }
    return 0;
}

int local_answer_json(struct local_response *resp, int status, json_t *take,
                      struct pl_err *err)
{
    char *text = take != NULL ? json_dumps(take, JSON_COMPACT) : NULL;
    int rc;

    json_decref(take);
    if (text == NULL)
        return pl_fail(err, PL_INTERNAL_ERROR, "cannot write a JSON answer");
    resp->status = status;
    pl_buf_reset(&resp->body);
    rc = pl_buf_adds(&resp->body, text, err);
    free(text);
    if (rc != 0)
        return -1;
    return local_set_header(resp, "Content-Type", "application/json", err);
}

void local_http_date(int64_t unix_ms, char out[32])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed",
                                    "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr",
                                       "May", "Jun", "Jul", "Aug",
                                       "Sep", "Oct", "Nov", "Dec"};
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm = {0};

    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(
        out, 32, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
        (unsigned)tm.tm_mday % 100U, months[tm.tm_mon % 12],
        (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)tm.tm_hour % 100U,
        (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U);
}

int local_uuid(char out[40], struct pl_err *err)
{
    unsigned char raw[16];
    char hex[33];

    if (pl_random(raw, sizeof(raw), err) != 0)
        return -1;
    raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
    raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
    pl_hex(raw, sizeof(raw), hex);
    (void)snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
    return 0;
}
