#include "local/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16)
#define MEMORY 8
#define PIECE ((size_t)64 << 10)

int local_gzip_open(struct local_gzip *gz, const struct pl_sink *sink,
                    struct pl_err *err)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z == NULL || deflateInit2(z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP,
                                  MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return pl_fail_memory(err);
    }
    gz->impl = z;
    gz->sink = *sink;
    return 0;
}

/* Passes on what deflate makes of the input; with Z_FINISH all of it. */
static int pump(struct local_gzip *gz, int flush, struct pl_err *err)
{
    z_stream *z = gz->impl;
    unsigned char out[PIECE];

    do {
        z->next_out = out;
        z->avail_out = sizeof(out);
        if (deflate(z, flush) == Z_STREAM_ERROR)
            return pl_fail(err, PL_INTERNAL_ERROR, "zlib's state is broken");
        if (pl_sink_write(&gz->sink, out, sizeof(out) - z->avail_out, err) != 0)
            return -1;
    } while (z->avail_out == 0);
    return 0;
}

int local_gzip_write(struct local_gzip *gz, const void *data, size_t len,
                     struct pl_err *err)
{
    z_stream *z = gz->impl;
    const unsigned char *at = data;

    while (len > 0) {
        const size_t n = len < PIECE ? len : PIECE;

        z->next_in = (unsigned char *)(uintptr_t)at;
        z->avail_in = (unsigned)n;
        if (pump(gz, Z_NO_FLUSH, err) != 0)
            return -1;
        at += n;
        len -= n;
    }
    return 0;
}

int local_gzip_end(struct local_gzip *gz, struct pl_err *err)
{
    return pump(gz, Z_FINISH, err);
}

void local_gzip_release(struct local_gzip *gz)
{
    if (gz->impl != NULL)
        (void)deflateEnd(gz->impl);
    free(gz->impl);
    gz->impl = NULL;
}
