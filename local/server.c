#include "local/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "local/body.h"
#include "local/fault_answer.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define CONNECTION_BYTES ((size_t)512 << 10)
#define CONNECTIONS_MAX 400
#define IDLE_SECONDS 120U
#define ADMIN_PREFIX "/_lakeseg/"

static const char empty_sha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* One request from its first line to its last byte. */
struct exchange {
    struct local_server *server;
    struct local_request req;
    struct local_response resp;
    struct local_auth auth;
    struct local_body body;
    enum local_verdict verdict;
    char why[256];
    struct local_fault fault; /* if is_faulty */
    bool is_faulty;
    bool is_started;
    bool is_judged; /* else the body is needed first */
    int64_t started_ms;
};

static void exchange_free(struct exchange *ex)
{
    if (ex == NULL)
        return;
    local_body_release(&ex->body);
    local_request_release(&ex->req);
    local_response_release(&ex->resp);
    free(ex);
}

/* MHD hands the line's target over before it decodes it. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *c)
{
    struct exchange *ex = calloc(1, sizeof(*ex));
    const size_t len = strcspn(uri, "?");

    (void)c;
    if (ex == NULL)
        return NULL;
    ex->server = ctx;
    ex->body.file.fd = -1;
    ex->req.service = "unknown";
    ex->req.operation = "Unknown";
    ex->req.raw_path = strndup(uri, len);
    ex->req.raw_query = strdup(uri[len] == '?' ? uri + len + 1 : "");
    ex->started_ms = pl_mono_ms(&pl_clock_real);
    return ex;
}

struct headers {
    struct local_pairs *pairs;
    bool is_failed;
};

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind,
                                 const char *name, const char *value)
{
    struct headers *h = ctx;
    struct pl_err err = {0};
    char lower[256];
    size_t i = 0;

    (void)kind;
    for (; name[i] != '\0' && i + 1 < sizeof(lower); i++)
        lower[i] = name[i] >= 'A' && name[i] <= 'Z'
                       ? (char)(name[i] - 'A' + 'a')
                       : name[i];
    lower[i] = '\0';
    if (local_pairs_add(h->pairs, lower, value != NULL ? value : "", &err) != 0)
        h->is_failed = true;
    return MHD_YES;
}

/* By the credential scope; unsigned calls by what the request looks like. */
static const char *service_of(const struct local_request *req)
{
    static const char *const names[][2] = {
        {"athena", "athena"}, {"s3", "s3"},   {"mobiletargeting", "pinpoint"},
        {"sns", "sns"},       {"sts", "sts"}, {"profile", "profiles"},
    };
    const char *header = local_header(req, "authorization");
    const char *target = local_header(req, "x-amz-target");
    struct local_auth auth;
    struct pl_err err = {0};

    if (pl_starts_with(req->raw_path, ADMIN_PREFIX))
        return "admin";
    if (local_upload_is_place(req))
        return "upload";
    if (header != NULL && local_auth_parse(header, &auth, &err) == 0)
        for (size_t i = 0; i < PL_COUNT(names); i++)
            if (strcmp(auth.service, names[i][0]) == 0)
                return names[i][1];
    if (target != NULL && pl_starts_with(target, "AmazonAthena."))
        return "athena";
    if (pl_starts_with(req->raw_path, "/v1/"))
        return "pinpoint";
    if (pl_starts_with(req->raw_path, "/domains"))
        return "profiles";
    if (strcmp(req->method, "POST") == 0 && strcmp(req->raw_path, "/") == 0)
        return "sts";
    return "s3";
}

/* What can be named before the body is there. */
static const char *early_operation(const struct local_request *req)
{
    const char *target = local_header(req, "x-amz-target");

    if (strcmp(req->service, "s3") == 0)
        return local_s3_operation(req);
    if (strcmp(req->service, "pinpoint") == 0)
        return local_pinpoint_operation(req);
    if (strcmp(req->service, "profiles") == 0)
        return local_profiles_operation(req);
    if (strcmp(req->service, "upload") == 0)
        return "PutObject"; /* its URL is signed, and judged there */
    if (target != NULL && strchr(target, '.') != NULL)
        return strchr(target, '.') + 1;
    return strcmp(req->service, "admin") == 0 ? "Admin" : "Unknown";
}

