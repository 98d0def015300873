/*
 * delta.h - a run beside the last one of its job (docs/changed.md): what is
 * new, changed, the same and gone is counted, judged before anything is
 * imported, and with import.mode changed only what differs is written.
 */
#ifndef CSV_VALIDATE_DELTA_H
#define CSV_VALIDATE_DELTA_H

#include "pipeline/delta/filter.h"
#include "pipeline/delta/job.h"
#include "pipeline/profile/profile.h"
#include "stages/csv_validate/settings.h"

/* What --allow lets pass once. */
enum csv_delta_allow {
    CSV_DELTA_MAX_CHANGE = 1,
    CSV_DELTA_MAX_GONE = 2,
    CSV_DELTA_MIN_ROWS = 4,
    CSV_DELTA_EMPTY = 8,
    CSV_DELTA_UNNAMED = 16
};

struct csv_delta_settings {
    bool is_on;
    bool is_changed;         /* import.mode changed */
    double max_change;       /* percent; < 0: no limit */
    double max_gone;         /* the same */
    double min_rows;         /* percent of the last run's; 0: no limit */
    unsigned allow;          /* enum csv_delta_allow */
    const char *gone_column; /* what gone rows get; NULL: nothing */
    const char *gone_value;
    char column[160];        /* behind gone_column */
    const char *destination; /* where rows go, as far as the job says; else
                                NULL */
    char destination_text[PL_DELTA_DESTINATION];
    int64_t expiry_days; /* of profiles; -1 */
};
/* PL_CONFIG_INVALID for what cannot be together. */
int csv_delta_choose(struct csv_delta_settings *s,
                     const struct csv_validate_config *cfg,
                     const struct csv_settings *set,
                     const struct pl_manifest *m,
                     struct pl_err *err) PL_MUST_CHECK;
/* Whether the words of --allow (NULL: LAKESEG_ALLOW_ONCE) have this one. */
int csv_delta_allowed(const char *words, unsigned *allow,
                      struct pl_err *err) PL_MUST_CHECK;

struct csv_delta {
    struct csv_delta_settings set;
    /* As in filter.h; set before opening, or NULL. */
    int (*row)(void *ctx, enum pl_delta_kind kind, size_t place,
               const char *line, size_t len, struct pl_err *err);
    void *row_ctx;
    const struct pl_manifest *m;
    struct pl_aws *aws;
    struct pl_delta_job job;
    struct pl_delta_load load;
    struct pl_delta_table table;
    struct pl_delta_filter_config cfg;
    struct pl_delta_filter filter;
    struct pl_sink rejected;
    char full_why[320];   /* why all rows are sent although changed ones were
                            asked for; else "" */
    bool is_counted;      /* all rows went through */
    uint64_t gone;        /* rows */
    uint64_t gone_sent;   /* of them, written with the value that says so */
    char key_header[160]; /* of profiles that are gone, and of their tag */
    char tag_header[160];
    size_t first_gone_part; /* SIZE_MAX: there is none */
    json_t *prints;         /* the candidate: uri, bytes, crc64nvme, rows */
};
void csv_delta_release(struct csv_delta *d);

/* Whether what the job keeps is in S3. */
bool csv_delta_needs_s3(const struct csv_validate_config *cfg,
                        const struct pl_manifest *m);

/*
 * Reads what the job kept, and puts the comparison before set->csv.out: rows go
 * to *sink, which stays d's. Does nothing where it is not on. d must stay where
 * it is.
 */
int csv_delta_open(struct csv_delta *d, struct csv_settings *set,
                   struct pl_aws *aws, const struct pl_manifest *m,
                   struct pl_sink *sink, struct pl_err *err) PL_MUST_CHECK;
/* All rows went through: counts them in report, and judges the limits that
 * look at the last run (PL_DATA_INVALID). */
int csv_delta_judge(struct csv_delta *d, struct pl_csv_report *report,
                    struct pl_err *err) PL_MUST_CHECK;
/* The rows did not get through: says what to do where there were none. */
int csv_delta_explain(const struct csv_delta *d,
                      const struct pl_csv_report *report, struct pl_err *err);
/* rejects.c: asks whose rows are rejected, so that a row that was sent once and
 * is rejected now does not pass for gone. */
void csv_delta_watch_rejects(struct csv_delta *d, struct pl_csv_config *csv);
/* All limits hold: writes what is gone, if anything is asked for, in parts of
 * its own, and keeps this run's fingerprints as a candidate. *rows: of the
 * last part, numbered from next_part. */
int csv_delta_finish(struct csv_delta *d,
                     const struct pl_profile_report *profiles, size_t next_part,
                     uint64_t *rows, struct pl_err *err) PL_MUST_CHECK;
/* gone.c: the first half of it. */
int csv_delta_write_gone(struct csv_delta *d, size_t next_part, uint64_t *rows,
                         struct pl_err *err) PL_MUST_CHECK;
/* validate.result.delta. */
int csv_delta_record(const struct csv_delta *d, struct pl_manifest *m,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
