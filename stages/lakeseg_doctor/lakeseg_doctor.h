/*
 * lakeseg_doctor.h - says where credentials, region and endpoints come from,
 * and asks each service that a job needs a harmless question.
 *
 * No secret is shown: of the access key id the middle is masked.
 */
#ifndef LAKESEG_DOCTOR_H
#define LAKESEG_DOCTOR_H

#include "pipeline/manifest/manifest.h"

struct lakeseg_doctor_config {
    bool is_json;
    bool without_calls; /* find the credentials, but ask no service */
};

/*
 * Appends the report, as text or as one JSON document on a line. job: whose
 * places are looked at besides those of the environment; NULL: none. *first is
 * the first thing that failed (its code PL_OK when nothing did). -1 only when
 * there is no report.
 */
int lakeseg_doctor_run(const struct lakeseg_doctor_config *cfg,
                       const struct pl_manifest *job, struct pl_buf *report,
                       struct pl_err *first, struct pl_err *err) PL_MUST_CHECK;

#endif
