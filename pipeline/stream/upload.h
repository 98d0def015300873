/*
 * upload.h - bytes into an S3 object that appears only when it is whole: one
 * PUT when they fit into a part, else a multipart upload with its parts in
 * parallel. S3 checks the CRC64NVME of every part and of the whole.
 *
 * A stream of unknown length begins with parts of 8 MiB, which double every
 * 1,000 parts as far as the memory allows: 32 MiB with the default, which ends
 * at about 280 GB; more memory, larger parts. A file's parts fit its length and
 * need no memory: they are read where they are.
 */
#ifndef PL_STREAM_UPLOAD_H
#define PL_STREAM_UPLOAD_H

#include "pipeline/stream/crew.h"
#include "pipeline/stream/journal.h"
#include "pipeline/stream/transfer.h"
#include "pipeline/stream/uri.h"

/* A part of a stream. */
struct pl_upload_slot {
    char *data;
    size_t len;
};

struct pl_upload {
    struct pl_aws *aws; /* borrowed */
    struct pl_uri uri;
    struct pl_transfer how;
    char id[1024]; /* "": no upload is open */
    struct pl_s3_part *parts;
    uint64_t part_count;
    int64_t part_bytes; /* of the parts that are sent now */
    struct pl_crew crew;
    /* a stream */
    struct pl_upload_slot *slots; /* under way, and the one that is filled */
    uint64_t slot_count;
    uint64_t first; /* number of the first part of this size */
    /* a file */
    int fd;
    int64_t bytes;
    _Atomic int64_t had;  /* bytes that S3 has from an earlier try */
    _Atomic int64_t done; /* bytes that S3 has */
    struct pl_journal journal;
    /* after the end */
    uint64_t crc64nvme;
    char etag[128];
};

/* how may be NULL; the texts that it points to are kept, not copied. The
 * upload must stay where it is. */
int pl_upload_open(struct pl_upload *upload, const struct pl_uri *uri,
                   struct pl_aws *aws, const struct pl_transfer *how,
                   struct pl_err *err) PL_MUST_CHECK;

/* A stream: any number of writes, then the commit. */
int pl_upload_write(struct pl_upload *upload, const void *data, size_t len,
                    struct pl_err *err) PL_MUST_CHECK;
/* Sends what is left, and gives the memory back but for a single part. */
int pl_upload_settle(struct pl_upload *upload,
                     struct pl_err *err) PL_MUST_CHECK;
int pl_upload_commit(struct pl_upload *upload,
                     struct pl_err *err) PL_MUST_CHECK;

/*
 * The whole of a file. "<path>.upload" beside it keeps the id, so that an
 * upload that was killed goes on: parts that S3 has with the same bytes are
 * not sent again. PL_DATA_INVALID when the file's CRC64NVME is not the one
 * expected (NULL: any); nothing appears then.
 */
int pl_upload_file(struct pl_upload *upload, const char *path,
                   const char *expected_crc64nvme, const char *what,
                   struct pl_err *err) PL_MUST_CHECK;

/* Gives back an upload that did not end, or, when it is to be kept, says how
 * to go on with it. */
void pl_upload_release(struct pl_upload *upload);

#endif
