/*
 * compress.h - a source behind a source that undoes gzip and zstd, which it
 * knows by their first bytes; anything else passes as it is. And a sink before
 * a sink that compresses with zstd (level 3, with a checksum of the content).
 *
 * Several members or frames one behind the other are one file. Memory: the
 * window that the data ask for, at most 128 MiB (zstd --long=27), and 128 KiB.
 */
#ifndef PL_STREAM_COMPRESS_H
#define PL_STREAM_COMPRESS_H

#include "pipeline/base/io.h"
#include "pipeline/stream/gunzip.h"

enum pl_compression {
    PL_COMPRESSION_NONE,
    PL_COMPRESSION_GZIP,
    PL_COMPRESSION_ZSTD
};

struct pl_inflate {
    const struct pl_source *in; /* borrowed */
    enum pl_compression kind;
    const struct pl_gunzip *gunzip;
    unsigned char *buffer; /* what was read and not undone yet */
    size_t at;
    size_t len;
    uint64_t passed; /* bytes of in before buffer */
    bool is_end;     /* of in */
    bool is_between; /* members or frames */
    void *state;     /* of the library */
};

/* Reads the first bytes of in and chooses. */
int pl_inflate_open(struct pl_inflate *inflate, const struct pl_source *in,
                    struct pl_err *err) PL_MUST_CHECK;
/* With a library of choice for gzip; NULL: the quickest. */
int pl_inflate_open_by(struct pl_inflate *inflate, const struct pl_source *in,
                       const struct pl_gunzip *gunzip,
                       struct pl_err *err) PL_MUST_CHECK;
/* PL_DATA_INVALID, with the place in the compressed bytes, where they are cut
 * off or broken. */
struct pl_source pl_inflate_source(struct pl_inflate *inflate);
void pl_inflate_release(struct pl_inflate *inflate);

struct pl_deflate {
    const struct pl_sink *out; /* borrowed */
    void *state;
    unsigned char *buffer;
    size_t cap;
};

int pl_deflate_open(struct pl_deflate *deflate, const struct pl_sink *out,
                    struct pl_err *err) PL_MUST_CHECK;
/* For what hardly gets smaller: no time is lost on it. */
int pl_deflate_open_quick(struct pl_deflate *deflate, const struct pl_sink *out,
                          struct pl_err *err) PL_MUST_CHECK;
struct pl_sink pl_deflate_sink(struct pl_deflate *deflate);
/* Ends the frame; what was written before is not whole without it. */
int pl_deflate_finish(struct pl_deflate *deflate,
                      struct pl_err *err) PL_MUST_CHECK;
void pl_deflate_release(struct pl_deflate *deflate);

#endif
