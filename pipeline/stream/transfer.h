/*
 * transfer.h - how bytes are moved between files and S3: what the reader, the
 * writer and pl_copy() are told.
 */
#ifndef PL_STREAM_TRANSFER_H
#define PL_STREAM_TRANSFER_H

#include "pipeline/aws/s3.h"
#include "pipeline/base/opts.h"

#define PL_TRANSFER_THREADS 8
#define PL_TRANSFER_MEMORY (INT64_C(64) << 20)
/* Of --memory, what a program needs beside its buffers. */
#define PL_TRANSFER_BASE (INT64_C(24) << 20)
#define PL_TRANSFER_MEMORY_MIN (INT64_C(32) << 20)

struct pl_transfer {
    int threads;       /* requests at once; 0: PL_TRANSFER_THREADS */
    int64_t memory;    /* bytes for the process, 0: PL_TRANSFER_MEMORY */
    bool keep_partial; /* what was moved stays when it fails, for the next try;
                          otherwise only what dies without a word leaves it */
    bool compress;     /* pl_copy: zstd on the way to a file */
    struct pl_s3_put_options put;
    struct pl_buf metadata; /* behind put.metadata */
};

/* As a command line has them; PL_TRANSFER_OPTIONS: nothing is given. */
struct pl_transfer_options {
    int64_t concurrency;
    int64_t memory;
    bool keep_partial;
    const char *encryption;
    const char *kms_key;
    const char *kms_context;
    bool bucket_key;
    const char *storage_class;
    const char *tags;
    const char *metadata; /* "name=value,..." */
    const char *bucket_owner;
    bool only_if_absent;
};
#define PL_TRANSFER_OPTIONS \
    { \
        .concurrency = PL_UNSET, .memory = PL_UNSET \
    }

/* Options (NULL: none), else the LAKESEG_* variables of docs/settings.md, else
 * the defaults; sets aws->bucket_owner (aws may be NULL). PL_CONFIG_INVALID
 * for what S3 would not take. */
int pl_transfer_settings(struct pl_transfer *t,
                         const struct pl_transfer_options *options,
                         struct pl_aws *aws, struct pl_err *err) PL_MUST_CHECK;
void pl_transfer_release(struct pl_transfer *t);

/* The bytes for buffers. */
static inline int64_t pl_transfer_buffers(const struct pl_transfer *t)
{
    const int64_t all =
        t != NULL && t->memory > 0 ? t->memory : PL_TRANSFER_MEMORY;

    return all > PL_TRANSFER_MEMORY_MIN
               ? all - PL_TRANSFER_BASE
               : PL_TRANSFER_MEMORY_MIN - PL_TRANSFER_BASE;
}

static inline int pl_transfer_threads(const struct pl_transfer *t)
{
    return t != NULL && t->threads > 0 ? t->threads : PL_TRANSFER_THREADS;
}

#endif
