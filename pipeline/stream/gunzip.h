/*
 * gunzip.h - one member of gzip undone, step by step, by one of two libraries:
 * ISA-L, where lakeseg was built with it, is about twice as quick as zlib.
 * Both check the CRC-32 and the length that end a member.
 */
#ifndef PL_STREAM_GUNZIP_H
#define PL_STREAM_GUNZIP_H

#include <stddef.h>

enum pl_gunzip_step {
    PL_GUNZIP_MORE, /* there is, or more input is wanted */
    PL_GUNZIP_END,  /* of the member */
    PL_GUNZIP_BROKEN,
    PL_GUNZIP_NO_MEMORY
};

struct pl_gunzip {
    const char *name;
    /* NULL: out of memory. */
    void *(*open)(void);
    void (*release)(void *state);
    /* Before each member. */
    void (*begin)(void *state);
    /* Moves *in to behind what was used, up to end; *made bytes are at out. */
    enum pl_gunzip_step (*step)(void *state, unsigned char **in,
                                const unsigned char *end, unsigned char *out,
                                size_t cap, size_t *made);
};

extern const struct pl_gunzip pl_gunzip_zlib;
extern const struct pl_gunzip pl_gunzip_isal;

/* "isa-l" or "zlib"; NULL for the quickest there is. NULL when this build has
 * none of that name. */
const struct pl_gunzip *pl_gunzip_by_name(const char *name);

#endif