static bool has_region(void *s3, const char *region)
{
    return local_s3_knows_region(s3, region);
}

static void judge(struct exchange *ex, const char *body_sha256)
{
    const struct local_auth_rules rules = {
        .region = ex->server->local->region,
        .has_region = strcmp(ex->req.service, "s3") == 0 ? has_region : NULL,
        .now_ms = pl_now_ms(&pl_clock_real),
        .find = local_keys_find,
        .s3 = &ex->server->local->s3,
        .ctx = &ex->server->local->keys};

    ex->verdict =
        local_auth_judge(&rules, &ex->req, body_sha256, &ex->auth, ex->why);
    ex->is_judged = true;
    if (ex->verdict == LOCAL_AUTH_GOOD)
        (void)snprintf(ex->req.access_key, sizeof(ex->req.access_key), "%s",
                       ex->auth.access);
}

static bool needs_no_signature(const struct local_request *req)
{
    return strcmp(req->service, "admin") == 0 ||
           strcmp(req->service, "upload") == 0 ||
           (strcmp(req->service, "sts") == 0 &&
            local_header(req, "authorization") == NULL);
}

/* The admin path is for this machine alone, whoever else may connect. */
static bool is_from_here(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct sockaddr_in peer;

    if (info == NULL || info->client_addr == NULL ||
        info->client_addr->sa_family != AF_INET)
        return false;
    memcpy(&peer, info->client_addr, sizeof(peer));
    return ntohl(peer.sin_addr.s_addr) >> 24 == 127;
}

/* Reads the head of the request and gets ready for its body. */
static int begin(struct exchange *ex, struct MHD_Connection *c,
                 const char *method, struct pl_err *err)
{
    struct headers h = {&ex->req.headers, false};
    struct local_request *req = &ex->req;
    bool is_bulk;

    ex->is_started = true;
    req->method = strdup(method);
    if (req->method == NULL || req->raw_path == NULL || req->raw_query == NULL)
        return pl_fail_memory(err);
    if (local_uuid(req->request_id, err) != 0)
        return -1;
    (void)MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, &h);
    if (h.is_failed)
        return pl_fail_memory(err);
    req->service = service_of(req);
    if (local_pairs_parse(&req->query, req->raw_query, strlen(req->raw_query),
                          err) != 0) {
        ex->verdict = LOCAL_AUTH_MALFORMED;
        ex->is_judged = true;
    }
    req->operation = early_operation(req);
    if (strcmp(req->service, "admin") == 0 && !is_from_here(c))
        ex->verdict = LOCAL_AUTH_MISSING;
    if (needs_no_signature(req))
        ex->is_judged = true;
    else if (!ex->is_judged &&
             local_header(req, "x-amz-content-sha256") != NULL)
        judge(ex, "");
    is_bulk = ex->verdict == LOCAL_AUTH_GOOD && ex->is_judged &&
              (strcmp(req->operation, "PutObject") == 0 ||
               strcmp(req->operation, "UploadPart") == 0);
    if (local_body_open(&ex->body, req, &ex->auth,
                        is_bulk ? &ex->server->local->s3 : NULL, err) != 0)
        return -1;
    ex->body.is_ignored = ex->verdict != LOCAL_AUTH_GOOD;
    return 0;
}

/* S3 must say what the body is; the others may. */
static void judge_body(struct exchange *ex)
{
    const char *declared = local_header(&ex->req, "x-amz-content-sha256");

    if (!ex->is_judged)
        judge(ex, ex->body.sha256_hex[0] != '\0' ? ex->body.sha256_hex
                                                 : empty_sha256);
    if (ex->verdict != LOCAL_AUTH_GOOD || needs_no_signature(&ex->req))
        return;
    if (declared == NULL && strcmp(ex->req.service, "s3") == 0) {
        (void)snprintf(ex->why, sizeof(ex->why),
                       "x-amz-content-sha256 is missing");
        ex->verdict = LOCAL_AUTH_WRONG_BODY;
    } else if (declared != NULL && ex->body.kind == LOCAL_PAYLOAD_HASH &&
               strcmp(declared, ex->body.sha256_hex) != 0) {
        ex->verdict = LOCAL_AUTH_WRONG_BODY;
    } else if (ex->body.err.code == PL_SIGNATURE_REFUSED) {
        (void)snprintf(ex->why, sizeof(ex->why), "%.200s", ex->body.err.msg);
        ex->verdict = LOCAL_AUTH_WRONG_SIGNATURE;
    }
}

