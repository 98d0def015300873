/*
 * change.h - what is other than in the last successful run of the same job.
 */
#ifndef LAKESEG_REPORT_CHANGE_H
#define LAKESEG_REPORT_CHANGE_H

#include "stages/lakeseg_report/model.h"
#include "stages/lakeseg_report/words.h"

enum change_unit { CHANGE_COUNT, CHANGE_MS, CHANGE_BYTES, CHANGE_PERCENT };

struct change {
    const char *label; /* of ours */
    const char *name;  /* of a rule or a column; NULL: label says it */
    enum change_unit unit;
    int64_t before; /* -1: not known, or not there; percent in tenths */
    int64_t now;
};

#define CHANGES_MAX 96

struct changes {
    struct change list[CHANGES_MAX];
    size_t count;
    size_t left; /* more than fit */
};

/* The figures of the run always; rules and columns where they differ: a rule
 * in its count, a column in how far it is filled by a percent or more. */
void changes_find(const struct report_run *before, const struct report_run *now,
                  struct changes *changes);

/* before, now, and the difference, in words; "-" for what is not there. */
#define CHANGE_WORDS 3
void change_words(const struct change *c, char out[CHANGE_WORDS][WORDS_LEN]);

#endif
