#include "local/s3.h"

#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define KEY_MAX 1024 /* bytes */

static const struct {
    const char *code;
    int status;
    const char *text;
} s3_errors[] = {
    {"AccessDenied", 403, "Access Denied"},
    {"BadDigest", 400,
     "The checksum or Content-MD5 you specified did not match what we "
     "received."},
    {"BadRequest", 400, "Object tags cannot be greater than 10"},
    {"BucketAlreadyOwnedByYou", 409,
     "Your previous request to create the named bucket succeeded and you "
     "already own it."},
    {"EntityTooSmall", 400,
     "Your proposed upload is smaller than the minimum allowed size"},
    {"IncompleteBody", 400,
     "You did not provide the number of bytes specified by the Content-Length "
     "HTTP header"},
    {"InternalError", 500,
     "We encountered an internal error. Please try again."},
    {"InvalidArgument", 400, "Invalid Argument"},
    {"InvalidBucketName", 400, "The specified bucket is not valid."},
    {"InvalidDigest", 400, "The Content-MD5 you specified is not valid."},
    {"InvalidObjectState", 403,
     "The operation is not valid for the object's storage class"},
    {"InvalidPart", 400,
     "One or more of the specified parts could not be found. The part may not "
     "have been uploaded, or the specified entity tag may not match the "
     "part's entity tag."},
    {"InvalidPartNumber", 416, "The requested partnumber is not satisfiable"},
    {"InvalidPartOrder", 400,
     "The list of parts was not in ascending order. Parts must be ordered by "
     "part number."},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid Request"},
    {"InvalidStorageClass", 400,
     "The storage class you specified is not valid"},
    {"InvalidTag", 400, "The tag you specified is not valid"},
    {"KeyTooLongError", 400, "Your key is too long"},
    {"MalformedTrailerError", 400,
     "The request contained trailing data that was not well-formed or did not "
     "conform to our published schema."},
    {"MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against "
     "our published schema"},
    {"MetadataTooLarge", 400,
     "Your metadata headers exceed the maximum allowed metadata size"},
    {"MethodNotAllowed", 405,
     "The specified method is not allowed against this resource."},
    {"MissingContentLength", 411,
     "You must provide the Content-Length HTTP header."},
    {"NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchKey", 404, "The specified key does not exist."},
    {"NoSuchUpload", 404,
     "The specified upload does not exist. The upload ID may be invalid, or "
     "the upload may have been aborted or completed."},
    {"NotImplemented", 501,
     "A header or query you provided implies functionality that is not "
     "implemented"},
    {"PermanentRedirect", 301,
     "The bucket you are attempting to access must be addressed using the "
     "specified endpoint. Please send all future requests to this endpoint."},
    {"PreconditionFailed", 412,
     "At least one of the pre-conditions you specified did not hold"},
};

int local_s3_refuse(const struct local_s3_call *call, const char *code)
{
    for (size_t i = 0; i < PL_COUNT(s3_errors); i++)
        if (strcmp(s3_errors[i].code, code) == 0)
            return local_refuse(call->req, call->resp, s3_errors[i].status,
                                code, "%s", s3_errors[i].text);
    return local_refuse(call->req, call->resp, 500, code, "%s", code);
}

int local_s3_answer_xml(const struct local_s3_call *call, struct pl_err *err)
{
    call->resp->status = 200;
    return local_set_header(call->resp, "Content-Type", "application/xml", err);
}

int local_s3_set_etag(struct local_response *resp, const char *etag,
                      struct pl_err *err)
{
    char quoted[80];

    (void)snprintf(quoted, sizeof(quoted), "\"%.70s\"", etag);
    return local_set_header(resp, "ETag", quoted, err);
}

static bool has(const struct local_request *req, const char *name)
{
    return local_query(req, name) != NULL;
}

/* Whether the path names a key: "/bucket/k". */
static bool has_key(const struct local_request *req)
{
    const char *slash =
        req->raw_path[0] == '/' ? strchr(req->raw_path + 1, '/') : NULL;

    return slash != NULL && slash[1] != '\0';
}

static const char *key_operation(const struct local_request *req)
{
    const char *m = req->method;

    if (has(req, "tagging"))
        return strcmp(m, "GET") == 0   ? "GetObjectTagging"
               : strcmp(m, "PUT") == 0 ? "PutObjectTagging"
                                       : "DeleteObjectTagging";
    if (strcmp(m, "GET") == 0)
        return has(req, "uploadId") ? "ListParts" : "GetObject";
    if (strcmp(m, "HEAD") == 0)
        return "HeadObject";
    if (strcmp(m, "PUT") == 0)
        return has(req, "uploadId") ? "UploadPart" : "PutObject";
    if (strcmp(m, "DELETE") == 0)
        return has(req, "uploadId") ? "AbortMultipartUpload" : "DeleteObject";
    if (strcmp(m, "POST") == 0)
        return has(req, "uploads")    ? "CreateMultipartUpload"
               : has(req, "uploadId") ? "CompleteMultipartUpload"
                                      : "PostObject";
    return "Unknown";
}

