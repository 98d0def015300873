/*
 * sns.h - Amazon SNS Publish (sources 5): the Query protocol.
 *
 * At least once: a standard topic has no idempotent publish, so a repeated
 * call may send twice. A FIFO topic (".fifo") takes the group and the
 * de-duplication id.
 */
#ifndef PL_AWS_SNS_H
#define PL_AWS_SNS_H

#include "pipeline/aws/client.h"

#define PL_SNS_MESSAGE_MAX 262144 /* bytes, message and attributes together */
#define PL_SNS_SUBJECT_MAX 99     /* printable ASCII characters */

struct pl_sns_attribute {
    const char *name;
    const char *value; /* type String; NULL or "" is left out */
};

struct pl_sns_message {
    const char *topic_arn;
    const char *subject; /* NULL or "": none */
    const char *message;
    struct pl_sns_attribute attributes[10];
    size_t attribute_count;
    const char *group_id;         /* FIFO topics; else NULL */
    const char *deduplication_id; /* NULL: none */
};

/* The region that a topic's ARN names; PL_CONFIG_INVALID when it is none. */
int pl_sns_region(const char *topic_arn, char region[64],
                  struct pl_err *err) PL_MUST_CHECK;

/* The client's region is the topic ARN's. */
int pl_sns_publish(struct pl_aws *aws, const struct pl_sns_message *message,
                   char message_id[128], struct pl_err *err) PL_MUST_CHECK;

#endif
