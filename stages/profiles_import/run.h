/* run.h - what the rooms of profiles-import share: one run of it. */
#ifndef PROFILES_IMPORT_RUN_H
#define PROFILES_IMPORT_RUN_H

#include "pipeline/aws/customer.h"
#include "pipeline/manifest/segment.h"
#include "stages/profiles_import/profiles_import.h"

/* What UniqueKey of an upload job is: the service does not say (9.1). */
enum profiles_unique {
    PROFILES_UNIQUE_FIELD,  /* the name in Fields */
    PROFILES_UNIQUE_SOURCE, /* "_source.<column>" */
    PROFILES_UNIQUE_TARGET  /* "_profile.<field>" */
};

struct profiles_settings {
    const char *domain;
    const char *region; /* NULL: the client's */
    bool is_objects;    /* method: objects */
    bool is_setup;
    const char *object_type;
    enum profiles_unique unique;
    enum pl_customer_key upload_key;
    int64_t expiry_days; /* -1: not given */
    int64_t objects_per_second;
    int64_t sample_keys;
    double max_unknown_percent;
    double max_failed_percent;
    int64_t timeout_ms;
    int64_t poll_ms;
    struct pl_segment segment;
};

/* One normalized file. */
struct profiles_part {
    struct pl_data data; /* borrowed from the manifest */
    char name[300];      /* of its upload job: "<run>-p0000" */
    struct pl_customer_job job;
    bool has_job;
    size_t entry;    /* of the manifest's data */
    bool is_gone;    /* its people are in the job's result no more */
    uint64_t fields; /* which of the run's it has, a bit for each */
};
_Static_assert(PL_CUSTOMER_FIELDS_MAX <= 64, "a bit for each field");

struct profiles_run {
    struct profiles_settings set;
    struct pl_aws *aws;
    struct pl_manifest *m;
    struct pl_customer customer;
    struct pl_customer_field fields[PL_CUSTOMER_FIELDS_MAX];
    size_t field_count;
    size_t key; /* which field tells profiles apart */
    size_t tag; /* which is the segment's, if there is one */
    struct profiles_part *parts;
    size_t part_count;
    int64_t rows;      /* of all parts */
    bool has_failures; /* some row was not taken */
    char **keys;       /* the sample */
    size_t key_count;
    int64_t end_ms;
    enum pl_customer_there segment_there;
};

/* settings.c */
int profiles_settings_choose(struct profiles_settings *set,
                             const struct profiles_import_config *cfg,
                             const struct pl_manifest *m,
                             struct pl_err *err) PL_MUST_CHECK;

/* plan.c: the parts and the fields, from the manifest alone. */
int profiles_plan(struct profiles_run *run, struct pl_err *err) PL_MUST_CHECK;
static inline bool profiles_has_field(const struct profiles_part *part,
                                      size_t field)
{
    return (part->fields >> field & 1) != 0;
}

/* judge.c: reads the parts that are not on their way and says whether they are
 * what the manifest says, and what the service takes. is_first: nothing of the
 * run is imported yet; then a sample of the keys is looked up. */
int profiles_judge_all(struct profiles_run *run, bool is_first,
                       struct pl_err *err) PL_MUST_CHECK;

/* keys.c: the standard key that finds profiles by the run's ("_account"), or
 * NULL; looks the sample up by it. */
const char *profiles_search_key(const struct profiles_run *run);
int profiles_look_up(struct profiles_run *run,
                     struct pl_err *err) PL_MUST_CHECK;

/* upload.c, follow.c: the way of upload jobs. */
int profiles_find_jobs(struct profiles_run *run, bool *is_any,
                       struct pl_err *err) PL_MUST_CHECK;
int profiles_upload(struct profiles_run *run, struct profiles_part *part,
                    struct pl_err *err) PL_MUST_CHECK;
int profiles_follow(struct profiles_run *run, struct pl_err *err) PL_MUST_CHECK;
int profiles_outcome(struct profiles_run *run,
                     struct pl_err *err) PL_MUST_CHECK;
/* Writes down which jobs were started, for whatever happens next. */
int profiles_record(struct profiles_run *run, struct pl_err *err) PL_MUST_CHECK;

/* objects.c: the way of objects, from the check of their type on. */
int profiles_put_objects(struct profiles_run *run,
                         struct pl_err *err) PL_MUST_CHECK;

/* segment.c: looked at before the import, made after it. */
int profiles_segment_look(struct profiles_run *run,
                          struct pl_err *err) PL_MUST_CHECK;
int profiles_segment_make(struct profiles_run *run,
                          struct pl_err *err) PL_MUST_CHECK;

/* Adds what people can do about a failure. Returns -1. */
int profiles_explain(const struct profiles_run *run, struct pl_err *err);

#endif