const char *local_s3_operation(const struct local_request *req)
{
    const char *m = req->method;

    if (has_key(req))
        return key_operation(req);
    if (strcmp(req->raw_path, "/") == 0)
        return strcmp(m, "GET") == 0 ? "ListBuckets" : "Unknown";
    if (strcmp(m, "GET") == 0)
        return has(req, "uploads")     ? "ListMultipartUploads"
               : has(req, "location")  ? "GetBucketLocation"
               : has(req, "list-type") ? "ListObjectsV2"
                                       : "ListObjects";
    if (strcmp(m, "HEAD") == 0)
        return "HeadBucket";
    if (strcmp(m, "PUT") == 0)
        return "CreateBucket";
    if (strcmp(m, "POST") == 0 && has(req, "delete"))
        return "DeleteObjects";
    return "Unknown";
}

/* Deletes the keys of <Delete><Object><Key>... one after the other. */
static int delete_objects(const struct local_s3_call *call, struct pl_err *err)
{
    PL_AUTO(local_xml) xml = {.at = NULL};
    enum local_xml_kind kind = LOCAL_XML_OPEN;
    struct pl_buf *out = &call->resp->body;
    struct pl_err bad = {0};

    if (!local_s3_has_bucket(&call->local->s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    local_xml_init(&xml, pl_buf_str(&call->req->body), call->req->body.len);
    if (pl_buf_adds(out,
                    LOCAL_S3_XML "<DeleteResult xmlns=\"" LOCAL_S3_XMLNS "\">",
                    err) != 0)
        return -1;
    while (kind != LOCAL_XML_END) {
        if (local_xml_next(&xml, &kind, &bad) != 0)
            return local_s3_refuse(call, "MalformedXML");
        if (kind != LOCAL_XML_CLOSE || strcmp(xml.name, "Key") != 0)
            continue;
        (void)local_s3_delete(&call->local->s3, call->bucket,
                              pl_buf_str(&xml.text));
        if (pl_buf_adds(out, "<Deleted>", err) != 0 ||
            local_xml_element(out, "Key", pl_buf_str(&xml.text), err) != 0 ||
            pl_buf_adds(out, "</Deleted>", err) != 0)
            return -1;
    }
    if (pl_buf_adds(out, "</DeleteResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

static int list_buckets(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    char date[PL_TIME_LEN];
    int rc;

    rc = pl_buf_adds(out,
                     LOCAL_S3_XML
                     "<ListAllMyBucketsResult xmlns=\"" LOCAL_S3_XMLNS
                     "\"><Owner><ID>" LOCAL_ACCOUNT "</ID></Owner><Buckets>",
                     err);
    (void)pthread_mutex_lock(&s3->lock);
    for (size_t i = 0; rc == 0 && i < s3->bucket_count; i++) {
        pl_time_iso(s3->buckets[i].created_ms, date);
        rc = pl_buf_addf(out, err,
                         "<Bucket><Name>%s</Name><CreationDate>%s"
                         "</CreationDate></Bucket>",
                         s3->buckets[i].name, date);
    }
    (void)pthread_mutex_unlock(&s3->lock);
    if (rc != 0 ||
        pl_buf_adds(out, "</Buckets></ListAllMyBucketsResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

static int create_bucket(const struct local_s3_call *call, struct pl_err *err)
{
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    const char *code;

    /* us-east-1 says yes again to the owner; the other regions refuse */
    if (local_s3_has_bucket(&call->local->s3, call->bucket) &&
        strcmp(call->local->region, "us-east-1") != 0)
        return local_s3_refuse(call, "BucketAlreadyOwnedByYou");
    code = local_s3_create_bucket(&call->local->s3, call->bucket, NULL);
    if (code != NULL)
        return local_s3_refuse(call, code);
    call->resp->status = 200;
    if (pl_buf_addf(&place, err, "/%s", call->bucket) != 0)
        return -1;
    return local_set_header(call->resp, "Location", place.data, err);
}

static void bucket_region(const struct local_s3_call *call, char region[32])
{
    local_s3_region(&call->local->s3, call->bucket, region);
    if (region[0] == '\0')
        (void)snprintf(region, 32, "%.31s", call->local->region);
}

static int head_bucket(const struct local_s3_call *call, struct pl_err *err)
{
    char region[32];

    if (!local_s3_has_bucket(&call->local->s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    bucket_region(call, region);
    call->resp->status = 200;
    return local_set_header(call->resp, "x-amz-bucket-region", region, err);
}

static int bucket_location(const struct local_s3_call *call, struct pl_err *err)
{
    char region[32];

    bucket_region(call, region);
    if (!local_s3_has_bucket(&call->local->s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    if (pl_buf_addf(&call->resp->body, err,
                    LOCAL_S3_XML "<LocationConstraint xmlns=\"" LOCAL_S3_XMLNS
                                 "\">%s</LocationConstraint>",
                    strcmp(region, "us-east-1") == 0 ? "" : region) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

/* Takes "/bucket/key" apart. Returns an error code or NULL. */
static const char *split_path(struct local_s3_call *call)
{
    const char *name = call->req->raw_path + 1;
    const size_t len = strcspn(name, "/");
    const char *key = name[len] == '/' ? name + len + 1 : name + len;
    struct pl_err err = {0};

    if (call->req->raw_path[0] != '/' || len >= sizeof(call->bucket))
        return "InvalidBucketName";
    memcpy(call->bucket, name, len);
    call->bucket[len] = '\0';
    if (pl_uri_decode(&call->key, key, strlen(key), false, &err) != 0 ||
        pl_buf_addc(&call->key, '\0', &err) != 0)
        return "InvalidRequest";
    call->key.len--;
    if (call->key.len > KEY_MAX)
        return "KeyTooLongError";
    if (strlen(call->key.data) != call->key.len ||
        pl_utf8_valid_len(call->key.data, call->key.len) != call->key.len)
        return "InvalidRequest";
    return NULL;
}

static const struct {
    const char *operation;
    int (*handle)(const struct local_s3_call *call, struct pl_err *err);
} operations[] = {
    {"GetObject", local_s3_get_object},
    {"HeadObject", local_s3_get_object},
    {"PutObject", local_s3_put_object},
    {"DeleteObject", local_s3_delete_object},
    {"GetObjectTagging", local_s3_get_tagging},
    {"DeleteObjects", delete_objects},
    {"ListBuckets", list_buckets},
    {"CreateBucket", create_bucket},
    {"HeadBucket", head_bucket},
    {"GetBucketLocation", bucket_location},
    {"ListObjectsV2", local_s3_list},
    {"CreateMultipartUpload", local_s3_create_upload},
    {"UploadPart", local_s3_upload_part},
    {"CompleteMultipartUpload", local_s3_complete_upload},
    {"AbortMultipartUpload", local_s3_abort_upload},
    {"ListParts", local_s3_list_parts},
    {"ListMultipartUploads", local_s3_list_uploads},
};

/* The owner that the client expects, and the region that it signed for: we
 * stand for the endpoints of all regions, and what a request was signed for
 * says which one it went to. Returns an error code or NULL. */
static const char *check_place(const struct local_s3_call *call)
{
    const char *owner = local_header(call->req, "x-amz-expected-bucket-owner");
    const char *header = local_header(call->req, "authorization");
    char region[32];
    struct local_auth auth;
    struct pl_err err = {0};

    if (call->bucket[0] == '\0')
        return NULL;
    bucket_region(call, region);
    if (header != NULL && local_auth_parse(header, &auth, &err) == 0 &&
        strcmp(auth.region, region) != 0 &&
        strcmp(call->req->operation, "GetBucketLocation") != 0) {
        (void)local_s3_refuse(call, "PermanentRedirect");
        if (local_set_header(call->resp, "x-amz-bucket-region", region, &err) !=
            0)
            return "InternalError";
        return "";
    }
    return owner == NULL || strcmp(owner, LOCAL_ACCOUNT) == 0 ? NULL
                                                              : "AccessDenied";
}

int local_s3_handle(struct local *local, struct local_request *req,
                    struct local_response *resp, struct pl_err *err)
{
    struct local_s3_call call = {.local = local, .req = req, .resp = resp};
    const char *code = split_path(&call);
    int rc = 1;

    if (code == NULL)
        code = check_place(&call);
    if (code != NULL)
        rc = code[0] == '\0' ? 0 : local_s3_refuse(&call, code);
    for (size_t i = 0; rc == 1 && i < PL_COUNT(operations); i++)
        if (strcmp(req->operation, operations[i].operation) == 0)
            rc = operations[i].handle(&call, err);
    if (rc == 1)
        rc = local_s3_refuse(&call, strcmp(req->operation, "Unknown") == 0
                                        ? "MethodNotAllowed"
                                        : "NotImplemented");
    pl_buf_release(&call.key);
    return rc;
}
