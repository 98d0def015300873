/* Any bytes undone, in pieces of any size: never more than is asked for, the
 * same bytes for every size of piece, an end or an error. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/stream/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST ((size_t)1 << 20)

static int undo(const uint8_t *data, size_t size, size_t bite,
                struct pl_buf *out)
{
    __attribute__((cleanup(pl_inflate_release))) struct pl_inflate f = {0};
    struct pl_mem_source mem = {
        .data = (const char *)data, .len = size, .bite = bite};
    const struct pl_source in = pl_mem_source(&mem);
    struct pl_source source;
    struct pl_err err = {0};
    char piece[4096];
    int64_t n;

    if (pl_inflate_open(&f, &in, &err) != 0)
        return -1;
    source = pl_inflate_source(&f);
    while ((n = source.read(source.ctx, piece, sizeof(piece), &err)) > 0)
        if (out->len > MOST || pl_buf_add(out, piece, (size_t)n, &err) != 0)
            return 1;
    return n < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PL_AUTO(pl_buf) whole = PL_BUF_INIT;
    PL_AUTO(pl_buf) pieces = PL_BUF_INIT;
    const int rc = undo(data, size, 0, &whole);

    const int rc_pieces = undo(data, size, 3, &pieces);

    if (rc == 1 || rc_pieces == 1) /* too much: where that is seen may differ */
        return 0;
    if (rc_pieces != rc)
        abort();
    if (rc == 0 && (whole.len != pieces.len ||
                    strcmp(pl_buf_str(&whole), pl_buf_str(&pieces)) != 0))
        abort();
    return 0;
}
