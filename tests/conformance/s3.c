/*
 * s3 - one call of our S3 client from the command line: what the tests drive
 * against servers that are not ours. Prints one JSON object: what came back,
 * or {"error": {...}}, and ends with the exit status of the error.
 *
 * The tampering is done behind the signer, as by somebody on the way.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)

struct run {
    struct pl_aws *aws;
    char **arg; /* the operands behind the call's name: BUCKET KEY ... */
    int64_t first;
    int64_t last;
    const char *if_match;
    bool only_if_absent;
    json_t *out;
};

static int read_file(const char *path, struct pl_buf *data, struct pl_err *err)
{
    char block[65536];
    size_t n;
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", path);
    data->max_bytes = FILE_BYTES_MAX;
    while ((n = fread(block, 1, sizeof(block), file)) > 0)
        if (pl_buf_add(data, block, n, err) != 0)
            break;
    (void)fclose(file);
    return err->code == PL_OK ? 0 : -1;
}

static void put(json_t *to, const char *name, const char *value)
{
    (void)json_object_set_new(to, name, json_string(value));
}

static void put_object(json_t *to, const struct pl_s3_object *object)
{
    (void)json_object_set_new(to, "bytes", json_integer(object->bytes));
    put(to, "etag", object->etag);
    put(to, "crc64nvme", object->crc64nvme);
}

static json_t *part_json(const struct pl_s3_part *part)
{
    json_t *out = json_object();

    (void)json_object_set_new(out, "number", json_integer(part->number));
    (void)json_object_set_new(out, "bytes", json_integer(part->bytes));
    put(out, "etag", part->etag);
    put(out, "crc64nvme", part->crc64nvme);
    return out;
}

/* BUCKET KEY FILE */
static int get(struct run *r, struct pl_err *err)
{
    struct pl_s3_object object = {.bytes = -1};
    PL_AUTO(pl_buf) data = PL_BUF_INIT_MAX(FILE_BYTES_MAX);
    const struct pl_sink sink = pl_buf_sink(&data);
    FILE *file;

    if (pl_s3_get(r->aws, r->arg[0], r->arg[1], r->first, r->last, r->if_match,
                  &sink, &object, err) != 0)
        return -1;
    file = fopen(r->arg[2], "wb");
    if (file == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot open '%s'", r->arg[2]);
    if (data.len > 0)
        (void)fwrite(data.data, 1, data.len, file);
    if (fclose(file) != 0)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot write '%s'",
                             r->arg[2]);
    put_object(r->out, &object);
    (void)json_object_set_new(r->out, "received",
                              json_integer((json_int_t)data.len));
    return 0;
}

/* BUCKET KEY */
static int head(struct run *r, struct pl_err *err)
{
    struct pl_s3_object object = {.bytes = -1};

    if (pl_s3_head(r->aws, r->arg[0], r->arg[1], &object, err) != 0)
        return -1;
    put_object(r->out, &object);
    return 0;
}

/* BUCKET KEY FILE */
static int put_file(struct run *r, struct pl_err *err)
{
    const struct pl_s3_put_options options = {.only_if_absent =
                                                  r->only_if_absent};
    struct pl_s3_object object = {.bytes = -1};
    PL_AUTO(pl_buf) data = PL_BUF_INIT;
    struct pl_blob blob = {.data = ""};

    if (read_file(r->arg[2], &data, err) != 0)
        return -1;
    blob.data = pl_buf_str(&data);
    blob.len = data.len;
    if (pl_s3_put(r->aws, r->arg[0], r->arg[1], &blob, &options, &object,
                  err) != 0)
        return -1;
    put_object(r->out, &object);
    return 0;
}

/* BUCKET KEY */
static int create(struct run *r, struct pl_err *err)
{
    char id[1024];

    if (pl_s3_create_upload(r->aws, r->arg[0], r->arg[1], NULL, id, err) != 0)
        return -1;
    put(r->out, "upload_id", id);
    return 0;
}

