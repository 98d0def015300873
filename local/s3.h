/*
 * s3.h - the parts of the S3 service.
 */
#ifndef LOCAL_S3_H
#define LOCAL_S3_H

#include "local/body.h"
#include "local/local.h"

#define LOCAL_S3_XMLNS "http://s3.amazonaws.com/doc/2006-03-01/"
#define LOCAL_S3_XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* A request for one bucket and perhaps one key. */
struct local_s3_call {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    char bucket[256];
    struct pl_buf key;
};

/* Answers with one of S3's error codes: status and text come from a table. */
int local_s3_refuse(const struct local_s3_call *call, const char *code);
int local_s3_answer_xml(const struct local_s3_call *call,
                        struct pl_err *err) PL_MUST_CHECK;
/* Compares what the request claims of its body with what came; *checksums gets
 * a new object of those to keep. Returns an error code or NULL. */
const char *local_s3_checksums(const struct local_s3_call *call,
                               const struct local_s3_file *file,
                               json_t **checksums);
/* The base64 of a file's checksum, by its header's name. */
int local_s3_checksum_text(const struct local_s3_file *file, const char *name,
                           struct pl_buf *out,
                           struct pl_err *err) PL_MUST_CHECK;
/* The headers that are kept with an object: Content-Type, x-amz-meta-*,
 * encryption, storage class, tags. Returns an error code, or NULL and a new
 * object. */
const char *local_s3_kept_headers(const struct local_s3_call *call,
                                  json_t **headers);
/* All of them as GET shows them, or the encryption alone. */
int local_s3_set_kept(struct local_response *resp, const json_t *headers,
                      struct pl_err *err) PL_MUST_CHECK;
int local_s3_set_encryption(struct local_response *resp, const json_t *headers,
                            struct pl_err *err) PL_MUST_CHECK;
/* The storage class that these headers ask for. */
const char *local_s3_class(const json_t *headers);
/* Every member of an object of strings becomes a header. */
int local_s3_set_all(struct local_response *resp, const json_t *object,
                     struct pl_err *err) PL_MUST_CHECK;
int local_s3_set_etag(struct local_response *resp, const char *etag,
                      struct pl_err *err) PL_MUST_CHECK;

int local_s3_put_object(const struct local_s3_call *call,
                        struct pl_err *err) PL_MUST_CHECK;
/* HeadObject, too. */
int local_s3_get_object(const struct local_s3_call *call,
                        struct pl_err *err) PL_MUST_CHECK;
int local_s3_delete_object(const struct local_s3_call *call,
                           struct pl_err *err) PL_MUST_CHECK;
int local_s3_get_tagging(const struct local_s3_call *call,
                         struct pl_err *err) PL_MUST_CHECK;
int local_s3_list(const struct local_s3_call *call,
                  struct pl_err *err) PL_MUST_CHECK;
/* The upload that the request names, or NULL. Needs the lock. */
struct local_s3_upload *local_s3_find_upload(const struct local_s3_call *call);
/* Takes it out of the list: nobody else can end it meanwhile. */
struct local_s3_upload *local_s3_take_upload(const struct local_s3_call *call);
/* "x-amz-checksum-crc32" of "CRC32". */
void local_s3_checksum_header(const struct local_s3_upload *u, char header[48]);
int local_s3_create_upload(const struct local_s3_call *call,
                           struct pl_err *err) PL_MUST_CHECK;
int local_s3_upload_part(const struct local_s3_call *call,
                         struct pl_err *err) PL_MUST_CHECK;
int local_s3_complete_upload(const struct local_s3_call *call,
                             struct pl_err *err) PL_MUST_CHECK;
int local_s3_abort_upload(const struct local_s3_call *call,
                          struct pl_err *err) PL_MUST_CHECK;
/* <ChecksumCRC32>...</ChecksumCRC32> and its like. */
int local_s3_add_checksums(struct pl_buf *out, const json_t *checksums,
                           struct pl_err *err) PL_MUST_CHECK;
int local_s3_list_parts(const struct local_s3_call *call,
                        struct pl_err *err) PL_MUST_CHECK;
int local_s3_list_uploads(const struct local_s3_call *call,
                          struct pl_err *err) PL_MUST_CHECK;

#endif
