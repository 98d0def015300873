#include "pipeline/stream/small.h"

#include <stdio.h>

#include "pipeline/stream/reader.h"

#define BITE 65536

static int read_text(const char *uri, struct pl_aws *aws, struct pl_buf *text,
                     char etag[128], struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    struct pl_source source;
    int64_t n = 1;

    if (pl_reader_open(&reader, uri, aws, err) != 0)
        return -1;
    source = pl_reader_source(&reader);
    while (n > 0) {
        if (pl_buf_reserve(text, BITE, err) != 0)
            return -1;
        n = source.read(source.ctx, text->data + text->len, BITE, err);
        if (n < 0)
            return -1;
        text->len += (size_t)n;
        text->data[text->len] = '\0';
    }
    (void)snprintf(etag, 128, "%s", reader.uri.is_s3 ? reader.object.etag : "");
    return pl_reader_verify(&reader, NULL, err);
}

int pl_small_read_etag(const char *uri, struct pl_aws *aws, struct pl_buf *text,
                       char etag[128], struct pl_err *err)
{
    return read_text(uri, aws, text, etag, err) == 0
               ? 0
               : pl_context(err, "cannot read '%s'", uri);
}

int pl_small_read(const char *uri, struct pl_aws *aws, struct pl_buf *text,
                  struct pl_err *err)
{
    char ignored[128];

    return pl_small_read_etag(uri, aws, text, ignored, err);
}

int pl_small_store(const char *uri, const struct pl_buf *data,
                   const struct pl_s3_put_options *options, struct pl_aws *aws,
                   struct pl_err *err)
{
    const struct pl_blob blob = {.data = data->data, .len = data->len};
    struct pl_s3_object object = {.bytes = -1};
    struct pl_uri place;

    if (pl_uri_parse(uri, &place, err) != 0)
        return -1;
    if (!place.is_s3)
        return pl_fail(err, PL_CONFIG_INVALID, "'%.200s' is not in S3", uri);
    if (pl_s3_put(aws, place.bucket, place.path, &blob, options, &object,
                  err) != 0)
        return pl_context(err, "cannot store '%s'", uri);
    return 0;
}
