#include "pipeline/stream/copy.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/stream/reader.h"
#include "pipeline/stream/writer.h"

#define PIECE_BYTES ((size_t)256 << 10)

static int move_all(struct pl_reader *from, struct pl_writer *to,
                    const char *what, struct pl_err *err)
{
    PL_AUTO_STR *piece = malloc(PIECE_BYTES);
    const struct pl_source source = pl_reader_source(from);
    const struct pl_sink sink = pl_writer_sink(to);
    int64_t n;

    if (piece == NULL)
        return pl_fail_memory(err);
    while ((n = source.read(source.ctx, piece, PIECE_BYTES, err)) > 0) {
        if (pl_stop_check(err) != 0 ||
            pl_sink_write(&sink, piece, (size_t)n, err) != 0)
            return -1;
        pl_progress(what, (uint64_t)from->passed,
                    from->bytes > 0 ? (uint64_t)from->bytes : 0, "bytes");
    }
    pl_progress_end();
    return n < 0 ? -1 : 0;
}

int pl_copy(const char *from, const char *to, const char *expected_crc64nvme,
            struct pl_aws *aws, const char *what, struct pl_copied *copied,
            struct pl_err *err)
{
    PL_AUTO(pl_reader) reader = {.fd = -1};
    PL_AUTO(pl_writer) writer = {.fd = -1};

    if (pl_reader_open(&reader, from, aws, err) != 0 ||
        pl_writer_open(&writer, to, "text/csv; charset=utf-8", aws, err) != 0 ||
        move_all(&reader, &writer, what, err) != 0 ||
        pl_reader_verify(&reader, expected_crc64nvme, err) != 0 ||
        pl_writer_commit(&writer, err) != 0)
        return -1;
    copied->bytes = writer.bytes;
    pl_crc64_text(writer.crc64nvme, copied->crc64nvme);
    memcpy(copied->etag, writer.etag, sizeof(copied->etag));
    return 0;
}
