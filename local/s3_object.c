/* One object: put, get with its ranges and conditions, delete. */
#include "local/s3.h"

#include <unistd.h>

#include "local/xml.h"
#include "pipeline/base/text.h"

int local_s3_set_all(struct local_response *resp, const json_t *object,
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

int local_s3_put_object(const struct local_s3_call *call, struct pl_err *err)
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
    if (code == NULL)
        code = local_s3_kept_headers(call, &headers);
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
            local_s3_set_encryption(call->resp, headers, err) != 0 ||
            local_s3_set_all(call->resp, checksums, err) != 0)
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

/* What of an object is asked for. */
struct extent {
    uint64_t from;
    uint64_t len;
    bool is_partial;
    unsigned part_count; /* when a part of a multipart object is asked for */
    char checksum[64];   /* that part's */
};

/* The whole object's, or the part's; of a plain range there is none. */
static int checksum_headers(const struct local_s3_call *call,
                            const json_t *meta, const struct extent *x,
                            struct pl_err *err)
{
    const char *mode = local_header(call->req, "x-amz-checksum-mode");
    const char *type =
        json_string_value(json_object_get(meta, "checksum_type"));
    json_t *all = json_object_get(meta, "checksums");

    if (mode == NULL || !pl_ieq(mode, "ENABLED") ||
        (x->is_partial && x->checksum[0] == '\0' &&
         local_query(call->req, "partNumber") == NULL))
        return 0;
    if (type != NULL &&
        local_set_header(call->resp, "x-amz-checksum-type", type, err) != 0)
        return -1;
    if (x->part_count == 0)
        return local_s3_set_all(call->resp, all, err);
    return x->checksum[0] == '\0' ||
                   json_object_iter_key(json_object_iter(all)) == NULL
               ? 0
               : local_set_header(call->resp,
                                  json_object_iter_key(json_object_iter(all)),
                                  x->checksum, err);
}

