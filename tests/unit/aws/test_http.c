#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/aws/http.h"
#include "pipeline/base/process.h"

START_TEST(headers)
{
    PL_AUTO(pl_http_headers) h = {.count = 0};
    struct pl_err err = {0};
    char name[16];

    ck_assert_ptr_null(pl_http_headers_get(&h, "a"));
    ck_assert_int_eq(pl_http_headers_set(&h, "Content-Type", "x", &err), 0);
    ck_assert_str_eq(h.list[0].name, "content-type");
    ck_assert_int_eq(pl_http_headers_set(&h, "CONTENT-TYPE", "y", &err), 0);
    ck_assert_uint_eq(h.count, 1);
    ck_assert_str_eq(pl_http_headers_get(&h, "Content-type"), "y");
    ck_assert_int_eq(pl_http_headers_set(&h, "b", "", &err), 0);
    pl_http_headers_remove(&h, "content-type");
    pl_http_headers_remove(&h, "not-there");
    ck_assert_uint_eq(h.count, 1);
    ck_assert_str_eq(pl_http_headers_get(&h, "b"), "");
    while (h.count < PL_HTTP_HEADERS_MAX) {
        (void)snprintf(name, sizeof(name), "h%zu", h.count);
        ck_assert_int_eq(pl_http_headers_set(&h, name, "v", &err), 0);
    }
    ck_assert_int_eq(pl_http_headers_set(&h, "more", "v", &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    pl_http_headers_release(&h);
    pl_http_headers_release(&h); /* safe twice */
}
END_TEST

/* A server of one answer: what it was sent goes into a pipe, the answer is
 * given and the connection closed, or left open when wait_s is not 0. */
struct server {
    char url[64];
    pid_t pid;
    int seen;
};

static void serve(int listener, int seen, const char *answer, size_t len,
                  unsigned wait_s)
{
    char buf[65536];
    size_t used = 0;
    const int peer = accept(listener, NULL, NULL);

    for (;;) {
        const ssize_t n = read(peer, buf + used, sizeof(buf) - 1 - used);

        if (n <= 0)
            break;
        used += (size_t)n;
        buf[used] = '\0';
        /* our bodies end so; a request without one ends with its headers */
        if (strstr(buf, "END") != NULL ||
            (strstr(buf, "\r\n\r\n") != NULL &&
             strstr(buf, "ontent-Length: ") == NULL))
            break;
    }
    if (write(seen, buf, used) < 0 || write(peer, answer, len) < 0)
        _exit(1);
    (void)close(seen);
    (void)sleep(wait_s);
    (void)close(peer);
    _exit(0);
}

static void server_open(struct server *s, const char *answer, size_t len,
                        unsigned wait_s)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t at_len = sizeof(at);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    int ends[2];

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &at_len), 0);
    ck_assert_int_eq(pipe(ends), 0);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0)
        serve(listener, ends[1], answer, len, wait_s);
    (void)close(listener);
    (void)close(ends[1]);
    s->seen = ends[0];
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d",
                   ntohs(at.sin_port));
}

static void server_close(struct server *s, char *seen, size_t cap)
{
    size_t used = 0;
    ssize_t n = 1;

    /* it told what it saw before it answered; nobody may have come at all */
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    while (n > 0 && used < cap - 1) {
        n = read(s->seen, seen + used, cap - 1 - used);
        used += n > 0 ? (size_t)n : 0;
    }
    seen[used] = '\0';
    (void)close(s->seen);
}

/* One exchange with a server that answers so. */
struct exchange {
    struct pl_http_request req;
    struct pl_http_response resp;
    struct pl_err err;
    char seen[65536];
    int rc;
};

static void exchange_of(struct exchange *x, const char *answer, size_t len,
                        unsigned wait_s)
{
    PL_AUTO(pl_http_curl) curl = {NULL};
    struct pl_http http;
    struct server server;

    server_open(&server, answer, len, wait_s);
    ck_assert_int_eq(pl_http_curl_open(&curl, &x->err), 0);
    http = pl_http_curl_door(&curl);
    ck_assert_int_eq(pl_buf_adds(&x->req.base, server.url, &x->err), 0);
    if (x->req.path.len == 0)
        ck_assert_int_eq(pl_buf_adds(&x->req.path, "/", &x->err), 0);
    x->rc = http.send(http.ctx, &x->req, &x->resp, &x->err);
    server_close(&server, x->seen, sizeof(x->seen));
}

static void exchange_release(struct exchange *x)
{
    pl_http_request_release(&x->req);
    pl_http_response_release(&x->resp);
}

