/*
 * supervise.h - a run from where it is to its end, one stage after another;
 * what lakeseg_run.c does with a lock in its hand.
 */
#ifndef LAKESEG_RUN_SUPERVISE_H
#define LAKESEG_RUN_SUPERVISE_H

#include "stages/lakeseg_run/lakeseg_run.h"
#include "stages/lakeseg_run/plan.h"

/* In place of a stage's name: a manifest that the supervisor made, since the
 * stage could not. */
#define RUN_OWN "lakeseg"

/* Files of a run that is not over. */
#define RUN_NOTE_STAGE "stage"          /* which one was begun last */
#define RUN_NOTE_STOPPED "stopped.json" /* what a stopped stage left */
#define RUN_NOTE_PAUSED "paused"        /* --until was reached */

enum run_how {
    RUN_OVER,    /* it has its receipt */
    RUN_PAUSED,  /* --until */
    RUN_STOPPED, /* by a signal */
    RUN_UNTOLD   /* its outcome is known, and could not be published */
};

struct supervisor {
    const struct lakeseg_run_config *cfg;
    const struct pl_runs *runs;
    const char *folder; /* of the job */
    struct pl_run *run;
    struct pl_manifest job; /* as it was started */
    struct run_plan plan;   /* of job */
    struct pl_manifest m;   /* after the last stage that has ended */
    int64_t deadline_ms;
    bool is_in_doubt; /* what entries of the stage did before this one */
    enum run_how how;
    int status; /* of the run, in the end */
};
void supervisor_release(struct supervisor *s);

/* Reads where the run is. */
int supervisor_open(struct supervisor *s, struct pl_err *err) PL_MUST_CHECK;
/* On from there; how and status tell how far it came. -1 only when the state
 * cannot be written or a program cannot be started. */
int supervisor_run(struct supervisor *s, struct pl_err *err) PL_MUST_CHECK;
/* Whether the stage was begun before, and its end is not known. */
bool supervisor_was_begun(const struct supervisor *s, const char *stage);
/* It is over as it is: its receipt. */
int supervisor_end(struct supervisor *s, struct pl_err *err) PL_MUST_CHECK;
/* The run failed, and no stage says so: saves a manifest that does. */
int supervisor_fail(struct supervisor *s, const char *stage,
                    const struct pl_err *cause,
                    struct pl_err *err) PL_MUST_CHECK;
/* Makes report.html, names it in report.uri, and saves the manifest. */
int supervisor_report(struct supervisor *s, struct pl_err *err) PL_MUST_CHECK;
/* The stage that would come next; plan.count: none. */
size_t supervisor_next(const struct supervisor *s);

#endif
