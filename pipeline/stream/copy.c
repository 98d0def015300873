#include "pipeline/stream/copy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/fetch.h"
#include "pipeline/stream/reader.h"
#include "pipeline/stream/writer.h"

#define PIECE_BYTES ((size_t)256 << 10)
#define SLOT_BYTES (INT64_C(4) << 20)

static int move_all(struct pl_reader *from, const struct pl_sink *sink,
                    const char *what, struct pl_err *err)
{
    PL_AUTO_STR *piece = malloc(PIECE_BYTES);
    const struct pl_source source = pl_reader_source(from);
    int64_t n;

    if (piece == NULL)
        return pl_fail_memory(err);
    while ((n = source.read(source.ctx, piece, PIECE_BYTES, err)) > 0) {
        if (pl_stop_check(err) != 0 ||
            pl_sink_write(sink, piece, (size_t)n, err) != 0)
            return -1;
        pl_progress(what, (uint64_t)from->passed,
                    from->bytes > 0 ? (uint64_t)from->bytes : 0, "bytes");
    }
    pl_progress_end();
    return n < 0 ? -1 : 0;
}

static int move_compressed(struct pl_reader *from, const struct pl_sink *sink,
                           const char *what, struct pl_err *err)
{
    __attribute__((cleanup(pl_deflate_release))) struct pl_deflate deflate = {
        .out = NULL};
    struct pl_sink small;

    if (pl_deflate_open(&deflate, sink, err) != 0)
        return -1;
    small = pl_deflate_sink(&deflate);
    return move_all(from, &small, what, err) != 0
               ? -1
               : pl_deflate_finish(&deflate, err);
}

static int copy_through(const char *from, const char *to, const char *expected,
                        struct pl_aws *aws, const struct pl_transfer *how,
                        const char *what, struct pl_copied *copied,
                        struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    PL_AUTO(pl_writer) writer = {.fd = -1};
    const struct pl_sink sink = pl_writer_sink(&writer);

    if (strcmp(from, "-") == 0)
        from = "/dev/stdin";
    if (strcmp(to, "-") == 0)
        to = "/dev/stdout";
    if (pl_reader_open(&reader, from, aws, err) != 0)
        return -1;
    reader.slot_count = (uint64_t)(pl_transfer_buffers(how) / SLOT_BYTES);
    if (reader.slot_count > (uint64_t)pl_transfer_threads(how))
        reader.slot_count = (uint64_t)pl_transfer_threads(how);
    if (pl_writer_open(&writer, to, how, aws, err) != 0 ||
        (how != NULL && how->compress
             ? move_compressed(&reader, &sink, what, err)
             : move_all(&reader, &sink, what, err)) != 0 ||
        pl_reader_verify(&reader, expected, err) != 0 ||
        pl_writer_commit(&writer, err) != 0)
        return -1;
    copied->bytes = writer.bytes;
    pl_crc64_text(writer.crc64nvme, copied->crc64nvme);
    memcpy(copied->etag, writer.etag, sizeof(copied->etag));
    return 0;
}

static int fetch(const struct pl_uri *from, const char *path,
                 const char *expected, struct pl_aws *aws,
                 const struct pl_transfer *how, const char *what,
                 struct pl_copied *copied, struct pl_err *err)
{
    struct pl_fetched fetched;

    if (pl_fetch(from, path, expected, aws, how, what, &fetched, err) != 0)
        return -1;
    copied->bytes = fetched.bytes;
    copied->had = fetched.had;
    pl_crc64_text(fetched.crc64nvme, copied->crc64nvme);
    return 0;
}

static int upload(const char *path, const struct pl_uri *to,
                  const char *expected, struct pl_aws *aws,
                  const struct pl_transfer *how, const char *what,
                  struct pl_copied *copied, struct pl_err *err)
{
    __attribute__((cleanup(pl_upload_release))) struct pl_upload up = {
        .fd = -1, .journal = {.fd = -1}};

    if (pl_upload_open(&up, to, aws, how, err) != 0 ||
        pl_upload_file(&up, path, expected, what, err) != 0)
        return -1;
    copied->bytes = up.bytes;
    copied->had = up.had;
    pl_crc64_text(up.crc64nvme, copied->crc64nvme);
    memcpy(copied->etag, up.etag, sizeof(copied->etag));
    return 0;
}

/* A regular file, or none yet: not "-", a pipe or a device. */
static bool is_plain(const char *text, const struct pl_uri *uri)
{
    struct stat st;

    return strcmp(text, "-") != 0 && !uri->is_s3 &&
           (stat(uri->path, &st) != 0 || S_ISREG(st.st_mode));
}

static void sum_up(const char *what, const char *to,
                   const struct pl_copied *copied, int64_t took_ms)
{
    const double seconds = (double)(took_ms > 0 ? took_ms : 1) / 1000;
    char had[64] = "";

    if (copied->had > 0)
        (void)snprintf(had, sizeof(had), ", %" PRId64 " were there already",
                       copied->had);
    pl_info("%s to '%s': %" PRId64 " bytes in %.1f s (%.1f MB/s)%s", what, to,
            copied->bytes, seconds,
            (double)(copied->bytes - copied->had) / seconds / 1e6, had);
}

int pl_copy(const char *from, const char *to, const char *expected,
            struct pl_aws *aws, const struct pl_transfer *how, const char *what,
            struct pl_copied *copied, struct pl_err *err)
{
    const int64_t begun = pl_mono_ms(&pl_clock_real);
    struct pl_uri in;
    struct pl_uri out;
    int rc;

    memset(copied, 0, sizeof(*copied));
    if (pl_uri_parse(from, &in, err) != 0 || pl_uri_parse(to, &out, err) != 0)
        return -1;
    if ((in.is_s3 || out.is_s3) && aws == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%s' is in S3, which is not set up here",
                       in.is_s3 ? from : to);
    if (in.is_s3 && is_plain(to, &out) && (how == NULL || !how->compress))
        rc = fetch(&in, out.path, expected, aws, how, what, copied, err);
    else if (out.is_s3 && is_plain(from, &in) &&
             (how == NULL || !how->compress))
        rc = upload(in.path, &out, expected, aws, how, what, copied, err);
    else
        rc = copy_through(from, to, expected, aws, how, what, copied, err);
    if (rc != 0)
        return -1;
    sum_up(what, to, copied, pl_mono_ms(&pl_clock_real) - begun);
    return 0;
}
