/* ListParts and ListMultipartUploads. */
#include "local/s3.h"

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define PAGE_MAX 1000

/* The element of a checksum's header. */
static const char *const elements[][2] = {
    {"x-amz-checksum-crc32", "ChecksumCRC32"},
    {"x-amz-checksum-crc32c", "ChecksumCRC32C"},
    {"x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"},
    {"x-amz-checksum-sha256", "ChecksumSHA256"}};

int local_s3_add_checksums(struct pl_buf *out, const json_t *checksums,
                           struct pl_err *err)
{
    for (size_t i = 0; i < PL_COUNT(elements); i++) {
        const char *value =
            json_string_value(json_object_get(checksums, elements[i][0]));

        if (value != NULL &&
            local_xml_element(out, elements[i][1], value, err) != 0)
            return -1;
    }
    return 0;
}

static int add_listed_part(struct pl_buf *out, const struct local_s3_part *part,
                           struct pl_err *err)
{
    char date[PL_TIME_LEN];
    char md5[33];

    pl_time_iso(part->modified_ms, date);
    pl_hex(part->md5, 16, md5);
    if (pl_buf_addf(out, err,
                    "<Part><PartNumber>%u</PartNumber><LastModified>%s"
                    "</LastModified><ETag>&quot;%s&quot;</ETag>"
                    "<Size>%llu</Size>",
                    part->number, date, md5,
                    (unsigned long long)part->bytes) != 0 ||
        local_s3_add_checksums(out, part->checksums, err) != 0)
        return -1;
    return pl_buf_adds(out, "</Part>", err);
}

/* Needs the lock. */
static int add_parts(struct pl_buf *out, const struct local_s3_upload *u,
                     uint64_t after, uint64_t max, struct pl_err *err)
{
    uint64_t given = 0;
    unsigned last = (unsigned)after;
    bool is_cut = false;

    if (pl_buf_addf(out, err,
                    "<StorageClass>%s</StorageClass><ChecksumAlgorithm>%s"
                    "</ChecksumAlgorithm><ChecksumType>%s</ChecksumType>"
                    "<PartNumberMarker>%llu</PartNumberMarker>",
                    local_s3_class(u->headers), u->algorithm, u->type,
                    (unsigned long long)after) != 0)
        return -1;
    for (size_t i = 0; i < u->count && !is_cut; i++) {
        if (u->parts[i].number <= after)
            continue;
        is_cut = given == max;
        if (is_cut)
            break;
        if (add_listed_part(out, &u->parts[i], err) != 0)
            return -1;
        last = u->parts[i].number;
        given++;
    }
    return pl_buf_addf(out, err,
                       "<NextPartNumberMarker>%u</NextPartNumberMarker>"
                       "<MaxParts>%llu</MaxParts>"
                       "<IsTruncated>%s</IsTruncated>",
                       last, (unsigned long long)max,
                       is_cut ? "true" : "false");
}

