/*
 * endpoint.h - partitions, and where a service's URL comes from (sources
 * 8.11, 4.1). pl_aws_endpoint() of client.h is what clients call.
 */
#ifndef PL_AWS_ENDPOINT_H
#define PL_AWS_ENDPOINT_H

#include "pipeline/aws/client.h"

struct pl_partition {
    const char *name;        /* as in ARNs: "aws-cn" */
    const char *prefix;      /* of its regions */
    const char *suffix;      /* "amazonaws.com" */
    const char *dual_suffix; /* of dual-stack hosts, but for S3 */
};
/* "aws" for regions that no other partition claims. */
const struct pl_partition *pl_partition_of(const char *region);

/* What may become part of a host name. */
bool pl_is_region(const char *text);
/* The region in "arn:aws:sns:<region>:<account>:<name>"; false when it is
 * none, or names no region. */
bool pl_arn_region(const char *arn, char region[64]);

const char *pl_service_name(enum pl_aws_service service); /* "athena" */
const char *pl_signing_name(enum pl_aws_service service);

#define PL_ENDPOINT_URL 512
/* The URL that is configured for a service and which setting says so; both ""
 * when none does. A setting that is no URL is PL_CONFIG_INVALID. */
int pl_endpoint_configured(const struct pl_aws *aws,
                           enum pl_aws_service service,
                           char url[PL_ENDPOINT_URL], char from[128],
                           struct pl_err *err) PL_MUST_CHECK;
/* Appends the host that AWS has for a service in a region. */
int pl_endpoint_host(const struct pl_aws *aws, enum pl_aws_service service,
                     const char *region, struct pl_buf *host,
                     struct pl_err *err) PL_MUST_CHECK;

#endif
