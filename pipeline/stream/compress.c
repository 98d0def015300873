#include "pipeline/stream/compress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define BUFFER_BYTES ((size_t)128 << 10)
#define WINDOW_LOG_MAX 27
#define LEVEL 3
#define LEVEL_QUICK (-1)

static const char *name_of(const struct pl_inflate *f)
{
    return f->kind == PL_COMPRESSION_GZIP ? "gzip" : "zstd";
}

static int broken(const struct pl_inflate *f, const char *what,
                  struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "the %s data: %s at byte %" PRIu64,
                   name_of(f), what, f->passed + f->at);
}

/* Reads on when all was used. */
static int fill(struct pl_inflate *f, struct pl_err *err)
{
    int64_t n;

    if (f->at < f->len || f->is_end)
        return 0;
    n = f->in->read(f->in->ctx, f->buffer, BUFFER_BYTES, err);
    if (n < 0)
        return -1;
    f->passed += f->len;
    f->at = 0;
    f->len = (size_t)n;
    f->is_end = n == 0;
    return 0;
}

static bool is_zstd(const unsigned char *p, size_t len)
{
    return len >= 4 &&
           (memcmp(p, "\x28\xB5\x2F\xFD", 4) == 0 ||
            ((p[0] & 0xF0) == 0x50 && memcmp(p + 1, "\x2A\x4D\x18", 3) == 0));
}

/* The best first. */
static const struct pl_gunzip *const gunzips[] = {
#ifdef LAKESEG_HAS_ISAL
    &pl_gunzip_isal,
#endif
    &pl_gunzip_zlib,
};

const struct pl_gunzip *pl_gunzip_by_name(const char *name)
{
    for (size_t i = 0; i < PL_COUNT(gunzips); i++)
        if (name == NULL || strcmp(name, gunzips[i]->name) == 0)
            return gunzips[i];
    return NULL;
}

static int open_gzip(struct pl_inflate *f, struct pl_err *err)
{
    if (f->gunzip == NULL)
        f->gunzip = pl_gunzip_by_name(NULL);
    f->state = f->gunzip->open();
    return f->state != NULL ? 0 : pl_fail_memory(err);
}

static int open_zstd(struct pl_inflate *f, struct pl_err *err)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();

    if (z == NULL)
        return pl_fail_memory(err);
    f->state = z;
    (void)ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return 0;
}

int pl_inflate_open(struct pl_inflate *f, const struct pl_source *in,
                    struct pl_err *err)
{
    return pl_inflate_open_by(f, in, NULL, err);
}

int pl_inflate_open_by(struct pl_inflate *f, const struct pl_source *in,
                       const struct pl_gunzip *gunzip, struct pl_err *err)
{
    memset(f, 0, sizeof(*f));
    f->in = in;
    f->gunzip = gunzip;
    f->is_between = true;
    f->buffer = malloc(BUFFER_BYTES);
    if (f->buffer == NULL)
        return pl_fail_memory(err);
    if (pl_source_fill(in, f->buffer, 4, &f->len, err) != 0)
        return -1;
    f->is_end = f->len < 4;
    if (f->len >= 2 && memcmp(f->buffer, "\x1F\x8B", 2) == 0) {
        f->kind = PL_COMPRESSION_GZIP;
        return open_gzip(f, err);
    }
    if (is_zstd(f->buffer, f->len)) {
        f->kind = PL_COMPRESSION_ZSTD;
        return open_zstd(f, err);
    }
    return 0;
}

/* The library would take the frames of before zstd 0.8 as well, by other rules;
 * to tell, the first four bytes of a frame must be there together. */
static int check_frame(struct pl_inflate *f, struct pl_err *err)
{
    while (!f->is_end && f->len - f->at < 4) {
        const size_t kept = f->len - f->at;
        int64_t n;

        memmove(f->buffer, f->buffer + f->at, kept);
        f->passed += f->at;
        f->at = 0;
        f->len = kept;
        n = f->in->read(f->in->ctx, f->buffer + kept, BUFFER_BYTES - kept, err);
        if (n < 0)
            return -1;
        f->len += (size_t)n;
        f->is_end = n == 0;
    }
    if (f->at == f->len || is_zstd(f->buffer + f->at, f->len - f->at))
        return 0;
    return broken(f, "something else", err);
}

/* One step: *made bytes at buf; 0 of them where more input is needed. */
static int step_gzip(struct pl_inflate *f, void *buf, size_t cap, size_t *made,
                     struct pl_err *err)
{
    unsigned char *at = f->buffer + f->at;
    enum pl_gunzip_step step;

    if (f->is_between)
        f->gunzip->begin(f->state);
    step = f->gunzip->step(f->state, &at, f->buffer + f->len, buf, cap, made);
    f->at = (size_t)(at - f->buffer);
    f->is_between = step == PL_GUNZIP_END;
    if (step == PL_GUNZIP_NO_MEMORY)
        return pl_fail_memory(err);
    return step == PL_GUNZIP_BROKEN ? broken(f, "broken", err) : 0;
}

