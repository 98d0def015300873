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
    {"BadDigest", 400,
     "The checksum or Content-MD5 you specified did not match what we "
     "received."},
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
    {"InvalidPart", 400,
     "One or more of the specified parts could not be found. The part may not "
     "have been uploaded, or the specified entity tag may not match the "
     "part's entity tag."},
    {"InvalidPartOrder", 400,
     "The list of parts was not in ascending order. Parts must be ordered by "
     "part number."},
    {"InvalidPartNumber", 416, "The requested part is not satisfiable"},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid Request"},
    {"KeyTooLongError", 400, "Your key is too long"},
    {"MalformedTrailerError", 400,
     "The request contained trailing data that was not well-formed or did not "
     "conform to our published schema."},
    {"MalformedXML", 400,
     "The XML you provided was not well-formed or did not validate against "
     "our published schema"},
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

json_t *local_s3_kept_headers(const struct local_request *req)
{
    static const char *const kept[] = {
        "content-type",     "cache-control", "content-disposition",
        "content-language", "expires",       "x-amz-storage-class"};
    json_t *headers = json_object();

    for (size_t i = 0; i < req->headers.count; i++) {
        const struct local_pair *p = &req->headers.items[i];
        bool is_kept = pl_starts_with(p->name, "x-amz-meta-") ||
                       pl_starts_with(p->name, "x-amz-server-side-encryption");

        for (size_t k = 0; k < PL_COUNT(kept); k++)
            is_kept = is_kept || strcmp(p->name, kept[k]) == 0;
        if (is_kept)
            (void)json_object_set_new(headers, p->name, json_string(p->value));
        if (strcmp(p->name, "content-encoding") == 0 &&
            strcmp(p->value, "aws-chunked") != 0)
            (void)json_object_set_new(
                headers, p->name,
                json_string(pl_starts_with(p->value, "aws-chunked,")
                                ? p->value + strlen("aws-chunked,")
                                : p->value));
    }
    return headers;
}

/* The base64 of one checksum, most significant byte first. */
static int checksum_text(const struct local_s3_file *file, const char *name,
                         struct pl_buf *out, struct pl_err *err)
{
    unsigned char raw[8];
    uint64_t value = 0;
    size_t len = 4;

    if (strcmp(name, "x-amz-checksum-sha256") == 0)
        return pl_base64(out, file->sha256_value, 32, err);
    if (strcmp(name, "x-amz-checksum-crc64nvme") == 0) {
        value = file->crc64;
        len = 8;
    } else {
        value = strcmp(name, "x-amz-checksum-crc32") == 0 ? file->crc32
                                                          : file->crc32c;
    }
    for (size_t i = 0; i < len; i++)
        raw[i] = (unsigned char)(value >> (8 * (len - 1 - i)));
    return pl_base64(out, raw, len, err);
}

static const char *check_md5(const struct local_request *req,
                             const struct local_s3_file *file)
{
    const char *sent = local_header(req, "content-md5");
    PL_AUTO(pl_buf) raw = PL_BUF_INIT;
    struct pl_err err = {0};

    if (sent == NULL)
        return NULL;
    if (pl_base64_decode(&raw, sent, strlen(sent), &err) != 0 || raw.len != 16)
        return "InvalidDigest";
    return memcmp(raw.data, file->md5_value, 16) == 0 ? NULL : "BadDigest";
}

/* Every trailer that was announced must have come, and all the bytes. */
static const char *check_promises(const struct local_s3_call *call,
                                  const struct local_s3_file *file)
{
    const char *trailer = local_header(call->req, "x-amz-trailer");
    const char *length =
        local_header(call->req, "x-amz-decoded-content-length");
    uint64_t bytes = 0;

    if (trailer != NULL &&
        local_pairs_get(&call->req->trailers, trailer) == NULL)
        return "MalformedTrailerError";
    if (length != NULL &&
        (pl_parse_u64(length, &bytes) != 0 || bytes != file->bytes))
        return "IncompleteBody";
    return check_md5(call->req, file);
}

