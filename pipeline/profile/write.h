/*
 * write.h - the profiles that wait in a file become the CSV of the service:
 * LF, minimal quoting, nothing where there is no value, parts of a length.
 */
#ifndef PL_PROFILE_WRITE_H
#define PL_PROFILE_WRITE_H

#include "pipeline/profile/merge.h"

/* Fills report's fields and last_part_rows. */
int pl_profile_write(const struct pl_profile_merge *m,
                     struct pl_profile_report *report,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
