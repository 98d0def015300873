/* record.h - what the transformer reports, as validate.result has it. */
#ifndef CSV_VALIDATE_RECORD_H
#define CSV_VALIDATE_RECORD_H

#include "pipeline/csv/transform.h"
#include "pipeline/manifest/manifest.h"

int csv_record_report(const struct pl_csv_report *report, struct pl_manifest *m,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
