/*
 * model.h - what is known of a run, read once from its manifest; everything in
 * it may be hostile, and numbers out of range are unknown. Strings are
 * borrowed from the manifest. What is more than a report can hold is counted.
 */
#ifndef LAKESEG_REPORT_MODEL_H
#define LAKESEG_REPORT_MODEL_H

#include "pipeline/base/advice.h"
#include "pipeline/manifest/manifest.h"

#define REPORT_STAGES_MAX 24
#define REPORT_RULES_MAX 64
#define REPORT_COLUMNS_MAX 250
#define REPORT_JOBS_MAX 50

enum report_state {
    REPORT_GOOD,
    REPORT_OPEN, /* the run came to no end that the manifest knows */
    REPORT_BAD
};

/* The three steps that a run is told in. */
enum report_step { REPORT_QUERY, REPORT_TRANSFORM, REPORT_IMPORT };
#define REPORT_STEPS 3

struct report_stage {
    const char *name;
    const char *status;
    int64_t started_ms; /* -1: unknown */
    int64_t ended_ms;
};

struct report_rule {
    const char *name;
    int64_t count;
};

struct report_column {
    const char *name;
    size_t name_len;
    int64_t filled; /* -1: unknown; so the others */
    int64_t null;
    int64_t empty;
    int64_t longest;
    int64_t distinct;
    bool is_estimate;
    const json_t *top; /* an array, or NULL */
};

struct report_job {
    const char *id;
    const char *status;
    const char *reason; /* may quote data */
    int64_t processed;
    int64_t failed;
    int64_t created;
    int64_t updated;
    const json_t *failures; /* quote data */
};

struct report_rows {
    int64_t in; /* -1: the transformer did not come so far; so the others */
    int64_t out;
    int64_t rejected;
    int64_t dropped;
    int64_t merged;
    int64_t unchanged;
};

/* Row by row against the last run, where the job asked for it. */
struct report_delta {
    const char *last_run; /* NULL: there was none to compare with */
    const char *why_full; /* NULL: only changes were sent, or had to be */
    bool is_there;
    int64_t added; /* -1: not known; so the others */
    int64_t changed;
    int64_t unchanged;
    int64_t gone;
};

struct report_query {
    const char *sql;
    const char *execution_id;
    const char *state;
    int64_t scanned_bytes;
    int64_t billed_bytes;
    int64_t queue_ms;
    int64_t planning_ms;
    int64_t engine_ms;
    bool is_reused;
    double cost;         /* -1: unknown */
    double price_per_tb; /* -1: unknown */
};

struct report_failure {
    enum pl_code code;
    const char *name;
    const char *stage;
    const char *message; /* as it stands: may quote data */
    const struct pl_advice *advice;
};

struct report_run {
    const struct pl_manifest *m;
    enum report_state state;
    const char *subject;           /* the notification's */
    const char *id;                /* "" unknown */
    const char *name;              /* "" unknown */
    int64_t started_ms;            /* -1 unknown */
    int64_t ended_ms;              /* of the last stage; -1 unknown */
    struct report_failure failure; /* name NULL: there is none */
    enum report_step failed_step;

    struct report_query query;
    struct report_rows rows;
    struct report_delta delta;
    const char *destination; /* "Amazon Pinpoint" */
    const char *segment;     /* NULL: none was made */
    int64_t segment_size;
    int64_t processed; /* sums over all jobs; -1: no import was started */
    int64_t failed;

    struct report_stage stages[REPORT_STAGES_MAX];
    size_t stage_count;
    size_t stages_left;                         /* more than fit */
    struct report_rule rules[REPORT_RULES_MAX]; /* most frequent first */
    size_t rule_count;
    size_t rules_left;
    struct report_column columns[REPORT_COLUMNS_MAX];
    size_t column_count;
    size_t columns_left;
    struct report_job jobs[REPORT_JOBS_MAX];
    size_t job_count;
    size_t jobs_left;
};

/* price_per_tb: of a setting, for a manifest that has none; -1: none. */
void report_model(const struct pl_manifest *m, double price_per_tb,
                  struct report_run *run);

/* Wall time of the whole run; -1 unknown. */
int64_t report_duration_ms(const struct report_run *run);
/* rejected + dropped + merged + unchanged + out, what is unknown as 0. */
int64_t report_rows_sum(const struct report_rows *rows);
/* Whether the step was come to at all. */
bool report_reached(const struct report_run *run, enum report_step step);
enum report_step report_step_of(const char *stage);

/* Appends the outcome in a sentence or two, of our own words and numbers. */
int report_verdict(const struct report_run *run, struct pl_buf *out,
                   struct pl_err *err) PL_MUST_CHECK;
/* Whether what stands in quotes in this error's message may be people's. */
bool report_may_quote(const char *error_name);
/* Appends message with what it quotes masked, but for words of the query, which
 * stands in the report anyway: the column that is not there has its name. */
int report_mask(const char *message, const char *sql, struct pl_buf *out,
                struct pl_err *err) PL_MUST_CHECK;
/* Appends the error's message, what it quotes masked unless it is ours or
 * values are to be shown. */
int report_message(const struct report_run *run, bool show_values,
                   struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
