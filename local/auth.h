/*
 * auth.h - the judge of Signature Version 4: reads the Authorization header,
 * computes the signature anew from what arrived, and says what is wrong.
 *
 * Written apart from pipeline/aws on purpose: a judge that shares the
 * signer's code would pass its faults.
 */
#ifndef LOCAL_AUTH_H
#define LOCAL_AUTH_H

#include "local/http.h"

#define LOCAL_ALGORITHM "AWS4-HMAC-SHA256"

struct local_key {
    char access[132];
    char secret[132];
    char token[1024];      /* "": a long-lived key */
    int64_t expires_at_ms; /* 0: never */
};

/* The header's parts. */
struct local_auth {
    char access[132];
    char date[9];
    char region[64];
    char service[64];
    char signed_headers[1024];
    char signature[65];
    char time[17]; /* of x-amz-date */
    unsigned char signing_key[32];
};

/* How the body is vouched for by x-amz-content-sha256. */
enum local_payload {
    LOCAL_PAYLOAD_HASH,            /* its SHA-256 */
    LOCAL_PAYLOAD_UNSIGNED,        /* UNSIGNED-PAYLOAD */
    LOCAL_PAYLOAD_CHUNKED_TRAILER, /* STREAMING-UNSIGNED-PAYLOAD-TRAILER */
    LOCAL_PAYLOAD_SIGNED_CHUNKS,   /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
    LOCAL_PAYLOAD_SIGNED_CHUNKS_TRAILER
};

enum local_verdict {
    LOCAL_AUTH_GOOD,
    LOCAL_AUTH_MISSING,   /* no signature at all */
    LOCAL_AUTH_MALFORMED, /* text says why */
    LOCAL_AUTH_UNKNOWN_KEY,
    LOCAL_AUTH_WRONG_TOKEN,
    LOCAL_AUTH_EXPIRED,
    LOCAL_AUTH_SKEWED,
    LOCAL_AUTH_WRONG_REGION,
    LOCAL_AUTH_WRONG_SIGNATURE,
    LOCAL_AUTH_WRONG_BODY
};

struct local_auth_rules {
    const char *region;
    /* NULL, or whether another region is also good; gets s3. */
    bool (*has_region)(void *s3, const char *region);
    void *s3;
    int64_t now_ms;
    /* Copies the key of this name; false when there is none. */
    bool (*find)(void *ctx, const char *access, struct local_key *key);
    void *ctx;
};

/* Reads "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...";
 * -1 with PL_DATA_INVALID and the reason. */
int local_auth_parse(const char *header, struct local_auth *auth,
                     struct pl_err *err) PL_MUST_CHECK;
/* The canonical request; payload is its last line. is_s3: the path is taken
 * once encoded and not normalized. */
int local_auth_canonical(const struct local_request *req,
                         const struct local_auth *auth, const char *payload,
                         struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;
/* The hex signature over a canonical request, with auth->signing_key. */
int local_auth_sign(const struct local_auth *auth,
                    const struct pl_buf *canonical, char out[65],
                    struct pl_err *err) PL_MUST_CHECK;
void local_auth_key(const char *secret, struct local_auth *auth);
enum local_payload local_auth_payload(const struct local_request *req);

/*
 * Judges everything but the body. For a plain body the caller compares
 * x-amz-content-sha256 afterwards; when the header is not there (services
 * other than S3 may leave it out) body_sha256 must hold the body's hash in
 * hex. why gets a reason for the answer.
 */
enum local_verdict local_auth_judge(const struct local_auth_rules *rules,
                                    const struct local_request *req,
                                    const char *body_sha256,
                                    struct local_auth *auth, char why[256]);
/* Answers as the request's service does. */
int local_auth_refuse(enum local_verdict verdict, const char *why,
                      const struct local_request *req,
                      struct local_response *resp);

#endif
