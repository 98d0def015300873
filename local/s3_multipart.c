/* Multipart uploads: create, part, abort. */
#include "local/s3.h"

#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

struct local_s3_upload *local_s3_find_upload(const struct local_s3_call *call)
{
    struct local_s3_upload *u =
        local_s3_upload(&call->local->s3, local_query(call->req, "uploadId"));

    return u != NULL && strcmp(u->bucket, call->bucket) == 0 &&
                   strcmp(u->key, call->key.data) == 0
               ? u
               : NULL;
}

static int add_upload(struct local_s3 *s3, struct local_s3_upload *upload,
                      struct pl_err *err)
{
    struct local_s3_upload **list = realloc(
        s3->uploads, (s3->upload_count + 1) * sizeof(struct local_s3_upload *));

    if (list == NULL)
        return pl_fail_memory(err);
    s3->uploads = list;
    list[s3->upload_count++] = upload;
    return 0;
}

struct local_s3_upload *local_s3_take_upload(const struct local_s3_call *call)
{
    struct local_s3 *s3 = &call->local->s3;
    struct local_s3_upload *upload;

    (void)pthread_mutex_lock(&s3->lock);
    upload = local_s3_find_upload(call);
    for (size_t i = 0; upload != NULL && i < s3->upload_count; i++)
        if (s3->uploads[i] == upload)
            s3->uploads[i] = s3->uploads[--s3->upload_count];
    (void)pthread_mutex_unlock(&s3->lock);
    return upload;
}

/* Which checksum the object will have. Returns an error code or NULL. */
static const char *choose_checksum(const struct local_request *req,
                                   struct local_s3_upload *u)
{
    static const char *const algorithms[] = {"CRC32", "CRC32C", "CRC64NVME",
                                             "SHA256"};
    static const char *const types[] = {"COMPOSITE", "FULL_OBJECT"};
    const char *algorithm = local_header(req, "x-amz-checksum-algorithm");
    const char *type = local_header(req, "x-amz-checksum-type");
    bool is_crc64;

    if (algorithm == NULL)
        algorithm = "CRC64NVME"; /* what S3 does by itself */
    if (!pl_is_one_of(algorithm, algorithms, PL_COUNT(algorithms)))
        return strcmp(algorithm, "SHA1") == 0 ? "NotImplemented"
                                              : "InvalidRequest";
    is_crc64 = strcmp(algorithm, "CRC64NVME") == 0;
    if (type == NULL)
        type = types[is_crc64];
    if (!pl_is_one_of(type, types, PL_COUNT(types)) ||
        (is_crc64 && strcmp(type, types[0]) == 0) ||
        (strcmp(algorithm, "SHA256") == 0 && strcmp(type, types[1]) == 0))
        return "InvalidRequest";
    (void)snprintf(u->algorithm, sizeof(u->algorithm), "%.15s", algorithm);
    (void)snprintf(u->type, sizeof(u->type), "%.15s", type);
    return NULL;
}

/* *code: what S3 refuses with. */
static struct local_s3_upload *make_upload(const struct local_s3_call *call,
                                           const char **code,
                                           struct pl_err *err)
{
    struct local_s3_upload *u = calloc(1, sizeof(*u));

