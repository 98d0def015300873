/*
 * parts.h - the objects that an UNLOAD says it wrote. No I/O.
 */
#ifndef ATHENA_EXEC_PARTS_H
#define ATHENA_EXEC_PARTS_H

#include <jansson.h>

#include "pipeline/base/buf.h"

/* Of the manifest object; 60,000 URIs or so. */
#define ATHENA_PARTS_BYTES_MAX ((size_t)12 << 20)

struct athena_parts {
    struct pl_buf prefix; /* below which all of them are */
    json_t *left;         /* an object: URIs not yet taken */
};

int athena_parts_open(struct athena_parts *parts, const char *prefix,
                      struct pl_err *err) PL_MUST_CHECK;
/* One URI of len bytes, with or without quotes around it. PL_SERVICE_REFUSED
 * when it is not below the prefix: then it is not of this run. */
int athena_parts_add(struct athena_parts *parts, const char *uri, size_t len,
                     struct pl_err *err) PL_MUST_CHECK;
/* The lines of a manifest object. */
int athena_parts_read(struct athena_parts *parts, const char *text, size_t len,
                      struct pl_err *err) PL_MUST_CHECK;
/* Whether it is one of them, and not taken before. */
bool athena_parts_take(struct athena_parts *parts, const char *uri);
/* One that was not taken; NULL when there is none. */
const char *athena_parts_left(const struct athena_parts *parts);
void athena_parts_release(struct athena_parts *parts);

#endif
