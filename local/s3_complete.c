/* The end of a multipart upload: the parts become one object. */
#include "local/s3.h"

#include <sys/types.h>
#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/text.h"

#define PART_MIN_BYTES ((uint64_t)5 << 20)
#define COPY_BYTES ((size_t)1 << 20)

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
            if (pl_parse_u64(text, &n) != 0 || n > LOCAL_S3_PARTS_MAX)
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
        if (c->items[i].number != i + 1 && strcmp(u->type, "COMPOSITE") == 0)
            return "InternalError"; /* as S3 does */
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

void local_s3_checksum_header(const struct local_s3_upload *u, char header[48])
{
    size_t at = (size_t)snprintf(header, 48, "x-amz-checksum-");

    for (const char *p = u->algorithm; *p != '\0' && at < 47; p++)
        header[at++] = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    header[at] = '\0';
}

/* The checksum over all bytes, put together from the parts'. */
static json_t *full_object(const struct local_s3_file *file, const char *header)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    struct pl_err err = {0};

    if (local_s3_checksum_text(file, header, &text, &err) != 0)
        return json_object();
    return json_pack("{s:s}", header, text.data);
}

/* Compares what the request claims of the object. Returns an error code or
 * NULL. */
static const char *check_claims(const struct local_s3_call *call,
                                const struct local_s3_file *file,
                                const json_t *checksums, const char *header)
{
    const char *size = local_header(call->req, "x-amz-mp-object-size");
    const char *claimed = local_header(call->req, header);
    const char *ours = json_string_value(json_object_get(checksums, header));
    uint64_t bytes = 0;

    if (size != NULL &&
        (pl_parse_u64(size, &bytes) != 0 || bytes != file->bytes))
        return "InvalidRequest";
    return claimed == NULL || (ours != NULL && strcmp(claimed, ours) == 0)
               ? NULL
               : "BadDigest";
}

/* Size and checksums of what the parts will be together. */
static void sum_up(const struct local_s3_upload *u, const struct choice *c,
                   struct local_s3_file *file)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct local_s3_part *part = chosen(u, c->items[i].number);

        file->crc64 =
            pl_crc64nvme_combine(file->crc64, part->crc64, part->bytes);
        file->crc32 = pl_crc32_combine(file->crc32, part->crc32, part->bytes);
        file->crc32c =
            pl_crc32c_combine(file->crc32c, part->crc32c, part->bytes);
        file->bytes += part->bytes;
    }
}

/* "bytes:checksum;" for each part, for GET with partNumber. */
static int list_parts(const struct local_s3_upload *u, const struct choice *c,
                      const char *header, struct pl_buf *out,
                      struct pl_err *err)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct local_s3_part *part = chosen(u, c->items[i].number);
        const char *value =
            json_string_value(json_object_get(part->checksums, header));

        if (pl_buf_addf(out, err, "%llu:%s;", (unsigned long long)part->bytes,
                        value != NULL ? value : "") != 0)
            return -1;
    }
    return 0;
}

/* Makes the object of a file that has all bytes. *code: what S3 refuses
 * with. */
static int finish(const struct local_s3_call *call, struct local_s3_upload *u,
                  const struct choice *c, struct local_s3_file *file,
                  const json_t *checksums, const char *etag, const char **code,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) list = PL_BUF_INIT;
    json_t *kept;
    char header[48];

    memcpy(&kept, &checksums, sizeof(kept)); /* it only gains a reference */
    local_s3_checksum_header(u, header);
    if (list_parts(u, c, header, &list, err) != 0)
        return -1;
    {
        const struct local_s3_put put = {
            .bucket = u->bucket,
            .key = u->key,
            .if_none_match = local_header(call->req, "if-none-match"),
            .if_match = local_header(call->req, "if-match"),
            .etag = etag,
            .headers = u->headers,
            .checksums = kept,
            .checksum_type = u->type,
            .part_count = (unsigned)c->count,
            .part_list = list.data};

        *code = local_s3_commit(&call->local->s3, &put, file);
    }
    return 0;
}

/* Copies a part, from wherever it is, to a place in another file. */
static int copy_part(const struct local_s3 *s3, const struct local_s3_upload *u,
                     const struct local_s3_part *part, int to, uint64_t at,
                     struct pl_err *err)
{
    const bool is_own = part->file[0] != '\0';
    const uint64_t from = is_own ? 0 : (part->number - 1) * u->slot_bytes;
    const int fd = local_s3_data_open(s3, is_own ? part->file : u->joined, err);
    char *block = malloc(COPY_BYTES);
    int rc = block != NULL ? 0 : pl_fail_memory(err);

    for (uint64_t done = 0; rc == 0 && fd >= 0 && done < part->bytes;) {
        const uint64_t left = part->bytes - done;
        const ssize_t n =
            pread(fd, block, left < COPY_BYTES ? (size_t)left : COPY_BYTES,
                  (off_t)(from + done));

        if (n <= 0 || pwrite(to, block, (size_t)n, (off_t)(at + done)) != n)
            rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot copy a part");
        else
            done += (uint64_t)n;
    }
    free(block);
    if (fd < 0)
        return -1;
    (void)close(fd);
    return rc;
}

