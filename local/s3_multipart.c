/* Multipart uploads: create, part, complete, abort, and the two lists. */
#include "local/s3.h"

#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define PART_MIN_BYTES ((uint64_t)5 << 20)
#define PARTS_MAX 10000
#define COPY_BYTES ((size_t)256 << 10)

/* Needs the lock. */
static struct local_s3_upload *find_upload(const struct local_s3_call *call,
                                           size_t *at)
{
    const char *id = local_query(call->req, "uploadId");
    struct local_s3 *s3 = &call->local->s3;

    for (size_t i = 0; id != NULL && i < s3->upload_count; i++) {
        struct local_s3_upload *u = s3->uploads[i];

        if (strcmp(u->id, id) == 0 && strcmp(u->bucket, call->bucket) == 0 &&
            strcmp(u->key, call->key.data) == 0) {
            *at = i;
            return u;
        }
    }
    return NULL;
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

/* Takes an upload out of the list: nobody else can finish it meanwhile. */
static struct local_s3_upload *take_upload(const struct local_s3_call *call)
{
    struct local_s3 *s3 = &call->local->s3;
    struct local_s3_upload *upload;
    size_t at = 0;

    (void)pthread_mutex_lock(&s3->lock);
    upload = find_upload(call, &at);
    if (upload != NULL)
        s3->uploads[at] = s3->uploads[--s3->upload_count];
    (void)pthread_mutex_unlock(&s3->lock);
    return upload;
}

static void put_back(struct local_s3 *s3, struct local_s3_upload *upload)
{
    (void)pthread_mutex_lock(&s3->lock);
    s3->uploads[s3->upload_count++] = upload; /* its room is still there */
    (void)pthread_mutex_unlock(&s3->lock);
}

static struct local_s3_upload *make_upload(const struct local_s3_call *call,
                                           struct pl_err *err)
{
    struct local_s3_upload *u = calloc(1, sizeof(*u));
    const char *algorithm = local_header(call->req, "x-amz-checksum-algorithm");
    const char *type = local_header(call->req, "x-amz-checksum-type");

    if (u == NULL) {
        (void)pl_fail_memory(err);
        return NULL;
    }
    if (local_uuid(u->id, err) != 0) {
        free(u);
        return NULL;
    }
    u->bucket = strdup(call->bucket);
    u->key = strdup(call->key.data);
    u->created_ms = pl_now_ms(&pl_clock_real);
    u->headers = local_s3_kept_headers(call->req);
    (void)snprintf(u->algorithm, sizeof(u->algorithm), "%.15s",
                   algorithm != NULL ? algorithm : "CRC64NVME");
    if (type == NULL)
        type = strcmp(u->algorithm, "CRC64NVME") == 0 ? "FULL_OBJECT"
                                                      : "COMPOSITE";
    (void)snprintf(u->type, sizeof(u->type), "%.15s", type);
    if (u->bucket == NULL || u->key == NULL) {
        local_s3_upload_free(&call->local->s3, u);
        (void)pl_fail_memory(err);
        return NULL;
    }
    return u;
}

int local_s3_create_upload(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    struct local_s3_upload *u;
    int rc;

    if (!local_s3_has_bucket(s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    u = make_upload(call, err);
    if (u == NULL)
        return -1;
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
            0) {
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

/* Adds a part or replaces the one with its number. */
static int keep_part(struct local_s3_upload *u,
                     const struct local_s3_part *part, char old_file[40],
                     struct pl_err *err)
{
    size_t at = u->count;

    old_file[0] = '\0';
    while (at > 0 && u->parts[at - 1].number >= part->number)
        at--;
    if (at < u->count && u->parts[at].number == part->number) {
        memcpy(old_file, u->parts[at].file, 40);
        json_decref(u->parts[at].checksums);
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
                            const struct local_s3_part *part)
{
    struct local_s3 *s3 = &call->local->s3;
    struct local_s3_upload *u;
    struct pl_err err = {0};
    char old_file[40] = "";
    const char *code = NULL;
    size_t at = 0;

    (void)pthread_mutex_lock(&s3->lock);
    u = find_upload(call, &at);
    if (u == NULL)
        code = "NoSuchUpload";
    else if (keep_part(u, part, old_file, &err) != 0)
        code = "InternalError";
    (void)pthread_mutex_unlock(&s3->lock);
    if (old_file[0] != '\0')
        local_s3_data_remove(s3, old_file);
    return code;
}

static int answer_part(const struct local_s3_call *call,
                       const struct local_s3_file *file, json_t *checksums,
                       struct pl_err *err)
{
    const char *name;
    json_t *value;
    char md5[33];

    pl_hex(file->md5_value, 16, md5);
    call->resp->status = 200;
    json_object_foreach(checksums, name,
                        value) if (local_set_header(call->resp, name,
                                                    json_string_value(value),
                                                    err) != 0) return -1;
    return local_s3_set_etag(call->resp, md5, err);
}

int local_s3_upload_part(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3_file *file = &call->req->bulk->file;
    struct local_s3_part part = {.bytes = file->bytes,
                                 .modified_ms = pl_now_ms(&pl_clock_real)};
    const char *number = local_query(call->req, "partNumber");
    json_t *checksums = NULL;
    uint64_t n = 0;
    const char *code;
    int rc;

    if (number == NULL || pl_parse_u64(number, &n) != 0 || n < 1 ||
        n > PARTS_MAX)
        return local_s3_refuse(call, "InvalidArgument");
    code = local_s3_checksums(call, file, &checksums);
    if (code != NULL)
        return local_s3_refuse(call, code);
    part.number = (unsigned)n;
    memcpy(part.file, file->name, sizeof(part.file));
    memcpy(part.md5, file->md5_value, sizeof(part.md5));
    part.checksums = json_deep_copy(checksums);
    code = add_part(call, &part);
    if (code == NULL) {
        file->name[0] = '\0'; /* the upload's now */
        rc = answer_part(call, file, checksums, err);
    } else {
        json_decref(part.checksums);
        rc = local_s3_refuse(call, code);
    }
    json_decref(checksums);
    return rc;
}

struct chosen {
    unsigned number;
    char etag[80];
};

struct choice {
    struct chosen *items;
    size_t count;
    size_t cap;
};

static void choice_release(struct choice *c)
{
    free(c->items);
}

static int choose(struct choice *c, const struct chosen *item,
                  struct pl_err *err)
{
    if (c->count == c->cap) {
        const size_t cap = c->cap == 0 ? 64 : c->cap * 2;
        struct chosen *items = realloc(c->items, cap * sizeof(*items));

        if (items == NULL)
            return pl_fail_memory(err);
        c->items = items;
        c->cap = cap;
    }
    c->items[c->count++] = *item;
    return 0;
}

/* Reads <Part><PartNumber>1</PartNumber><ETag>"..."</ETag></Part>... */
static int read_choice(const struct pl_buf *body, struct choice *c,
                       struct pl_err *err)
{
    PL_AUTO(local_xml) xml = {.at = NULL};
    enum local_xml_kind kind = LOCAL_XML_OPEN;
    struct chosen item = {0};
    uint64_t n = 0;

    local_xml_init(&xml, pl_buf_str(body), body->len);
    for (;;) {
        const char *text;

        if (local_xml_next(&xml, &kind, err) != 0)
            return -1;
        if (kind == LOCAL_XML_END)
            break;
        if (kind == LOCAL_XML_OPEN) {
            if (strcmp(xml.name, "Part") == 0)
                item = (struct chosen){0};
            continue;
        }
        text = pl_buf_str(&xml.text);
        if (strcmp(xml.name, "PartNumber") == 0) {
            if (pl_parse_u64(text, &n) != 0 || n > PARTS_MAX)
                return pl_fail(err, PL_DATA_INVALID, "bad part number");
            item.number = (unsigned)n;
        } else if (strcmp(xml.name, "ETag") == 0) {
            text += text[0] == '"';
            (void)snprintf(item.etag, sizeof(item.etag), "%.*s",
                           (int)strcspn(text, "\""), text);
        } else if (strcmp(xml.name, "Part") == 0 &&
                   choose(c, &item, err) != 0) {
            return -1;
        }
    }
    return c->count > 0 ? 0 : pl_fail(err, PL_DATA_INVALID, "no parts");
}

static const struct local_s3_part *find_part(const struct local_s3_upload *u,
                                             unsigned number)
{
    for (size_t i = 0; i < u->count; i++)
        if (u->parts[i].number == number)
            return &u->parts[i];
    return NULL;
}

/* The rules of a completion. Returns an error code or NULL. */
static const char *check_choice(const struct local_s3_upload *u,
                                const struct choice *c)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct local_s3_part *part = find_part(u, c->items[i].number);
        char md5[33];

        if (i > 0 && c->items[i].number <= c->items[i - 1].number)
            return "InvalidPartOrder";
        if (part == NULL)
            return "InvalidPart";
        pl_hex(part->md5, 16, md5);
        if (strcmp(md5, c->items[i].etag) != 0)
            return "InvalidPart";
    }
    for (size_t i = 0; i + 1 < c->count; i++) {
        const struct local_s3_part *part = find_part(u, c->items[i].number);

        if (part == NULL || part->bytes < PART_MIN_BYTES)
            return "EntityTooSmall";
    }
    return NULL;
}

static int copy_part(struct local_s3_file *to, const char *name,
                     struct pl_err *err)
{
    const int fd = local_s3_data_open(to->s3, name, err);
    char *block = malloc(COPY_BYTES);
    ssize_t n = 1;
    int rc = block != NULL ? 0 : pl_fail_memory(err);

    while (rc == 0 && fd >= 0 && n > 0) {
        n = read(fd, block, COPY_BYTES);
        if (n < 0)
            rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot read a part");
        else
            rc = local_s3_file_write(to, block, (size_t)n, err);
    }
    free(block);
    if (fd < 0)
        return -1;
    (void)close(fd);
    return rc;
}

/* A part that check found before; never NULL. */
static const struct local_s3_part *chosen(const struct local_s3_upload *u,
                                          unsigned number)
{
    static const struct local_s3_part none = {.number = 0};
    const struct local_s3_part *part = find_part(u, number);

    return part != NULL ? part : &none;
}

/* The MD5 of the parts' MD5s and their number. */
static void multipart_etag(const struct local_s3_upload *u,
                           const struct choice *c, char etag[64],
                           unsigned char *all)
{
    unsigned char md5[16];
    char hex[33];

    for (size_t i = 0; i < c->count; i++)
        memcpy(all + i * 16, chosen(u, c->items[i].number)->md5, 16);
    pl_md5(all, c->count * 16, md5);
    pl_hex(md5, sizeof(md5), hex);
    (void)snprintf(etag, 64, "%s-%zu", hex, c->count);
}

/* The checksum over the parts' checksums: "value-N". */
static json_t *composite(const struct local_s3_upload *u,
                         const struct choice *c, const char *header)
{
    PL_AUTO(pl_buf) all = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};
    unsigned char raw[32] = {0};
    size_t len = 4;

    for (size_t i = 0; i < c->count; i++) {
        const char *value = json_string_value(
            json_object_get(chosen(u, c->items[i].number)->checksums, header));

        if (value == NULL ||
            pl_base64_decode(&all, value, strlen(value), &err) != 0)
            return json_object();
    }
    if (strcmp(header, "x-amz-checksum-sha256") == 0) {
        pl_sha256(all.data, all.len, raw);
        len = 32;
    } else {
        const uint32_t crc = strcmp(header, "x-amz-checksum-crc32") == 0
                                 ? pl_crc32(0, all.data, all.len)
                                 : pl_crc32c(0, all.data, all.len);

        for (size_t i = 0; i < 4; i++)
            raw[i] = (unsigned char)(crc >> (24 - 8 * i));
    }
    if (pl_base64(&text, raw, len, &err) != 0 ||
        pl_buf_addf(&text, &err, "-%zu", c->count) != 0)
        return json_object();
    return json_pack("{s:s}", header, text.data);
}

/* "x-amz-checksum-crc32" of "CRC32". */
static void checksum_header(const struct local_s3_upload *u, char header[48])
{
    size_t at = (size_t)snprintf(header, 48, "x-amz-checksum-");

    for (const char *p = u->algorithm; *p != '\0' && at < 47; p++)
        header[at++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    header[at] = '\0';
}

static const char *claimed_checksum(const struct local_s3_call *call,
                                    const struct local_s3_file *file,
                                    json_t **checksums)
{
    const char *size = local_header(call->req, "x-amz-mp-object-size");
    uint64_t bytes = 0;

    if (size != NULL &&
        (pl_parse_u64(size, &bytes) != 0 || bytes != file->bytes))
        return "InvalidRequest";
    return local_s3_checksums(call, file, checksums);
}

static const char *finish(const struct local_s3_call *call,
                          struct local_s3_upload *u, const struct choice *c,
                          struct local_s3_file *file, char etag[64],
                          json_t **checksums)
{
    unsigned char *all = malloc(c->count * 16 + 1);
    struct local_s3_put put = {.bucket = u->bucket,
                               .key = u->key,
                               .if_none_match =
                                   local_header(call->req, "if-none-match"),
                               .if_match = local_header(call->req, "if-match"),
                               .etag = etag,
                               .headers = u->headers,
                               .checksum_type = u->type,
                               .part_bytes = json_array()};
    const char *code = NULL;
    char header[48];

    if (all == NULL) {
        json_decref(put.part_bytes);
        return "InternalError";
    }
    multipart_etag(u, c, etag, all);
    free(all);
    checksum_header(u, header);
    if (strcmp(u->type, "COMPOSITE") == 0)
        *checksums = composite(u, c, header);
    else
        code = claimed_checksum(call, file, checksums);
    put.checksums = *checksums;
    for (size_t i = 0; i < c->count; i++)
        (void)json_array_append_new(
            put.part_bytes,
            json_integer((json_int_t)chosen(u, c->items[i].number)->bytes));
    if (code == NULL)
        code = local_s3_commit(&call->local->s3, &put, file);
    json_decref(put.part_bytes);
    return code;
}

static int join_parts(const struct local_s3_upload *u, const struct choice *c,
                      struct local_s3_file *file, struct pl_err *err)
{
    for (size_t i = 0; i < c->count; i++)
        if (copy_part(file, chosen(u, c->items[i].number)->file, err) != 0)
            return -1;
    return local_s3_file_end(file, err);
}

/* The elements of a list or an answer, of checksums as headers name them. */
static int add_checksums(struct pl_buf *out, const json_t *checksums,
                         struct pl_err *err)
{
    static const char *const elements[][2] = {
        {"x-amz-checksum-crc32", "ChecksumCRC32"},
        {"x-amz-checksum-crc32c", "ChecksumCRC32C"},
        {"x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"},
        {"x-amz-checksum-sha256", "ChecksumSHA256"}};

    for (size_t i = 0; i < PL_COUNT(elements); i++) {
        const char *value =
            json_string_value(json_object_get(checksums, elements[i][0]));

        if (value != NULL &&
            local_xml_element(out, elements[i][1], value, err) != 0)
            return -1;
    }
    return 0;
}

static int answer_complete(const struct local_s3_call *call,
                           const struct local_s3_upload *u, const char *etag,
                           json_t *checksums, struct pl_err *err)
{
    struct pl_buf *out = &call->resp->body;

    if (pl_buf_adds(out,
                    LOCAL_S3_XML
                    "<CompleteMultipartUploadResult xmlns=\"" LOCAL_S3_XMLNS
                    "\">",
                    err) != 0 ||
        local_xml_element(out, "Bucket", u->bucket, err) != 0 ||
        local_xml_element(out, "Key", u->key, err) != 0 ||
        pl_buf_addf(out, err, "<ETag>&quot;%s&quot;</ETag>", etag) != 0 ||
        local_xml_element(out, "ChecksumType", u->type, err) != 0 ||
        add_checksums(out, checksums, err) != 0)
        return -1;
    if (pl_buf_adds(out, "</CompleteMultipartUploadResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

/* Joins the parts and makes the object. *code: what S3 refuses with. */
static int complete(const struct local_s3_call *call, struct local_s3_upload *u,
                    const struct choice *c, const char **code,
                    struct pl_err *err)
{
    PL_AUTO(local_s3_file) file = {.fd = -1};
    json_t *checksums = NULL;
    char etag[64] = "";
    char header[48];
    int rc = 0;

    *code = check_choice(u, c);
    if (*code != NULL)
        return 0;
    if (local_s3_file_open(&file, &call->local->s3, err) != 0)
        return -1;
    pl_hash_release(&file.md5); /* the ETag is made of those of the parts */
    checksum_header(u, header);
    file.has_crc32s = pl_starts_with(header, "x-amz-checksum-crc32");
    file.has_sha256 = strcmp(header, "x-amz-checksum-sha256") == 0;
    if (join_parts(u, c, &file, err) != 0)
        return -1;
    *code = finish(call, u, c, &file, etag, &checksums);
    if (*code == NULL)
        rc = answer_complete(call, u, etag, checksums, err);
    json_decref(checksums);
    return rc;
}

int local_s3_complete_upload(const struct local_s3_call *call,
                             struct pl_err *err)
{
    PL_AUTO(choice) c = {.items = NULL};
    struct local_s3_upload *u;
    struct pl_err bad = {0};
    const char *code = NULL;
    int rc;

    if (!local_s3_has_bucket(&call->local->s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    if (read_choice(&call->req->body, &c, &bad) != 0)
        return local_s3_refuse(call, "MalformedXML");
    u = take_upload(call);
    if (u == NULL)
        return local_s3_refuse(call, "NoSuchUpload");
    rc = complete(call, u, &c, &code, err);
    if (rc != 0 || code != NULL) {
        put_back(&call->local->s3, u);
        return rc != 0 ? -1 : local_s3_refuse(call, code);
    }
    local_s3_upload_free(&call->local->s3, u);
    return 0;
}

int local_s3_abort_upload(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3_upload *u = take_upload(call);

    (void)err;
    if (u == NULL)
        return local_s3_refuse(call, "NoSuchUpload");
    local_s3_upload_free(&call->local->s3, u);
    call->resp->status = 204;
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
        add_checksums(out, part->checksums, err) != 0)
        return -1;
    return pl_buf_adds(out, "</Part>", err);
}

/* Needs the lock. */
static int add_parts(struct pl_buf *out, const struct local_s3_upload *u,
                     uint64_t after, uint64_t max, struct pl_err *err)
{
    uint64_t given = 0;
    unsigned last = 0;
    bool is_cut = false;

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
    uint64_t max = 1000;
    uint64_t after = 0;
    size_t at = 0;
    int rc = 0;

    if ((max_text != NULL && pl_parse_u64(max_text, &max) != 0) ||
        (after_text != NULL && pl_parse_u64(after_text, &after) != 0))
        return local_s3_refuse(call, "InvalidArgument");
    if (pl_buf_adds(
            out, LOCAL_S3_XML "<ListPartsResult xmlns=\"" LOCAL_S3_XMLNS "\">",
            err) != 0 ||
        local_xml_element(out, "Bucket", call->bucket, err) != 0 ||
        local_xml_element(out, "Key", call->key.data, err) != 0)
        return -1;
    (void)pthread_mutex_lock(&s3->lock);
    u = find_upload(call, &at);
    if (u != NULL &&
        (local_xml_element(out, "UploadId", u->id, err) != 0 ||
         add_parts(out, u, after, max < 1000 ? max : 1000, err) != 0))
        rc = -1;
    (void)pthread_mutex_unlock(&s3->lock);
    if (u == NULL)
        return local_s3_refuse(call, "NoSuchUpload");
    if (rc != 0 || pl_buf_adds(out, "</ListPartsResult>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

static int add_key(const struct local_s3_call *call, const char *key,
                   struct pl_err *err)
{
    PL_AUTO(pl_buf) encoded = PL_BUF_INIT;
    const char *type = local_query(call->req, "encoding-type");

    if (type == NULL || strcmp(type, "url") != 0)
        return local_xml_element(&call->resp->body, "Key", key, err);
    if (pl_uri_encode(&encoded, key, strlen(key), true, err) != 0)
        return -1;
    return local_xml_element(&call->resp->body, "Key", pl_buf_str(&encoded),
                             err);
}

static int add_uploads(const struct local_s3_call *call, struct pl_err *err)
{
    const struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    const char *prefix = local_query(call->req, "prefix");
    char date[PL_TIME_LEN];

    for (size_t i = 0; i < s3->upload_count; i++) {
        const struct local_s3_upload *u = s3->uploads[i];

        if (strcmp(u->bucket, call->bucket) != 0 ||
            (prefix != NULL && !pl_starts_with(u->key, prefix)))
            continue;
        pl_time_iso(u->created_ms, date);
        if (pl_buf_adds(out, "<Upload>", err) != 0 ||
            add_key(call, u->key, err) != 0 ||
            local_xml_element(out, "UploadId", u->id, err) != 0 ||
            local_xml_element(out, "Initiated", date, err) != 0 ||
            pl_buf_adds(out, "</Upload>", err) != 0)
            return -1;
    }
    return 0;
}

int local_s3_list_uploads(const struct local_s3_call *call, struct pl_err *err)
{
    struct local_s3 *s3 = &call->local->s3;
    struct pl_buf *out = &call->resp->body;
    int rc;

    if (!local_s3_has_bucket(s3, call->bucket))
        return local_s3_refuse(call, "NoSuchBucket");
    if (pl_buf_adds(out,
                    LOCAL_S3_XML
                    "<ListMultipartUploadsResult xmlns=\"" LOCAL_S3_XMLNS "\">",
                    err) != 0 ||
        local_xml_element(out, "Bucket", call->bucket, err) != 0)
        return -1;
    (void)pthread_mutex_lock(&s3->lock);
    rc = add_uploads(call, err);
    (void)pthread_mutex_unlock(&s3->lock);
    if (rc != 0 || pl_buf_adds(out,
                               "<IsTruncated>false</IsTruncated>"
                               "</ListMultipartUploadsResult>",
                               err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}
