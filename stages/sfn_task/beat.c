#include "stages/sfn_task/beat.h"

#include "pipeline/aws/sfn.h"
#include "pipeline/base/log.h"

#define SOON_MS INT64_C(10000) /* after one that did not get through */

void sfn_beat_now(struct sfn_beat *beat)
{
    struct pl_err err = {0};
    int64_t wait_ms = beat->every_ms;

    if (beat->is_over)
        return;
    if (pl_sfn_heartbeat(beat->aws, beat->token, &err) != 0) {
        beat->is_over = pl_sfn_is_final(&err);
        pl_warn("%s%s", beat->is_over ? "nobody waits for this task: " : "",
                err.msg);
        if (wait_ms > SOON_MS)
            wait_ms = SOON_MS;
    }
    beat->next_ms = pl_mono_ms(&beat->aws->clock) + wait_ms;
}

void sfn_beat_tick(struct sfn_beat *beat)
{
    if (pl_mono_ms(&beat->aws->clock) >= beat->next_ms)
        sfn_beat_now(beat);
}
