/*
 * beat.h - signs of life, sent while others work. They also tell us whether
 * anybody still waits.
 */
#ifndef SFN_TASK_BEAT_H
#define SFN_TASK_BEAT_H

#include "pipeline/aws/client.h"

struct sfn_beat {
    struct pl_aws *aws;
    const char *token;
    int64_t every_ms;
    int64_t next_ms; /* by the monotonic clock */
    bool is_over;    /* the token is good for nothing any more */
};

/* One at once. Its failure is survived, unless it is the token's end. */
void sfn_beat_now(struct sfn_beat *beat);
/* One if it is time. */
void sfn_beat_tick(struct sfn_beat *beat);

#endif
