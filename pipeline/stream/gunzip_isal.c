#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "pipeline/stream/gunzip.h"

static void *open_isal(void)
{
    return calloc(1, sizeof(struct inflate_state));
}

static void release_isal(void *state)
{
    free(state);
}

static void begin_isal(void *state)
{
    struct inflate_state *s = state;

    isal_inflate_init(s);
    s->crc_flag = ISAL_GZIP;
}

static enum pl_gunzip_step step_isal(void *state, unsigned char **in,
                                     const unsigned char *end,
                                     unsigned char *out, size_t cap,
                                     size_t *made)
{
    struct inflate_state *s = state;
    int rc;

    s->next_in = *in;
    s->avail_in = (uint32_t)(end - *in);
    s->next_out = out;
    s->avail_out = (uint32_t)cap;
    rc = isal_inflate(s);
    *in = s->next_in;
    *made = cap - s->avail_out;
    if (rc < 0 || rc == ISAL_NEED_DICT)
        return PL_GUNZIP_BROKEN;
    return s->block_state == ISAL_BLOCK_FINISH ? PL_GUNZIP_END : PL_GUNZIP_MORE;
}

const struct pl_gunzip pl_gunzip_isal = {"isa-l", open_isal, release_isal,
                                         begin_isal, step_isal};
