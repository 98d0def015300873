/*
 * outcome.h - how a run went, in the words that people are told: what a
 * notification says, whoever publishes it. Its subject: pl_manifest_subject().
 */
#ifndef PL_MANIFEST_OUTCOME_H
#define PL_MANIFEST_OUTCOME_H

#include "pipeline/manifest/manifest.h"

/* The attribute notification_type: "success" or "failure". */
const char *pl_outcome_type(const struct pl_manifest *m);

/* The failure's message; what stands in quotes in a service's words, which may
 * be people's data, is masked. "" when there is none. */
#define PL_OUTCOME_MESSAGE_LEN 1100
void pl_outcome_message(const struct pl_manifest *m,
                        char text[PL_OUTCOME_MESSAGE_LEN]);

/* Appends the text: what happened, whose it is to mend, the figures, where
 * rejects and report are. No row contents: what stands in quotes in a
 * service's words is masked. */
int pl_outcome_text(const struct pl_manifest *m, struct pl_buf *text,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