const char *local_s3_checksums(const struct local_s3_call *call,
                               const struct local_s3_file *file,
                               json_t **checksums)
{
    static const char *const names[] = {
        "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
        "x-amz-checksum-crc64nvme", "x-amz-checksum-sha256"};
    const char *code = check_promises(call, file);
    struct pl_err err = {0};

    if (code != NULL)
        return code;
    *checksums = json_object();
    for (size_t i = 0; i <= PL_COUNT(names); i++) {
        /* with none from the client S3 keeps its own CRC64NVME */
        const bool is_own = i == PL_COUNT(names);
        const char *name = is_own ? names[2] : names[i];
        const char *sent = local_header(call->req, name);
        PL_AUTO(pl_buf) ours = PL_BUF_INIT;

        if (sent == NULL)
            sent = local_pairs_get(&call->req->trailers, name);
        if (is_own ? json_object_size(*checksums) > 0 : sent == NULL)
            continue;
        if (checksum_text(file, name, &ours, &err) != 0)
            code = "InternalError";
        else if (!is_own && strcmp(sent, ours.data) != 0)
            code = "BadDigest";
        else
            (void)json_object_set_new(*checksums, name, json_string(ours.data));
    }
    if (code != NULL) {
        json_decref(*checksums);
        *checksums = NULL;
    }
    return code;
}

static int add_headers(struct local_response *resp, const json_t *object,
                       struct pl_err *err)
{
    const char *name;
    json_t *value;
    json_t *map;

    memcpy(&map, &object, sizeof(map)); /* jansson's loop takes no const */
    json_object_foreach(map, name,
                        value) if (local_set_header(resp, name,
                                                    json_string_value(value),
                                                    err) != 0) return -1;
    return 0;
}

static int put_object(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3_file *file = &call->req->bulk->file;
    json_t *checksums = NULL;
    json_t *headers = NULL;
    const char *code;
    char md5[33];
    int rc = 0;

    if (local_header(call->req, "x-amz-copy-source") != NULL)
        return local_s3_refuse(call, "NotImplemented");
    code = local_s3_checksums(call, file, &checksums);
    headers = local_s3_kept_headers(call->req);
    if (code == NULL) {
        const struct local_s3_put put = {
            .bucket = call->bucket,
            .key = call->key.data,
            .if_none_match = local_header(call->req, "if-none-match"),
            .if_match = local_header(call->req, "if-match"),
            .headers = headers,
            .checksums = checksums,
            .checksum_type = "FULL_OBJECT"};

        pl_hex(file->md5_value, 16, md5);
        code = local_s3_commit(&call->local->s3, &put, file);
    }
    if (code != NULL) {
        rc = local_s3_refuse(call, code);
    } else {
        call->resp->status = 200;
        if (local_s3_set_etag(call->resp, md5, err) != 0 ||
            local_set_header(call->resp, "x-amz-checksum-type", "FULL_OBJECT",
                             err) != 0 ||
            add_headers(call->resp, checksums, err) != 0)
            rc = -1;
    }
    json_decref(checksums);
    json_decref(headers);
    return rc;
}

/* Does a list like "\"a\", \"b\"" or "*" name the ETag? */
static bool list_has(const char *list, const char *etag)
{
    const char *found = strstr(list, etag);

    return strcmp(list, "*") == 0 ||
           (found != NULL && strchr("\", ", found[strlen(etag)]) != NULL);
}

/* Reads "bytes=a-b", "bytes=a-" or "bytes=-n" over an object of this size. A
 * header that is no such range is passed over, as HTTP says; 416 is -1. */