/* BUCKET KEY UPLOAD NUMBER FILE */
static int upload_part(struct run *r, struct pl_err *err)
{
    PL_AUTO(pl_buf) data = PL_BUF_INIT;
    struct pl_blob blob = {.data = ""};
    struct pl_s3_part part = {.number = 0};

    if (read_file(r->arg[4], &data, err) != 0)
        return -1;
    blob.data = pl_buf_str(&data);
    blob.len = data.len;
    if (pl_s3_upload_part(r->aws, r->arg[0], r->arg[1], r->arg[2],
                          (int)strtol(r->arg[3], NULL, 10), &blob, &part,
                          err) != 0)
        return -1;
    json_decref(r->out);
    r->out = part_json(&part);
    return 0;
}

static void read_part(const json_t *in, struct pl_s3_part *part)
{
    part->number = (int)json_integer_value(json_object_get(in, "number"));
    part->bytes = json_integer_value(json_object_get(in, "bytes"));
    (void)snprintf(part->etag, sizeof(part->etag), "%s",
                   json_string_value(json_object_get(in, "etag")));
    (void)snprintf(part->crc64nvme, sizeof(part->crc64nvme), "%s",
                   json_string_value(json_object_get(in, "crc64nvme")));
}

/* BUCKET KEY UPLOAD FILE: an array of what `part` printed */
static int complete(struct run *r, struct pl_err *err)
{
    json_t *in = json_load_file(r->arg[3], 0, NULL);
    const size_t count = json_array_size(in);
    struct pl_s3_part *parts = calloc(count + 1, sizeof(*parts));
    struct pl_s3_object object = {.bytes = -1};
    int rc = -1;

    if (in != NULL && parts != NULL) {
        for (size_t i = 0; i < count; i++)
            read_part(json_array_get(in, i), &parts[i]);
        rc = pl_s3_complete_upload(r->aws, r->arg[0], r->arg[1], r->arg[2],
                                   parts, count, NULL, r->only_if_absent,
                                   &object, err);
    } else {
        (void)pl_fail(err, PL_USAGE_INVALID, "no parts in '%s'", r->arg[3]);
    }
    free(parts);
    json_decref(in);
    if (rc == 0)
        put_object(r->out, &object);
    return rc;
}

/* BUCKET KEY UPLOAD */
static int abort_upload(struct run *r, struct pl_err *err)
{
    return pl_s3_abort_upload(r->aws, r->arg[0], r->arg[1], r->arg[2], err);
}

