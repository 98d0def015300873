#include "local/body.h"

#include "local/local.h"
#include "pipeline/base/text.h"

static int take(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    struct local_body *body = ctx;

    body->bytes += len;
    if (body->is_bulk)
        return local_s3_file_write(&body->file, data, len, err);
    return pl_buf_add(body->memory, data, len, err);
}

static bool is_chunked(const struct local_body *body)
{
    return body->kind != LOCAL_PAYLOAD_HASH &&
           body->kind != LOCAL_PAYLOAD_UNSIGNED;
}

static bool mentions(const struct local_request *req, const char *name)
{
    for (size_t i = 0; i < req->headers.count; i++) {
        const struct local_pair *p = &req->headers.items[i];

        if (strstr(p->name, name) != NULL ||
            (strcmp(p->name, "x-amz-trailer") == 0 &&
             strstr(p->value, name) != NULL))
            return true;
    }
    return false;
}

/* The decoded length that the head promises; false when it promises none. */
static bool promised(const struct local_request *req, uint64_t *bytes)
{
    const char *text = local_header(req, "x-amz-decoded-content-length");

    if (text == NULL)
        text = local_header(req, "content-length");
    return text != NULL && pl_parse_u64(text, bytes) == 0;
}

static int open_file(struct local_body *body, const struct local_request *req,
                     struct local_s3 *s3, struct pl_err *err)
{
    struct local_s3_file *file = &body->file;
    const char *kind = local_header(req, "x-amz-server-side-encryption");
    const char *number = local_query(req, "partNumber");
    const char *upload = local_query(req, "uploadId");
    uint64_t bytes = 0;
    uint64_t n = 0;

    if (upload == NULL) {
        if (local_s3_file_open(file, s3, err) != 0)
            return -1;
        file->has_md5 =
            file->has_md5 && (kind == NULL || !pl_starts_with(kind, "aws:kms"));
    } else {
        if (number == NULL || pl_parse_u64(number, &n) != 0 ||
            n > LOCAL_S3_PARTS_MAX || !promised(req, &bytes))
            n = 0; /* no slot for it */
        if (local_s3_part_open(file, s3, upload, (unsigned)n, bytes, err) != 0)
            return -1;
    }
    file->has_md5 = file->has_md5 || local_header(req, "content-md5") != NULL;
    file->has_crc32s =
        file->has_crc32s || mentions(req, "x-amz-checksum-crc32");
    file->has_sha256 =
        file->has_sha256 || mentions(req, "x-amz-checksum-sha256");
    return 0;
}

int local_body_open(struct local_body *body, struct local_request *req,
                    const struct local_auth *auth, struct local_s3 *s3,
                    struct pl_err *err)
{
    *body = (struct local_body){.kind = local_auth_payload(req),
                                .memory = &req->body,
                                .file = {.fd = -1}};
    req->body.max_bytes = LOCAL_BODY_MAX;
    if (s3 != NULL) {
        if (open_file(body, req, s3, err) != 0)
            return -1;
        body->is_bulk = true;
    }
    if (is_chunked(body)) {
        body->chunked = (struct local_chunked){.kind = body->kind,
                                               .auth = auth,
                                               .sink = {body, take},
                                               .trailers = &req->trailers};
        return local_chunked_open(&body->chunked, err);
    }
    /* nobody compares the hash of an unsigned body */
    return body->kind == LOCAL_PAYLOAD_UNSIGNED
               ? 0
               : pl_hash_open_sha256(&body->sha256, err);
}

void local_body_feed(struct local_body *body, const char *data, size_t len)
{
    int rc;

    if (body->is_ignored || body->err.code != PL_OK)
        return;
    if (is_chunked(body)) {
        rc = local_chunked_feed(&body->chunked, data, len, &body->err);
    } else {
        if (body->sha256.impl != NULL)
            pl_hash_add(&body->sha256, data, len);
        rc = take(body, data, len, &body->err);
    }
    (void)rc; /* body->err is filled */
}

void local_body_end(struct local_body *body)
{
    unsigned char hash[PL_SHA256_BYTES];

    if (body->sha256.impl != NULL) {
        pl_hash_end(&body->sha256, hash);
        pl_hex(hash, sizeof(hash), body->sha256_hex);
    }
    if (body->is_ignored || body->err.code != PL_OK)
        return;
    if (is_chunked(body) && !local_chunked_is_done(&body->chunked))
        (void)pl_fail(&body->err, PL_DATA_INVALID, "the body is cut off");
    else if (body->is_bulk && local_s3_file_end(&body->file, &body->err) != 0)
        body->is_ignored = true; /* err says why */
}

void local_body_release(struct local_body *body)
{
    local_chunked_release(&body->chunked);
    pl_hash_release(&body->sha256);
    local_s3_file_release(&body->file);
}
