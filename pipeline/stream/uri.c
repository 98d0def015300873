#include "pipeline/stream/uri.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/text.h"

static int copy(char *to, size_t cap, const char *from, size_t len,
                const char *text, struct pl_err *err)
{
    if (len >= cap)
        return pl_fail(err, PL_CONFIG_INVALID, "'%.80s...' is too long", text);
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

static int parse_s3(const char *text, struct pl_uri *uri, struct pl_err *err)
{
    const char *bucket = text + strlen("s3://");
    const char *slash = strchr(bucket, '/');
    const size_t len =
        slash != NULL ? (size_t)(slash - bucket) : strlen(bucket);
    const char *key = slash != NULL ? slash + 1 : "";

    if (len < 3 || len > 63)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': a bucket's name has 3 to 63 characters", text);
    uri->is_s3 = true;
    if (strlen(key) > 1024)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%.80s...': a key has at most 1,024 bytes", text);
    return copy(uri->bucket, sizeof(uri->bucket), bucket, len, text, err) == 0
               ? copy(uri->path, sizeof(uri->path), key, strlen(key), text, err)
               : -1;
}

static int parse_file(const char *text, struct pl_uri *uri, struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const char *encoded = text + strlen("file://");

    if (*encoded != '/')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': a file URI has three slashes", text);
    if (pl_uri_decode(&path, encoded, strlen(encoded), false, err) != 0) {
        pl_err_clear(err);
        return pl_fail(err, PL_CONFIG_INVALID, "'%s': broken %%-escape", text);
    }
    if (strlen(path.data) != path.len)
        return pl_fail(err, PL_CONFIG_INVALID, "'%s': a NUL byte", text);
    return copy(uri->path, sizeof(uri->path), path.data, path.len, text, err);
}

int pl_uri_parse(const char *text, struct pl_uri *uri, struct pl_err *err)
{
    const char *colon = strstr(text, "://");

    memset(uri, 0, sizeof(*uri));
    if (pl_starts_with(text, "s3://"))
        return parse_s3(text, uri, err);
    if (pl_starts_with(text, "file://"))
        return parse_file(text, uri, err);
    if (colon != NULL && memchr(text, '/', (size_t)(colon - text)) == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s': only s3://, file:// and paths are understood",
                       text);
    if (*text == '\0')
        return pl_fail(err, PL_CONFIG_INVALID, "an empty path");
    return copy(uri->path, sizeof(uri->path), text, strlen(text), text, err);
}

const char *pl_uri_name(const char *text)
{
    const char *slash = strrchr(text, '/');

    return slash != NULL ? slash + 1 : text;
}