static int refuse_body(struct exchange *ex)
{
    const struct pl_err *e = &ex->body.err;

    if (e->code != PL_DATA_INVALID)
        return local_refuse(&ex->req, &ex->resp, 500, "InternalError", "%s",
                            e->msg);
    if (strcmp(ex->req.service, "s3") == 0 &&
        ex->body.kind != LOCAL_PAYLOAD_HASH)
        return local_refuse(&ex->req, &ex->resp, 400, "IncompleteBody", "%s",
                            e->msg);
    return local_refuse(&ex->req, &ex->resp, 413, "PayloadTooLargeException",
                        "%s", e->msg);
}

static const struct {
    const char *service;
    int (*handle)(struct local *local, struct local_request *req,
                  struct local_response *resp, struct pl_err *err);
} services[] = {
    {"s3", local_s3_handle},
    {"athena", local_athena_handle},
    {"pinpoint", local_pinpoint_handle},
    {"sns", local_sns_handle},
    {"sts", local_sts_handle},
    {"profiles", local_profiles_handle},
    {"upload", local_upload_handle},
    {"admin", local_admin_handle},
};

/* SNS and STS name the operation in the body. */
static void name_operation(struct local_request *req, struct pl_err *err)
{
    if (strcmp(req->service, "sns") != 0 && strcmp(req->service, "sts") != 0)
        return;
    if (local_pairs_parse(&req->query, pl_buf_str(&req->body), req->body.len,
                          err) != 0)
        pl_err_clear(err); /* then there is no such operation */
    if (local_query(req, "Action") != NULL)
        req->operation = local_query(req, "Action");
}

static int socket_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info != NULL ? info->connect_fd : -1;
}

/* "cut:0": the request never got here. */
static bool is_cut_at_once(const struct local_fault *fault)
{
    return fault->kind == LOCAL_FAULT_CUT && fault->bytes == 0;
}

/* What a fault does before the service has a look; true: that was it. */
static bool fail(struct exchange *ex, struct pl_err *err)
{
    const struct local_fault *f = &ex->fault;

    if (f->delay_ms > 0 && pl_sleep_ms(&pl_clock_real, f->delay_ms, err) != 0)
        pl_err_clear(err); /* asked to stop: answer at once */
    if (f->kind != LOCAL_FAULT_ERROR && f->kind != LOCAL_FAULT_ERROR200)
        return is_cut_at_once(f);
    (void)local_refuse(&ex->req, &ex->resp, f->status, f->code,
                       "injected fault");
    if (f->kind == LOCAL_FAULT_ERROR200)
        ex->resp.status = 200;
    return true;
}

static int dispatch(struct exchange *ex, struct pl_err *err)
{
    struct local_request *req = &ex->req;

    judge_body(ex);
    if (ex->verdict != LOCAL_AUTH_GOOD)
        return local_auth_refuse(ex->verdict, ex->why, req, &ex->resp);
    if (ex->body.err.code != PL_OK)
        return refuse_body(ex);
    name_operation(req, err);
    if (local_faults_take(&ex->server->local->faults, req->service,
                          req->operation, &ex->fault)) {
        ex->is_faulty = true;
        if (fail(ex, err))
            return 0;
    }
    if (needs_no_signature(req) && strcmp(req->service, "sts") == 0 &&
        strcmp(req->operation, "AssumeRoleWithWebIdentity") != 0)
        return local_auth_refuse(LOCAL_AUTH_MISSING, "", req, &ex->resp);
    req->bulk = ex->body.is_bulk ? &ex->body : NULL;
    for (size_t i = 0; i < PL_COUNT(services); i++)
        if (strcmp(services[i].service, req->service) == 0)
            return services[i].handle(ex->server->local, req, &ex->resp, err);
    return local_refuse(req, &ex->resp, 404, "UnknownOperationException",
                        "no such service");
}