static int read_range(const char *text, uint64_t bytes, uint64_t *from,
                      uint64_t *len, bool *is_part)
{
    char first[24] = "";
    char last[24] = "";
    uint64_t a = 0;
    uint64_t b = 0;

    *from = 0;
    *len = bytes;
    *is_part = false;
    if (text == NULL || !pl_starts_with(text, "bytes=") ||
        strspn(text + 6, "0123456789-") != strlen(text + 6) ||
        strlen(text) > 46)
        return 0;
    text += 6;
    if (strcspn(text, "-") > 20 || strchr(text, '-') == NULL ||
        strlen(strchr(text, '-') + 1) > 20)
        return 0;
    (void)snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, "-"), text);
    (void)snprintf(last, sizeof(last), "%.20s", strchr(text, '-') + 1);
    if ((first[0] != '\0' && pl_parse_u64(first, &a) != 0) ||
        (last[0] != '\0' && pl_parse_u64(last, &b) != 0) ||
        (first[0] == '\0' && last[0] == '\0') ||
        (first[0] != '\0' && last[0] != '\0' && b < a))
        return 0;
    if (first[0] == '\0') {
        if (b == 0 || bytes == 0)
            return -1;
        *len = b < bytes ? b : bytes;
        *from = bytes - *len;
    } else {
        if (a >= bytes)
            return -1;
        *from = a;
        *len = (last[0] != '\0' && b < bytes - 1 ? b + 1 : bytes) - a;
    }
    *is_part = true;
    return 0;
}

static int object_headers(const struct local_s3_call *call, const json_t *meta,
                          bool is_part, struct pl_err *err)
{
    struct local_response *resp = call->resp;
    const char *mode = local_header(call->req, "x-amz-checksum-mode");
    const char *type =
        json_string_value(json_object_get(meta, "checksum_type"));
    const json_t *headers = json_object_get(meta, "headers");
    char date[32];

    local_http_date(json_integer_value(json_object_get(meta, "modified_ms")),
                    date);
    if (json_object_get(headers, "x-amz-server-side-encryption") == NULL &&
        local_set_header(resp, "x-amz-server-side-encryption", "AES256", err) !=
            0)
        return -1;
    if (local_s3_set_etag(
            resp, json_string_value(json_object_get(meta, "etag")), err) != 0 ||
        local_set_header(resp, "Last-Modified", date, err) != 0 ||
        local_set_header(resp, "Accept-Ranges", "bytes", err) != 0 ||
        add_headers(resp, headers, err) != 0)
        return -1;
    if (json_object_get(headers, "content-type") == NULL &&
        local_set_header(resp, "Content-Type", "binary/octet-stream", err) != 0)
        return -1;
    if (mode == NULL || !pl_ieq(mode, "ENABLED") || is_part)
        return 0;
    if (type != NULL &&
        local_set_header(resp, "x-amz-checksum-type", type, err) != 0)
        return -1;
    return add_headers(resp, json_object_get(meta, "checksums"), err);
}

/* 304 and 412. Returns true when that was the answer. */
static bool is_conditional(const struct local_s3_call *call, const json_t *meta)
{
    const char *etag = json_string_value(json_object_get(meta, "etag"));
    const char *if_match = local_header(call->req, "if-match");
    const char *if_none = local_header(call->req, "if-none-match");
    struct pl_err err = {0};

    if (if_match != NULL && !list_has(if_match, etag)) {
        (void)local_s3_refuse(call, "PreconditionFailed");
        return true;
    }
    if (if_none == NULL || !list_has(if_none, etag))
        return false;
    call->resp->status = 304;
    if (local_s3_set_etag(call->resp, etag, &err) != 0)
        call->resp->status = 500;
    return true;
}

/* Where the part that the query asks for begins and how long it is; an object
 * made by one PUT is its own part 1. */
static int read_part(const struct local_s3_call *call, const json_t *meta,
                     uint64_t *from, uint64_t *len, struct pl_err *err)
{
    const char *text = local_query(call->req, "partNumber");
    const json_t *sizes = json_object_get(meta, "part_bytes");
    const size_t count = sizes != NULL ? json_array_size(sizes) : 1;
    uint64_t number = 0;
    char total[24];

    if (pl_parse_u64(text, &number) != 0 || number < 1 || number > count)
        return -1;
    *from = 0;
    if (sizes == NULL)
        return 0;
    for (size_t i = 0; i + 1 < number; i++)
        *from += (uint64_t)json_integer_value(json_array_get(sizes, i));
    *len = (uint64_t)json_integer_value(json_array_get(sizes, number - 1));
    (void)snprintf(total, sizeof(total), "%zu", count);
    return local_set_header(call->resp, "x-amz-mp-parts-count", total, err);
}

