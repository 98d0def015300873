/* Any bytes undone, in pieces of any size: never more than is asked for, the
 * same bytes for every size of piece, an end or an error; and where both
 * libraries for gzip take it, the same from both. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/stream/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST ((size_t)1 << 20)

static int undo(const uint8_t *data, size_t size, size_t bite,
                const char *gunzip, struct pl_buf *out)
{
    __attribute__((cleanup(pl_inflate_release))) struct pl_inflate f = {0};
    struct pl_mem_source mem = {
        .data = (const char *)data, .len = size, .bite = bite};
    const struct pl_source in = pl_mem_source(&mem);
    struct pl_source source;
    struct pl_err err = {0};
    char piece[4096];
    int64_t n;

    if (pl_inflate_open_by(&f, &in, pl_gunzip_by_name(gunzip), &err) != 0)
        return -1;
    source = pl_inflate_source(&f);
    while ((n = source.read(source.ctx, piece, sizeof(piece), &err)) > 0)
        if (out->len > MOST || pl_buf_add(out, piece, (size_t)n, &err) != 0)
            return 1;
    return n < 0 ? -1 : 0;
}

static bool is_same(const struct pl_buf *a, const struct pl_buf *b)
{
    return a->len == b->len &&
           memcmp(pl_buf_str(a), pl_buf_str(b), a->len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"zlib", "isa-l"};
    PL_AUTO(pl_buf) first = PL_BUF_INIT;
    bool is_right = false;

    for (size_t i = 0; i < PL_COUNT(names); i++) {
        PL_AUTO(pl_buf) whole = PL_BUF_INIT;
        PL_AUTO(pl_buf) pieces = PL_BUF_INIT;
        const int rc = undo(data, size, 0, names[i], &whole);
        const int rc_pieces = undo(data, size, 3, names[i], &pieces);

        if (rc == 1 || rc_pieces == 1)
            return 0; /* too much: where that is seen may differ */
        if (rc_pieces != rc || (rc == 0 && !is_same(&whole, &pieces)))
            abort();
        if (rc == 0 && is_right && !is_same(&whole, &first))
            abort();
        if (rc == 0 && !is_right &&
            pl_buf_add(&first, pl_buf_str(&whole), whole.len,
                       &(struct pl_err){0}) != 0)
            return 0;
        is_right = is_right || rc == 0;
    }
    return 0;
}
