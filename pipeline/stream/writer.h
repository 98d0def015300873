/*
 * writer.h - bytes into a file or an S3 object that appears only when whole.
 *
 * A file is written under a temporary name beside its own and renamed by
 * commit; it is whole then for every reader, but not on the disk yet: a loss of
 * power may lose it, and what made it is run again. For an object see
 * upload.h. Releasing a writer that was not committed removes the file or
 * aborts the upload.
 */
#ifndef PL_STREAM_WRITER_H
#define PL_STREAM_WRITER_H

#include "pipeline/base/digest.h"
#include "pipeline/base/io.h"
#include "pipeline/stream/upload.h"

struct pl_writer {
    struct pl_uri uri;
    struct pl_aws *aws; /* borrowed; NULL for local files only */
    struct pl_buf temp; /* file: the temporary name, "" when none stands */
    int fd;
    int64_t reserved;        /* file: bytes that were set aside */
    struct pl_upload upload; /* S3 only */
    int64_t bytes;           /* taken so far */
    uint64_t crc64nvme;      /* of the bytes taken so far */
    char etag[128];          /* after commit, S3 only */
    struct pl_hash hash; /* of the bytes taken so far, if it was asked for */
    char sha256[2 * PL_SHA256_BYTES + 1]; /* after commit; else "" */
};

/* how (NULL: the defaults) as for pl_upload_open. Missing folders of a file
 * are made. */
int pl_writer_open(struct pl_writer *writer, const char *uri,
                   const struct pl_transfer *how, struct pl_aws *aws,
                   struct pl_err *err) PL_MUST_CHECK;
/* Asks for a SHA-256, before the first byte. */
int pl_writer_hash(struct pl_writer *writer, struct pl_err *err) PL_MUST_CHECK;
/* Sets space for so many bytes aside, where the file system can: writing is
 * quicker then, and a full disk shows early. What is too much is given back. */
void pl_writer_reserve(struct pl_writer *writer, int64_t bytes);
struct pl_sink pl_writer_sink(struct pl_writer *writer);
/* No byte follows: what is left is sent and the memory given back, while the
 * file or object still waits for its commit. */
int pl_writer_settle(struct pl_writer *writer,
                     struct pl_err *err) PL_MUST_CHECK;
/* Makes the file or object appear; S3 checks the CRC64NVME of the whole. */
int pl_writer_commit(struct pl_writer *writer,
                     struct pl_err *err) PL_MUST_CHECK;
void pl_writer_release(struct pl_writer *writer);

#endif
