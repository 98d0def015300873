#include "pipeline/delta/file.h"

#include <string.h>

#include "pipeline/base/digest.h"

static const char magic[8] = {'l', 's', 'p', 'r', 'i', 'n', 't', '1'};

#define HEAD_BYTES 32
#define PRINT_BYTES 24

static void put(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = bytes; i > 0; i--)
        value = value << 8 | from[i - 1];
    return value;
}

/* Writing */

static int put_out(struct pl_delta_file_writer *w, const void *data, size_t len,
                   struct pl_err *err)
{
    w->crc = pl_crc64nvme(w->crc, data, len);
    return pl_sink_write(w->out, data, len, err);
}

int pl_delta_write_open(struct pl_delta_file_writer *w,
                        const struct pl_sink *out,
                        const struct pl_delta_head *head, struct pl_err *err)
{
    unsigned char text[HEAD_BYTES];

    w->out = out;
    w->left = head->count;
    memcpy(text, magic, sizeof(magic));
    put(text + 8, head->key_mark, 8);
    put(text + 16, head->meaning, 8);
    put(text + 24, head->count, 8);
    return put_out(w, text, sizeof(text), err);
}

static int write_block(struct pl_delta_file_writer *w, struct pl_err *err)
{
    const size_t n = w->used;
    unsigned char *to;

    if (pl_buf_reserve(&w->text, 4 + n * PRINT_BYTES, err) != 0)
        return -1;
    to = (unsigned char *)w->text.data;
    put(to, n, 4);
    to += 4;
    for (size_t i = 0; i < n; i++) {
        const uint64_t step = w->block[i].id - w->last;

        w->last = w->block[i].id;
        for (size_t plane = 0; plane < 8; plane++)
            to[plane * n + i] = (unsigned char)(step >> (8 * plane));
    }
    to += 8 * n;
    for (size_t i = 0; i < n; i++, to += 16) {
        put(to, w->block[i].row[0], 8);
        put(to + 8, w->block[i].row[1], 8);
    }
    w->used = 0;
    return put_out(w, w->text.data, 4 + n * PRINT_BYTES, err);
}

int pl_delta_write(struct pl_delta_file_writer *w,
                   const struct pl_delta_print *print, struct pl_err *err)
{
    if (w->left == 0)
        return pl_fail(err, PL_INTERNAL_ERROR,
                       "more fingerprints than were announced");
    w->left--;
    w->block[w->used++] = *print;
    return w->used < PL_DELTA_BLOCK ? 0 : write_block(w, err);
}

int pl_delta_write_end(struct pl_delta_file_writer *w, struct pl_err *err)
{
    unsigned char text[12];

    if (w->left != 0)
        return pl_fail(err, PL_INTERNAL_ERROR,
                       "fewer fingerprints than were announced");
    if (w->used > 0 && write_block(w, err) != 0)
        return -1;
    put(text, 0, 4);
    if (put_out(w, text, 4, err) != 0)
        return -1;
    put(text, w->crc, 8);
    return pl_sink_write(w->out, text, 8, err);
}

void pl_delta_write_release(struct pl_delta_file_writer *w)
{
    pl_buf_release(&w->text);
}

/* Reading */

static int broken(const char *what, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "no whole file of fingerprints: %s",
                   what);
}

static int take(struct pl_delta_file_reader *r, void *to, size_t len,
                struct pl_err *err)
{
    size_t got;

    if (pl_source_fill(r->in, to, len, &got, err) != 0)
        return -1;
    if (got < len)
        return broken("it ends early", err);
    r->crc = pl_crc64nvme(r->crc, to, len);
    return 0;
}

int pl_delta_read_open(struct pl_delta_file_reader *r,
                       const struct pl_source *in, struct pl_err *err)
{
    unsigned char text[HEAD_BYTES];

    r->in = in;
    if (take(r, text, sizeof(text), err) != 0)
        return -1;
    if (memcmp(text, magic, sizeof(magic) - 1) != 0)
        return broken("it begins otherwise", err);
    if (text[7] != (unsigned char)magic[7])
        return broken("it is of another version", err);
    r->head = (struct pl_delta_head){get(text + 8, 8), get(text + 16, 8),
                                     get(text + 24, 8)};
    if (r->head.count > PL_DELTA_ROWS_MAX)
        return broken("it has too many rows", err);
    r->left = r->head.count;
    return 0;
}

static int read_end(struct pl_delta_file_reader *r, struct pl_err *err)
{
    const uint64_t crc = r->crc;
    unsigned char text[9];
    size_t got;

    if (pl_source_fill(r->in, text, sizeof(text), &got, err) != 0)
        return -1;
    if (got < 8)
        return broken("it ends early", err);
    if (got > 8)
        return broken("something follows it", err);
    if (get(text, 8) != crc)
        return broken("its checksum is another", err);
    if (r->left != 0)
        return broken("rows are missing", err);
    r->is_end = true;
    return 0;
}

static int read_block(struct pl_delta_file_reader *r, struct pl_err *err)
{
    unsigned char text[PL_DELTA_BLOCK * PRINT_BYTES];
    const unsigned char *row;
    size_t n;

    r->at = r->used = 0;
    if (take(r, text, 4, err) != 0)
        return -1;
    n = (size_t)get(text, 4);
    if (n == 0)
        return read_end(r, err);
    if (n > PL_DELTA_BLOCK || n > r->left)
        return broken("a block is too large", err);
    if (take(r, text, n * PRINT_BYTES, err) != 0)
        return -1;
    row = text + 8 * n;
    for (size_t i = 0; i < n; i++, row += 16) {
        uint64_t step = 0;

        for (size_t plane = 8; plane > 0; plane--)
            step = step << 8 | text[(plane - 1) * n + i];
        if (step > UINT64_MAX - r->last)
            return broken("ids descend", err);
        r->last += step;
        r->block[i] =
            (struct pl_delta_print){r->last, {get(row, 8), get(row + 8, 8)}};
    }
    r->used = n;
    r->left -= n;
    return 0;
}

const struct pl_delta_print *pl_delta_read(struct pl_delta_file_reader *r,
                                           struct pl_err *err)
{
    while (r->at == r->used && !r->is_end)
        if (read_block(r, err) != 0)
            return NULL;
    return r->is_end ? NULL : &r->block[r->at++];
}
