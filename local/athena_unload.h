/*
 * athena_unload.h - the objects that an UNLOAD writes: gzip'd parts to which
 * rows are dealt in turn, in a folder for each partition.
 */
#ifndef LOCAL_ATHENA_UNLOAD_H
#define LOCAL_ATHENA_UNLOAD_H

#include "local/athena_query.h"

struct local_unload;

/* Judges the destination: the bucket is there, the folder is empty. */
int local_unload_open(struct local_unload **unload, struct local *local,
                      const struct local_athena_query *q,
                      struct pl_err *err) PL_MUST_CHECK;
/* A sink of rows, as local_engine_run wants it. */
int local_unload_take(void *unload, const char *folder, const char *text,
                      size_t len, struct pl_err *err) PL_MUST_CHECK;
/* A file that is there already becomes a part. */
int local_unload_file(struct local_unload *unload, const char *path,
                      uint64_t rows, struct pl_err *err) PL_MUST_CHECK;
int local_unload_end(struct local_unload *unload,
                     struct pl_err *err) PL_MUST_CHECK;
/* Makes the parts objects; *uris gets a new array. An S3 error code, or
 * NULL. */
const char *local_unload_keep(struct local_unload *unload, json_t **uris,
                              uint64_t *rows);
void local_unload_free(struct local_unload *unload);

#endif
