/*
 * sns_notify.h - publishes how the run went, success or failure.
 *
 * One message for every outcome that it can learn of, with the subject of
 * docs/manifest.md's table, the attributes notification_type (success or
 * failure), run_id, and for a failure error_name. At least once: run_id marks
 * repeats.
 */
#ifndef SNS_NOTIFY_H
#define SNS_NOTIFY_H

#include "pipeline/aws/client.h"
#include "pipeline/manifest/manifest.h"

struct sns_notify_config {
    const char *topic_arn; /* option; NULL when not given */
};

/* The topic: option, notify.topic_arn, LAKESEG_TOPIC_ARN; NULL: none. */
const char *sns_notify_topic(const struct sns_notify_config *cfg,
                             const struct pl_manifest *m);

/* Publishes and fills notify.result. Fails with PL_CONFIG_INVALID when there
 * is no topic. */
int sns_notify_run(const struct sns_notify_config *cfg, struct pl_aws *aws,
                   struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

#endif
