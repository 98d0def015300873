/*
 * gzip.h - gzip made piece by piece: the one door to zlib here.
 */
#ifndef LOCAL_GZIP_H
#define LOCAL_GZIP_H

#include "pipeline/base/io.h"

struct local_gzip {
    void *impl;
    struct pl_sink sink; /* takes the compressed bytes */
};
int local_gzip_open(struct local_gzip *gz, const struct pl_sink *sink,
                    struct pl_err *err) PL_MUST_CHECK;
int local_gzip_write(struct local_gzip *gz, const void *data, size_t len,
                     struct pl_err *err) PL_MUST_CHECK;
int local_gzip_end(struct local_gzip *gz, struct pl_err *err) PL_MUST_CHECK;
void local_gzip_release(struct local_gzip *gz);

#endif
