/* Rows that are rejected are in the result: they are found among those that the
 * last run sent. */
#include <string.h>

#include "stages/csv_validate/delta.h"

static int hold(void *ctx, const void *data, size_t len, struct pl_err *err)
{
    struct csv_delta *d = ctx;
    const char *at = data;
    const char *end = at + len;
    const char *lf;

    while (at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (pl_delta_filter_hold(&d->filter, at, (size_t)(lf - at), err) != 0)
            return -1;
        at = lf + 1;
    }
    return 0;
}

void csv_delta_watch_rejects(struct csv_delta *d, struct pl_csv_config *csv)
{
    if (d->cfg.kind == PL_DELTA_PROFILES)
        return; /* a rejected row says nothing of the others of its profile */
    d->rejected = (struct pl_sink){.ctx = d, .write = hold};
    csv->rejected = &d->rejected;
}