static int object_headers(const struct local_s3_call *call, const json_t *meta,
                          const struct extent *x, struct pl_err *err)
{
    struct local_response *resp = call->resp;
    const json_t *headers = json_object_get(meta, "headers");
    char date[32];
    char count[24];

    local_http_date(json_integer_value(json_object_get(meta, "modified_ms")),
                    date);
    (void)snprintf(count, sizeof(count), "%u", x->part_count);
    if (local_s3_set_etag(
            resp, json_string_value(json_object_get(meta, "etag")), err) != 0 ||
        local_set_header(resp, "Last-Modified", date, err) != 0 ||
        local_set_header(resp, "Accept-Ranges", "bytes", err) != 0 ||
        local_s3_set_kept(resp, headers, err) != 0)
        return -1;
    if (json_object_get(headers, "content-type") == NULL &&
        local_set_header(resp, "Content-Type", "binary/octet-stream", err) != 0)
        return -1;
    if (x->part_count > 0 &&
        local_set_header(resp, "x-amz-mp-parts-count", count, err) != 0)
        return -1;
    return checksum_headers(call, meta, x, err);
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

/* Finds part n in "bytes:checksum;bytes:checksum;...". */
static bool find_part(const char *list, uint64_t n, struct extent *x)
{
    x->from = 0;
    for (uint64_t i = 1; *list != '\0'; i++) {
        const size_t end = strcspn(list, ";");
        const size_t digits = strcspn(list, ":");
        const uint64_t bytes = strtoull(list, NULL, 10);

        if (i == n) {
            x->len = bytes;
            (void)snprintf(x->checksum, sizeof(x->checksum), "%.*s",
                           (int)(end - digits - 1), list + digits + 1);
            return true;
        }
        x->from += bytes;
        list += end + (list[end] == ';');
    }
    return false;
}

/* "?partNumber=N": an object put in one piece is its part 1. */
static const char *read_part(const struct local_s3_call *call,
                             const json_t *meta, struct extent *x)
{
    const char *list = json_string_value(json_object_get(meta, "part_list"));
    uint64_t n = 0;

    if (pl_parse_u64(local_query(call->req, "partNumber"), &n) != 0 || n < 1 ||
        n > LOCAL_S3_PARTS_MAX)
        return "InvalidArgument";
    if (local_header(call->req, "range") != NULL)
        return "InvalidRequest";
    if (list != NULL) {
        x->part_count =
            (unsigned)json_integer_value(json_object_get(meta, "parts"));
        if (!find_part(list, n, x))
            return "InvalidPartNumber";
    } else if (n > 1) {
        return "InvalidPartNumber";
    }
    x->is_partial = x->len > 0;
    return NULL;
}

/* Returns an error code or NULL. */
static const char *read_extent(const struct local_s3_call *call,
                               const json_t *meta, uint64_t bytes,
                               struct extent *x)
{
    *x = (struct extent){.len = bytes};
    if (local_query(call->req, "partNumber") != NULL)
        return read_part(call, meta, x);
    return read_range(local_header(call->req, "range"), bytes, &x->from,
                      &x->len, &x->is_partial) == 0
               ? NULL
               : "InvalidRange";
}

static bool is_archived(const json_t *meta)
{
    const char *name = json_string_value(json_object_get(
        json_object_get(meta, "headers"), "x-amz-storage-class"));

    return name != NULL &&
           (strcmp(name, "GLACIER") == 0 || strcmp(name, "DEEP_ARCHIVE") == 0);
}

static int send_object(const struct local_s3_call *call, int *fd,
                       const json_t *meta, struct pl_err *err)
{
    const uint64_t bytes =
        (uint64_t)json_integer_value(json_object_get(meta, "bytes"));
    const bool is_head = strcmp(call->req->method, "HEAD") == 0;
    struct local_response *resp = call->resp;
    struct extent x;
    const char *code;
    char range[80];

    if (is_conditional(call, meta))
        return 0;
    if (!is_head && is_archived(meta))
        return local_s3_refuse(call, "InvalidObjectState");
    code = read_extent(call, meta, bytes, &x);
    if (code != NULL)
        return local_s3_refuse(call, code);
    resp->status = x.is_partial ? 206 : 200;
    if (x.is_partial) {
        (void)snprintf(range, sizeof(range), "bytes %llu-%llu/%llu",
                       (unsigned long long)x.from,
                       (unsigned long long)(x.from + x.len - 1),
                       (unsigned long long)bytes);
        if (local_set_header(resp, "Content-Range", range, err) != 0)
            return -1;
    }
    if (object_headers(call, meta, &x, err) != 0)
        return -1;
    if (is_head) {
        resp->head_bytes = x.len;
        resp->has_head_bytes = true;
    } else {
        resp->is_file = true;
        resp->fd = *fd;
        resp->file_offset = x.from;
        resp->file_bytes = x.len;
        *fd = -1;
    }
    return 0;
}

int local_s3_get_object(const struct local_s3_call *call, struct pl_err *err)
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

int local_s3_delete_object(const struct local_s3_call *call, struct pl_err *err)
{
    const char *code =
        local_s3_delete(&call->local->s3, call->bucket, call->key.data);

    (void)err;
    if (code != NULL)
        return local_s3_refuse(call, code);
    call->resp->status = 204;
    return 0;
}

static int add_tag(struct pl_buf *out, const struct local_pair *tag,
                   struct pl_err *err)
{
    if (pl_buf_adds(out, "<Tag>", err) != 0 ||
        local_xml_element(out, "Key", tag->name, err) != 0 ||
        local_xml_element(out, "Value", tag->value, err) != 0)
        return -1;
    return pl_buf_adds(out, "</Tag>", err);
}

int local_s3_get_tagging(const struct local_s3_call *call, struct pl_err *err)
{
    struct pl_buf *out = &call->resp->body;
    struct local_pairs tags = {.items = NULL};
    json_t *meta = NULL;
    const char *text;
    int fd = -1;
    const char *code = local_s3_get(&call->local->s3, call->bucket,
                                    call->key.data, &fd, &meta);
    int rc = 0;

    if (code != NULL)
        return local_s3_refuse(call, code);
    (void)close(fd);
    text = json_string_value(
        json_object_get(json_object_get(meta, "headers"), "x-amz-tagging"));
    if (text != NULL)
        rc = local_pairs_parse(&tags, text, strlen(text), err);
    json_decref(meta);
    if (rc == 0)
        rc = pl_buf_adds(
            out, LOCAL_S3_XML "<Tagging xmlns=\"" LOCAL_S3_XMLNS "\"><TagSet>",
            err);
    for (size_t i = 0; rc == 0 && i < tags.count; i++)
        rc = add_tag(out, &tags.items[i], err);
    local_pairs_release(&tags);
    if (rc != 0 || pl_buf_adds(out, "</TagSet></Tagging>", err) != 0)
        return -1;
    return local_s3_answer_xml(call, err);
}