    if (u == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    u->bucket = strdup(call->bucket);
    u->key = strdup(call->key.data);
    u->created_ms = pl_now_ms(&pl_clock_real);
    *code = local_s3_kept_headers(call, &u->headers);
    if (*code == NULL)
        *code = choose_checksum(call->req, u);
    if (u->bucket == NULL || u->key == NULL)
        (void)pl_fail_memory(err);
    else if (*code == NULL && local_uuid(u->id, err) == 0)
        return u;
    local_s3_upload_free(&call->local->s3, u);
    return NULL;
}

int local_s3_create_upload(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    struct local_s3_upload *u;
    const char *code = NULL;
    int rc;

    if (!local_s3_has_bucket(s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    u = make_upload(call, &code, err);
    if (u == NULL)
        return code != NULL ? local_s3_refuse(call, code) : -1;
    if (pl_buf_adds(out,
                    LOCAL_S3_XML
                    "<InitiateMultipartUploadResult xmlns=\"" LOCAL_S3_XMLNS
                    "\">",
                    err) != 0 ||
        local_xml_element(out, "Bucket", u->bucket, err) != 0 ||
        local_xml_element(out, "Key", u->key, err) != 0 ||
        local_xml_element(out, "UploadId", u->id, err) != 0 ||
        pl_buf_adds(out, "</InitiateMultipartUploadResult>", err) != 0 ||
        local_set_header(call->resp, "x-amz-checksum-algorithm", u->algorithm,
                         err) != 0 ||
        local_set_header(call->resp, "x-amz-checksum-type", u->type, err) !=
            0 ||
        local_s3_set_encryption(call->resp, u->headers, err) != 0) {
        local_s3_upload_free(s3, u);
        return -1;
    }
    (void)pthread_mutex_lock(&s3->lock);
    rc = add_upload(s3, u, err);
    (void)pthread_mutex_unlock(&s3->lock);
    if (rc != 0) {
        local_s3_upload_free(s3, u);
        return -1;
    }
    return local_s3_answer_xml(call, err);
}

static void drop_part(struct local_s3 *s3, struct local_s3_upload *u,
                      const struct local_s3_part *part)
{
    if (part->file[0] != '\0')
        local_s3_data_remove(s3, part->file);
    else if (u->slots[part->number] == LOCAL_S3_SLOT_HELD)
        u->slots[part->number] = LOCAL_S3_SLOT_FREE;
    json_decref(part->checksums);
}

/* Adds a part or replaces the one with its number. */
static int keep_part(struct local_s3 *s3, struct local_s3_upload *u,
                     const struct local_s3_part *part, struct pl_err *err)
{
    size_t at = u->count;

    while (at > 0 && u->parts[at - 1].number >= part->number)
        at--;
    if (at < u->count && u->parts[at].number == part->number) {
        drop_part(s3, u, &u->parts[at]);
        u->parts[at] = *part;
        return 0;
    }
    if (u->count == u->cap) {
        const size_t cap = u->cap == 0 ? 16 : u->cap * 2;
        struct local_s3_part *list = realloc(u->parts, cap * sizeof(*list));

        if (list == NULL)
            return pl_fail_memory(err);
        u->parts = list;
        u->cap = cap;
    }
    memmove(&u->parts[at + 1], &u->parts[at],
            (u->count - at) * sizeof(*u->parts));
    u->parts[at] = *part;
    u->count++;
    return 0;
}

/* Hands the part to the upload. Returns an error code or NULL. */
static const char *add_part(const struct local_s3_call *call,
                            const struct local_s3_part *part,
                            struct local_s3_file *file)
{
    struct local_s3 *s3 = &call->local->s3;
    struct local_s3_upload *u;
    struct pl_err err = {0};
    const char *code = NULL;

    (void)pthread_mutex_lock(&s3->lock);
    u = local_s3_find_upload(call);
    if (u == NULL) {
        code = "NoSuchUpload";
    } else if (keep_part(s3, u, part, &err) != 0) {
        code = "InternalError";
    } else {
        if (file->upload[0] != '\0')
            u->slots[file->slot] = LOCAL_S3_SLOT_HELD;
        file->name[0] = '\0'; /* the upload's now */
        file->upload[0] = '\0';
    }
    (void)pthread_mutex_unlock(&s3->lock);
    return code;
}

/* A part's checksum is of the upload's kind, whether or not it was sent.
 * Returns an error code or NULL. */
static const char *part_checksum(const struct local_s3_call *call,
                                 const struct local_s3_file *file,
                                 json_t *checksums)
{
    const struct local_s3_upload *u;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    char header[48] = "";

    (void)pthread_mutex_lock(&call->local->s3.lock);
    u = local_s3_find_upload(call);
    if (u != NULL)
        local_s3_checksum_header(u, header);
    (void)pthread_mutex_unlock(&call->local->s3.lock);
    if (header[0] == '\0')
        return "NoSuchUpload";
    if (json_object_get(checksums, header) != NULL)
        return NULL;
    if (local_s3_checksum_text(file, header, &text, &err) != 0)
        return "InternalError";
    (void)json_object_set_new(checksums, header, json_string(text.data));
    return NULL;
}

static int answer_part(const struct local_s3_call *call,
                       const struct local_s3_part *part,
                       const json_t *checksums, struct pl_err *err)
{
    char md5[33];

    pl_hex(part->md5, 16, md5);
    call->resp->status = 200;
    if (local_s3_set_all(call->resp, checksums, err) != 0)
        return -1;
    return local_s3_set_etag(call->resp, md5, err);
}

int local_s3_upload_part(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3_file *file = &call->req->bulk->file;
    struct local_s3_part part = {.bytes = file->bytes,
                                 .crc64 = file->crc64,
                                 .crc32 = file->crc32,
                                 .crc32c = file->crc32c,
                                 .modified_ms = pl_now_ms(&pl_clock_real)};
    const char *number = local_query(call->req, "partNumber");
    json_t *checksums = NULL;
    uint64_t n = 0;
    const char *code;
    int rc;

    if (number == NULL || pl_parse_u64(number, &n) != 0 || n < 1 ||
        n > LOCAL_S3_PARTS_MAX)
        return local_s3_refuse(call, "InvalidArgument");
    code = local_s3_checksums(call, file, &checksums);
    if (code == NULL)
        code = part_checksum(call, file, checksums);
    part.number = (unsigned)n;
    memcpy(part.file, file->name, sizeof(part.file));
    memcpy(part.md5, file->md5_value, sizeof(part.md5));
    part.checksums = json_deep_copy(checksums);
    if (code == NULL)
        code = add_part(call, &part, file);
    if (code == NULL) {
        rc = answer_part(call, &part, checksums, err);
    } else {
        json_decref(part.checksums);
        rc = local_s3_refuse(call, code);
    }
    json_decref(checksums);
    return rc;
}

int local_s3_abort_upload(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3_upload *u = local_s3_take_upload(call);

    (void)err;
    if (u == NULL)
        return local_s3_refuse(call, "NoSuchUpload");
    local_s3_upload_free(&call->local->s3, u);
    call->resp->status = 204;
    return 0;
}
