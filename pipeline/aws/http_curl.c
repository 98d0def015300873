#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/aws/http.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define CONNECT_TIMEOUT_MS 3100
#define STALL_TIMEOUT_MS 60000
#define BODY_BYTES_MAX ((size_t)16 << 20)
#define HEADER_BYTES_MAX 16384
#define HEADERS_BYTES_MAX ((size_t)256 << 10) /* of an answer, together */

#define IDLE_MAX 64

/* What is behind struct pl_http_curl. Each handle has its connections; the one
 * used last is taken first. */
struct impl {
    pthread_mutex_t lock;
    CURL *idle[IDLE_MAX];
    size_t idle_count;
    char *ca_bundle; /* NULL: the system's */
};

/* One transfer: what curl's callbacks need. */
struct transfer {
    CURL *easy;
    const struct pl_http_request *req;
    struct pl_http_response *resp;
    size_t body_at;      /* of the request's body, sent so far */
    size_t header_bytes; /* of the answer's headers, so far */
    bool is_head_whole;  /* the line behind the headers came */
    struct pl_err *err;
};

/* curl takes the last of two lengths, and reads to the end when one is too
 * large for it: either way nobody knows what was meant. */
static int check_length(const struct transfer *t, const char *name,
                        const char *value)
{
    const char *before = pl_http_headers_get(&t->resp->headers, name);
    uint64_t bytes = 0;

    if (strcasecmp(name, "content-length") != 0 ||
        (pl_parse_u64(value, &bytes) == 0 && bytes <= INT64_MAX &&
         (before == NULL || strcmp(before, value) == 0)))
        return 0;
    return pl_fail(t->err, PL_SERVICE_UNAVAILABLE,
                   "'%s' answers with a length that is none, or with two",
                   t->req->base.data);
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    const size_t len = size * count;
    char *colon = memchr(line, ':', len);
    char name[256];
    char value[HEADER_BYTES_MAX];
    size_t value_len;

    t->header_bytes += len;
    if (t->header_bytes > HEADERS_BYTES_MAX) {
        (void)pl_fail(t->err, PL_SERVICE_UNAVAILABLE,
                      "'%s' answers with more than %zu bytes of headers",
                      t->req->base.data, HEADERS_BYTES_MAX);
        return 0;
    }
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        pl_http_headers_release(&t->resp->headers); /* after a 100 */
        t->is_head_whole = false;
        return len;
    }
    if (*line == '\r' || *line == '\n')
        t->is_head_whole = true;
    if (colon == NULL || (size_t)(colon - line) >= sizeof(name) ||
        len >= sizeof(value) || t->resp->headers.count == PL_HTTP_HEADERS_MAX)
        return len; /* nothing we read */
    (void)snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
    for (colon++; colon < line + len && (*colon == ' ' || *colon == '\t');)
        colon++;
    value_len = (size_t)(line + len - colon);
    while (value_len > 0 && (unsigned char)colon[value_len - 1] <= ' ')
        value_len--;
    memcpy(value, colon, value_len);
    value[value_len] = '\0';
    return check_length(t, name, value) == 0 &&
                   pl_http_headers_set(&t->resp->headers, name, value,
                                       t->err) == 0
               ? len
               : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    const size_t len = size * count;
    long status = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->req->sink != NULL && status >= 200 && status < 300 &&
        (t->req->sink_status == 0 || t->req->sink_status == status)) {
        if (pl_sink_write(t->req->sink, data, len, t->err) != 0)
            return 0;
        t->resp->sink_bytes += len;
        return len;
    }
    if (len > t->resp->body.max_bytes - t->resp->body.len) {
        (void)pl_fail(t->err, PL_SERVICE_UNAVAILABLE,
                      "'%s' answers with more than %zu bytes",
                      t->req->base.data, t->resp->body.max_bytes);
        return 0;
    }
    return pl_buf_add(&t->resp->body, data, len, t->err) == 0 ? len : 0;
}

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t n = t->req->body_len - t->body_at;

    if (n > size * count)
        n = size * count;
    if (n > 0 && t->req->blob != NULL) {
        if (t->req->blob->read_at(t->req->blob->ctx, t->body_at, to, n,
                                  t->err) != 0)
            return CURL_READFUNC_ABORT;
    } else if (n > 0) {
        memcpy(to, (const char *)t->req->body + t->body_at, n);
    }
    t->body_at += n;
    return n;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct transfer *t = ctx;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->req->body_len)
        return CURL_SEEKFUNC_FAIL;
    t->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c,
                       curl_off_t d)
{
    (void)ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return pl_stop_requested() ? 1 : 0;
}

/* Credentials and metadata endpoints, and what runs on this machine, are
 * never reached through a proxy. */
