/*
 * pinpoint.h - Amazon Pinpoint's import jobs and segments (sources 2): REST
 * JSON, bare bodies, signing name mobiletargeting.
 *
 * CreateImportJob is not idempotent, and is never repeated here: look for the
 * job with pl_pinpoint_find_job() before starting another.
 */
#ifndef PL_AWS_PINPOINT_H
#define PL_AWS_PINPOINT_H

#include <jansson.h>

#include "pipeline/aws/client.h"

struct pl_pinpoint_import {
    const char *application_id;
    const char *role_arn;
    const char *s3_url; /* an object, or a prefix ending in "/" */
    const char *format; /* "CSV" or "JSON" */
    bool define_segment;
    bool register_endpoints;
    const char *segment_id; /* these may be NULL */
    const char *segment_name;
};

#define PL_PINPOINT_FAILURES_MAX 100

struct pl_pinpoint_job {
    char id[128];
    char status[40]; /* as the service words it */
    bool is_final;   /* COMPLETED or FAILED; unknown words: go on */
    bool is_failed;
    char segment_id[128]; /* Definition.SegmentId, or "" */
    int64_t pieces_done;  /* -1 where the service did not say */
    int64_t pieces_failed;
    int64_t pieces_total;
    int64_t processed; /* TotalProcessed: endpoint definitions */
    int64_t failures;  /* TotalFailures */
    char *failure[PL_PINPOINT_FAILURES_MAX]; /* texts, as given */
    size_t failure_count;
};
void pl_pinpoint_job_release(struct pl_pinpoint_job *job);

/* The request's body, a new reference; NULL when a text is not UTF-8. */
json_t *pl_pinpoint_import_body(const struct pl_pinpoint_import *import);
int pl_pinpoint_create_import(struct pl_aws *aws, const char *region,
                              const struct pl_pinpoint_import *import,
                              struct pl_pinpoint_job *job,
                              struct pl_err *err) PL_MUST_CHECK;
int pl_pinpoint_get_import(struct pl_aws *aws, const char *region,
                           const char *application_id, const char *job_id,
                           struct pl_pinpoint_job *job,
                           struct pl_err *err) PL_MUST_CHECK;
/* Looks through GetImportJobs (all pages) for the newest job with this S3Url:
 * *found tells; job is filled only then. */
int pl_pinpoint_find_job(struct pl_aws *aws, const char *region,
                         const char *application_id, const char *s3_url,
                         bool *found, struct pl_pinpoint_job *job,
                         struct pl_err *err) PL_MUST_CHECK;

#define PL_PINPOINT_CHANNELS_MAX 32

struct pl_pinpoint_segment {
    char id[128];
    char name[256];
    char type[24]; /* "IMPORT", "DIMENSIONAL" */
    int64_t size;  /* ImportDefinition.Size, -1 unknown */
    int64_t version;
    struct {
        char name[24];
        int64_t count;
    } channels[PL_PINPOINT_CHANNELS_MAX]; /* ImportDefinition.ChannelCounts */
    size_t channel_count;
    int64_t channel_sum; /* of all counts; -1: none were given */
};
int pl_pinpoint_get_segment(struct pl_aws *aws, const char *region,
                            const char *application_id, const char *segment_id,
                            struct pl_pinpoint_segment *segment,
                            struct pl_err *err) PL_MUST_CHECK;
/* Looks through GetSegments (all pages): how many have this name, letter by
 * letter, and one of them. Names need not be unique. */
int pl_pinpoint_find_segment(struct pl_aws *aws, const char *region,
                             const char *application_id, const char *name,
                             size_t *count, struct pl_pinpoint_segment *segment,
                             struct pl_err *err) PL_MUST_CHECK;

#endif
