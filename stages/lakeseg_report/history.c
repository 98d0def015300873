#include "stages/lakeseg_report/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int history_open(struct history *history, const char *job, double price_per_tb,
                 struct pl_err *err)
{
    *history = (struct history){.job = job, .price_per_tb = price_per_tb};
    history->runs = calloc(HISTORY_MAX, sizeof(*history->runs));
    return history->runs != NULL ? 0 : pl_fail_memory(err);
}

void history_release(struct history *history)
{
    free(history->runs);
    history->runs = NULL;
    history->count = 0;
}

static void take(const struct report_run *run, struct history_run *to)
{
    *to = (struct history_run){.state = run->state,
                               .subject = run->subject,
                               .started_ms = run->started_ms,
                               .duration_ms = report_duration_ms(run),
                               .rows_in = run->rows.in,
                               .rows_out = run->rows.out,
                               .rejected = run->rows.rejected,
                               .scanned_bytes = run->query.scanned_bytes,
                               .cost = run->query.cost};
    (void)snprintf(to->id, sizeof(to->id), "%s", run->id);
    (void)snprintf(to->error, sizeof(to->error), "%s",
                   run->failure.name != NULL ? run->failure.name : "");
}

/* Whether a is older than b; of one time the lesser id. */
static bool is_older(const struct history_run *a, const struct history_run *b)
{
    return a->started_ms != b->started_ms ? a->started_ms < b->started_ms
                                          : strcmp(a->id, b->id) < 0;
}

int history_add(struct history *h, const struct pl_manifest *m,
                struct pl_err *err)
{
    struct report_run *run;
    struct history_run one;
    size_t at;

    if (pl_manifest_str(m, "run.name") == NULL ||
        strcmp(pl_manifest_str(m, "run.name"), h->job) != 0)
        return 0;
    run = malloc(sizeof(*run));
    if (run == NULL)
        return pl_fail_memory(err);
    report_model(m, h->price_per_tb, run);
    take(run, &one);
    free(run);
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->runs[i].id, one.id) == 0 && one.id[0] != '\0' &&
            h->runs[i].started_ms == one.started_ms)
            return 0; /* a manifest of an earlier stage, or a copy */
    if (h->count == HISTORY_MAX) {
        h->left++;
        if (is_older(&one, &h->runs[0]))
            return 0;
        memmove(h->runs, h->runs + 1, --h->count * sizeof(*h->runs));
    }
    at = h->count++;
    for (; at > 0 && is_older(&one, &h->runs[at - 1]); at--)
        h->runs[at] = h->runs[at - 1];
    h->runs[at] = one;
    return 0;
}
