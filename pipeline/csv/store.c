#include "pipeline/csv/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/csv/kernel.h"

#define WINDOW_BYTES ((size_t)1 << 10)

int pl_csv_store_open(struct pl_csv_store *s, const struct pl_csv_config *cfg,
                      struct pl_err *err)
{
    s->again = cfg->again;
    s->in = cfg->in;
    s->fd = -1;
    if (s->again != NULL)
        return 0;
    s->fd = pl_file_nameless(cfg->temp_dir, err);
    return s->fd < 0 ? -1 : 0;
}

void pl_csv_store_release(struct pl_csv_store *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->window != NULL)
        free(s->window - PL_CSV_PAD);
}

static int64_t keep(void *ctx, void *buf, size_t cap, struct pl_err *err)
{
    struct pl_csv_store *s = ctx;
    const int64_t n = s->in->read(s->in->ctx, buf, cap, err);
    const struct pl_sink file = pl_fd_sink(&s->fd);

    if (n > 0 && s->fd >= 0 && pl_sink_write(&file, buf, (size_t)n, err) != 0)
        return pl_context(err, "cannot keep the input for a second look");
    return n;
}

struct pl_source pl_csv_store_source(struct pl_csv_store *s)
{
    return (struct pl_source){.ctx = s, .read = keep};
}

static int64_t read_at(struct pl_csv_store *s, uint64_t offset, void *buf,
                       size_t cap, struct pl_err *err)
{
    ssize_t n;

    if (s->again != NULL)
        return s->again->read_at(s->again->ctx, offset, buf, cap, err);
    do
        n = pread(s->fd, buf, cap, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return pl_fail_errno(err, PL_FILE_ERROR,
                             "cannot read the kept input again");
    return n;
}

static int64_t read_on(void *ctx, void *buf, size_t cap, struct pl_err *err)
{
    struct pl_csv_store *s = ctx;
    const int64_t n = read_at(s, s->next, buf, cap, err);

    if (n > 0)
        s->next += (uint64_t)n;
    return n;
}

struct pl_source pl_csv_store_again(struct pl_csv_store *s)
{
    s->next = 0;
    return (struct pl_source){.ctx = s, .read = read_on};
}

static int fill(struct pl_csv_store *s, uint64_t offset, size_t len,
                struct pl_err *err)
{
    const size_t cap = len > WINDOW_BYTES ? len : WINDOW_BYTES;

    if (cap > s->window_cap) {
        unsigned char *grown =
            realloc(s->window != NULL ? s->window - PL_CSV_PAD : NULL,
                    cap + 2 * (size_t)PL_CSV_PAD);

        if (grown == NULL)
            return pl_fail_memory(err);
        memset(grown, '\n', cap + 2 * (size_t)PL_CSV_PAD);
        s->window = grown + PL_CSV_PAD;
        s->window_cap = cap;
    }
    s->window_at = offset;
    s->window_len = 0;
    while (s->window_len < len) {
        const int64_t n =
            read_at(s, offset + s->window_len, s->window + s->window_len,
                    cap - s->window_len, err);

        if (n < 0)
            return -1;
        if (n == 0)
            break;
        s->window_len += (size_t)n;
    }
    return 0;
}

int pl_csv_store_at(struct pl_csv_store *s, uint64_t offset, size_t len,
                    const char **data, size_t *got, struct pl_err *err)
{
    size_t skip;

    if ((offset < s->window_at ||
         offset + len > s->window_at + s->window_len) &&
        fill(s, offset, len, err) != 0)
        return -1;
    skip = (size_t)(offset - s->window_at);
    *data = (const char *)s->window + skip;
    *got = s->window_len - skip;
    return 0;
}
