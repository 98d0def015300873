#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/s3_call.h"
#include "pipeline/aws/xml.h"
#include "pipeline/base/text.h"

#define COMPLETE_STALL_MS 600000 /* S3 may take minutes to put parts together */

int pl_s3_create_upload(struct pl_aws *aws, const char *bucket, const char *key,
                        const struct pl_s3_put_options *options,
                        char upload_id[1024], struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "POST", bucket, key, &req, err) != 0 ||
        pl_buf_adds(&req.query, "uploads=", err) != 0 ||
        pl_s3_put_headers(&req, options, err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-algorithm",
                            "CRC64NVME", err) != 0 ||
        pl_http_headers_set(&req.headers, "x-amz-checksum-type", "FULL_OBJECT",
                            err) != 0 ||
        pl_s3_send(aws, "CreateMultipartUpload", bucket,
                   "InitiateMultipartUploadResult", &req, &resp, err) != 0)
        return -1;
    if (!pl_xml_find(pl_buf_str(&resp.body), resp.body.len, "UploadId",
                     upload_id, 1024))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CreateMultipartUpload answered without an id");
    return 0;
}

int pl_s3_upload_part(struct pl_aws *aws, const char *bucket, const char *key,
                      const char *upload_id, int number,
                      const struct pl_blob *blob, struct pl_s3_part *part,
                      struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", number);
    part->number = number;
    part->bytes = (int64_t)blob->len;
    if (pl_s3_begin(aws, "PUT", bucket, key, &req, err) != 0 ||
        pl_s3_query(&req, "partNumber", text, err) != 0 ||
        pl_s3_query(&req, "uploadId", upload_id, err) != 0 ||
        pl_s3_set_body(&req, blob, &part->crc, part->crc64nvme, err) != 0 ||
        pl_s3_send(aws, "UploadPart", bucket, NULL, &req, &resp, err) != 0)
        return -1;
    pl_s3_copy(part->etag, sizeof(part->etag),
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

/* The ETag in the answer, with its quotes. Some gateways leave it empty, or
 * the quotes away: the object itself has it. */
static int read_etag(struct pl_aws *aws, const char *bucket, const char *key,
                     int64_t bytes, const struct pl_http_response *resp,
                     struct pl_s3_object *object, struct pl_err *err)
{
    char etag[sizeof(object->etag) - 2];

    if (!pl_xml_find(pl_buf_str(&resp->body), resp->body.len, "ETag", etag,
                     sizeof(etag)))
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CompleteMultipartUpload answered without an ETag");
    if (etag[0] != '\0') {
        const char *quote = etag[0] == '"' ? "" : "\"";

        (void)snprintf(object->etag, sizeof(object->etag), "%s%s%s", quote,
                       etag, quote);
        return 0;
    }
    if (pl_s3_head(aws, bucket, key, object, err) != 0)
        return pl_context(err, "CompleteMultipartUpload gave no ETag");
    if (object->bytes != bytes)
        return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                       "CompleteMultipartUpload left %" PRId64
                       " bytes, not %" PRId64,
                       object->bytes, bytes);
    return 0;
}

static int complete_once(struct pl_aws *aws, const char *bucket,
                         const char *key, const char *upload_id,
                         const struct pl_buf *body, int64_t bytes,
                         const char *crc64nvme, bool only_if_absent,
                         struct pl_s3_object *object, struct pl_err *err)
{
    char length[24];

    PL_AUTO(pl_http_request) req = {.stall_timeout_ms = COMPLETE_STALL_MS};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "POST", bucket, key, &req, err) != 0 ||
        pl_s3_query(&req, "uploadId", upload_id, err) != 0 ||
        pl_http_headers_set(&req.headers, "content-type", "application/xml",
                            err) != 0)
        return -1;
    (void)snprintf(length, sizeof(length), "%" PRId64, bytes);
    if (pl_http_headers_set(&req.headers, "x-amz-mp-object-size", length,
                            err) != 0 ||
        (only_if_absent &&
         pl_http_headers_set(&req.headers, "if-none-match", "*", err) != 0))
        return -1;
    if (crc64nvme != NULL &&
        (pl_http_headers_set(&req.headers, "x-amz-checksum-crc64nvme",
                             crc64nvme, err) != 0 ||
         pl_http_headers_set(&req.headers, "x-amz-checksum-type", "FULL_OBJECT",
                             err) != 0))
        return -1;
    req.body = body->data;
    req.body_len = body->len;
    if (pl_s3_send(aws, "CompleteMultipartUpload", bucket,
                   "CompleteMultipartUploadResult", &req, &resp, err) != 0)
        return -1;
    return read_etag(aws, bucket, key, bytes, &resp, object, err);
}