static bool is_local(const char *base)
{
    static const char *const hosts[] = {"127.",     "localhost", "[::1]",
                                        "169.254.", "[fe80:",    "[fd00:ec2:"};
    const char *host = strstr(base, "://");

    host = host != NULL ? host + 3 : base;
    for (size_t i = 0; i < PL_COUNT(hosts); i++)
        if (pl_starts_with(host, hosts[i]))
            return true;
    return false;
}

static int set_body(struct transfer *t)
{
    const struct pl_http_request *req = t->req;
    CURL *easy = t->easy;
    bool is_ok = true;

    if (strcmp(req->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK ? 0 : -1;
    if (strcmp(req->method, "PUT") == 0) {
        is_ok =
            curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                             (curl_off_t)req->body_len) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_READDATA, t) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_SEEKDATA, t) == CURLE_OK;
    } else if (strcmp(req->method, "POST") == 0) {
        is_ok =
            curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)req->body_len) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                             req->body != NULL ? req->body : "") == CURLE_OK;
    }
    return is_ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                                     req->method) == CURLE_OK
               ? 0
               : -1;
}

/* A list of headers for curl, freed on every way out of the scope. */
struct header_list {
    struct curl_slist *first;
};

static void header_list_release(struct header_list *list)
{
    curl_slist_free_all(list->first);
    list->first = NULL;
}

static int add_line(struct header_list *list, const char *line,
                    struct pl_err *err)
{
    struct curl_slist *longer = curl_slist_append(list->first, line);

    if (longer == NULL)
        return pl_fail_memory(err);
    list->first = longer;
    return 0;
}

static int add_headers(struct header_list *list,
                       const struct pl_http_request *req, struct pl_err *err)
{
    /* no "Expect": the round trip costs more than a refused body */
    if (add_line(list, "Expect:", err) != 0 ||
        (pl_http_headers_get(&req->headers, "content-type") == NULL &&
         add_line(list, "Content-Type:", err) != 0))
        return -1;
    for (size_t i = 0; i < req->headers.count; i++) {
        const struct pl_http_header *h = &req->headers.list[i];
        PL_AUTO(pl_buf) line = PL_BUF_INIT;
        int rc;

        if (strpbrk(h->value, "\r\n") != NULL)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "the value for header '%s' has a line break",
                           h->name);
        /* a header without a value needs this spelling in curl */
        rc = *h->value != '\0'
                 ? pl_buf_addf(&line, err, "%s: %s", h->name, h->value)
                 : pl_buf_addf(&line, err, "%s;", h->name);
        if (rc == 0)
            rc = add_line(list, line.data, err);
        if (line.data != NULL)
            pl_wipe(line.data, line.len); /* it may be a token */
        if (rc != 0)
            return -1;
    }
    return 0;
}

static void set_limits(CURL *easy, const struct pl_http_request *req)
{
    const int64_t connect = req->connect_timeout_ms > 0
                                ? req->connect_timeout_ms
                                : CONNECT_TIMEOUT_MS;
    const int64_t stall =
        req->stall_timeout_ms > 0 ? req->stall_timeout_ms : STALL_TIMEOUT_MS;

    (void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                           (long)((stall + 999) / 1000));
    (void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    (void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, req->is_once ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                           (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 512L * 1024L);
    (void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "lakeseg/" LAKESEG_VERSION);
}

static int finish(struct transfer *t, CURLcode rc, const char *detail)
{
    long status = 0;

    if (rc == CURLE_OK && !t->is_head_whole) {
        rc = CURLE_RECV_ERROR; /* curl takes what it got */
        detail = "the answer ended within its headers";
    }
    if (rc == CURLE_OK) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        t->resp->status = (int)status;
        return 0;
    }
    if (t->err->code != PL_OK)
        return -1; /* the sink's error, or ours */
    if (rc == CURLE_ABORTED_BY_CALLBACK && pl_stop_check(t->err) != 0)
        return -1;
    if (rc == CURLE_OUT_OF_MEMORY && t->header_bytes == 0)
        return pl_fail_memory(t->err);
    if (rc == CURLE_OUT_OF_MEMORY) /* what curl calls it within an answer */
        detail = "a header is too long, or memory is short";
    if (rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_URL_MALFORMAT ||
        rc == CURLE_UNSUPPORTED_PROTOCOL)
        return pl_fail(t->err, PL_CONFIG_INVALID, "'%s': %s", t->req->base.data,
                       *detail != '\0' ? detail : curl_easy_strerror(rc));
    (void)pl_fail(t->err, PL_SERVICE_UNAVAILABLE, "'%s': %s", t->req->base.data,
                  *detail != '\0' ? detail : curl_easy_strerror(rc));
    if (rc == CURLE_OPERATION_TIMEDOUT)
        t->err->sys = ETIMEDOUT; /* such a retry costs more */
    if (rc == CURLE_COULDNT_RESOLVE_HOST)
        t->err->sys = ENXIO; /* there is no such name */
    return -1;
}

/* curl reads HTTPS_PROXY and NO_PROXY, but not HTTP_PROXY, which a web server
 * makes of a client's header; the SDKs do, unless this is a CGI program. */
static int set_proxy(CURL *easy, const char *base)
{
    const char *proxy = pl_env("HTTP_PROXY");

    if (is_local(base))
        return curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") == CURLE_OK ? 0
                                                                        : -1;
    if (proxy == NULL || pl_env("http_proxy") != NULL ||
        pl_env("REQUEST_METHOD") != NULL || !pl_starts_with(base, "http://"))
        return 0;
    return curl_easy_setopt(easy, CURLOPT_PROXY, proxy) == CURLE_OK ? 0 : -1;
}

static int perform(struct transfer *t, const char *url, const char *bundle,
                   struct curl_slist *headers)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURL *easy = t->easy;

    curl_easy_reset(easy); /* keeps connections */
    set_limits(easy, t->req);
    if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, t) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, t) != CURLE_OK ||
        (bundle != NULL &&
         curl_easy_setopt(easy, CURLOPT_CAINFO, bundle) != CURLE_OK) ||
        set_proxy(easy, t->req->base.data) != 0 || set_body(t) != 0)
        return pl_fail(t->err, PL_INTERNAL_ERROR, "cannot set up a request");
    return finish(t, curl_easy_perform(easy), detail);
}

