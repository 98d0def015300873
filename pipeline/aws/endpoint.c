#include "pipeline/aws/endpoint.h"

#include <string.h>

#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

static const struct {
    const char *host;    /* endpoint prefix */
    const char *signing; /* signing name */
    const char *env;     /* AWS_ENDPOINT_URL_<this> */
    const char *section; /* in [services] */
} services[PL_AWS_SERVICES] = {
    [PL_AWS_ATHENA] = {"athena", "athena", "ATHENA", "athena"},
    [PL_AWS_S3] = {"s3", "s3", "S3", "s3"},
    [PL_AWS_PINPOINT] = {"pinpoint", "mobiletargeting", "PINPOINT", "pinpoint"},
    [PL_AWS_CUSTOMER_PROFILES] = {"profile", "profile", "CUSTOMER_PROFILES",
                                  "customer_profiles"},
    [PL_AWS_SNS] = {"sns", "sns", "SNS", "sns"},
    [PL_AWS_STS] = {"sts", "sts", "STS", "sts"},
    [PL_AWS_SFN] = {"states", "states", "SFN", "sfn"},
};

const char *pl_service_name(enum pl_aws_service service)
{
    return services[service].host;
}

const char *pl_signing_name(enum pl_aws_service service)
{
    return services[service].signing;
}

const struct pl_partition *pl_partition_of(const char *region)
{
    static const struct pl_partition partitions[] = {
        {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
        {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
        {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
        {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
        {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
        {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
        {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
        {"aws", "", "amazonaws.com", "api.aws"}};
    size_t i = 0;

    while (!pl_starts_with(region, partitions[i].prefix))
        i++;
    return &partitions[i];
}

bool pl_is_region(const char *text)
{
    const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && len < 64 && text[len] == '\0';
}

bool pl_arn_region(const char *arn, char region[64])
{
    const char *at = arn;
    size_t len;

    for (int colons = 0; colons < 3; colons++) {
        at = strchr(at, ':');
        if (at == NULL)
            return false;
        at++;
    }
    len = strcspn(at, ":");
    if (strncmp(arn, "arn:", 4) != 0 || len >= 64 || at[len] != ':')
        return false;
    memcpy(region, at, len);
    region[len] = '\0';
    return pl_is_region(region); /* it becomes part of a host name */
}

/* The setting that counts, and its name; the service's own before the one for
 * all, variables before the profile. */
static void find(const struct pl_aws *aws, enum pl_aws_service service,
                 char *url, size_t cap, char from[128])
{
    char env[64];
    const char *value;

    (void)snprintf(env, sizeof(env), "AWS_ENDPOINT_URL_%s",
                   services[service].env);
    (void)snprintf(from, 128, "%s", env);
    value = pl_env(env);
    if (value == NULL) {
        (void)snprintf(from, 128, "AWS_ENDPOINT_URL");
        value = pl_env("AWS_ENDPOINT_URL");
    }
    if (value != NULL) {
        (void)snprintf(url, cap, "%s", value);
        return;
    }
    if (pl_profiles_get_service(&aws->profiles, aws->profile,
                                services[service].section, "endpoint_url", url,
                                cap))
        (void)snprintf(from, 128, "services of profile '%.80s'", aws->profile);
    else if (pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, aws->profile,
                             "endpoint_url", url, cap))
        (void)snprintf(from, 128, "profile '%.80s'", aws->profile);
    else
        from[0] = '\0';
}

static bool is_ignored(const struct pl_aws *aws)
{
    const char *env = pl_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    char value[16];

    if (env != NULL)
        return pl_ieq(env, "true");
    (void)pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, aws->profile,
                          "ignore_configured_endpoint_urls", value,
                          sizeof(value));
    return pl_ieq(value, "true");
}

int pl_endpoint_configured(const struct pl_aws *aws,
                           enum pl_aws_service service,
                           char url[PL_ENDPOINT_URL], char from[128],
                           struct pl_err *err)
{
    char found[PL_ENDPOINT_URL + 1] = "";

    url[0] = '\0';
    from[0] = '\0';
    if (is_ignored(aws))
        return 0;
    find(aws, service, found, sizeof(found), from);
    if (found[0] == '\0')
        return 0;
    if ((!pl_starts_with(found, "http://") &&
         !pl_starts_with(found, "https://")) ||
        strlen(found) >= PL_ENDPOINT_URL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "endpoint URL '%.200s' (%s) must begin with http:// or "
                       "https:// and have at most %d characters",
                       found, from, PL_ENDPOINT_URL - 1);
    while (pl_ends_with(found, "/"))
        found[strlen(found) - 1] = '\0';
    memcpy(url, found, strlen(found) + 1);
    return 0;
}

/* The plain hosts of these are FIPS ones in GovCloud already. */
static bool has_fips_host(const struct pl_partition *partition,
                          enum pl_aws_service service)
{
    return strcmp(partition->name, "aws-us-gov") != 0 ||
           (service != PL_AWS_SNS && service != PL_AWS_STS &&
            service != PL_AWS_SFN);
}

int pl_endpoint_host(const struct pl_aws *aws, enum pl_aws_service service,
                     const char *region, struct pl_buf *host,
                     struct pl_err *err)
{
    const struct pl_partition *partition = pl_partition_of(region);
    const char *name = services[service].host;
    const char *fips =
        aws->use_fips && has_fips_host(partition, service) ? "-fips" : "";

    if (service == PL_AWS_S3) /* keeps the common suffix */
        return pl_buf_addf(host, err, "%s%s%s.%s.%s", name, fips,
                           aws->use_dualstack ? ".dualstack" : "", region,
                           partition->suffix);
    return pl_buf_addf(host, err, "%s%s.%s.%s", name, fips, region,
                       aws->use_dualstack ? partition->dual_suffix
                                          : partition->suffix);
}

int pl_aws_endpoint(const struct pl_aws *aws, enum pl_aws_service service,
                    const char *region, const char *bucket, struct pl_buf *base,
                    bool *is_path_style, struct pl_err *err)
{
    char url[PL_ENDPOINT_URL];
    char from[128];
    bool is_path = true;

    if (region == NULL)
        region = aws->region;
    if (pl_endpoint_configured(aws, service, url, from, err) != 0)
        return -1;
    /* a dot in a bucket's name does not match the wildcard certificate */
    if (url[0] == '\0' && bucket != NULL)
        is_path = aws->is_s3_path_style || strchr(bucket, '.') != NULL;
    if (is_path_style != NULL)
        *is_path_style = is_path;
    if (url[0] != '\0')
        return pl_buf_adds(base, url, err);
    if (pl_buf_adds(base, "https://", err) != 0 ||
        (bucket != NULL && !is_path &&
         pl_buf_addf(base, err, "%s.", bucket) != 0))
        return -1;
    return pl_endpoint_host(aws, service, region, base, err);
}

int pl_aws_begin(const struct pl_aws *aws, enum pl_aws_service service,
                 const char *region, const char *bucket,
                 struct pl_http_request *req, bool *is_path_style,
                 struct pl_err *err)
{
    PL_AUTO(pl_buf) url = PL_BUF_INIT;
    const char *host;
    size_t len;

    if (pl_aws_endpoint(aws, service, region, bucket, &url, is_path_style,
                        err) != 0)
        return -1;
    host = strstr(url.data, "://") + 3;
    len = (size_t)(host - url.data) + strcspn(host, "/");
    if (pl_buf_add(&req->base, url.data, len, err) != 0)
        return -1;
    return pl_buf_adds(&req->path, url.data + len, err);
}
