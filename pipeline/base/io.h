/*
 * io.h - where bytes come from and where they go, as two small interfaces.
 *
 * pipeline/stream implements them over files and S3; pipeline/csv and the
 * stages only use them. Memory behind either does not depend on the length
 * of the data.
 */
#ifndef PL_BASE_IO_H
#define PL_BASE_IO_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct pl_source {
    void *ctx;
    /* Reads 1..cap bytes, 0 at the end; -1 and *err on failure. May return
     * less than cap before the end. */
    int64_t (*read)(void *ctx, void *buf, size_t cap, struct pl_err *err);
};

struct pl_sink {
    void *ctx;
    /* Takes all len bytes or fails. */
    int (*write)(void *ctx, const void *data, size_t len, struct pl_err *err);
};

/* Bytes of a known length that can be read at any place and any number of
 * times: what is sent again when a try failed. */
struct pl_blob {
    const void *data; /* in memory, or NULL: */
    size_t len;
    void *ctx;
    /* Reads exactly n bytes from at on, which are there; -1 and *err. */
    int (*read_at)(void *ctx, uint64_t at, void *buf, size_t n,
                   struct pl_err *err);
};
/* All of it, from the first byte on, piece by piece. */
int pl_blob_each(const struct pl_blob *blob,
                 void (*use)(void *ctx, const void *data, size_t len),
                 void *ctx, struct pl_err *err) PL_MUST_CHECK;

/* A source over memory that hands out at most bite bytes a call (0: all). */
struct pl_mem_source {
    const char *data;
    size_t len;
    size_t at;
    size_t bite;
};
struct pl_source pl_mem_source(struct pl_mem_source *mem);

struct pl_buf;
/* A sink that appends to a buffer. */
struct pl_sink pl_buf_sink(struct pl_buf *buf);

/* A source over a file descriptor that the caller owns. */
struct pl_source pl_fd_source(const int *fd);
/* A sink over a file descriptor that the caller owns: loops over short
 * writes, retries EINTR. */
struct pl_sink pl_fd_sink(const int *fd);

/* Reads until cap bytes are there or the data ends; *len tells. */
int pl_source_fill(const struct pl_source *src, void *buf, size_t cap,
                   size_t *len, struct pl_err *err) PL_MUST_CHECK;
int pl_sink_write(const struct pl_sink *sink, const void *data, size_t len,
                  struct pl_err *err) PL_MUST_CHECK;

#endif
