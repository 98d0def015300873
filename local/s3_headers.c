/* What a PUT says of its object: kept headers, encryption, tags, checksums. */
#include "local/s3.h"

#include "pipeline/base/text.h"

#define META_MAX 2048 /* bytes of x-amz-meta-* */
#define TAGS_MAX 10
#define KMS_ID "x-amz-server-side-encryption-aws-kms-key-id"

static const char *const encryption_names[] = {
    "x-amz-server-side-encryption", KMS_ID,
    "x-amz-server-side-encryption-bucket-key-enabled"};

static void keep(json_t *headers, const char *name, const char *value)
{
    (void)json_object_set_new(headers, name, json_string(value));
}

/* Kinds, and a key for those that have one. Returns an error code or NULL. */
static const char *keep_encryption(const struct local_s3_call *call,
                                   json_t *headers)
{
    static const char *const kinds[] = {"AES256", "aws:kms", "aws:kms:dsse"};
    const char *kind = local_header(call->req, encryption_names[0]);
    const char *id = local_header(call->req, encryption_names[1]);
    const char *bucket_key = local_header(call->req, encryption_names[2]);
    PL_AUTO(pl_buf) arn = PL_BUF_INIT;
    struct pl_err err = {0};

    if (kind == NULL && id != NULL)
        return "InvalidArgument";
    keep(headers, encryption_names[0], kind != NULL ? kind : kinds[0]);
    if (kind == NULL)
        return NULL;
    if (!pl_is_one_of(kind, kinds, PL_COUNT(kinds)))
        return "InvalidArgument";
    if (strcmp(kind, kinds[0]) == 0)
        return id != NULL ? "InvalidArgument" : NULL;
    /* a bare id is answered as an ARN; none means the account's own key */
    if (pl_buf_addf(
            &arn, &err, "%s%s%s",
            id != NULL && pl_starts_with(id, "arn:") ? "" : "arn:aws:kms:",
            id != NULL && pl_starts_with(id, "arn:") ? "" : call->local->region,
            id != NULL && pl_starts_with(id, "arn:") ? ""
                                                     : ":" LOCAL_ACCOUNT
                                                       ":key/") != 0 ||
        pl_buf_adds(&arn, id != NULL ? id : "aws-s3", &err) != 0)
        return "InternalError";
    keep(headers, KMS_ID, arn.data);
    if (bucket_key != NULL && pl_ieq(bucket_key, "true"))
        keep(headers, encryption_names[2], "true");
    return NULL;
}

static const char *keep_class(const struct local_request *req, json_t *headers)
{
    static const char *const classes[] = {"STANDARD",
                                          "REDUCED_REDUNDANCY",
                                          "STANDARD_IA",
                                          "ONEZONE_IA",
                                          "INTELLIGENT_TIERING",
                                          "GLACIER",
                                          "DEEP_ARCHIVE",
                                          "OUTPOSTS",
                                          "GLACIER_IR",
                                          "SNOW",
                                          "EXPRESS_ONEZONE",
                                          "FSX_OPENZFS"};
    const char *name = local_header(req, "x-amz-storage-class");

    if (name == NULL)
        return NULL;
    if (!pl_is_one_of(name, classes, PL_COUNT(classes)))
        return "InvalidStorageClass";
    if (strcmp(name, classes[0]) != 0) /* which no answer mentions */
        keep(headers, "x-amz-storage-class", name);
    return NULL;
}

const char *local_s3_class(const json_t *headers)
{
    const char *name =
        json_string_value(json_object_get(headers, "x-amz-storage-class"));

    return name != NULL ? name : "STANDARD";
}

static const char *check_tag(const struct local_pairs *tags, size_t at)
{
    const struct local_pair *tag = &tags->items[at];

    if (tag->name[0] == '\0' ||
        pl_utf8_count(tag->name, strlen(tag->name)) > 128 ||
        pl_utf8_count(tag->value, strlen(tag->value)) > 256)
        return "InvalidTag";
    for (size_t i = 0; i < at; i++)
        if (strcmp(tags->items[i].name, tag->name) == 0)
            return "InvalidTag";
    return NULL;
}

