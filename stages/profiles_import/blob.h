/* blob.h - a part's bytes as a request's body, from a file or from S3, held
 * beside its checksum before the last of them goes out. */
#ifndef PROFILES_IMPORT_BLOB_H
#define PROFILES_IMPORT_BLOB_H

#include "pipeline/base/io.h"
#include "pipeline/stream/reader.h"
#include "stages/profiles_import/run.h"

struct profiles_blob {
    const struct profiles_part *part;
    struct pl_aws *aws;
    struct pl_reader reader;
    bool is_open;
};

/* Over b, which stays the caller's. */
struct pl_blob profiles_blob_of(struct profiles_blob *b);
void profiles_blob_release(struct profiles_blob *b);

#endif
