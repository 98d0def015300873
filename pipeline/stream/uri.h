/*
 * uri.h - where data is: "s3://bucket/key", "file:///path", or a plain path.
 */
#ifndef PL_STREAM_URI_H
#define PL_STREAM_URI_H

#include <stdbool.h>

#include "pipeline/base/err.h"

struct pl_uri {
    bool is_s3;
    char bucket[64]; /* S3 only: 3..63 characters */
    char path[4096]; /* the key (not encoded), or the file's path */
};

/* Fails with PL_CONFIG_INVALID, naming the text, on anything else: another
 * scheme, a host in a file URI, an empty bucket, a path that is too long. An
 * S3 URI may name a prefix or the bucket alone (path ""). */
int pl_uri_parse(const char *text, struct pl_uri *uri,
                 struct pl_err *err) PL_MUST_CHECK;

/* What follows the last slash of text; text itself when there is none. */
const char *pl_uri_name(const char *text);

#endif
