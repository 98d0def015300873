#include <string.h>

#include "pipeline/aws/s3_call.h"
#include "pipeline/base/text.h"

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
        if (pl_uri_decode(&list->key, text, strlen(text), true, err) != 0)
            return -1;
        if (strlen(pl_buf_str(&list->key)) != list->key.len)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "a list has a key with a NUL");
        return 0;
    }
    if (strcmp(name, "Size") == 0 && pl_parse_u64(text, &v) == 0 &&
        v <= INT64_MAX)
        list->bytes = (int64_t)v;
    else if (strcmp(name, "ETag") == 0)
        pl_s3_copy(list->etag, sizeof(list->etag), text);
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
                     struct pl_s3_list *w, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};

    if (pl_s3_begin(aws, "GET", bucket, NULL, &req, err) != 0 ||
        pl_s3_query(&req, "list-type", "2", err) != 0 ||
        pl_s3_query(&req, "encoding-type", "url", err) != 0 ||
        pl_s3_query(&req, "prefix", prefix, err) != 0 ||
        (w->next[0] != '\0' &&
         pl_s3_query(&req, "continuation-token", w->next, err) != 0) ||
        pl_s3_send(aws, "ListObjectsV2", bucket, "ListBucketResult", &req,
                   &resp, err) != 0)
        return -1;
    return pl_s3_walk(w, &resp.body, err);
}

int pl_s3_list(struct pl_aws *aws, const char *bucket, const char *prefix,
               int (*each)(void *ctx, const char *key, int64_t bytes,
                           const char *etag, struct pl_err *err),
               void *ctx, struct pl_err *err)
{
    PL_AUTO(key_list) list = {.each = each, .ctx = ctx};
    struct pl_s3_list w = {.item = "Contents",
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

struct upload_list {
    int (*each)(void *ctx, const char *upload_id, const char *begun,
                struct pl_err *err);
    void *ctx;
    const char *key;
    bool is_key;
    char id[1024];
    char begun[64];
};

static int upload_field(void *ctx, const char *name, const char *text,
                        struct pl_err *err)
{
    struct upload_list *list = ctx;

    if (strcmp(name, "Key") == 0) {
        PL_AUTO(pl_buf) key = PL_BUF_INIT;

        if (pl_uri_decode(&key, text, strlen(text), true, err) != 0)
            return -1;
        list->is_key = strcmp(pl_buf_str(&key), list->key) == 0;
    } else if (strcmp(name, "UploadId") == 0) {
        pl_s3_copy(list->id, sizeof(list->id), text);
    } else if (strcmp(name, "Initiated") == 0) {
        pl_s3_copy(list->begun, sizeof(list->begun), text);
    }
    return 0;
}

static int upload_end(void *ctx, struct pl_err *err)
{
    struct upload_list *list = ctx;
    const bool is_ours = list->is_key && list->id[0] != '\0';
    const int rc =
        is_ours ? list->each(list->ctx, list->id, list->begun, err) : 0;

    list->is_key = false;
    list->id[0] = list->begun[0] = '\0';
    return rc == 0 ? 0 : -1;
}

int pl_s3_list_uploads(struct pl_aws *aws, const char *bucket, const char *key,
                       int (*each)(void *ctx, const char *upload_id,
                                   const char *begun, struct pl_err *err),
                       void *ctx, struct pl_err *err)
{
    PL_AUTO(pl_http_request) req = {.sink = NULL};
    PL_AUTO(pl_http_response) resp = {.status = 0};
    struct upload_list list = {.each = each, .ctx = ctx, .key = key};
    struct pl_s3_list walk = {.item = "Upload",
                              .ctx = &list,
                              .field = upload_field,
                              .item_end = upload_end,
                              .next_name = "NextKeyMarker"};

    if (pl_s3_begin(aws, "GET", bucket, NULL, &req, err) != 0 ||
        pl_s3_query(&req, "uploads", "", err) != 0 ||
        pl_s3_query(&req, "encoding-type", "url", err) != 0 ||
        pl_s3_query(&req, "prefix", key, err) != 0 ||
        pl_s3_send(aws, "ListMultipartUploads", bucket,
                   "ListMultipartUploadsResult", &req, &resp, err) != 0)
        return -1;
    return pl_s3_walk(&walk, &resp.body, err);
}
