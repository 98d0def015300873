#include "local/fault_answer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline/base/clock.h"

#define BLOCK_BYTES ((size_t)64 << 10)
#define STEPS 20U /* of a slow body, in a second */

/* A body and what becomes of it. */
struct broken {
    struct local_fault fault;
    int socket;
    int fd; /* or body */
    char *body;
    uint64_t from;
    uint64_t total;
    int64_t started_ms;
};

void local_answer_reset(int fd)
{
    const struct sockaddr none = {.sa_family = AF_UNSPEC};

    /* dissolves the association at once, with a RST */
    (void)connect(fd, &none, sizeof(none));
}

/* A HEAD answer says the length of a body that it does not have. */
static ssize_t no_body(void *ctx, uint64_t pos, char *buf, size_t max)
{
    (void)ctx;
    (void)pos;
    (void)buf;
    (void)max;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

struct MHD_Response *local_answer_whole(struct local_response *resp)
{
    if (resp->is_file && resp->file_bytes > 0) {
        struct MHD_Response *out = MHD_create_response_from_fd_at_offset64(
            resp->file_bytes, resp->fd, resp->file_offset);

        if (out != NULL)
            resp->fd = -1; /* MHD closes it */
        return out;
    }
    if (resp->has_head_bytes)
        return MHD_create_response_from_callback(resp->head_bytes, 1024,
                                                 no_body, NULL, NULL);
    return MHD_create_response_from_buffer(
        resp->body.len, resp->body.len > 0 ? resp->body.data : NULL,
        MHD_RESPMEM_MUST_COPY);
}

static void broken_free(void *ctx)
{
    struct broken *b = ctx;

    if (b->fd >= 0)
        (void)close(b->fd);
    free(b->body);
    free(b);
}

/* Waits until so many bytes may be out. */
static int slow_down(const struct broken *b, uint64_t bytes)
{
    const int64_t due_ms =
        (int64_t)((double)bytes * 1000.0 / (double)b->fault.bytes);
    const int64_t passed_ms = pl_mono_ms(&pl_clock_real) - b->started_ms;
    struct pl_err err = {0};

    return due_ms <= passed_ms
               ? 0
               : pl_sleep_ms(&pl_clock_real, due_ms - passed_ms, &err);
}

static ssize_t read_broken(void *ctx, uint64_t pos, char *buf, size_t max)
{
    const struct broken *b = ctx;
    const struct local_fault *f = &b->fault;
    const bool ends_early =
        f->kind == LOCAL_FAULT_CUT || f->kind == LOCAL_FAULT_TRUNCATE;
    const uint64_t end =
        ends_early && f->bytes < b->total ? f->bytes : b->total;
    size_t n = max;

    if (pos >= end) {
        if (f->kind == LOCAL_FAULT_CUT)
            local_answer_reset(b->socket);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (n > end - pos)
        n = (size_t)(end - pos);
    if (f->kind == LOCAL_FAULT_SLOW) {
        if (n > f->bytes / STEPS + 1)
            n = (size_t)(f->bytes / STEPS + 1);
        if (slow_down(b, pos + n) != 0) /* asked to stop */
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (b->body != NULL) {
        memcpy(buf, b->body + pos, n);
    } else {
        const ssize_t got = pread(b->fd, buf, n, (off_t)(b->from + pos));

        if (got <= 0)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        n = (size_t)got;
    }
    if (f->kind == LOCAL_FAULT_CORRUPT && f->bytes >= pos && f->bytes < pos + n)
        buf[f->bytes - pos] ^= 1;
    return (ssize_t)n;
}

/* Moves the body over; NULL when memory is short. */
static struct broken *take_body(struct local_response *resp, uint64_t total,
                                const struct local_fault *fault, int socket)
{
    struct broken *b = malloc(sizeof(*b));

    if (b == NULL)
        return NULL;
    *b = (struct broken){.fault = *fault,
                         .socket = socket,
                         .fd = -1,
                         .total = total,
                         .started_ms = pl_mono_ms(&pl_clock_real)};
    if (resp->is_file) {
        b->fd = resp->fd;
        b->from = resp->file_offset;
        resp->fd = -1;
    } else {
        b->body = pl_buf_take(&resp->body);
    }
    if (b->fault.bytes == LOCAL_FAULT_HALF)
        b->fault.bytes = total / 2;
    return b;
}

struct MHD_Response *local_answer_broken(struct local_response *resp,
                                         const struct local_fault *fault,
                                         int fd)
{
    const uint64_t total = resp->is_file ? resp->file_bytes : resp->body.len;
    const uint64_t bytes =
        fault->bytes == LOCAL_FAULT_HALF ? total / 2 : fault->bytes;
    struct MHD_Response *out;
    struct broken *b;

    if (total == 0 || resp->has_head_bytes)
        return local_answer_whole(resp);
    if (fault->kind == LOCAL_FAULT_SHORT) {
        if (resp->is_file && bytes < total)
            resp->file_bytes = bytes;
        else if (bytes < total)
            resp->body.len = (size_t)bytes;
        return local_answer_whole(resp);
    }
    b = take_body(resp, total, fault, fd);
    if (b == NULL)
        return NULL;
    out = MHD_create_response_from_callback(total, BLOCK_BYTES, read_broken, b,
                                            broken_free);
    if (out == NULL)
        broken_free(b);
    return out;
}
