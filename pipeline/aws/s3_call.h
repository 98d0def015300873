/*
 * s3_call.h - what the files of S3 share: how a request is begun and sent, the
 * headers of what is stored, and how a list is read. Not for others.
 */
#ifndef PL_AWS_S3_CALL_H
#define PL_AWS_S3_CALL_H

#include "pipeline/aws/s3.h"

/* Begins a request for bucket and key (NULL: the bucket itself). */
int pl_s3_begin(struct pl_aws *aws, const char *method, const char *bucket,
                const char *key, struct pl_http_request *req,
                struct pl_err *err) PL_MUST_CHECK;
int pl_s3_query(struct pl_http_request *req, const char *name,
                const char *value, struct pl_err *err) PL_MUST_CHECK;
/* root: how a good answer's XML begins, or NULL. */
int pl_s3_send(struct pl_aws *aws, const char *operation, const char *bucket,
               const char *root, struct pl_http_request *req,
               struct pl_http_response *resp, struct pl_err *err) PL_MUST_CHECK;
void pl_s3_copy(char *to, size_t cap, const char *from);
void pl_s3_read_object(const struct pl_http_response *resp,
                       struct pl_s3_object *object);
/* All of options but only_if_absent and if_match. */
int pl_s3_put_headers(struct pl_http_request *req,
                      const struct pl_s3_put_options *options,
                      struct pl_err *err) PL_MUST_CHECK;
/* The body and its CRC64NVME, which S3 compares with what it received. */
int pl_s3_set_body(struct pl_http_request *req, const struct pl_blob *blob,
                   uint64_t *crc, char text[16],
                   struct pl_err *err) PL_MUST_CHECK;

/* Walks an answer's XML: calls item_end at each end of an element named item,
 * field at each end of another one within with its text. */
struct pl_s3_list {
    const char *item;
    void *ctx;
    int (*field)(void *ctx, const char *name, const char *text,
                 struct pl_err *err);
    int (*item_end)(void *ctx, struct pl_err *err);
    bool is_truncated;
    char next[2048]; /* marker or token for the next page */
    const char *next_name;
};
int pl_s3_walk(struct pl_s3_list *list, const struct pl_buf *body,
               struct pl_err *err) PL_MUST_CHECK;

#endif
