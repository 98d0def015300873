#include "pipeline/aws/s3.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/xml.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

#define COMPLETE_STALL_MS 600000 /* S3 may take minutes to put parts together */

/* Where a bucket was found to be; NULL: where we are. */
static const char *region_of(const struct pl_aws *aws, const char *bucket)
{
    return strcmp(bucket, aws->moved_bucket) == 0 ? aws->moved_region : NULL;
}

/* Begins a request for bucket and key (NULL: the bucket itself). */
static int begin(struct pl_aws *aws, const char *method, const char *bucket,
                 const char *key, struct pl_http_request *req,
                 struct pl_err *err)
{
    bool is_path_style = false;

    req->method = method;
    if (pl_aws_begin(aws, PL_AWS_S3, region_of(aws, bucket), bucket, req,
                     &is_path_style, err) != 0 ||
        pl_buf_addc(&req->path, '/', err) != 0)
        return -1;
    if (is_path_style &&
        (pl_buf_adds(&req->path, bucket, err) != 0 ||
         (key != NULL && pl_buf_addc(&req->path, '/', err) != 0)))
        return -1;
    return key != NULL ? pl_uri_encode(&req->path, key, strlen(key), true, err)
                       : 0;
}

static int add_query(struct pl_http_request *req, const char *name,
                     const char *value, struct pl_err *err)
{
    if (pl_buf_addf(&req->query, err, "%s%s=", req->query.len > 0 ? "&" : "",
                    name) != 0)
        return -1;
    return pl_uri_encode(&req->query, value, strlen(value), false, err);
}

static int send_s3(struct pl_aws *aws, const char *operation,
                   const char *bucket, const char *root,
                   struct pl_http_request *req, struct pl_http_response *resp,
                   struct pl_err *err)
{
    /* the same PUT gives the same object; an upload begun twice leaves one
     * without parts behind, which costs nothing */
    struct pl_aws_call call = {.service = PL_AWS_S3,
                               .protocol = PL_AWS_S3XML,
                               .operation = operation,
                               .region = region_of(aws, bucket),
                               .is_idempotent = true,
                               .bucket = bucket,
                               .root = root};

    /* over TLS the checksum header protects the body; hashing it as well
     * would cost more than the rest of the upload */
    if (req->body_len > 0 && pl_starts_with(req->base.data, "https://") &&
        pl_http_headers_get(&req->headers, "x-amz-checksum-crc64nvme") != NULL)
        call.payload_hash = "UNSIGNED-PAYLOAD";
    return pl_aws_send(aws, &call, req, resp, err);
}

static void copy(char *to, size_t cap, const char *from)
{
    (void)snprintf(to, cap, "%s", from != NULL ? from : "");
}

/* "bytes 0-9/100": the whole is 100. */
static int64_t whole_bytes(const struct pl_http_response *resp)
{
    const char *range = pl_http_headers_get(&resp->headers, "content-range");
    const char *length = pl_http_headers_get(&resp->headers, "content-length");
    uint64_t v = 0;

    if (range != NULL) {
        const char *slash = strchr(range, '/');

        length = slash != NULL ? slash + 1 : NULL;
    }
    if (length == NULL || pl_parse_u64(length, &v) != 0 || v > INT64_MAX)
        return -1;
    return (int64_t)v;
}

/* The checksum of the whole object. A composite one says nothing about the
 * bytes, and what is not eight bytes long is no CRC-64 (seen from servers
 * that are not S3). */
static const char *full_crc64(const struct pl_http_response *resp)
{
    const char *type =
        pl_http_headers_get(&resp->headers, "x-amz-checksum-type");
    const char *crc =
        pl_http_headers_get(&resp->headers, "x-amz-checksum-crc64nvme");

    if (crc == NULL || strlen(crc) != PL_CRC64_TEXT - 1 ||
        (type != NULL && strcmp(type, "COMPOSITE") == 0))
        return "";
    return crc;
}