/* Whether the key holds what an upload of these parts makes: by the checksum
 * of the whole, or else, unless that must be there, by an ETag that counts as
 * many parts. */
static bool is_completed(struct pl_aws *aws, const char *bucket,
                         const char *key, int64_t bytes, size_t count,
                         const char *crc64nvme, bool is_crc_needed,
                         struct pl_s3_object *object)
{
    struct pl_err ignored = {0};
    char suffix[32];

    if (pl_s3_head(aws, bucket, key, object, &ignored) != 0 ||
        object->bytes != bytes)
        return false;
    if (crc64nvme != NULL && object->crc64nvme[0] != '\0')
        return strcmp(object->crc64nvme, crc64nvme) == 0;
    (void)snprintf(suffix, sizeof(suffix), "-%zu\"", count);
    return !is_crc_needed && pl_ends_with(object->etag, suffix);
}

int pl_s3_complete_upload(struct pl_aws *aws, const char *bucket,
                          const char *key, const char *upload_id,
                          const struct pl_s3_part *parts, size_t count,
                          const char *crc64nvme, bool only_if_absent,
                          struct pl_s3_object *object, struct pl_err *err)
{
    PL_AUTO(pl_buf) body = PL_BUF_INIT;
    struct pl_err cause = {0};
    int64_t bytes = 0;
    bool is_taken;

    for (size_t i = 0; i < count; i++)
        bytes += parts[i].bytes;
    if (complete_body(parts, count, &body, err) != 0)
        return -1;
    memset(object, 0, sizeof(*object));
    if (complete_once(aws, bucket, key, upload_id, &body, bytes, crc64nvme,
                      only_if_absent, object, &cause) == 0) {
        object->bytes = bytes;
        return 0;
    }
    /* an earlier attempt, whose answer was lost, may have done it; or an
     * earlier upload of the same bytes */
    is_taken = strcmp(cause.service, "PreconditionFailed") == 0;
    if ((is_taken || strcmp(cause.service, "NoSuchUpload") == 0) &&
        is_completed(aws, bucket, key, bytes, count, crc64nvme, is_taken,
                     object))
        return 0;
    *err = cause;
    return -1;
}

int pl_s3_abort_upload(struct pl_aws *aws, const char *bucket, const char *key,
                       const char *upload_id, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "DELETE", bucket, key, &req, err) != 0 ||
        pl_s3_query(&req, "uploadId", upload_id, err) != 0)
        return -1;
    return pl_s3_send(aws, "AbortMultipartUpload", bucket, NULL, &req, &resp,
                      err);
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
        pl_s3_copy(list->current.etag, sizeof(list->current.etag), text);
    else if (strcmp(name, "ChecksumCRC64NVME") == 0)
        pl_s3_copy(list->current.crc64nvme, sizeof(list->current.crc64nvme),
                   text);
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
                           struct pl_s3_list *w, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "GET", bucket, key, &req, err) != 0 ||
        pl_s3_query(&req, "uploadId", upload_id, err) != 0 ||
        (w->next[0] != '\0' &&
         pl_s3_query(&req, "part-number-marker", w->next, err) != 0) ||
        pl_s3_send(aws, "ListParts", bucket, "ListPartsResult", &req, &resp,
                   err) != 0)
        return -1;
    return pl_s3_walk(w, &resp.body, err);
}

int pl_s3_list_parts(struct pl_aws *aws, const char *bucket, const char *key,
                     const char *upload_id, struct pl_s3_part **parts,
                     size_t *count, struct pl_err *err)
{
    struct part_list list = {0};
    struct pl_s3_list w = {.item = "Part",
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
