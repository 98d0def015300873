/*
 * probe.h - harmless questions that tell whether a place can be reached and
 * may be used. Each changes nothing; a refusal is the error of that call.
 */
#ifndef PL_AWS_PROBE_H
#define PL_AWS_PROBE_H

#include "pipeline/aws/client.h"

/* ListObjectsV2 of no keys below prefix ("" or NULL: all). */
int pl_probe_bucket(struct pl_aws *aws, const char *bucket, const char *prefix,
                    struct pl_err *err) PL_MUST_CHECK;
/* GetTopicAttributes, in the region of the ARN. */
int pl_probe_topic(struct pl_aws *aws, const char *topic_arn,
                   struct pl_err *err) PL_MUST_CHECK;
/* Pinpoint's GetApp. */
int pl_probe_application(struct pl_aws *aws, const char *region,
                         const char *application_id,
                         struct pl_err *err) PL_MUST_CHECK;

/* Whether AWS's own host of a service answers at all, whatever it says: asked
 * once, without keys, and never at a configured endpoint. */
int pl_probe_host(struct pl_aws *aws, enum pl_aws_service service,
                  const char *region, struct pl_err *err) PL_MUST_CHECK;

#endif
