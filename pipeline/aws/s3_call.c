#include "pipeline/aws/s3_call.h"

#include <string.h>

#include "pipeline/aws/xml.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"

int pl_s3_begin(struct pl_aws *aws, const char *method, const char *bucket,
                const char *key, struct pl_http_request *req,
                struct pl_err *err)
{
    char region[64];
    bool is_path_style = false;

    req->method = method;
    pl_aws_bucket_region(aws, bucket, region);
    if ((aws->bucket_owner != NULL &&
         pl_http_headers_set(&req->headers, "x-amz-expected-bucket-owner",
                             aws->bucket_owner, err) != 0) ||
        pl_aws_begin(aws, PL_AWS_S3, region, bucket, req, &is_path_style,
                     err) != 0 ||
        pl_buf_addc(&req->path, '/', err) != 0)
        return -1;
    if (is_path_style &&
        (pl_buf_adds(&req->path, bucket, err) != 0 ||
         (key != NULL && pl_buf_addc(&req->path, '/', err) != 0)))
        return -1;
    return key != NULL ? pl_uri_encode(&req->path, key, strlen(key), true, err)
                       : 0;
}

int pl_s3_query(struct pl_http_request *req, const char *name,
                const char *value, struct pl_err *err)
{
    if (pl_buf_addf(&req->query, err, "%s%s=", req->query.len > 0 ? "&" : "",
                    name) != 0)
        return -1;
    return pl_uri_encode(&req->query, value, strlen(value), false, err);
}

int pl_s3_send(struct pl_aws *aws, const char *operation, const char *bucket,
               const char *root, struct pl_http_request *req,
               struct pl_http_response *resp, struct pl_err *err)
{
    char region[64];
    /* the same PUT gives the same object; but an upload begun twice leaves one
     * behind */
    struct pl_aws_call call = {
        .service = PL_AWS_S3,
        .protocol = PL_AWS_S3XML,
        .operation = operation,
        .region = region,
        .is_idempotent = strcmp(operation, "CreateMultipartUpload") != 0,
        .bucket = bucket,
        .root = root};

    pl_aws_bucket_region(aws, bucket, region);
    /* over TLS the checksum header protects the body; hashing it as well
     * would cost more than the rest of the upload */
    if (req->body_len > 0 &&
        (pl_starts_with(req->base.data, "https://") ||
         (aws->is_payload_unsigned && pl_aws_is_loopback(req->base.data))) &&
        pl_http_headers_get(&req->headers, "x-amz-checksum-crc64nvme") != NULL)
        call.payload_hash = "UNSIGNED-PAYLOAD";
    return pl_aws_send(aws, &call, req, resp, err);
}

void pl_s3_copy(char *to, size_t cap, const char *from)
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

/* A composite value ends in "-N"; one of another length than its kind has is
 * none (seen from servers that are not S3). */
static bool read_checksum(const struct pl_http_response *resp,
                          const char *header, size_t len,
                          struct pl_s3_checksum *sum)
{
    const char *value = pl_http_headers_get(&resp->headers, header);
    const char *type =
        pl_http_headers_get(&resp->headers, "x-amz-checksum-type");
    const bool is_composite = type != NULL && strcmp(type, "COMPOSITE") == 0;
    uint64_t parts = 0;

    if (value == NULL || strlen(value) < len)
        return false;
    if (value[len] == '-' ? pl_parse_u64(value + len + 1, &parts) != 0 ||
                                parts == 0 || parts > PL_S3_PARTS_MAX
                          : value[len] != '\0' || is_composite)
        return false;
    memcpy(sum->value, value, len);
    sum->value[len] = '\0';
    sum->parts = (int)parts;
    return true;
}

static void read_checksums(const struct pl_http_response *resp,
                           struct pl_s3_checksum *best)
{
    static const struct {
        enum pl_s3_checksum_kind kind;
        const char *header;
        size_t len; /* of the base64 */
    } kinds[] = {{PL_S3_CRC64NVME, "x-amz-checksum-crc64nvme", 12},
                 {PL_S3_CRC32C, "x-amz-checksum-crc32c", 8},
                 {PL_S3_CRC32, "x-amz-checksum-crc32", 8},
                 {PL_S3_SHA256, "x-amz-checksum-sha256", 44}};

