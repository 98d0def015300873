#include "pipeline/base/io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/file.h"

static int64_t mem_read(void *ctx, void *buf, size_t cap, struct pl_err *err)
{
    struct pl_mem_source *mem = ctx;
    size_t n = mem->len - mem->at;

    (void)err;
    if (n > cap)
        n = cap;
    if (mem->bite != 0 && n > mem->bite)
        n = mem->bite;
    if (n > 0)
        memcpy(buf, mem->data + mem->at, n);
    mem->at += n;
    return (int64_t)n;
}

struct pl_source pl_mem_source(struct pl_mem_source *mem)
{
    return (struct pl_source){.ctx = mem, .read = mem_read};
}

static int buf_write(void *ctx, const void *data, size_t len,
                     struct pl_err *err)
{
    return pl_buf_add(ctx, data, len, err);
}

struct pl_sink pl_buf_sink(struct pl_buf *buf)
{
    return (struct pl_sink){.ctx = buf, .write = buf_write};
}

static int64_t fd_read(void *ctx, void *buf, size_t cap, struct pl_err *err)
{
    const int *fd = ctx;
    ssize_t n;

    do {
        n = read(*fd, buf, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read");
    return n;
}

struct pl_source pl_fd_source(const int *fd)
{
    union {
        const int *in;
        void *out;
    } ctx = {.in = fd};

    return (struct pl_source){.ctx = ctx.out, .read = fd_read};
}

static int fd_write(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    const int *fd = ctx;

    return pl_fd_write_all(*fd, data, len, err);
}

struct pl_sink pl_fd_sink(const int *fd)
{
    union {
        const int *in;
        void *out;
    } ctx = {.in = fd};

    return (struct pl_sink){.ctx = ctx.out, .write = fd_write};
}

int pl_source_fill(const struct pl_source *src, void *buf, size_t cap,
                   size_t *len, struct pl_err *err)
{
    size_t got = 0;

    while (got < cap) {
        const int64_t n =
            src->read(src->ctx, (char *)buf + got, cap - got, err);

        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *len = got;
    return 0;
}

int pl_sink_write(const struct pl_sink *sink, const void *data, size_t len,
                  struct pl_err *err)
{
    return len == 0 ? 0 : sink->write(sink->ctx, data, len, err);
}

int pl_blob_each(const struct pl_blob *blob,
                 void (*use)(void *ctx, const void *data, size_t len),
                 void *ctx, struct pl_err *err)
{
    char piece[65536];

    if (blob->data != NULL) {
        use(ctx, blob->data, blob->len);
        return 0;
    }
    for (size_t at = 0; at < blob->len;) {
        const size_t left = blob->len - at;
        const size_t n = left < sizeof(piece) ? left : sizeof(piece);

        if (blob->read_at(blob->ctx, at, piece, n, err) != 0)
            return -1;
        use(ctx, piece, n);
        at += n;
    }
    return 0;
}