static void setup(void)
{
    /* were it used, nothing below could be reached */
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("all_proxy", "http://127.0.0.1:1", 1);
    (void)signal(SIGPIPE, SIG_IGN);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag:  \"e\" \r\n\r\nhello"

START_TEST(get_as_it_stands)
{
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    ck_assert_int_eq(pl_buf_adds(&x.req.path, "/a%2Fb/../c//d", &x.err), 0);
    ck_assert_int_eq(pl_buf_adds(&x.req.query, "x=%20", &x.err), 0);
    ck_assert_int_eq(pl_http_headers_set(&x.req.headers, "x-empty", "", &x.err),
                     0);
    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_msg(x.rc == 0, "%s", x.err.msg);
    ck_assert_int_eq(x.resp.status, 200);
    ck_assert_str_eq(x.resp.body.data, "hello");
    ck_assert_str_eq(pl_http_headers_get(&x.resp.headers, "etag"), "\"e\"");
    ck_assert_ptr_eq(strstr(x.seen, "GET /a%2Fb/../c//d?x=%20 HTTP/1.1\r\n"),
                     x.seen);
    ck_assert_ptr_nonnull(strstr(x.seen, "User-Agent: lakeseg/"));
    ck_assert_ptr_nonnull(strstr(x.seen, "x-empty:"));
    ck_assert_ptr_null(strstr(x.seen, "Content-Type"));
}
END_TEST

static const char *const methods[] = {"POST", "PUT"};

START_TEST(bodies)
{
    static char body[40000]; /* enough for curl to think of "Expect" */
    PL_AUTO(exchange) x = {.req = {.method = methods[_i]}};
    char want[64];

    memset(body, 'x', sizeof(body));
    memcpy(body + sizeof(body) - 3, "END", 3);
    x.req.body = body;
    x.req.body_len = sizeof(body);
    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_msg(x.rc == 0, "%s", x.err.msg);
    (void)snprintf(want, sizeof(want), "%s / HTTP/1.1\r\n", methods[_i]);
    ck_assert_ptr_eq(strstr(x.seen, want), x.seen);
    ck_assert_ptr_nonnull(strstr(x.seen, "Content-Length: 40000\r\n"));
    ck_assert_ptr_null(strstr(x.seen, "Expect"));
    ck_assert_ptr_null(strstr(x.seen, "urlencoded"));
    ck_assert_ptr_nonnull(strstr(x.seen, "xxxEND"));
}
END_TEST

START_TEST(head_has_no_body)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n";
    PL_AUTO(exchange) x = {.req = {.method = "HEAD"}};

    exchange_of(&x, answer, strlen(answer), 0);
    ck_assert_msg(x.rc == 0, "%s", x.err.msg);
    ck_assert_str_eq(pl_http_headers_get(&x.resp.headers, "content-length"),
                     "12345");
    ck_assert_uint_eq(x.resp.body.len, 0);
}
END_TEST

START_TEST(redirects_are_answers)
{
    static const char answer[] =
        "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n"
        "Content-Length: 0\r\n\r\n";
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    exchange_of(&x, answer, strlen(answer), 0);
    ck_assert_int_eq(x.rc, 0);
    ck_assert_int_eq(x.resp.status, 301);
}
END_TEST

START_TEST(the_sink_takes_good_answers_only)
{
    static const char bad[] =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope";
    PL_AUTO(pl_buf) got = PL_BUF_INIT;
    const struct pl_sink sink = pl_buf_sink(&got);
    PL_AUTO(exchange) x = {.req = {.method = "GET", .sink = &sink}};
    PL_AUTO(exchange) y = {.req = {.method = "GET", .sink = &sink}};

    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_int_eq(x.rc, 0);
    ck_assert_str_eq(got.data, "hello");
    ck_assert_uint_eq(x.resp.sink_bytes, 5);
    ck_assert_uint_eq(x.resp.body.len, 0);
    exchange_of(&y, bad, strlen(bad), 0);
    ck_assert_int_eq(y.rc, 0);
    ck_assert_str_eq(got.data, "hello");
    ck_assert_str_eq(y.resp.body.data, "nope");
    ck_assert_uint_eq(y.resp.sink_bytes, 0);
}
END_TEST

