#include <stdlib.h>
#include <zlib.h>

#include "pipeline/stream/gunzip.h"

static void *open_zlib(void)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z == NULL || inflateInit2(z, 15 + 16) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

static void release_zlib(void *state)
{
    (void)inflateEnd(state);
    free(state);
}

static void begin_zlib(void *state)
{
    (void)inflateReset(state); /* fails for a state of nobody's only */
}

static enum pl_gunzip_step step_zlib(void *state, unsigned char **in,
                                     const unsigned char *end,
                                     unsigned char *out, size_t cap,
                                     size_t *made)
{
    z_stream *z = state;
    int rc;

    z->next_in = *in;
    z->avail_in = (uInt)(end - *in);
    z->next_out = out;
    z->avail_out = (uInt)cap;
    rc = inflate(z, Z_NO_FLUSH);
    *in = z->next_in;
    *made = cap - z->avail_out;
    return rc == Z_STREAM_END                ? PL_GUNZIP_END
           : rc == Z_MEM_ERROR               ? PL_GUNZIP_NO_MEMORY
           : rc == Z_OK || rc == Z_BUF_ERROR ? PL_GUNZIP_MORE
                                             : PL_GUNZIP_BROKEN;
}

const struct pl_gunzip pl_gunzip_zlib = {"zlib", open_zlib, release_zlib,
                                         begin_zlib, step_zlib};
