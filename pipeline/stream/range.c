#include "pipeline/stream/range.h"

#include <inttypes.h>

#include "pipeline/base/log.h"

#define TRIES 5

/* Counts, and stops a server that sends more than it was asked for. */
struct counted {
    const struct pl_sink *sink;
    int64_t left;
};

static int counted_write(void *ctx, const void *data, size_t len,
                         struct pl_err *err)
{
    struct counted *c = ctx;

    if ((int64_t)len > c->left)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "more bytes came than were asked for");
    if (pl_sink_write(c->sink, data, len, err) != 0)
        return -1;
    c->left -= (int64_t)len;
    return 0;
}

int pl_range_get(struct pl_aws *aws, const struct pl_uri *uri, const char *etag,
                 int64_t first, int64_t bytes, const struct pl_sink *sink,
                 struct pl_err *err)
{
    struct counted c = {.sink = sink, .left = bytes};
    const struct pl_sink to = {.ctx = &c, .write = counted_write};
    const int64_t last = first + bytes - 1;

    for (int tries = 1; c.left > 0; tries++) {
        const int64_t before = c.left;
        struct pl_err cause = {0};
        bool is_short = false;

        if (pl_s3_get(aws, uri->bucket, uri->path, first + bytes - c.left, last,
                      etag, &to, NULL, &cause) == 0) {
            if (c.left == 0)
                return 0;
            is_short = true;
            (void)pl_fail(&cause, PL_SERVICE_UNAVAILABLE,
                          "the answer ended early");
        }
        /* a request that failed without a byte was repeated already */
        if (cause.code != PL_SERVICE_UNAVAILABLE || tries == TRIES ||
            (c.left == before && !is_short) || c.left == 0) {
            *err = cause;
            return pl_context(err, "cannot read 's3://%s/%s' at byte %" PRId64,
                              uri->bucket, uri->path, first + bytes - c.left);
        }
        pl_debug("reading 's3://%s/%s' goes on at byte %" PRId64 ": %s",
                 uri->bucket, uri->path, first + bytes - c.left, cause.msg);
    }
    return 0;
}
