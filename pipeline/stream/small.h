/*
 * small.h - manifests, jobs, reports: what fits into memory, read and stored
 * whole.
 */
#ifndef PL_STREAM_SMALL_H
#define PL_STREAM_SMALL_H

#include "pipeline/aws/s3.h"
#include "pipeline/base/buf.h"

/* A file or object, verified, appended to text up to its maximum; text is
 * followed by a NUL. */
int pl_small_read(const char *uri, struct pl_aws *aws, struct pl_buf *text,
                  struct pl_err *err) PL_MUST_CHECK;

/* The same, and the object's ETag; "" of a file. */
int pl_small_read_etag(const char *uri, struct pl_aws *aws, struct pl_buf *text,
                       char etag[128], struct pl_err *err) PL_MUST_CHECK;

/* Stores data as an object; anything but an S3 URI is PL_CONFIG_INVALID. */
int pl_small_store(const char *uri, const struct pl_buf *data,
                   const struct pl_s3_put_options *options, struct pl_aws *aws,
                   struct pl_err *err) PL_MUST_CHECK;

#endif