START_TEST(the_sinks_error_is_kept)
{
    PL_AUTO(pl_buf) got = PL_BUF_INIT_MAX(2);
    const struct pl_sink sink = pl_buf_sink(&got);
    PL_AUTO(exchange) x = {.req = {.method = "GET", .sink = &sink}};

    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(answers_have_a_limit)
{
    PL_AUTO(exchange) x = {.req = {.method = "GET", .max_body_bytes = 4}};

    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(headers_have_a_limit)
{
    PL_AUTO(pl_buf) answer = PL_BUF_INIT;
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    ck_assert_int_eq(pl_buf_adds(&answer, "HTTP/1.1 200 OK\r\n", &x.err), 0);
    for (int i = 0; i < 4000; i++)
        ck_assert_int_eq(pl_buf_addf(&answer, &x.err, "h%d: %080d\r\n", i, i),
                         0);
    exchange_of(&x, answer.data, answer.len, 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out)
{
    PL_AUTO(pl_buf) answer = PL_BUF_INIT;
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    ck_assert_int_eq(pl_buf_addf(&answer, &x.err,
                                 "HTTP/1.1 200 OK\r\nlong: %020000d\r\n", 1),
                     0);
    for (int i = 0; i < 60; i++)
        ck_assert_int_eq(pl_buf_addf(&answer, &x.err, "h%d: v\r\n", i), 0);
    ck_assert_int_eq(pl_buf_adds(&answer, "Content-Length: 0\r\n\r\n", &x.err),
                     0);
    exchange_of(&x, answer.data, answer.len, 0);
    ck_assert_msg(x.rc == 0, "%s", x.err.msg);
    ck_assert_uint_eq(x.resp.headers.count, PL_HTTP_HEADERS_MAX);
    ck_assert_ptr_null(pl_http_headers_get(&x.resp.headers, "long"));
}
END_TEST

/* What is no whole answer is a fault of the connection. */
static const char *const partial[] = {
    "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    /* curl is content with these */
    "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: e\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello"};

START_TEST(half_answers)
{
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    exchange_of(&x, partial[_i], strlen(partial[_i]), 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_msg(x.err.code == PL_SERVICE_UNAVAILABLE, "%s", x.err.msg);
    ck_assert_int_eq(x.err.sys, 0);
}
END_TEST

START_TEST(another_protocol)
{
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    exchange_of(&x, "220 mail ready", 14, 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_CONFIG_INVALID);
}
END_TEST

START_TEST(a_silent_server_times_out)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
    PL_AUTO(exchange) x = {.req = {.method = "GET", .stall_timeout_ms = 1000}};

    exchange_of(&x, answer, strlen(answer), 30);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_SERVICE_UNAVAILABLE);
    ck_assert_int_eq(x.err.sys, ETIMEDOUT);
}
END_TEST

START_TEST(a_stop_breaks_the_wait)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};
    PL_AUTO(exchange) y = {.req = {.method = "GET"}};
    pid_t killer;

    pl_process_listen();
    killer = fork();
    if (killer == 0) {
        const struct timespec soon = {.tv_nsec = 300000000};

        (void)nanosleep(&soon, NULL);
        (void)kill(getppid(), SIGTERM);
        _exit(0);
    }
    exchange_of(&x, answer, strlen(answer), 30);
    (void)waitpid(killer, NULL, 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_INTERRUPTED);
    exchange_of(&y, OK, strlen(OK), 0); /* not even begun */
    ck_assert_int_eq(y.rc, -1);
    ck_assert_int_eq(y.err.code, PL_INTERRUPTED);
    ck_assert_str_eq(y.seen, "");
}
END_TEST

static const struct {
    const char *base;
    enum pl_code code;
} unreachable[] = {{"http://127.0.0.1:1", PL_SERVICE_UNAVAILABLE},
                   {"http://name.invalid", PL_SERVICE_UNAVAILABLE},
                   {"ftp://127.0.0.1", PL_CONFIG_INVALID},
                   {"http://[::bad", PL_CONFIG_INVALID}};

START_TEST(nobody_there)
{
    PL_AUTO(pl_http_curl) curl = {NULL};
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};
    struct pl_http http;

    (void)unsetenv("http_proxy");
    (void)unsetenv("all_proxy");
    ck_assert_int_eq(pl_http_curl_open(&curl, &x.err), 0);
    http = pl_http_curl_door(&curl);
    ck_assert_int_eq(pl_buf_adds(&x.req.base, unreachable[_i].base, &x.err), 0);
    ck_assert_int_eq(pl_buf_adds(&x.req.path, "/", &x.err), 0);
    ck_assert_int_eq(http.send(http.ctx, &x.req, &x.resp, &x.err), -1);
    ck_assert_msg(x.err.code == unreachable[_i].code, "%s", x.err.msg);
}
END_TEST

START_TEST(no_line_break_gets_into_the_headers)
{
    PL_AUTO(exchange) x = {.req = {.method = "GET"}};

    ck_assert_int_eq(
        pl_http_headers_set(&x.req.headers, "a", "b\r\nc: d", &x.err), 0);
    exchange_of(&x, OK, strlen(OK), 0);
    ck_assert_int_eq(x.rc, -1);
    ck_assert_int_eq(x.err.code, PL_CONFIG_INVALID);
    ck_assert_str_eq(x.seen, "");
}
END_TEST

UNIT_MAIN("http", tcase_add_checked_fixture(tc, setup, NULL);
          tcase_add_test(tc, headers); tcase_add_test(tc, get_as_it_stands);
          tcase_add_loop_test(tc, bodies, 0, UNIT_COUNT(methods));
          tcase_add_test(tc, head_has_no_body);
          tcase_add_test(tc, redirects_are_answers);
          tcase_add_test(tc, the_sink_takes_good_answers_only);
          tcase_add_test(tc, the_sinks_error_is_kept);
          tcase_add_test(tc, answers_have_a_limit);
          tcase_add_test(tc, headers_have_a_limit);
          tcase_add_test(tc, what_does_not_fit_is_left_out);
          tcase_add_loop_test(tc, half_answers, 0, UNIT_COUNT(partial));
          tcase_add_test(tc, another_protocol);
          tcase_add_test(tc, a_silent_server_times_out);
          tcase_add_loop_test(tc, nobody_there, 0, UNIT_COUNT(unreachable));
          tcase_add_test(tc, no_line_break_gets_into_the_headers);
          /* the last: without forks the request to stop stays */
          tcase_add_test(tc, a_stop_breaks_the_wait);)
