/*
 * gzip.h - bytes compressed on their way to a sink. The only file that knows
 * zlib.
 */
#ifndef LOCAL_GZIP_H
#define LOCAL_GZIP_H

#include "pipeline/base/io.h"

struct local_gzip {
    void *impl;
    struct pl_sink sink;
};

int local_gzip_open(struct local_gzip *gzip, const struct pl_sink *sink,
                    struct pl_err *err) PL_MUST_CHECK;
int local_gzip_add(struct local_gzip *gzip, const void *data, size_t len,
                   struct pl_err *err) PL_MUST_CHECK;
int local_gzip_end(struct local_gzip *gzip, struct pl_err *err) PL_MUST_CHECK;
void local_gzip_release(struct local_gzip *gzip);

#endif