/* Whether the joined file can become the object: all parts, of one length but
 * for the last, and nobody still writes into it. */
static bool is_regular(const struct local_s3_upload *u, const struct choice *c)
{
    if (u->joined[0] == '\0' || u->count != c->count)
        return false;
    for (size_t i = 0; i < u->count; i++)
        if (u->parts[i].number != i + 1 || u->parts[i].bytes > u->slot_bytes ||
            (i + 1 < u->count && u->parts[i].bytes != u->slot_bytes))
            return false;
    return memchr(u->slots, LOCAL_S3_SLOT_WRITING, LOCAL_S3_PARTS_MAX + 1) ==
           NULL;
}

/* Moves the parts that have files of their own into their slots. */
static int fill_slots(const struct local_s3 *s3, struct local_s3_upload *u,
                      uint64_t bytes, struct pl_err *err)
{
    const int fd = local_s3_data_write(s3, u->joined, 0, err);
    int rc = fd >= 0 ? 0 : -1;

    for (size_t i = 0; rc == 0 && i < u->count; i++) {
        struct local_s3_part *part = &u->parts[i];

        if (part->file[0] == '\0')
            continue;
        rc = copy_part(s3, u, part, fd, i * u->slot_bytes, err);
        if (rc == 0) {
            local_s3_data_remove(s3, part->file);
            part->file[0] = '\0';
            u->slots[part->number] = LOCAL_S3_SLOT_HELD;
        }
    }
    /* the last slot may have held something longer */
    if (rc == 0 && ftruncate(fd, (off_t)bytes) != 0)
        rc = pl_fail_errno(err, PL_FILE_ERROR, "cannot join the parts");
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int join_parts(const struct local_s3_upload *u, const struct choice *c,
                      const struct local_s3_file *file, struct pl_err *err)
{
    uint64_t at = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct local_s3_part *part = chosen(u, c->items[i].number);

        if (copy_part(file->s3, u, part, file->fd, at, err) != 0)
            return -1;
        at += part->bytes;
    }
    return 0;
}

static int answer_complete(const struct local_s3_call *call,
                           const struct local_s3_upload *u, const char *etag,
                           const json_t *checksums, struct pl_err *err)
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
        local_xml_element(out, "ChecksumType", u->type, err) != 0)
        return -1;
    if (local_s3_add_checksums(out, checksums, err) != 0)
        return -1;
    if (pl_buf_adds(out, "</CompleteMultipartUploadResult>", err) != 0)
        return -1;
    if (local_s3_set_encryption(call->resp, u->headers, err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}

/* Joins the parts and makes the object. */
static int commit(const struct local_s3_call *call, struct local_s3_upload *u,
                  const struct choice *c, struct local_s3_file *sum,
                  const json_t *checksums, const char *etag, const char **code,
                  struct pl_err *err)
{
    PL_AUTO(local_s3_file) file = {.fd = -1};
    int rc;

    if (is_regular(u, c)) {
        if (fill_slots(&call->local->s3, u, sum->bytes, err) != 0)
            return -1;
        memcpy(sum->name, u->joined, sizeof(sum->name));
        rc = finish(call, u, c, sum, checksums, etag, code, err);
        if (rc == 0 && *code == NULL)
            u->joined[0] = '\0'; /* an object's now */
        return rc;
    }
    if (local_s3_file_open(&file, &call->local->s3, err) != 0 ||
        join_parts(u, c, &file, err) != 0)
        return -1;
    file.bytes = sum->bytes;
    return finish(call, u, c, &file, checksums, etag, code, err);
}

/* *code: what S3 refuses with. */
static int complete(const struct local_s3_call *call, struct local_s3_upload *u,
                    const struct choice *c, const char **code,
                    struct pl_err *err)
{
    struct local_s3_file sum = {.fd = -1}; /* the object to be */
    unsigned char *all;
    json_t *checksums;
    char etag[64] = "";
    char header[48];
    int rc = 0;

    *code = check_choice(u, c);
    if (*code != NULL)
        return 0;
    all = malloc((c->count + 1) * 16); /* at least something */
    if (all == NULL)
        return pl_fail_memory(err);
    multipart_etag(u, c, etag, all);
    free(all);
    sum_up(u, c, &sum);
    local_s3_checksum_header(u, header);
    checksums = strcmp(u->type, "COMPOSITE") == 0 ? composite(u, c, header)
                                                  : full_object(&sum, header);
    *code = check_claims(call, &sum, checksums, header);
    if (*code == NULL)
        rc = commit(call, u, c, &sum, checksums, etag, code, err);
    if (rc == 0 && *code == NULL)
        rc = answer_complete(call, u, etag, checksums, err);
    json_decref(checksums);
    return rc;
}

static void put_back(struct local_s3 *s3, struct local_s3_upload *upload)
{
    struct local_s3_upload **list;

    (void)pthread_mutex_lock(&s3->lock);
    list = realloc(s3->uploads, (s3->upload_count + 1) * sizeof(*list));
    if (list != NULL) {
        s3->uploads = list;
        list[s3->upload_count++] = upload;
    }
    (void)pthread_mutex_unlock(&s3->lock);
    if (list == NULL)
        local_s3_upload_free(s3, upload);
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
    u = local_s3_take_upload(call);
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
