/* The shared files: a profile with keys. What a profile can say besides is
 * named, with the way forward, rather than passed over. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/ini.h"

/* Fails when the profile has one of these settings (NULL ends the list). */
static int refuse(const char *profile, const char *const *kinds,
                  struct pl_err *err)
{
    char value[512];

    for (; *kinds != NULL; kinds++) {
        if (pl_profile_setting(profile, *kinds, value, sizeof(value), err) != 0)
            return -1;
        if (value[0] != '\0')
            return pl_fail(err, PL_CONFIG_INVALID,
                           "profile '%s' uses %s, which is not read here; run "
                           "'eval \"$(aws configure export-credentials "
                           "--profile %s --format env)\"' before",
                           profile, *kinds, profile);
    }
    return 0;
}

/* Roles and sign-ins mean other keys than those that stand beside them; a
 * process is asked only when there are none (aws-facts 8.1). */
static const char *const before_keys[] = {"role_arn", "sso_session",
                                          "sso_start_url", NULL};
static const char *const after_keys[] = {"login_session", "credential_process",
                                         NULL};

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
    if (refuse(profile, before_keys, err) != 0 ||
        pl_profile_setting(profile, "aws_access_key_id", out->access_key,
                           sizeof(out->access_key), err) != 0 ||
        pl_profile_setting(profile, "aws_secret_access_key", out->secret_key,
                           sizeof(out->secret_key), err) != 0 ||
        pl_profile_setting(profile, "aws_session_token", out->session_token,
                           sizeof(out->session_token), err) != 0)
        return -1;
    if (out->access_key[0] == '\0')
        return refuse(profile, after_keys, err);
    *is_configured = true;
    if (out->secret_key[0] == '\0')
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "profile '%s' has aws_access_key_id, but no "
                       "aws_secret_access_key",
                       profile);
    return 0;
}
