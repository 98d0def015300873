/* AWS_ACCESS_KEY_ID and what belongs to it (sources 8.2). */
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/base/opts.h"

static int set_end(struct pl_aws *aws, struct pl_credentials *keys,
                   struct pl_err *err)
{
    const char *until = pl_env("AWS_CREDENTIAL_EXPIRATION");
    int64_t ms = 0;

    if (until == NULL)
        return 0;
    if (pl_time_parse_iso(until, &ms) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_CREDENTIAL_EXPIRATION '%.64s' is no time", until);
    if (ms <= pl_now_ms(&aws->clock) + aws->skew_ms)
        return pl_fail(err, PL_CREDENTIALS_EXPIRED,
                       "the keys in the environment were good until %.64s",
                       until);
    keys->expires_at = ms / 1000;
    return 0;
}

int pl_credentials_environment(struct pl_aws *aws, const char *profile,
                               struct pl_found *found, struct pl_err *err)
{
    const char *key = pl_env("AWS_ACCESS_KEY_ID");
    const char *secret = pl_env("AWS_SECRET_ACCESS_KEY");
    const char *token = pl_env("AWS_SESSION_TOKEN");
    struct pl_credentials *keys = &found->keys;

    (void)profile;
    if (key == NULL)
        return 0;
    pl_found_set(found, false, "environment", "AWS_ACCESS_KEY_ID");
    if (token == NULL)
        token = pl_env("AWS_SECURITY_TOKEN"); /* its old name */
    if (secret == NULL)
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is "
                       "not");
    if (pl_credentials_copy(keys->access_key, sizeof(keys->access_key), key,
                            "AWS_ACCESS_KEY_ID", err) != 0 ||
        pl_credentials_copy(keys->secret_key, sizeof(keys->secret_key), secret,
                            "AWS_SECRET_ACCESS_KEY", err) != 0 ||
        pl_credentials_copy(keys->session_token, sizeof(keys->session_token),
                            token != NULL ? token : "", "AWS_SESSION_TOKEN",
                            err) != 0)
        return -1;
    return set_end(aws, keys, err);
}