int local_s3_list_parts(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    const char *max_text = local_query(call->req, "max-parts");
    const char *after_text = local_query(call->req, "part-number-marker");
    const struct local_s3_upload *u;
    uint64_t max = PAGE_MAX;
    uint64_t after = 0;
    int rc = 0;

    if ((max_text != NULL && pl_parse_u64(max_text, &max) != 0) ||
        (after_text != NULL &&
         (pl_parse_u64(after_text, &after) != 0 || after > LOCAL_S3_PARTS_MAX)))
        return local_s3_refuse(call, "InvalidArgument");
    if (pl_buf_adds(
            out, LOCAL_S3_XML "<ListPartsResult xmlns=\"" LOCAL_S3_XMLNS "\">",
            err) != 0 ||
        local_xml_element(out, "Bucket", call->bucket, err) != 0 ||
        local_xml_element(out, "Key", call->key.data, err) != 0)
        return -1;
    (void)pthread_mutex_lock(&s3->lock);
    u = local_s3_find_upload(call);
    if (u != NULL &&
        (local_xml_element(out, "UploadId", u->id, err) != 0 ||
         add_parts(out, u, after, max < PAGE_MAX ? max : PAGE_MAX, err) != 0))
        rc = -1;
    (void)pthread_mutex_unlock(&s3->lock);
    if (u == NULL)
        return local_s3_refuse(call, "NoSuchUpload");
    if (rc != 0 || pl_buf_adds(out, "</ListPartsResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

/* A page of ListMultipartUploads. */
struct page {
    const char *bucket;
    const char *prefix;
    const char *key_after;
    const char *id_after; /* among the uploads of that key; "" for none */
    uint64_t max;
};

static int by_key(const void *a, const void *b)
{
    const struct local_s3_upload *x = *(struct local_s3_upload *const *)a;
    const struct local_s3_upload *y = *(struct local_s3_upload *const *)b;
    const int order = strcmp(x->key, y->key);

    if (order != 0)
        return order;
    if (x->created_ms != y->created_ms)
        return x->created_ms < y->created_ms ? -1 : 1;
    return strcmp(x->id, y->id);
}

/* The uploads that a page may show, in order. Needs the lock. */
static size_t choose_uploads(const struct local_s3 *s3, const struct page *p,
                             struct local_s3_upload **chosen)
{
    size_t count = 0;
    size_t from = 0;

    for (size_t i = 0; i < s3->upload_count; i++) {
        struct local_s3_upload *u = s3->uploads[i];
        const int order = strcmp(u->key, p->key_after);

        if (strcmp(u->bucket, p->bucket) == 0 &&
            pl_starts_with(u->key, p->prefix) &&
            (p->key_after[0] == '\0' || order > 0 ||
             (order == 0 && p->id_after[0] != '\0')))
            chosen[count++] = u;
    }
    qsort(chosen, count, sizeof(*chosen), by_key);
    for (size_t i = 0; i < count && p->id_after[0] != '\0'; i++)
        if (strcmp(chosen[i]->key, p->key_after) == 0 &&
            strcmp(chosen[i]->id, p->id_after) == 0)
            from = i + 1;
    memmove(chosen, chosen + from, (count - from) * sizeof(*chosen));
    return count - from;
}

static int add_upload(struct pl_buf *out, const struct local_s3_upload *u,
                      struct pl_err *err)
{
    char date[PL_TIME_LEN];

    pl_time_iso(u->created_ms, date);
    if (pl_buf_adds(out, "<Upload>", err) != 0 ||
        local_xml_element(out, "Key", u->key, err) != 0 ||
        local_xml_element(out, "UploadId", u->id, err) != 0 ||
        local_xml_element(out, "StorageClass", local_s3_class(u->headers),
                          err) != 0 ||
        local_xml_element(out, "ChecksumAlgorithm", u->algorithm, err) != 0 ||
        local_xml_element(out, "ChecksumType", u->type, err) != 0 ||
        local_xml_element(out, "Initiated", date, err) != 0)
        return -1;
    return pl_buf_adds(out, "</Upload>", err);
}

/* Needs the lock. */
static int add_uploads(const struct local_s3 *s3, const struct page *p,
                       struct pl_buf *out, struct pl_err *err)
{
    struct local_s3_upload **chosen =
        malloc((s3->upload_count + 1) * sizeof(struct local_s3_upload *));
    size_t count;
    size_t shown;
    int rc;

    if (chosen == NULL)
        return pl_fail_memory(err);
    count = choose_uploads(s3, p, chosen);
    shown = count < p->max ? count : (size_t)p->max;
    rc = pl_buf_addf(out, err, "<IsTruncated>%s</IsTruncated>",
                     shown < count ? "true" : "false");
    if (rc == 0 && shown < count && shown > 0 &&
        (local_xml_element(out, "NextKeyMarker", chosen[shown - 1]->key, err) !=
             0 ||
         local_xml_element(out, "NextUploadIdMarker", chosen[shown - 1]->id,
                           err) != 0))
        rc = -1;
    for (size_t i = 0; rc == 0 && i < shown; i++)
        rc = add_upload(out, chosen[i], err);
    free(chosen);
    return rc;
}

static const char *query_or_empty(const struct local_s3_call *call,
                                  const char *name)
{
    const char *text = local_query(call->req, name);

    return text != NULL ? text : "";
}

int local_s3_list_uploads(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    const char *max = local_query(call->req, "max-uploads");
    struct page p = {.bucket = call->bucket,
                     .prefix = query_or_empty(call, "prefix"),
                     .key_after = query_or_empty(call, "key-marker"),
                     .id_after = query_or_empty(call, "upload-id-marker"),
                     .max = PAGE_MAX};
    int rc;

    if (!local_s3_has_bucket(s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    if (query_or_empty(call, "delimiter")[0] != '\0')
        return local_s3_refuse(call, "NotImplemented");
    if (max != NULL && (pl_parse_u64(max, &p.max) != 0 || p.max == 0))
        return local_s3_refuse(call, "InvalidArgument");
    if (p.max > PAGE_MAX)
        p.max = PAGE_MAX;
    if (pl_buf_adds(out,
                    LOCAL_S3_XML
                    "<ListMultipartUploadsResult xmlns=\"" LOCAL_S3_XMLNS "\">",
                    err) != 0 ||
        local_xml_element(out, "Bucket", call->bucket, err) != 0 ||
        local_xml_element(out, "KeyMarker", p.key_after, err) != 0 ||
        local_xml_element(out, "UploadIdMarker", p.id_after, err) != 0 ||
        local_xml_element(out, "Prefix", p.prefix, err) != 0 ||
        pl_buf_addf(out, err, "<MaxUploads>%llu</MaxUploads>",
                    (unsigned long long)p.max) != 0)
        return -1;
    (void)pthread_mutex_lock(&s3->lock);
    rc = add_uploads(s3, &p, out, err);
    (void)pthread_mutex_unlock(&s3->lock);
    if (rc != 0 || pl_buf_adds(out, "</ListMultipartUploadsResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}