/* Whether a fault leaves the request without an answer. */
static bool is_lost(const struct exchange *ex, struct MHD_Connection *c)
{
    if (!ex->is_faulty ||
        (ex->fault.kind != LOCAL_FAULT_LOST && !is_cut_at_once(&ex->fault)))
        return false;
    pl_info("%s %s without an answer, request %s", ex->req.service,
            ex->req.operation, ex->req.request_id);
    if (ex->fault.kind == LOCAL_FAULT_CUT)
        local_answer_reset(socket_of(c));
    return true;
}

static enum MHD_Result send_response(struct exchange *ex,
                                     struct MHD_Connection *c)
{
    struct local_response *resp = &ex->resp;
    struct MHD_Response *out =
        ex->is_faulty ? local_answer_broken(resp, &ex->fault, socket_of(c))
                      : local_answer_whole(resp);
    const bool is_s3 = local_is_s3(&ex->req);
    enum MHD_Result rc;

    if (out == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(
        out, is_s3 ? "x-amz-request-id" : "x-amzn-RequestId",
        ex->req.request_id);
    if (is_s3)
        (void)MHD_add_response_header(out, "x-amz-id-2", "lakeseg-local");
    for (size_t i = 0; i < resp->headers.count; i++)
        (void)MHD_add_response_header(out, resp->headers.items[i].name,
                                      resp->headers.items[i].value);
    rc = MHD_queue_response(c, (unsigned)resp->status, out);
    MHD_destroy_response(out);
    pl_info("%s %s %d%s%s request %s, %lld ms", ex->req.service,
            ex->req.operation, resp->status, resp->code[0] != '\0' ? " " : "",
            resp->code, ex->req.request_id,
            (long long)(pl_mono_ms(&pl_clock_real) - ex->started_ms));
    return rc;
}

static enum MHD_Result answer(struct exchange *ex, struct MHD_Connection *c)
{
    struct pl_err err = {0};

    local_body_end(&ex->body);
    if (dispatch(ex, &err) != 0) {
        pl_warn("%s %s: %s", ex->req.service, ex->req.operation, err.msg);
        (void)local_refuse(&ex->req, &ex->resp, 500, "InternalError", "%s",
                           err.msg);
    }
    return is_lost(ex, c) ? MHD_NO : send_response(ex, c);
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *len, void **state)
{
    struct exchange *ex = *state;
    struct pl_err err = {0};

    (void)ctx;
    (void)url;
    (void)version;
    if (ex == NULL)
        return MHD_NO;
    if (!ex->is_started) {
        if (begin(ex, c, method, &err) != 0) {
            pl_warn("cannot take a request: %s", err.msg);
            return MHD_NO;
        }
        return MHD_YES;
    }
    if (*len > 0) {
        local_body_feed(&ex->body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    return answer(ex, c);
}

static void on_end(void *ctx, struct MHD_Connection *c, void **state,
                   enum MHD_RequestTerminationCode code)
{
    (void)ctx;
    (void)c;
    (void)code;
    exchange_free(*state);
    *state = NULL;
}

/* Binds ourselves, so that the reason of a failure is known. */
static int listen_on(const char *host, unsigned port, unsigned *bound,
                     struct pl_err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof(a);
    const int one = 1;
    int fd;

    if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
        return pl_fail(err, PL_USAGE_INVALID, "--host '%s' is no IPv4 address",
                       host);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot make a socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        (void)pl_fail_errno(err, PL_HOST_ERROR, "cannot listen on %s:%u", host,
                            port);
        (void)close(fd);
        return -1;
    }
    *bound = ntohs(a.sin_port);
    return fd;
}

int local_server_open(struct local_server *server, struct local *local,
                      const char *host, unsigned port, struct pl_err *err)
{
    int fd;

    *server = (struct local_server){.local = local};
    fd = listen_on(host, port, &server->port, err);
    if (fd < 0)
        return -1;
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
            MHD_USE_POLL | MHD_USE_ITC,
        0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)close(fd);
        return pl_fail(err, PL_HOST_ERROR, "cannot start the HTTP server");
    }
    return 0;
}

void local_server_release(struct local_server *server)
{
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}
