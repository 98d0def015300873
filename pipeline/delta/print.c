#include "pipeline/delta/print.h"

#include <string.h>

#include "pipeline/base/digest.h"

uint64_t pl_delta_key_mark(const struct pl_delta_key *key)
{
    static const char text[] = "lakeseg fingerprints";
    uint64_t out[2];

    pl_siphash128(key->id, text, sizeof(text), out);
    return out[0];
}

void pl_delta_key_bind(struct pl_delta_key *key, const void *meaning,
                       size_t len)
{
    uint64_t out[2];

    pl_siphash128(key->row, meaning, len, out);
    memcpy(key->row, out, sizeof(key->row));
}

uint64_t pl_delta_id(const struct pl_delta_key *key, const void *id, size_t len)
{
    uint64_t out[2];

    pl_siphash13_128(key->id, id, len, out);
    return out[0];
}

void pl_delta_row(const struct pl_delta_key *key, const void *row, size_t len,
                  uint64_t out[2])
{
    pl_siphash13_128(key->row, row, len, out);
    if ((out[0] | out[1]) == 0) /* which means something else */
        out[1] = 1;
}
