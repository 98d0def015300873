/*
 * chunked.h - the aws-chunked encoding, decoded piece by piece; signed chunks
 * and trailers are judged on the way (sources 4.10 and 7.4).
 */
#ifndef LOCAL_CHUNKED_H
#define LOCAL_CHUNKED_H

#include "local/auth.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/io.h"

struct local_chunked {
    enum local_payload kind;
    const struct local_auth *auth; /* borrowed; for signed chunks */
    struct pl_sink sink;           /* gets the decoded bytes */
    struct local_pairs *trailers;  /* borrowed; filled at the end */
    int state;
    char line[1024];
    size_t line_len;
    uint64_t left; /* bytes of the chunk still to come */
    uint64_t decoded_bytes;
    char signature[65]; /* that this chunk claims */
    char before[65];    /* of the chunk before: the seed at first */
    struct pl_hash hash;
    struct pl_buf trailer_text;
};

int local_chunked_open(struct local_chunked *c,
                       struct pl_err *err) PL_MUST_CHECK;
/* PL_DATA_INVALID: malformed; PL_SIGNATURE_REFUSED: a chunk's signature. */
int local_chunked_feed(struct local_chunked *c, const char *data, size_t len,
                       struct pl_err *err) PL_MUST_CHECK;
/* Whether the last chunk and the trailers were there. */
bool local_chunked_is_done(const struct local_chunked *c);
void local_chunked_release(struct local_chunked *c);

#endif
