/*
 * sum.h - the counts of several transformers, added up. No I/O.
 */
#ifndef PARTS_COLLECT_SUM_H
#define PARTS_COLLECT_SUM_H

#include "pipeline/manifest/manifest.h"

struct parts_sum {
    int64_t in;
    int64_t out;
    int64_t rejected;
    int64_t dropped;
    int64_t merged;
    int64_t unchanged;
    json_t *by_rule; /* NULL: no part yet */
    json_t *columns; /* NULL: no part had any */
};
void parts_sum_release(struct parts_sum *sum);

/* Adds validate.result of a part's manifest. PL_MANIFEST_INVALID for counts
 * that are none, or columns that are not those of the parts before. */
int parts_sum_add(struct parts_sum *sum, const struct pl_manifest *part,
                  struct pl_err *err) PL_MUST_CHECK;

/* Writes it into validate.result. How many values a column has, and which are
 * the most frequent, cannot be told from the parts, and is left out. */
int parts_sum_record(const struct parts_sum *sum, struct pl_manifest *m,
                     struct pl_err *err) PL_MUST_CHECK;

/* PL_DATA_INVALID when it does not keep to the limits of m. */
int parts_sum_judge(const struct parts_sum *sum, const struct pl_manifest *m,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
