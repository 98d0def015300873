/*
 * http.h - the only door to the network: one request out, one answer back.
 *
 * libcurl is behind it in http_curl.c; tests put a script behind it. A request
 * is plain data and is sent as it stands: no redirects, no retries, no proxy
 * for loopback and link-local addresses.
 */
#ifndef PL_AWS_HTTP_H
#define PL_AWS_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/io.h"

#define PL_HTTP_HEADERS_MAX 48

struct pl_http_header {
    char *name; /* lower case */
    char *value;
};

/* Owned strings; find is without case. */
struct pl_http_headers {
    struct pl_http_header list[PL_HTTP_HEADERS_MAX];
    size_t count;
};
int pl_http_headers_set(struct pl_http_headers *headers, const char *name,
                        const char *value, struct pl_err *err) PL_MUST_CHECK;
const char *pl_http_headers_get(const struct pl_http_headers *headers,
                                const char *name); /* NULL: none */
/* Takes a header out; nothing happens when it is not there. */
void pl_http_headers_remove(struct pl_http_headers *headers, const char *name);
void pl_http_headers_release(struct pl_http_headers *headers);

struct pl_http_request {
    const char *method;
    struct pl_buf base;  /* "https://host[:port]", no path */
    struct pl_buf path;  /* as sent: encoded, begins with "/" */
    struct pl_buf query; /* as sent: encoded, without "?" */
    struct pl_http_headers headers;
    const void *body;           /* borrowed for the call */
    size_t body_len;            /* of body or of blob */
    const struct pl_blob *blob; /* read in place of body, or NULL; borrowed */
    const struct pl_sink *sink; /* takes the body of a 2xx answer, or NULL */
    int sink_status;            /* takes it for this status only; 0: any 2xx */
    bool is_once; /* goes on a connection of its own: HTTP libraries
                                   send again by themselves what found an old
                                   one closed, done or not */
    int64_t connect_timeout_ms; /* 0: 3,100 */
    int64_t stall_timeout_ms;   /* no byte for so long: 0: 60,000 */
    int64_t timeout_ms;         /* for all of it; 0: none */
    size_t max_body_bytes;      /* of an answer kept in memory; 0: 16 MiB */
};
void pl_http_request_release(struct pl_http_request *req);

struct pl_http_response {
    int status;
    struct pl_http_headers headers;
    struct pl_buf body;
    uint64_t sink_bytes; /* passed to the sink: > 0 makes a retry illegal */
};
void pl_http_response_release(struct pl_http_response *resp);

struct pl_http {
    void *ctx;
    /* 0 and *resp for any complete HTTP answer, whatever its status; -1 with
     * PL_SERVICE_UNAVAILABLE for a connection, DNS, TLS or time-out fault
     * (the last with err->sys ETIMEDOUT, a name that is not found ENXIO),
     * PL_INTERRUPTED when the process is asked to stop, or the sink's error. */
    int (*send)(void *ctx, const struct pl_http_request *req,
                struct pl_http_response *resp, struct pl_err *err);
};

/* The real one, for any number of threads; each call takes a connection that
 * is idle, or a new one. */
struct pl_http_curl {
    void *impl;
};
int pl_http_curl_open(struct pl_http_curl *http,
                      struct pl_err *err) PL_MUST_CHECK;
/* The certificates to trust instead of the system's; copied. */
int pl_http_curl_set_ca_bundle(struct pl_http_curl *http, const char *path,
                               struct pl_err *err) PL_MUST_CHECK;
struct pl_http pl_http_curl_door(struct pl_http_curl *http);
void pl_http_curl_release(struct pl_http_curl *http);

#endif