static void read_object(const struct pl_http_response *resp,
                        struct pl_s3_object *object)
{
    object->bytes = whole_bytes(resp);
    copy(object->etag, sizeof(object->etag),
         pl_http_headers_get(&resp->headers, "etag"));
    copy(object->crc64nvme, sizeof(object->crc64nvme), full_crc64(resp));
}

int pl_s3_get(struct pl_aws *aws, const char *bucket, const char *key,
              int64_t first, int64_t last, const char *if_match,
              const struct pl_sink *sink, struct pl_s3_object *object,
              struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = sink};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char range[64];

    if (begin(aws, "GET", bucket, key, &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-mode", "ENABLED",
                            err) != 0)
        return -1;
    if (first >= 0) {
        if (last >= 0)
            (void)snprintf(range, sizeof(range), "bytes=%" PRId64 "-%" PRId64,
                           first, last);
        else
            (void)snprintf(range, sizeof(range), "bytes=%" PRId64 "-", first);
        if (pl_http_headers_set(&req.headers, "range", range, err) != 0)
            return -1;
    }
    if (if_match != NULL && *if_match != '\0' &&
        pl_http_headers_set(&req.headers, "if-match", if_match, err) != 0)
        return -1;
    if (send_s3(aws, "GetObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    if (object != NULL)
        read_object(&resp, object);
    return 0;
}

int pl_s3_head(struct pl_aws *aws, const char *bucket, const char *key,
               struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (begin(aws, "HEAD", bucket, key, &req, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-mode", "ENABLED",
                            err) != 0 ||
        send_s3(aws, "HeadObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    read_object(&resp, object);
    if (object->bytes < 0)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "HeadObject answered without a length");
    return 0;
}

static int set_put_headers(struct pl_http_request *req,
                           const struct pl_s3_put_options *options,
                           struct pl_err *err)
{
    const char *type = options != NULL && options->content_type != NULL
                           ? options->content_type
                           : "application/octet-stream";

    if (pl_http_headers_set(&req->headers, "content-type", type, err) != 0)
        return -1;
    if (options != NULL && options->only_if_absent)
        return pl_http_headers_set(&req->headers, "if-none-match", "*", err);
    return 0;
}

/* The body and its CRC64NVME, which S3 compares with what it received. */
static int set_body(struct pl_http_request *req, const void *data, size_t len,
                    char crc[16], struct pl_err *err)
{
    char text[PL_CRC64_TEXT];

    req->body = data;
    req->body_len = len;
    pl_crc64_text(pl_crc64nvme(0, data, len), text);
    (void)snprintf(crc, 16, "%s", text);
    return pl_http_headers_set(&req->headers, "x-amz-checksum-crc64nvme", text,
                               err);
}

int pl_s3_put(struct pl_aws *aws, const char *bucket, const char *key,
              const void *data, size_t len,
              const struct pl_s3_put_options *options,
              struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char crc[16];

    if (begin(aws, "PUT", bucket, key, &req, err) != 0 ||
        set_put_headers(&req, options, err) != 0 ||
        set_body(&req, data, len, crc, err) != 0 ||
        send_s3(aws, "PutObject", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    read_object(&resp, object);
    object->bytes = (int64_t)len;
    (void)snprintf(object->crc64nvme, sizeof(object->crc64nvme), "%s", crc);
    return 0;
}

int pl_s3_create_upload(struct pl_aws *aws, const char *bucket, const char *key,
                        const struct pl_s3_put_options *options,
                        char upload_id[1024], struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    const struct pl_s3_put_options type_only = {
        .content_type = options != NULL ? options->content_type : NULL};

    if (begin(aws, "POST", bucket, key, &req, err) != 0 ||
        pl_buf_adds(&req.query, "uploads=", err) != 0 ||
        set_put_headers(&req, &type_only, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-algorithm",
                            "CRC64NVME", err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-type", "FULL_OBJECT",
                            err) != 0 ||
        send_s3(aws, "CreateMultipartUpload", bucket,
                "InitiateMultipartUploadResult", &req, &resp, err) != 0)
        return -1;
    if (!pl_xml_find(pl_buf_str(&resp.body), resp.body.len, "UploadId",
                     upload_id, 1024))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CreateMultipartUpload answered without an id");
    return 0;
}

int pl_s3_upload_part(struct pl_aws *aws, const char *bucket, const char *key,
                      const char *upload_id, int number, const void *data,
                      size_t len, struct pl_s3_part *part, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", number);
    part->number = number;
    part->bytes = (int64_t)len;
    if (begin(aws, "PUT", bucket, key, &req, err) != 0 ||
        add_query(&req, "partNumber", text, err) != 0 ||
        add_query(&req, "uploadId", upload_id, err) != 0 ||
        set_body(&req, data, len, part->crc64nvme, err) != 0 ||
        send_s3(aws, "UploadPart", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    copy(part->etag, sizeof(part->etag),
         pl_http_headers_get(&resp.headers, "etag"));
    if (part->etag[0] == '\0')
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "UploadPart answered without an ETag");
    return 0;
}

static int complete_body(const struct pl_s3_part *parts, size_t count,
                         struct pl_buf *body, struct pl_err *err)
{
    if (pl_buf_adds(body,
                    "<CompleteMultipartUpload xmlns="
                    "\"http://s3.amazonaws.com/doc/2006-03-01/\">",
                    err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (pl_buf_addf(body, err,
                        "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>"
                        "<ChecksumCRC64NVME>%s</ChecksumCRC64NVME></Part>",
                        parts[i].number, parts[i].etag,
                        parts[i].crc64nvme) != 0)
            return -1;
    return pl_buf_adds(body, "</CompleteMultipartUpload>", err);
}

static int complete_once(struct pl_aws *aws, const char *bucket,
                         const char *key, const char *upload_id,
                         const struct pl_buf *body, const char *crc64nvme,
                         struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.stall_timeout_ms = COMPLETE_STALL_MS};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (begin(aws, "POST", bucket, key, &req, err) != 0 ||
        add_query(&req, "uploadId", upload_id, err) != 0 ||
        pl_http_headers_set(&req.headers, "content-type", "application/xml",
                            err) != 0)
        return -1;
    if (crc64nvme != NULL &&
        (pl_http_headers_set(&req.headers, "x-amz-checksum-crc64nvme",
                             crc64nvme, err) != 0 ||
         pl_http_headers_set(&req.headers, "x-amz-checksum-type", "FULL_OBJECT",
                             err) != 0))
        return -1;
    req.body = body->data;
    req.body_len = body->len;
    if (send_s3(aws, "CompleteMultipartUpload", bucket,
                "CompleteMultipartUploadResult", &req, &resp, err) != 0)
        return -1;
    if (!pl_xml_find(pl_buf_str(&resp.body), resp.body.len, "ETag",
                     object->etag, sizeof(object->etag)))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CompleteMultipartUpload answered without an ETag");
    return 0;
}

/* Whether the key holds what an upload of these parts makes: by the checksum
 * of the whole, or else by an ETag that counts as many parts. */
static bool is_completed(struct pl_aws *aws, const char *bucket,
                         const char *key, int64_t bytes, size_t count,
                         const char *crc64nvme, struct pl_s3_object *object)
{
    struct pl_err ignored = {0};
    char suffix[32];

    if (pl_s3_head(aws, bucket, key, object, &ignored) != 0 ||
        object->bytes != bytes)
        return false;
    if (crc64nvme != NULL && object->crc64nvme[0] != '\0')
        return strcmp(object->crc64nvme, crc64nvme) == 0;
    (void)snprintf(suffix, sizeof(suffix), "-%zu\"", count);
    return pl_ends_with(object->etag, suffix);
}

int pl_s3_complete_upload(struct pl_aws *aws, const char *bucket,
                          const char *key, const char *upload_id,
                          const struct pl_s3_part *parts, size_t count,
                          const char *crc64nvme, struct pl_s3_object *object,
                          struct pl_err *err)
{
    PL_AUTO(pl_buf) body = PL_BUF_INIT;
    struct pl_err cause = {0};
    int64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += parts[i].bytes;
    if (complete_body(parts, count, &body, err) != 0)
        return -1;
    memset(object, 0, sizeof(*object));
    if (complete_once(aws, bucket, key, upload_id, &body, crc64nvme, object,
                      &cause) == 0) {
        object->bytes = bytes;
        return 0;
    }
    /* an earlier attempt, whose answer was lost, may have done it */
    if (strcmp(cause.service, "NoSuchUpload") == 0 &&
        is_completed(aws, bucket, key, bytes, count, crc64nvme, object))
        return 0;
    *err = cause;
    return -1;
}

int pl_s3_abort_upload(struct pl_aws *aws, const char *bucket, const char *key,
                       const char *upload_id, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (begin(aws, "DELETE", bucket, key, &req, err) != 0 ||
        add_query(&req, "uploadId", upload_id, err) != 0)
        return -1;
    return send_s3(aws, "AbortMultipartUpload", bucket, NULL, &req, &resp, err);
}

/* Walks an answer's XML: calls item_end at each end of an element named item,
 * field at each end of another one with its text. */
struct walk {
    const char *item;
    void *ctx;
    int (*field)(void *ctx, const char *name, const char *text,
                 struct pl_err *err);
    int (*item_end)(void *ctx, struct pl_err *err);
    bool is_truncated;
    char next[2048]; /* marker or token for the next page */
    const char *next_name;
};

static int walk_xml(struct walk *w, const struct pl_buf *body,
                    struct pl_err *err)
{
    struct pl_xml xml;
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(65536);
    enum pl_xml_event event;
    bool is_inside = false;
    char asked[sizeof(w->next)];

    memcpy(asked, w->next, sizeof(asked));
    pl_xml_init(&xml, pl_buf_str(body), body->len);
    w->is_truncated = false;
    w->next[0] = '\0';
    while ((event = pl_xml_next(&xml, &text)) == PL_XML_BEGIN ||
           event == PL_XML_END) {
        int rc = 0;

        if (event == PL_XML_BEGIN) {
            is_inside = is_inside || strcmp(xml.name, w->item) == 0;
        } else if (strcmp(xml.name, w->item) == 0) {
            is_inside = false;
            rc = w->item_end(w->ctx, err);
        } else if (is_inside) {
            rc = w->field(w->ctx, xml.name, pl_buf_str(&text), err);
        } else if (strcmp(xml.name, "IsTruncated") == 0) {
            w->is_truncated = strcmp(pl_buf_str(&text), "true") == 0;
        } else if (strcmp(xml.name, w->next_name) == 0) {
            (void)snprintf(w->next, sizeof(w->next), "%s", pl_buf_str(&text));
        }
        pl_buf_reset(&text);
        if (rc != 0)
            return -1;
    }
    if (event != PL_XML_DONE)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "a list came as broken XML");
    if (w->is_truncated && (w->next[0] == '\0' || strcmp(w->next, asked) == 0))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "a list is cut off, without a word on where to go on");
    return 0;
}

struct part_list {
    struct pl_s3_part *parts;
    size_t count;
    struct pl_s3_part current;
};

static int part_field(void *ctx, const char *name, const char *text,
                      struct pl_err *err)
{
    struct part_list *list = ctx;
    uint64_t v = 0;

    (void)err;
    if (strcmp(name, "PartNumber") == 0 && pl_parse_u64(text, &v) == 0 &&
        v <= PL_S3_PARTS_MAX)
        list->current.number = (int)v;
    else if (strcmp(name, "Size") == 0 && pl_parse_u64(text, &v) == 0 &&
             v <= (uint64_t)PL_S3_PART_MAX)
        list->current.bytes = (int64_t)v;
    else if (strcmp(name, "ETag") == 0)
        copy(list->current.etag, sizeof(list->current.etag), text);
    else if (strcmp(name, "ChecksumCRC64NVME") == 0)
        copy(list->current.crc64nvme, sizeof(list->current.crc64nvme), text);
    return 0;
}

static int part_end(void *ctx, struct pl_err *err)
{
    struct part_list *list = ctx;
    struct pl_s3_part *grown;

    if (list->count == PL_S3_PARTS_MAX)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE, "more than %d parts",
                       PL_S3_PARTS_MAX);
    grown = realloc(list->parts, (list->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return pl_fail_memory(err);
    list->parts = grown;
    list->parts[list->count++] = list->current;
    memset(&list->current, 0, sizeof(list->current));
    return 0;
}

static int list_parts_page(struct pl_aws *aws, const char *bucket,
                           const char *key, const char *upload_id,
                           struct walk *w, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (begin(aws, "GET", bucket, key, &req, err) != 0 ||
        add_query(&req, "uploadId", upload_id, err) != 0 ||
        (w->next[0] != '\0' &&
         add_query(&req, "part-number-marker", w->next, err) != 0) ||
        send_s3(aws, "ListParts", bucket, "ListPartsResult", &req, &resp,
                err) != 0)
        return -1;
    return walk_xml(w, &resp.body, err);
}

int pl_s3_list_parts(struct pl_aws *aws, const char *bucket, const char *key,
                     const char *upload_id, struct pl_s3_part **parts,
                     size_t *count, struct pl_err *err)
{
    struct part_list list = {0};
    struct walk w = {.item = "Part",
                     .ctx = &list,
                     .field = part_field,
                     .item_end = part_end,
                     .next_name = "NextPartNumberMarker"};

    do {
        if (list_parts_page(aws, bucket, key, upload_id, &w, err) != 0) {
            free(list.parts);
            return -1;
        }
    } while (w.is_truncated);
    *parts = list.parts;
    *count = list.count;
    return 0;
}

struct key_list {
    int (*each)(void *ctx, const char *key, int64_t bytes, const char *etag,
                struct pl_err *err);
    void *ctx;
    struct pl_buf key;
    int64_t bytes;
    char etag[128];
};

static void key_list_release(struct key_list *list)
{
    pl_buf_release(&list->key);
}

static int key_field(void *ctx, const char *name, const char *text,
                     struct pl_err *err)
{
    struct key_list *list = ctx;
    uint64_t v = 0;

    if (strcmp(name, "Key") == 0) {
        pl_buf_reset(&list->key);
        return pl_uri_decode(&list->key, text, strlen(text), true, err);
    }
    if (strcmp(name, "Size") == 0 && pl_parse_u64(text, &v) == 0 &&
        v <= INT64_MAX)
        list->bytes = (int64_t)v;
    else if (strcmp(name, "ETag") == 0)
        copy(list->etag, sizeof(list->etag), text);
    return 0;
}

static int key_end(void *ctx, struct pl_err *err)
{
    struct key_list *list = ctx;
    const int rc = list->each(list->ctx, pl_buf_str(&list->key), list->bytes,
                              list->etag, err);

    pl_buf_reset(&list->key);
    list->bytes = 0;
    list->etag[0] = '\0';
    return rc == 0 ? 0 : -1;
}

static int list_page(struct pl_aws *aws, const char *bucket, const char *prefix,
                     struct walk *w, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (begin(aws, "GET", bucket, NULL, &req, err) != 0 ||
        add_query(&req, "list-type", "2", err) != 0 ||
        add_query(&req, "encoding-type", "url", err) != 0 ||
        add_query(&req, "prefix", prefix, err) != 0 ||
        (w->next[0] != '\0' &&
         add_query(&req, "continuation-token", w->next, err) != 0) ||
        send_s3(aws, "ListObjectsV2", bucket, "ListBucketResult", &req, &resp,
                err) != 0)
        return -1;
    return walk_xml(w, &resp.body, err);
}

int pl_s3_list(struct pl_aws *aws, const char *bucket, const char *prefix,
               int (*each)(void *ctx, const char *key, int64_t bytes,
                           const char *etag, struct pl_err *err),
               void *ctx, struct pl_err *err)
{
    PL_AUTO(key_list) list = {.each = each, .ctx = ctx};
    struct walk w = {.item = "Contents",
                     .ctx = &list,
                     .field = key_field,
                     .item_end = key_end,
                     .next_name = "NextContinuationToken"};

    do {
        if (list_page(aws, bucket, prefix, &w, err) != 0)
            return -1;
    } while (w.is_truncated);
    return 0;
}