static CURL *take_handle(struct impl *impl)
{
    CURL *easy = NULL;

    (void)pthread_mutex_lock(&impl->lock);
    if (impl->idle_count > 0)
        easy = impl->idle[--impl->idle_count];
    (void)pthread_mutex_unlock(&impl->lock);
    return easy != NULL ? easy : curl_easy_init();
}

static void give_handle(struct impl *impl, CURL *easy)
{
    (void)pthread_mutex_lock(&impl->lock);
    if (impl->idle_count < IDLE_MAX) {
        impl->idle[impl->idle_count++] = easy;
        easy = NULL;
    }
    (void)pthread_mutex_unlock(&impl->lock);
    curl_easy_cleanup(easy);
}

static int curl_send(void *ctx, const struct pl_http_request *req,
                     struct pl_http_response *resp, struct pl_err *err)
{
    struct impl *impl = ctx;
    struct transfer t = {.req = req, .resp = resp, .err = err};
    int rc;
    PL_AUTO(pl_buf) url = PL_BUF_INIT;
    PL_AUTO(header_list) headers = {.first = NULL};

    resp->body.max_bytes =
        req->max_body_bytes > 0 ? req->max_body_bytes : BODY_BYTES_MAX;
    if (pl_stop_check(err) != 0 ||
        pl_buf_addf(&url, err, "%s%s%s%s", pl_buf_str(&req->base),
                    pl_buf_str(&req->path), req->query.len > 0 ? "?" : "",
                    pl_buf_str(&req->query)) != 0)
        return -1;
    if (add_headers(&headers, req, err) != 0)
        return -1;
    t.easy = take_handle(impl);
    if (t.easy == NULL)
        return pl_fail_memory(err);
    rc = perform(&t, url.data, impl->ca_bundle, headers.first);
    give_handle(impl, t.easy);
    return rc;
}

int pl_http_curl_open(struct pl_http_curl *http, struct pl_err *err)
{
    struct impl *impl;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return pl_fail(err, PL_HOST_ERROR, "cannot set up libcurl");
    impl = calloc(1, sizeof(*impl));
    if (impl == NULL)
        return pl_fail_memory(err);
    (void)pthread_mutex_init(&impl->lock, NULL);
    http->impl = impl;
    return 0;
}

int pl_http_curl_set_ca_bundle(struct pl_http_curl *http, const char *path,
                               struct pl_err *err)
{
    struct impl *impl = http->impl;

    free(impl->ca_bundle);
    impl->ca_bundle = strdup(path);
    return impl->ca_bundle != NULL ? 0 : pl_fail_memory(err);
}

struct pl_http pl_http_curl_door(struct pl_http_curl *http)
{
    return (struct pl_http){.ctx = http->impl, .send = curl_send};
}

void pl_http_curl_release(struct pl_http_curl *http)
{
    struct impl *impl = http->impl;

    if (impl == NULL)
        return;
    for (size_t i = 0; i < impl->idle_count; i++)
        curl_easy_cleanup(impl->idle[i]);
    (void)pthread_mutex_destroy(&impl->lock);
    free(impl->ca_bundle);
    free(impl);
    http->impl = NULL;
}
