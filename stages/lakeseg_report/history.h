/*
 * history.h - the runs of a job over time: what of each is worth comparing.
 */
#ifndef LAKESEG_REPORT_HISTORY_H
#define LAKESEG_REPORT_HISTORY_H

#include "stages/lakeseg_report/html.h"
#include "stages/lakeseg_report/model.h"

/* The youngest so many are kept; the others are counted. */
#define HISTORY_MAX 200
#define HISTORY_ID_MAX 132

struct history_run {
    char id[HISTORY_ID_MAX];
    enum report_state state;
    const char *subject; /* of the table: not owned */
    char error[48];      /* its name, or "" */
    int64_t started_ms;  /* -1 unknown; so the others */
    int64_t duration_ms;
    int64_t rows_in;
    int64_t rows_out;
    int64_t rejected;
    int64_t scanned_bytes;
    double cost;
};

struct history {
    const char *job;
    double price_per_tb;
    struct history_run *runs; /* by their start, the oldest first */
    size_t count;
    size_t left;    /* older ones */
    size_t skipped; /* files that are no manifests */
};

int history_open(struct history *history, const char *job, double price_per_tb,
                 struct pl_err *err) PL_MUST_CHECK;
void history_release(struct history *history);
/* Takes the run in if it is the job's. */
int history_add(struct history *history, const struct pl_manifest *m,
                struct pl_err *err) PL_MUST_CHECK;

void history_page(struct html *h, const struct history *history);

#endif