static int send_object(const struct local_s3_call *call, int *fd,
                       const json_t *meta, struct pl_err *err)
{
    const uint64_t bytes =
        (uint64_t)json_integer_value(json_object_get(meta, "bytes"));
    struct local_response *resp = call->resp;
    uint64_t from;
    uint64_t len;
    bool is_part;
    char range[80];

    if (is_conditional(call, meta))
        return 0;
    if (read_range(local_header(call->req, "range"), bytes, &from, &len,
                   &is_part) != 0)
        return local_s3_refuse(call, "InvalidRange");
    if (local_query(call->req, "partNumber") != NULL) {
        if (read_part(call, meta, &from, &len, err) != 0)
            return local_s3_refuse(call, "InvalidPartNumber");
        is_part = len > 0;
    }
    resp->status = is_part ? 206 : 200;
    if (is_part) {
        (void)snprintf(range, sizeof(range), "bytes %llu-%llu/%llu",
                       (unsigned long long)from,
                       (unsigned long long)(from + len - 1),
                       (unsigned long long)bytes);
        if (local_set_header(resp, "Content-Range", range, err) != 0)
            return -1;
    }
    if (object_headers(call, meta, is_part, err) != 0)
        return -1;
    if (strcmp(call->req->method, "HEAD") == 0) {
        resp->head_bytes = len;
        resp->has_head_bytes = true;
    } else {
        resp->is_file = true;
        resp->fd = *fd;
        resp->file_offset = from;
        resp->file_bytes = len;
        *fd = -1;
    }
    return 0;
}

static int get_object(const struct local_s3_call *call, struct pl_err *err)
{
    json_t *meta = NULL;
    int fd = -1;
    const char *code = local_s3_get(&call->local->s3, call->bucket,
                                    call->key.data, &fd, &meta);
    int rc;

    if (code != NULL)
        return local_s3_refuse(call, code);
    rc = send_object(call, &fd, meta, err);
    if (fd >= 0)
        (void)close(fd);
    json_decref(meta);
    return rc;
}

static int delete_object(const struct local_s3_call *call)
{
    const char *code =
        local_s3_delete(&call->local->s3, call->bucket, call->key.data);

    if (code != NULL)
        return local_s3_refuse(call, code);
    call->resp->status = 204;
    return 0;
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
    code = local_s3_create_bucket(&call->local->s3, call->bucket);
    if (code != NULL)
        return local_s3_refuse(call, code);
    call->resp->status = 200;
    if (pl_buf_addf(&place, err, "/%s", call->bucket) != 0)
        return -1;
    return local_set_header(call->resp, "Location", place.data, err);
}

static int head_bucket(const struct local_s3_call *call, struct pl_err *err)
{
    if (!local_s3_has_bucket(&call->local->s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    call->resp->status = 200;
    return local_set_header(call->resp, "x-amz-bucket-region",
                            call->local->region, err);
}

static int bucket_location(const struct local_s3_call *call, struct pl_err *err)
{
    const char *region = call->local->region;

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
    {"GetObject", get_object},
    {"HeadObject", get_object},
    {"PutObject", put_object},
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

int local_s3_handle(struct local *local, struct local_request *req,
                    struct local_response *resp, struct pl_err *err)
{
    struct local_s3_call call = {.local = local, .req = req, .resp = resp};
    const char *code = split_path(&call);
    int rc = 1;

    if (code != NULL)
        rc = local_s3_refuse(&call, code);
    else if (strcmp(req->operation, "DeleteObject") == 0)
        rc = delete_object(&call);
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
