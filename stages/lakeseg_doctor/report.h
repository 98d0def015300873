/*
 * report.h - what the doctor found, as a JSON document; the text is made from
 * it.
 */
#ifndef LAKESEG_DOCTOR_REPORT_H
#define LAKESEG_DOCTOR_REPORT_H

#include <jansson.h>

#include "pipeline/base/buf.h"

struct doctor_report {
    json_t *root; /* {"settings": {...}, "checks": [...], "status": ...} */
    json_t *settings;
    json_t *checks;
    struct pl_err *first; /* the first failure */
};
int doctor_report_open(struct doctor_report *r, struct pl_err *first,
                       struct pl_err *err) PL_MUST_CHECK;
void doctor_report_release(struct doctor_report *r);

/* Something that was tried. */
struct doctor_check {
    const char *name;       /* "s3 ListObjectsV2" */
    const char *target;     /* "s3://bucket/prefix", or "" */
    const char *permission; /* that it takes: "s3:ListBucket", or NULL */
    const char *resource;   /* on what: an ARN, or NULL */
    const char *hint;       /* where a refusal says little about the job */
};
/* cause NULL: it went well, and detail (or NULL) tells what came. */
void doctor_report_add(struct doctor_report *r, const struct doctor_check *c,
                       const char *detail, const struct pl_err *cause);

int doctor_report_print(const struct doctor_report *r, bool is_json,
                        struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
