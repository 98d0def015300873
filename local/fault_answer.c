#include "local/fault_answer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"

#define BLOCK_BYTES 16384

struct spoiled {
    const char *data; /* or NULL: */
    int fd;
    uint64_t offset; /* of the body in fd */
    uint64_t bytes;
    struct local_fault fault;
};

bool local_fault_is_of_body(enum local_fault_kind kind)
{
    return kind == LOCAL_FAULT_CUT || kind == LOCAL_FAULT_SHORT ||
           kind == LOCAL_FAULT_CORRUPT || kind == LOCAL_FAULT_SLOW;
}

/* What is due in a tenth of a second. */
static size_t slow_down(const struct spoiled *s, size_t max)
{
    struct pl_err ignored = {0};
    const int64_t due = s->fault.bytes / 10 + 1;

    if (pl_sleep_ms(&pl_clock_real, 100, &ignored) != 0)
        return max; /* asked to stop */
    return due < (int64_t)max ? (size_t)due : max;
}

static ssize_t read_spoiled(void *ctx, uint64_t pos, char *buf, size_t max)
{
    const struct spoiled *s = ctx;
    const uint64_t flipped = (uint64_t)s->fault.bytes;
    ssize_t n;

    if (s->fault.kind == LOCAL_FAULT_CUT && pos >= (uint64_t)s->fault.bytes)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (pos >= s->bytes)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (max > s->bytes - pos)
        max = (size_t)(s->bytes - pos);
    if (s->fault.kind == LOCAL_FAULT_CUT &&
        max > (uint64_t)s->fault.bytes - pos)
        max = (size_t)((uint64_t)s->fault.bytes - pos);
    if (s->fault.kind == LOCAL_FAULT_SLOW)
        max = slow_down(s, max);
    if (s->data != NULL) {
        memcpy(buf, s->data + pos, max);
        n = (ssize_t)max;
    } else {
        n = pread(s->fd, buf, max, (off_t)(s->offset + pos));
    }
    if (n <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (s->fault.kind == LOCAL_FAULT_CORRUPT && flipped >= pos &&
        flipped < pos + (uint64_t)n)
        buf[flipped - pos] = (char)(buf[flipped - pos] ^ 1);
    return n;
}

static void free_spoiled(void *ctx)
{
    struct spoiled *s = ctx;

    if (s->fd >= 0)
        (void)close(s->fd);
    free(s);
}

struct MHD_Response *local_fault_answer(struct local_response *resp,
                                        const struct local_fault *fault)
{
    struct spoiled *s = calloc(1, sizeof(*s));
    struct MHD_Response *out;

    if (s == NULL)
        return NULL;
    s->fault = *fault;
    s->fd = -1;
    if (resp->is_file) {
        s->fd = resp->fd;
        s->offset = resp->file_offset;
        s->bytes = resp->file_bytes;
    } else {
        s->data = resp->body.len > 0 ? resp->body.data : "";
        s->bytes = resp->body.len;
    }
    if (fault->kind == LOCAL_FAULT_SHORT && (uint64_t)fault->bytes < s->bytes)
        s->bytes = (uint64_t)fault->bytes;
    out = MHD_create_response_from_callback(s->bytes, BLOCK_BYTES, read_spoiled,
                                            s, free_spoiled);
    if (out == NULL) {
        s->fd = -1; /* still the answer's */
        free_spoiled(s);
    } else if (resp->is_file) {
        resp->fd = -1;
    }
    return out;
}
