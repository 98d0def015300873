/*
 * profiles.h - target customer-profiles: what the transformer finds right goes
 * through pipeline/profile before it is written.
 */
#ifndef CSV_VALIDATE_PROFILES_H
#define CSV_VALIDATE_PROFILES_H

#include "pipeline/manifest/segment.h"
#include "pipeline/profile/profile.h"
#include "pipeline/stream/compress.h"
#include "pipeline/stream/reader.h"
#include "stages/csv_validate/settings.h"

struct csv_profiles {
    struct pl_profile_config cfg;
    struct pl_segment segment;  /* behind cfg.tag */
    struct pl_profile *profile; /* NULL: another target */
    struct pl_reader reader;    /* of the id map */
    struct pl_source read;
    struct pl_inflate inflate;
    struct pl_source id_map;
    struct pl_csv_limits limits; /* of profiles, not of the rows before */
    struct pl_profile_report report;
};
void csv_profiles_release(struct csv_profiles *p);

/*
 * Takes the job's settings for profiles, and changes what the transformer is
 * asked for: its rows go to *sink, which stays p's. set->csv's out, next_part
 * and rejects are where profiles and rejects go. Does nothing for another
 * target. p must stay where it is.
 */
int csv_profiles_open(struct csv_profiles *p, struct csv_settings *set,
                      struct pl_aws *aws, const struct pl_manifest *m,
                      struct pl_sink *sink, struct pl_err *err) PL_MUST_CHECK;

/* All rows went through: writes the profiles, counts them in report and judges
 * the limits anew. */
int csv_profiles_finish(struct csv_profiles *p, struct pl_csv_config *csv,
                        struct pl_csv_report *report,
                        struct pl_err *err) PL_MUST_CHECK;

/* validate.result: the fields of the file, its key, what was left out. */
int csv_profiles_record(const struct csv_profiles *p, struct pl_manifest *m,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