    memset(best, 0, sizeof(*best));
    for (size_t i = 0; i < PL_COUNT(kinds); i++) {
        struct pl_s3_checksum sum = {.kind = kinds[i].kind};

        if (read_checksum(resp, kinds[i].header, kinds[i].len, &sum) &&
            (best->kind == PL_S3_NO_CHECKSUM ||
             (best->parts > 0 && sum.parts == 0)))
            *best = sum;
    }
}

void pl_s3_read_object(const struct pl_http_response *resp,
                       struct pl_s3_object *object)
{
    const struct pl_s3_checksum *sum = &object->checksum;

    object->bytes = whole_bytes(resp);
    pl_s3_copy(object->etag, sizeof(object->etag),
               pl_http_headers_get(&resp->headers, "etag"));
    read_checksums(resp, &object->checksum);
    pl_s3_copy(object->crc64nvme, sizeof(object->crc64nvme),
               sum->kind == PL_S3_CRC64NVME && sum->parts == 0 ? sum->value
                                                               : "");
}

static int set_if(struct pl_http_request *req, const char *name,
                  const char *value, struct pl_err *err)
{
    return value == NULL || *value == '\0'
               ? 0
               : pl_http_headers_set(&req->headers, name, value, err);
}

static int set_metadata(struct pl_http_request *req,
                        const struct pl_s3_put_options *options,
                        struct pl_err *err)
{
    for (size_t i = 0; i < PL_S3_METADATA_MAX && options->metadata[i] != NULL;
         i++) {
        const char *text = options->metadata[i];
        const char *equals = strchr(text, '=');
        PL_AUTO(pl_buf) name = PL_BUF_INIT;

        if (equals == NULL || equals == text)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "metadata '%s' is not NAME=VALUE", text);
        if (pl_buf_addf(&name, err, "x-amz-meta-%.*s", (int)(equals - text),
                        text) != 0 ||
            pl_http_headers_set(&req->headers, name.data, equals + 1, err) != 0)
            return -1;
    }
    return 0;
}

int pl_s3_put_headers(struct pl_http_request *req,
                      const struct pl_s3_put_options *options,
                      struct pl_err *err)
{
    static const struct pl_s3_put_options none = {.content_type = NULL};
    const struct pl_s3_put_options *o = options != NULL ? options : &none;
    PL_AUTO(pl_buf) context = PL_BUF_INIT;

    if (o->kms_context != NULL &&
        pl_base64(&context, o->kms_context, strlen(o->kms_context), err) != 0)
        return -1;
    if (set_if(req, "content-type",
               o->content_type != NULL ? o->content_type
                                       : "application/octet-stream",
               err) != 0 ||
        set_if(req, "x-amz-server-side-encryption", o->encryption, err) != 0 ||
        set_if(req, "x-amz-server-side-encryption-aws-kms-key-id", o->kms_key,
               err) != 0 ||
        set_if(req, "x-amz-server-side-encryption-context",
               pl_buf_str(&context), err) != 0 ||
        set_if(req, "x-amz-server-side-encryption-bucket-key-enabled",
               o->use_bucket_key ? "true" : NULL, err) != 0 ||
        set_if(req, "x-amz-storage-class", o->storage_class, err) != 0 ||
        set_if(req, "x-amz-tagging", o->tags, err) != 0)
        return -1;
    return set_metadata(req, o, err);
}

static void add_crc(void *ctx, const void *data, size_t len)
{
    uint64_t *crc = ctx;

    *crc = pl_crc64nvme(*crc, data, len);
}

int pl_s3_set_body(struct pl_http_request *req, const struct pl_blob *blob,
                   uint64_t *crc, char text[16], struct pl_err *err)
{
    *crc = 0;
    if (pl_blob_each(blob, add_crc, crc, err) != 0)
        return -1;
    pl_crc64_text(*crc, text);
    req->body = blob->data;
    req->body_len = blob->len;
    req->blob = blob->data == NULL ? blob : NULL;
    return pl_http_headers_set(&req->headers, "x-amz-checksum-crc64nvme", text,
                               err);
}

int pl_s3_walk(struct pl_s3_list *w, const struct pl_buf *body,
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
