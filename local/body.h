/*
 * body.h - a request's body on its way in: hashed, un-chunked, and put into
 * memory or into a data file.
 */
#ifndef LOCAL_BODY_H
#define LOCAL_BODY_H

#include "local/chunked.h"
#include "local/s3_store.h"

struct local_body {
    enum local_payload kind;
    struct local_chunked chunked;
    struct pl_hash sha256;
    char sha256_hex[65];
    uint64_t bytes; /* decoded */
    bool is_bulk;
    bool is_ignored; /* the request is refused already */
    struct local_s3_file file;
    struct pl_buf *memory;
    struct pl_err err; /* the first trouble; the rest is then ignored */
};

/* s3 not NULL: the bytes go to a data file. */
int local_body_open(struct local_body *body, struct local_request *req,
                    const struct local_auth *auth, struct local_s3 *s3,
                    struct pl_err *err) PL_MUST_CHECK;
/* Never fails: trouble is kept for the end. */
void local_body_feed(struct local_body *body, const char *data, size_t len);
/* Ends it; body->err tells how it went. */
void local_body_end(struct local_body *body);
void local_body_release(struct local_body *body);

#endif
