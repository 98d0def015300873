#include "pipeline/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pl_buf_release(struct pl_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
}

void pl_buf_reset(struct pl_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

int pl_buf_reserve(struct pl_buf *buf, size_t len, struct pl_err *err)
{
    const size_t max =
        buf->max_bytes != 0 ? buf->max_bytes : PL_BUF_MAX_DEFAULT;
    size_t want;
    char *grown;

    if (len > max || buf->len > max - len)
        return pl_fail(err, PL_DATA_INVALID,
                       "more than the %zu bytes allowed here", max);
    want = buf->len + len + 1;
    if (want <= buf->cap)
        return 0;
    if (want < buf->cap * 2)
        want = buf->cap * 2;
    if (want < 64)
        want = 64;
    grown = realloc(buf->data, want);
    if (grown == NULL)
        return pl_fail_memory(err);
    buf->data = grown;
    buf->cap = want;
    buf->data[buf->len] = '\0';
    return 0;
}

int pl_buf_add(struct pl_buf *buf, const void *data, size_t len,
               struct pl_err *err)
{
    if (pl_buf_reserve(buf, len, err) != 0)
        return -1;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int pl_buf_adds(struct pl_buf *buf, const char *str, struct pl_err *err)
{
    return pl_buf_add(buf, str, strlen(str), err);
}

int pl_buf_addc(struct pl_buf *buf, char c, struct pl_err *err)
{
    return pl_buf_add(buf, &c, 1, err);
}

int pl_buf_addf(struct pl_buf *buf, struct pl_err *err, const char *fmt, ...)
{
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0)
        return pl_fail(err, PL_INTERNAL_ERROR, "cannot format text");
    if (pl_buf_reserve(buf, (size_t)len, err) != 0)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    buf->len += (size_t)len;
    return 0;
}

const char *pl_buf_str(const struct pl_buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *pl_buf_take(struct pl_buf *buf)
{
    char *data = buf->data != NULL ? buf->data : calloc(1, 1);

    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    return data;
}