static const char *keep_tags(const struct local_request *req, json_t *headers)
{
    const char *text = local_header(req, "x-amz-tagging");
    struct local_pairs tags = {.items = NULL};
    const char *code = NULL;
    struct pl_err err = {0};

    if (text == NULL || text[0] == '\0')
        return NULL;
    if (local_pairs_parse(&tags, text, strlen(text), &err) != 0)
        code = "InvalidArgument";
    else if (tags.count > TAGS_MAX)
        code = "BadRequest";
    for (size_t i = 0; code == NULL && i < tags.count; i++)
        code = check_tag(&tags, i);
    local_pairs_release(&tags);
    if (code == NULL)
        keep(headers, "x-amz-tagging", text);
    return code;
}

/* Content-Type and its like, and x-amz-meta-*. */
static const char *keep_meta(const struct local_request *req, json_t *headers)
{
    static const char *const kept[] = {"content-type", "cache-control",
                                       "content-disposition",
                                       "content-language", "expires"};
    size_t meta = 0;

    for (size_t i = 0; i < req->headers.count; i++) {
        const struct local_pair *p = &req->headers.items[i];
        const bool is_meta = pl_starts_with(p->name, "x-amz-meta-");

        if (is_meta)
            meta += strlen(p->name) + strlen(p->value) - strlen("x-amz-meta-");
        if (is_meta || pl_is_one_of(p->name, kept, PL_COUNT(kept)))
            keep(headers, p->name, p->value);
        if (strcmp(p->name, "content-encoding") == 0 &&
            strcmp(p->value, "aws-chunked") != 0)
            keep(headers, p->name,
                 pl_starts_with(p->value, "aws-chunked,")
                     ? p->value + strlen("aws-chunked,")
                     : p->value);
    }
    return meta <= META_MAX ? NULL : "MetadataTooLarge";
}

const char *local_s3_kept_headers(const struct local_s3_call *call,
                                  json_t **headers)
{
    json_t *kept = json_object();
    const char *code = keep_meta(call->req, kept);

    if (code == NULL)
        code = keep_encryption(call, kept);
    if (code == NULL)
        code = keep_class(call->req, kept);
    if (code == NULL)
        code = keep_tags(call->req, kept);
    if (code == NULL)
        *headers = kept;
    else
        json_decref(kept);
    return code;
}

int local_s3_set_encryption(struct local_response *resp, const json_t *headers,
                            struct pl_err *err)
{
    for (size_t i = 0; i < PL_COUNT(encryption_names); i++) {
        const char *value =
            json_string_value(json_object_get(headers, encryption_names[i]));

        if (i == 0 && value == NULL)
            value = "AES256"; /* what S3 does by itself */
        if (value != NULL &&
            local_set_header(resp, encryption_names[i], value, err) != 0)
            return -1;
    }
    return 0;
}

static bool is_encryption(const char *name)
{
    return pl_is_one_of(name, encryption_names, PL_COUNT(encryption_names));
}

int local_s3_set_kept(struct local_response *resp, const json_t *headers,
                      struct pl_err *err)
{
    const char *name;
    json_t *value;
    json_t *map;

    memcpy(&map, &headers, sizeof(map)); /* jansson's loop takes no const */
    json_object_foreach(map, name, value)
    {
        const char *text = json_string_value(value);
        const char *shown = name;
        struct local_pairs tags = {.items = NULL};
        char count[24] = "";

        if (is_encryption(name))
            continue;
        if (strcmp(name, "x-amz-tagging") == 0) {
            if (local_pairs_parse(&tags, text, strlen(text), err) != 0)
                return -1;
            (void)snprintf(count, sizeof(count), "%zu", tags.count);
            local_pairs_release(&tags);
            shown = "x-amz-tagging-count"; /* how many is all that GET tells */
            text = count;
        }
        if (local_set_header(resp, shown, text, err) != 0)
            return -1;
    }
    return local_s3_set_encryption(resp, headers, err);
}

/* The base64 of one checksum, most significant byte first. */
int local_s3_checksum_text(const struct local_s3_file *file, const char *name,
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
        if (local_s3_checksum_text(file, name, &ours, &err) != 0)
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
