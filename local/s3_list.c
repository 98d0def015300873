/* ListObjectsV2. */
#include "local/s3.h"

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

#define PAGE_MAX 1000

struct listing {
    const struct local_s3_call *call;
    const char *prefix;
    const char *delimiter;
    bool is_url; /* encoding-type=url */
    uint64_t max;
    uint64_t found;
    bool is_cut;
    struct pl_buf contents;
    struct pl_buf prefixes;
    struct pl_buf last; /* the last key or common prefix that was given */
};

static void listing_release(struct listing *l)
{
    pl_buf_release(&l->contents);
    pl_buf_release(&l->prefixes);
    pl_buf_release(&l->last);
}

static int add_name(const struct listing *l, struct pl_buf *out,
                    const char *element, const char *name, size_t len,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;

    if ((l->is_url ? pl_uri_encode(&text, name, len, true, err)
                   : pl_buf_add(&text, name, len, err)) != 0)
        return -1;
    return local_xml_element(out, element, pl_buf_str(&text), err);
}

static int keep_last(struct listing *l, const char *name, size_t len,
                     struct pl_err *err)
{
    pl_buf_reset(&l->last);
    l->found++;
    return pl_buf_add(&l->last, name, len, err);
}

/* Which checksums an object has, and of which type. */
static int add_algorithms(struct pl_buf *out, const json_t *meta,
                          struct pl_err *err)
{
    static const char *const names[][2] = {
        {"x-amz-checksum-crc32", "CRC32"},
        {"x-amz-checksum-crc32c", "CRC32C"},
        {"x-amz-checksum-crc64nvme", "CRC64NVME"},
        {"x-amz-checksum-sha256", "SHA256"}};
    const json_t *checksums = json_object_get(meta, "checksums");
    const char *type =
        json_string_value(json_object_get(meta, "checksum_type"));

    for (size_t i = 0; i < PL_COUNT(names); i++)
        if (json_object_get(checksums, names[i][0]) != NULL &&
            local_xml_element(out, "ChecksumAlgorithm", names[i][1], err) != 0)
            return -1;
    return type == NULL ? 0 : local_xml_element(out, "ChecksumType", type, err);
}

static int add_object(struct listing *l, const struct local_s3_object *object,
                      struct pl_err *err)
{
    struct pl_buf *out = &l->contents;
    const json_t *meta = object->meta;
    char date[PL_TIME_LEN];

    pl_time_iso(json_integer_value(json_object_get(meta, "modified_ms")), date);
    if (pl_buf_adds(out, "<Contents>", err) != 0 ||
        add_name(l, out, "Key", object->key, strlen(object->key), err) != 0 ||
        pl_buf_addf(
            out, err,
            "<LastModified>%s</LastModified><ETag>&quot;%s&quot;"
            "</ETag><Size>%lld</Size>"
            "<StorageClass>%s</StorageClass>",
            date, json_string_value(json_object_get(meta, "etag")),
            (long long)json_integer_value(json_object_get(meta, "bytes")),
            local_s3_class(json_object_get(meta, "headers"))) != 0)
        return -1;
    if (add_algorithms(out, meta, err) != 0)
        return -1;
    if (pl_buf_adds(out, "</Contents>", err) != 0)
        return -1;
    return keep_last(l, object->key, strlen(object->key), err);
}

static int add_prefix(struct listing *l, const char *key, size_t len,
                      struct pl_err *err)
{
    if (pl_buf_adds(&l->prefixes, "<CommonPrefixes>", err) != 0 ||
        add_name(l, &l->prefixes, "Prefix", key, len, err) != 0 ||
        pl_buf_adds(&l->prefixes, "</CommonPrefixes>", err) != 0)
        return -1;
    return keep_last(l, key, len, err);
}

/* Where a key is rolled up into a common prefix: the prefix's length, or 0. */
static size_t rolled(const struct listing *l, const char *key)
{
    const char *hit = l->delimiter[0] != '\0'
                          ? strstr(key + strlen(l->prefix), l->delimiter)
                          : NULL;

    return hit != NULL ? (size_t)(hit - key) + strlen(l->delimiter) : 0;
}