/* BUCKET KEY UPLOAD */
static int list_parts(struct run *r, struct pl_err *err)
{
    struct pl_s3_part *parts = NULL;
    json_t *list = json_array();
    size_t count = 0;

    (void)json_object_set_new(r->out, "parts", list);
    if (pl_s3_list_parts(r->aws, r->arg[0], r->arg[1], r->arg[2], &parts,
                         &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, part_json(&parts[i]));
    free(parts);
    return 0;
}

static int add_key(void *ctx, const char *key, int64_t bytes, const char *etag,
                   struct pl_err *err)
{
    json_t *entry = json_object();

    put(entry, "key", key);
    put(entry, "etag", etag);
    (void)json_object_set_new(entry, "bytes", json_integer(bytes));
    if (json_object_size(entry) != 3) {
        json_decref(entry);
        return pl_fail(err, PL_DATA_INVALID, "a key that is no UTF-8");
    }
    return json_array_append_new(ctx, entry);
}

/* BUCKET PREFIX */
static int list(struct run *r, struct pl_err *err)
{
    json_t *keys = json_array();

    (void)json_object_set_new(r->out, "keys", keys);
    return pl_s3_list(r->aws, r->arg[0], r->arg[1], add_key, keys, err);
}

static const struct {
    const char *name;
    int operands;
    int (*call)(struct run *r, struct pl_err *err);
} calls[] = {
    {"get", 3, get},
    {"head", 2, head},
    {"put", 3, put_file},
    {"create", 2, create},
    {"part", 5, upload_part},
    {"complete", 4, complete},
    {"abort", 3, abort_upload},
    {"list-parts", 3, list_parts},
    {"list", 2, list},
};

/* A door before the real one that changes what was signed. */
struct tamper {
    struct pl_http door;
    const char *what;
};

static int tamper_send(void *ctx, const struct pl_http_request *req,
                       struct pl_http_response *resp, struct pl_err *err)
{
    const struct tamper *t = ctx;
    struct pl_http_request changed = *req; /* owns nothing */
    const char *name = strcmp(t->what, "signature") == 0 ? "authorization"
                       : strcmp(t->what, "hash") == 0 ? "x-amz-content-sha256"
                                                      : NULL;
    char *value = NULL;
    char *body = NULL;
    int rc;

    if (name != NULL) /* the last hex digit */
        value = (char *)(uintptr_t)pl_http_headers_get(&req->headers, name);
    if (value != NULL) {
        char *last = value + strlen(value) - 1;

        *last = *last == '0' ? '1' : '0';
    } else if (strcmp(t->what, "body") == 0 && req->body_len > 0 &&
               (body = malloc(req->body_len)) != NULL) {
        memset(body, 'x', req->body_len);
        changed.body = body;
        changed.blob = NULL;
    }
    rc = t->door.send(t->door.ctx, &changed, resp, err);
    free(body);
    return rc;
}

static int parse_range(const char *text, struct run *r, struct pl_err *err)
{
    const char *dash = text != NULL ? strchr(text, '-') : NULL;

    r->first = -1;
    r->last = -1;
    if (text == NULL)
        return 0;
    if (dash == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "a range is FIRST-[LAST]");
    r->first = strtoll(text, NULL, 10);
    if (dash[1] != '\0')
        r->last = strtoll(dash + 1, NULL, 10);
    return 0;
}

static int run_call(struct run *r, char **argv, int count, const char *what,
                    struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {.curl = {NULL}};
    struct tamper tamper = {.what = what};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    tamper.door = aws.http;
    if (what != NULL)
        aws.http = (struct pl_http){.ctx = &tamper, .send = tamper_send};
    r->aws = &aws;
    r->arg = argv + 1;
    for (size_t i = 0; i < PL_COUNT(calls); i++)
        if (strcmp(argv[0], calls[i].name) == 0 &&
            count == calls[i].operands + 1)
            return calls[i].call(r, err);
    return pl_fail(err, PL_USAGE_INVALID, "no such call, or operands amiss");
}

static void put_error(json_t *out, const struct pl_err *err)
{
    json_t *e = json_object();

    put(e, "name", pl_code_info(err->code)->name);
    put(e, "service", err->service);
    put(e, "message", err->msg);
    (void)json_object_set_new(e, "http_status", json_integer(err->http_status));
    (void)json_object_set_new(out, "error", e);
}

int main(int argc, char **argv)
{
    struct run r = {.out = json_object()};
    const char *range = NULL;
    const char *tamper = NULL;
    const struct pl_opt opts[] = {
        {"range", PL_OPT_STR, &range, "FIRST-[LAST]", "bytes to get", NULL},
        {"if-match", PL_OPT_STR, &r.if_match, "ETAG", "get this one", NULL},
        {"if-none-match", PL_OPT_FLAG, &r.only_if_absent, NULL,
         "replace nothing", NULL},
        {"tamper", PL_OPT_STR, &tamper, "WHAT",
         "change the signature, hash or body on the way", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {.name = "s3",
                               .summary = "one call of the S3 client",
                               .operands = "CALL BUCKET [KEY] ...",
                               .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc;

    pl_process_init("s3");
    rc = pl_opts_parse(&cli, argc, argv, &first, &err);
    if (rc > 0)
        return 0;
    if (rc == 0 && first == argc)
        rc = pl_fail(&err, PL_USAGE_INVALID, "which call?");
    if (rc == 0)
        rc = parse_range(range, &r, &err);
    if (rc == 0)
        rc = run_call(&r, argv + first, argc - first, tamper, &err);
    if (rc != 0)
        put_error(r.out, &err);
    (void)json_dumpf(r.out, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)putchar('\n');
    json_decref(r.out);
    return fflush(stdout) != 0 ? 1 : rc == 0 ? 0 : pl_code_info(err.code)->exit;
}
