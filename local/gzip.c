#include "local/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define OUT_BYTES ((size_t)64 << 10)
#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for gzip's header */

struct gzip {
    z_stream z;
    unsigned char out[OUT_BYTES];
};

int local_gzip_open(struct local_gzip *gzip, const struct pl_sink *sink,
                    struct pl_err *err)
{
    struct gzip *g = calloc(1, sizeof(*g));

    *gzip = (struct local_gzip){.sink = *sink};
    if (g == NULL)
        return pl_fail_memory(err);
    if (deflateInit2(&g->z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(g);
        return pl_fail_memory(err);
    }
    gzip->impl = g;
    return 0;
}

static int deflate_all(struct local_gzip *gzip, int flush, struct pl_err *err)
{
    struct gzip *g = gzip->impl;

    do {
        g->z.next_out = g->out;
        g->z.avail_out = (uInt)OUT_BYTES;
        (void)deflate(&g->z, flush);
        if (pl_sink_write(&gzip->sink, g->out, OUT_BYTES - g->z.avail_out,
                          err) != 0)
            return -1;
    } while (g->z.avail_out == 0);
    return 0;
}

int local_gzip_add(struct local_gzip *gzip, const void *data, size_t len,
                   struct pl_err *err)
{
    struct gzip *g = gzip->impl;
    void *in;

    memcpy(&in, &data, sizeof(in)); /* zlib does not say const */
    g->z.next_in = in;
    g->z.avail_in = (uInt)len;
    return len > 0 ? deflate_all(gzip, Z_NO_FLUSH, err) : 0;
}

int local_gzip_end(struct local_gzip *gzip, struct pl_err *err)
{
    return deflate_all(gzip, Z_FINISH, err);
}

void local_gzip_release(struct local_gzip *gzip)
{
    struct gzip *g = gzip->impl;

    if (g != NULL)
        (void)deflateEnd(&g->z);
    free(g);
    gzip->impl = NULL;
}
