/* pl_aws_open(): the settings that hold for all calls. */
#include <string.h>
#include <unistd.h>

#include "pipeline/aws/endpoint.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

/* A variable, else the profile's setting; "" for neither. from: which. */
static void setting(const struct pl_aws *aws, const char *env, const char *key,
                    char *out, size_t cap, char from[160])
{
    const char *value = env != NULL ? pl_env(env) : NULL;

    out[0] = '\0';
    if (value != NULL) {
        (void)snprintf(out, cap, "%s", value);
        (void)snprintf(from, 160, "%s", env);
    } else if (key != NULL && pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER,
                                              aws->profile, key, out, cap)) {
        (void)snprintf(from, 160, "profile '%s'", aws->profile);
    }
}

static int set_region(struct pl_aws *aws, const char *region,
                      struct pl_err *err)
{
    char found[256] = "";

    (void)snprintf(aws->region_from, sizeof(aws->region_from), "given");
    if (region != NULL)
        (void)snprintf(found, sizeof(found), "%s", region);
    else
        setting(aws, "AWS_REGION", NULL, found, sizeof(found),
                aws->region_from);
    if (region == NULL && found[0] == '\0')
        setting(aws, "AWS_DEFAULT_REGION", "region", found, sizeof(found),
                aws->region_from);
    if (found[0] == '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "no region: set AWS_REGION, or region in profile '%s'",
                       aws->profile);
    if (!pl_is_region(found))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "'%.64s' (%s) is no name of a region", found,
                       aws->region_from);
    (void)snprintf(aws->region, sizeof(aws->region), "%s", found);
    return 0;
}

static bool is_true(const struct pl_aws *aws, const char *env, const char *key)
{
    char value[16];
    char from[160];

    setting(aws, env, key, value, sizeof(value), from);
    return pl_ieq(value, "true");
}

static int set_retry(struct pl_aws *aws, struct pl_err *err)
{
    char attempts[32];
    char mode[32];
    char from[160];

    setting(aws, "AWS_MAX_ATTEMPTS", "max_attempts", attempts, sizeof(attempts),
            from);
    setting(aws, "AWS_RETRY_MODE", "retry_mode", mode, sizeof(mode), from);
    pl_retry_init(&aws->retry);
    return pl_retry_configure(&aws->retry, attempts, mode, err);
}

static int set_ca_bundle(struct pl_aws *aws, struct pl_err *err)
{
    char path[4096];
    char from[160] = "";

    setting(aws, "AWS_CA_BUNDLE", "ca_bundle", path, sizeof(path), from);
    if (path[0] == '\0')
        return 0;
    if (access(path, R_OK) != 0) /* curl would say it at the first call */
        return pl_fail_errno(err, PL_CONFIG_INVALID,
                             "cannot read the certificates '%s' (%s)", path,
                             from);
    return pl_http_curl_set_ca_bundle(&aws->curl, path, err);
}

int pl_aws_open(struct pl_aws *aws, const char *region, struct pl_err *err)
{
    const char *profile = pl_env("AWS_PROFILE");

    if (profile == NULL)
        profile = pl_env("AWS_DEFAULT_PROFILE"); /* its old name */
    if (profile != NULL && strlen(profile) >= sizeof(aws->profile))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_PROFILE is longer than %zu characters",
                       sizeof(aws->profile) - 1);
    if (pl_http_curl_open(&aws->curl, err) != 0)
        return -1;
    (void)pthread_mutex_init(&aws->keys_lock, NULL);
    (void)pthread_mutex_init(&aws->lock, NULL);
    aws->http = pl_http_curl_door(&aws->curl);
    aws->clock = pl_clock_real;
    aws->is_s3_path_style = pl_env("LAKESEG_S3_PATH_STYLE") != NULL;
    aws->is_payload_unsigned = pl_env("LAKESEG_S3_UNSIGNED_PAYLOAD") != NULL;
    aws->is_profile_named = profile != NULL;
    (void)snprintf(aws->profile, sizeof(aws->profile), "%s",
                   profile != NULL ? profile : "default");
    if (pl_profiles_open(&aws->profiles, err) != 0 ||
        set_ca_bundle(aws, err) != 0 || set_retry(aws, err) != 0)
        return -1;
    aws->use_fips = is_true(aws, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    aws->use_dualstack =
        is_true(aws, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
    return set_region(aws, region, err);
}

void pl_aws_release(struct pl_aws *aws)
{
    pl_http_curl_release(&aws->curl);
    pl_profiles_release(&aws->profiles);
    pl_credentials_release(&aws->chain.cached);
    aws->chain.is_cached = false;
}