/* Lists what stands behind after. Needs the lock. */
static int walk(struct listing *l, const struct local_s3_bucket *b,
                const char *after, struct pl_err *err)
{
    const char *start = strcmp(after, l->prefix) > 0 ? after : l->prefix;

    for (size_t i = local_s3_lower(b, start); i < b->count; i++) {
        const char *key = b->objects[i].key;
        size_t len;

        if (!pl_starts_with(key, l->prefix))
            break;
        len = rolled(l, key);
        /* Behind after, and not in a prefix that was given already. */
        if (strcmp(key, after) <= 0 ||
            (len > 0 && strncmp(key, after, len) == 0 &&
             strlen(after) == len) ||
            (len > 0 && l->last.len == len &&
             memcmp(key, l->last.data, len) == 0))
            continue;
        if (l->found == l->max) {
            l->is_cut = true;
            break;
        }
        if ((len > 0 ? add_prefix(l, key, len, err)
                     : add_object(l, &b->objects[i], err)) != 0)
            return -1;
    }
    return 0;
}

static int add_frame(const struct listing *l, const char *token,
                     const char *start_after, struct pl_err *err)
{
    struct pl_buf *out = &l->call->resp->body;
    PL_AUTO(pl_buf) next = PL_BUF_INIT;

    if (pl_buf_adds(
            out, LOCAL_S3_XML "<ListBucketResult xmlns=\"" LOCAL_S3_XMLNS "\">",
            err) != 0 ||
        local_xml_element(out, "Name", l->call->bucket, err) != 0 ||
        add_name(l, out, "Prefix", l->prefix, strlen(l->prefix), err) != 0 ||
        (l->delimiter[0] != '\0' && add_name(l, out, "Delimiter", l->delimiter,
                                             strlen(l->delimiter), err) != 0) ||
        (start_after != NULL && add_name(l, out, "StartAfter", start_after,
                                         strlen(start_after), err) != 0) ||
        (token != NULL &&
         local_xml_element(out, "ContinuationToken", token, err) != 0) ||
        (l->is_url &&
         pl_buf_adds(out, "<EncodingType>url</EncodingType>", err) != 0))
        return -1;
    if (pl_buf_addf(out, err,
                    "<KeyCount>%llu</KeyCount><MaxKeys>%llu</MaxKeys>"
                    "<IsTruncated>%s</IsTruncated>",
                    (unsigned long long)l->found, (unsigned long long)l->max,
                    l->is_cut ? "true" : "false") != 0)
        return -1;
    if (!l->is_cut)
        return 0;
    if (pl_base64(&next, pl_buf_str(&l->last), l->last.len, err) != 0)
        return -1;
    return local_xml_element(out, "NextContinuationToken", pl_buf_str(&next),
                             err);
}

static int fill(struct listing *l, const char *after, bool *has_bucket,
                struct pl_err *err)
{
    struct local_s3 *s3 = &l->call->local->s3;
    const struct local_s3_bucket *b;
    int rc = 0;

    (void)pthread_mutex_lock(&s3->lock);
    b = local_s3_bucket(s3, l->call->bucket);
    *has_bucket = b != NULL;
    if (b != NULL && l->max > 0)
        rc = walk(l, b, after, err);
    (void)pthread_mutex_unlock(&s3->lock);
    return rc;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

int local_s3_list(const struct local_s3_call *call, struct pl_err *err)
{
    PL_AUTO(listing) l = {.call = call, .max = PAGE_MAX};
    PL_AUTO(pl_buf) after = PL_BUF_INIT;
    const char *max = local_query(call->req, "max-keys");
    const char *token = local_query(call->req, "continuation-token");
    const char *start = local_query(call->req, "start-after");
    const char *encoding = local_query(call->req, "encoding-type");
    struct pl_err bad = {0};
    bool has_bucket;

    l.prefix = or_empty(local_query(call->req, "prefix"));
    l.delimiter = or_empty(local_query(call->req, "delimiter"));
    l.is_url = encoding != NULL;
    if (encoding != NULL && strcmp(encoding, "url") != 0)
        return local_s3_refuse(call, "InvalidArgument");
    if (max != NULL && pl_parse_u64(max, &l.max) != 0)
        return local_s3_refuse(call, "InvalidArgument");
    if (l.max > PAGE_MAX)
        l.max = PAGE_MAX;
    if (token != NULL) {
        if (pl_base64_decode(&after, token, strlen(token), &bad) != 0)
            return local_s3_refuse(call, "InvalidArgument");
    } else if (pl_buf_adds(&after, or_empty(start), err) != 0) {
        return -1;
    }
    if (fill(&l, pl_buf_str(&after), &has_bucket, err) != 0)
        return -1;
    if (!has_bucket)
        return local_s3_refuse(call, "NoSuchBucket");
    if (add_frame(&l, token, start, err) != 0 ||
        pl_buf_adds(&call->resp->body, pl_buf_str(&l.contents), err) != 0 ||
        pl_buf_adds(&call->resp->body, pl_buf_str(&l.prefixes), err) != 0 ||
        pl_buf_adds(&call->resp->body, "</ListBucketResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}
