/*
 * segment.h - import.segment: the attribute by which the people of a job's
 * runs are known in Customer Profiles. The transformer writes it as a column,
 * the importer makes the segment over it.
 */
#ifndef PL_MANIFEST_SEGMENT_H
#define PL_MANIFEST_SEGMENT_H

#include "pipeline/manifest/manifest.h"

struct pl_segment {
    char name[65];     /* "": the importer makes none */
    char tag[256];     /* the attribute; default "segment_" and the name; ""
                          when nothing is asked for */
    char value[256];   /* default "1", or the run's id if it overwrites */
    bool is_overwrite; /* previous: overwrite: who is in an older run only is
                          out at once. Else they stay until they expire */
};

/* name: an option that wins over import.segment.name, or NULL. Fails with
 * PL_CONFIG_INVALID for what the service would not take. */
int pl_manifest_segment(const struct pl_manifest *m, const char *name,
                        struct pl_segment *segment,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
