/*
 * range.h - one range of an object, whole or not at all: a broken or short
 * answer is kept and the rest asked for again.
 */
#ifndef PL_STREAM_RANGE_H
#define PL_STREAM_RANGE_H

#include "pipeline/aws/s3.h"
#include "pipeline/stream/uri.h"

/* Passes exactly the bytes from first on to sink, in order. etag pins the
 * version: another one is PL_SERVICE_REFUSED with service
 * "PreconditionFailed". */
int pl_range_get(struct pl_aws *aws, const struct pl_uri *uri, const char *etag,
                 int64_t first, int64_t bytes, const struct pl_sink *sink,
                 struct pl_err *err) PL_MUST_CHECK;

#endif
