/*
 * client.h - what all service files share: credentials, region, endpoints,
 * and one call that signs, sends, retries and turns a refusal into an error.
 */
#ifndef PL_AWS_CLIENT_H
#define PL_AWS_CLIENT_H

#include <pthread.h>

#include "pipeline/aws/credentials.h"
#include "pipeline/aws/http.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/aws/retry.h"
#include "pipeline/base/clock.h"

enum pl_aws_service {
    PL_AWS_ATHENA,
    PL_AWS_S3,
    PL_AWS_PINPOINT,
    PL_AWS_CUSTOMER_PROFILES,
    PL_AWS_SNS,
    PL_AWS_STS,
    PL_AWS_SFN,
    PL_AWS_SERVICES /* how many there are */
};

/* Calls may be made by any number of threads at once: what they share is kept
 * under the two locks. */
struct pl_aws {
    struct pl_http http;
    struct pl_clock clock;
    struct pl_credentials_chain chain;
    struct pl_retry retry;
    char region[64];
    char region_from[160];       /* the setting that gave it, for people */
    struct pl_profiles profiles; /* the shared files */
    struct pl_http_curl curl;    /* behind http unless a test put its own */
    bool is_s3_path_style;       /* LAKESEG_S3_PATH_STYLE, or by need */
    bool use_fips;               /* AWS_USE_FIPS_ENDPOINT */
    bool use_dualstack;          /* AWS_USE_DUALSTACK_ENDPOINT */
    bool is_profile_named;       /* by AWS_PROFILE */
    char profile[128];
    bool is_payload_unsigned;  /* LAKESEG_S3_UNSIGNED_PAYLOAD: bodies to a
                                 loopback server are not hashed */
    const char *bucket_owner;  /* S3: the account that a bucket must have, or
                                 NULL; kept, not copied */
    pthread_mutex_t keys_lock; /* chain, profiles */
    pthread_mutex_t lock;      /* retry, moved_* */
    /* the services' clock less ours, once one refused it */
    _Atomic int64_t skew_ms;
    char moved_bucket[64]; /* S3: the bucket last found in another region, */
    char moved_region[64]; /* and that region */
};

/*
 * Opens the real thing: curl, the machine's clock, the shared files, the
 * settings that hold for all calls, and the region (region if not NULL,
 * AWS_REGION, AWS_DEFAULT_REGION, the profile). No I/O on the network yet;
 * credentials are looked for at first use. Fails with PL_CONFIG_INVALID when
 * no region is set or a setting is malformed.
 */
int pl_aws_open(struct pl_aws *aws, const char *region,
                struct pl_err *err) PL_MUST_CHECK;
void pl_aws_release(struct pl_aws *aws);

/*
 * The base URL of a service, without a trailing slash: AWS_ENDPOINT_URL_<S>,
 * AWS_ENDPOINT_URL, the endpoint_url of the profile's services section and of
 * the profile itself (none of them if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is
 * true), else the partition's host for the region (sources 8.11). bucket: S3 only; virtual-host style unless the endpoint is
 * configured, the name has a dot, or path style was asked for; *is_path_style
 * says which it became. region NULL: aws->region.
 */
int pl_aws_endpoint(const struct pl_aws *aws, enum pl_aws_service service,
                    const char *region, const char *bucket, struct pl_buf *base,
                    bool *is_path_style, struct pl_err *err) PL_MUST_CHECK;
/* Begins a request with it: req->base is scheme, host and port; the path that
 * a configured URL may have begins req->path, which then has no trailing
 * slash. */
int pl_aws_begin(const struct pl_aws *aws, enum pl_aws_service service,
                 const char *region, const char *bucket,
                 struct pl_http_request *req, bool *is_path_style,
                 struct pl_err *err) PL_MUST_CHECK;

/* The region in which a bucket was found to be, else aws->region. */
void pl_aws_bucket_region(struct pl_aws *aws, const char *bucket,
                          char region[64]);
/* Whether a base URL's host is this machine: 127.x.x.x, [::1], localhost. */
bool pl_aws_is_loopback(const char *base);

/* How a service words its errors. */
enum pl_aws_protocol {
    PL_AWS_JSON,
    PL_AWS_REST_JSON,
    PL_AWS_QUERY,
    PL_AWS_S3XML
};

struct pl_aws_call {
    enum pl_aws_service service;
    enum pl_aws_protocol protocol;
    const char *operation;             /* "StartQueryExecution", for messages */
    const char *region;                /* NULL: aws->region */
    bool is_unsigned;                  /* AssumeRoleWithWebIdentity */
    const struct pl_credentials *keys; /* AssumeRole: not the chain's */
    bool is_idempotent;       /* false: an unclear answer is not repeated */
    bool is_single;           /* nor is a refusal to do it now: the caller looks
                                 whether it is done before another attempt */
    bool is_secret;           /* what it answers is wiped once it was read */
    const char *payload_hash; /* S3: NULL hashes the body */
    const char *bucket;       /* S3: whose region is then remembered */
    const char *root;         /* S3: how a good answer's XML begins, or NULL */
};

/*
 * Signs req (adding x-amz-date, x-amz-security-token, authorization and for S3
 * x-amz-content-sha256), sends it, and retries by aws->retry. Expired keys, a
 * wrong clock and a bucket in another region are put right once each. Returns
 * 0 with *resp for a 2xx (or 304) answer; an S3 answer that holds an <Error>,
 * or less than the whole of call->root, is none. Otherwise -1: *resp then
 * holds the last answer, err->http_status and err->service say what the
 * service said, and the code is one of PL_ACCESS_DENIED, PL_CREDENTIALS_*, PL_SIGNATURE_REFUSED,
 * PL_THROTTLED, PL_SERVICE_UNAVAILABLE, PL_INTERRUPTED, PL_SERVICE_REFUSED.
 */
int pl_aws_send(struct pl_aws *aws, const struct pl_aws_call *call,
                struct pl_http_request *req, struct pl_http_response *resp,
                struct pl_err *err) PL_MUST_CHECK;

#endif
