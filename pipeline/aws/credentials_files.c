/* The shared files: a profile with keys. What a profile can say besides is
 * named, with the way forward, rather than passed over. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/ini.h"

static int refuse_other_kinds(const char *profile, struct pl_err *err)
{
    static const char *const kinds[] = {"role_arn", "credential_process",
                                        "sso_session", "sso_start_url"};
    char value[512];

    for (size_t i = 0; i < PL_COUNT(kinds); i++) {
        if (pl_profile_setting(profile, kinds[i], value, sizeof(value), err) !=
            0)
            return -1;
        if (value[0] != '\0')
            return pl_fail(err, PL_CONFIG_INVALID,
                           "profile '%s' uses %s, which is not read here; run "
                           "'eval \"$(aws configure export-credentials "
                           "--profile %s --format env)\"' before",
                           profile, kinds[i], profile);
    }
    return 0;
}

int pl_credentials_files(struct pl_aws *aws, bool *is_configured,
                         struct pl_credentials *out, struct pl_err *err)
{
    const char *named = getenv("AWS_PROFILE");
    const char *profile = aws->profile;
    bool exists = false;

    if (pl_profile_exists(profile, &exists, err) != 0)
        return -1;
    if (!exists && named != NULL && *named != '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_PROFILE names profile '%s', which the shared "
                       "files do not have",
                       profile);
    if (!exists)
        return 0;
    if (pl_profile_setting(profile, "aws_access_key_id", out->access_key,
                           sizeof(out->access_key), err) != 0 ||
        pl_profile_setting(profile, "aws_secret_access_key", out->secret_key,
                           sizeof(out->secret_key), err) != 0 ||
        pl_profile_setting(profile, "aws_session_token", out->session_token,
                           sizeof(out->session_token), err) != 0)
        return -1;
    if (out->access_key[0] == '\0')
        return refuse_other_kinds(profile, err);
    *is_configured = true;
    if (out->secret_key[0] == '\0')
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "profile '%s' has aws_access_key_id, but no "
                       "aws_secret_access_key",
                       profile);
    return 0;
}
