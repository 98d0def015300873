/*
 * buf.h - a growing byte buffer with a maximum.
 *
 * The bytes are always followed by a NUL that len does not count, so that
 * data can be read as a string when it holds no NUL of its own. Growing past
 * max_bytes is an error (PL_DATA_INVALID: whoever sent that much is at fault);
 * the content is then unchanged. data is never NULL after the first add.
 */
#ifndef PL_BASE_BUF_H
#define PL_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "pipeline/base/err.h"

struct pl_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max_bytes; /* 0: PL_BUF_MAX_DEFAULT */
};

#define PL_BUF_MAX_DEFAULT ((size_t)64 << 20)
#define PL_BUF_INIT \
    { \
        0 \
    }
#define PL_BUF_INIT_MAX(bytes) \
    { \
        .max_bytes = (bytes) \
    }

void pl_buf_release(struct pl_buf *buf);
/* Empties without giving memory back. */
void pl_buf_reset(struct pl_buf *buf);
/* Makes room for len more bytes behind data + len. */
int pl_buf_reserve(struct pl_buf *buf, size_t len,
                   struct pl_err *err) PL_MUST_CHECK;
int pl_buf_add(struct pl_buf *buf, const void *data, size_t len,
               struct pl_err *err) PL_MUST_CHECK;
int pl_buf_adds(struct pl_buf *buf, const char *str,
                struct pl_err *err) PL_MUST_CHECK;
int pl_buf_addc(struct pl_buf *buf, char c, struct pl_err *err) PL_MUST_CHECK;
int pl_buf_addf(struct pl_buf *buf, struct pl_err *err, const char *fmt, ...)
    PL_PRINTF(3, 4) PL_MUST_CHECK;
/* The content as a string, "" when nothing was ever added. */
const char *pl_buf_str(const struct pl_buf *buf);
/* Hands the malloc'ed string to the caller and leaves the buffer empty; NULL
 * when out of memory. */
char *pl_buf_take(struct pl_buf *buf);

#endif
