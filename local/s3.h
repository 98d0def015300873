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
/* The headers that are kept with an object: Content-Type, x-amz-meta-*, ... */
json_t *local_s3_kept_headers(const struct local_request *req);
int local_s3_set_etag(struct local_response *resp, const char *etag,
                      struct pl_err *err) PL_MUST_CHECK;

int local_s3_list(const struct local_s3_call *call,
                  struct pl_err *err) PL_MUST_CHECK;
int local_s3_create_upload(const struct local_s3_call *call,
                           struct pl_err *err) PL_MUST_CHECK;
int local_s3_upload_part(const struct local_s3_call *call,
                         struct pl_err *err) PL_MUST_CHECK;
int local_s3_complete_upload(const struct local_s3_call *call,
                             struct pl_err *err) PL_MUST_CHECK;
int local_s3_abort_upload(const struct local_s3_call *call,
                          struct pl_err *err) PL_MUST_CHECK;
int local_s3_list_parts(const struct local_s3_call *call,
                        struct pl_err *err) PL_MUST_CHECK;
int local_s3_list_uploads(const struct local_s3_call *call,
                          struct pl_err *err) PL_MUST_CHECK;

#endif