static int step_zstd(struct pl_inflate *f, void *buf, size_t cap, size_t *made,
                     struct pl_err *err)
{
    ZSTD_inBuffer in = {f->buffer, f->len, f->at};
    ZSTD_outBuffer out = {buf, cap, 0};
    const size_t rc = ZSTD_decompressStream(f->state, &out, &in);

    f->at = in.pos;
    *made = out.pos;
    if (ZSTD_isError(rc))
        return broken(f, ZSTD_getErrorName(rc), err);
    f->is_between = rc == 0;
    return 0;
}

static int64_t copy(struct pl_inflate *f, void *buf, size_t cap,
                    struct pl_err *err)
{
    size_t n = f->len - f->at;

    if (n == 0) /* past what told the kind */
        return f->is_end ? 0 : f->in->read(f->in->ctx, buf, cap, err);
    if (n > cap)
        n = cap;
    memcpy(buf, f->buffer + f->at, n);
    f->at += n;
    return (int64_t)n;
}

static int64_t inflate_read(void *ctx, void *buf, size_t cap,
                            struct pl_err *err)
{
    struct pl_inflate *f = ctx;
    size_t made = 0;

    if (f->kind == PL_COMPRESSION_NONE)
        return copy(f, buf, cap, err);
    if (cap > BUFFER_BYTES)
        cap = BUFFER_BYTES;
    while (made == 0) {
        const size_t before = f->at;

        if (fill(f, err) != 0 || (f->kind == PL_COMPRESSION_ZSTD &&
                                  f->is_between && check_frame(f, err) != 0))
            return -1;
        if (f->is_end && f->is_between && f->at == f->len)
            return 0;
        if ((f->kind == PL_COMPRESSION_GZIP
                 ? step_gzip(f, buf, cap, &made, err)
                 : step_zstd(f, buf, cap, &made, err)) != 0)
            return -1;
        if (f->is_end && made == 0 && f->at == before && !f->is_between)
            return broken(f, "cut off", err);
    }
    return (int64_t)made;
}

struct pl_source pl_inflate_source(struct pl_inflate *inflate)
{
    return (struct pl_source){.ctx = inflate, .read = inflate_read};
}

void pl_inflate_release(struct pl_inflate *f)
{
    if (f->kind == PL_COMPRESSION_GZIP && f->state != NULL) {
        f->gunzip->release(f->state);
    } else if (f->kind == PL_COMPRESSION_ZSTD) {
        (void)ZSTD_freeDCtx(f->state);
    }
    free(f->buffer);
    f->state = NULL;
    f->buffer = NULL;
}

/* The other way */

static int open_level(struct pl_deflate *d, const struct pl_sink *out,
                      int level, struct pl_err *err)
{
    memset(d, 0, sizeof(*d));
    d->out = out;
    d->cap = ZSTD_CStreamOutSize();
    d->buffer = malloc(d->cap);
    d->state = ZSTD_createCCtx();
    if (d->buffer == NULL || d->state == NULL)
        return pl_fail_memory(err);
    (void)ZSTD_CCtx_setParameter(d->state, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(d->state, ZSTD_c_checksumFlag, 1);
    return 0;
}

int pl_deflate_open(struct pl_deflate *d, const struct pl_sink *out,
                    struct pl_err *err)
{
    return open_level(d, out, LEVEL, err);
}

int pl_deflate_open_quick(struct pl_deflate *d, const struct pl_sink *out,
                          struct pl_err *err)
{
    return open_level(d, out, LEVEL_QUICK, err);
}

static int pack(struct pl_deflate *d, const void *data, size_t len,
                ZSTD_EndDirective end, struct pl_err *err)
{
    ZSTD_inBuffer in = {data, len, 0};
    size_t left;

    do {
        ZSTD_outBuffer out = {d->buffer, d->cap, 0};

        left = ZSTD_compressStream2(d->state, &out, &in, end);
        if (ZSTD_isError(left))
            return pl_fail(err, PL_INTERNAL_ERROR, "zstd: %s",
                           ZSTD_getErrorName(left));
        if (out.pos > 0 && pl_sink_write(d->out, d->buffer, out.pos, err) != 0)
            return -1;
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return 0;
}

static int deflate_write(void *ctx, const void *data, size_t len,
                         struct pl_err *err)
{
    return pack(ctx, data, len, ZSTD_e_continue, err);
}

struct pl_sink pl_deflate_sink(struct pl_deflate *deflate)
{
    return (struct pl_sink){.ctx = deflate, .write = deflate_write};
}

int pl_deflate_finish(struct pl_deflate *d, struct pl_err *err)
{
    return pack(d, "", 0, ZSTD_e_end, err);
}

void pl_deflate_release(struct pl_deflate *d)
{
    (void)ZSTD_freeCCtx(d->state);
    free(d->buffer);
    d->state = NULL;
    d->buffer = NULL;
}
