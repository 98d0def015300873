/* A profile's own keys, in either of the shared files; and the profiles that
 * a person has to sign in to. */
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/base/digest.h"

static int take(const struct pl_aws *aws, enum pl_profile_file file,
                const char *profile, const char *name, char *to, size_t cap,
                struct pl_err *err)
{
    char value[PL_PROFILE_VALUE];
    int rc;

    (void)pl_profiles_get(&aws->profiles, file, profile, name, value,
                          sizeof(value));
    rc = pl_credentials_copy(to, cap, value, name, err);
    pl_wipe(value, sizeof(value));
    return rc;
}

/* All three come from one file, as botocore has it: a token that is left in
 * the other belongs to other keys. */
static int keys_of(const struct pl_aws *aws, enum pl_profile_file file,
                   const char *profile, struct pl_found *found,
                   struct pl_err *err)
{
    struct pl_credentials *keys = &found->keys;
    const bool is_config = file == PL_PROFILE_CONFIG;

    if (profile == NULL)
        return 0;
    if (take(aws, file, profile, "aws_access_key_id", keys->access_key,
             sizeof(keys->access_key), err) != 0)
        return pl_context(err, "profile '%s'", profile);
    if (keys->access_key[0] == '\0')
        return 0;
    pl_found_set(found, false,
                 is_config ? "config-file" : "shared-credentials-file",
                 "profile '%s' of the %s file", profile,
                 is_config ? "config" : "credentials");
    if (take(aws, file, profile, "aws_secret_access_key", keys->secret_key,
             sizeof(keys->secret_key), err) != 0 ||
        take(aws, file, profile, "aws_session_token", keys->session_token,
             sizeof(keys->session_token), err) != 0)
        return pl_context(err, "profile '%s'", profile);
    if (keys->secret_key[0] != '\0')
        return 0;
    return pl_fail(err, PL_CREDENTIALS_MISSING,
                   "profile '%s' has aws_access_key_id, but no "
                   "aws_secret_access_key",
                   profile);
}

int pl_credentials_keys_file(struct pl_aws *aws, const char *profile,
                             struct pl_found *found, struct pl_err *err)
{
    return keys_of(aws, PL_PROFILE_CREDENTIALS, profile, found, err);
}

int pl_credentials_keys_config(struct pl_aws *aws, const char *profile,
                               struct pl_found *found, struct pl_err *err)
{
    return keys_of(aws, PL_PROFILE_CONFIG, profile, found, err);
}

/* Keys in the credentials file come before a login, not before SSO. */
static bool is_passed_over(const struct pl_aws *aws, const char *profile,
                           const char *kind)
{
    char value[8];

    return strcmp(kind, "login_session") == 0 &&
           pl_profiles_get(&aws->profiles, PL_PROFILE_CREDENTIALS, profile,
                           "aws_access_key_id", value, sizeof(value));
}

/* The line that is asked for makes the AWS CLI sign in for us, by this very
 * profile: there the sign-in comes first, here the process does. */
int pl_credentials_sign_in(struct pl_aws *aws, const char *profile,
                           struct pl_found *found, struct pl_err *err)
{
    static const char *const kinds[] = {"sso_session", "sso_start_url",
                                        "sso_account_id", "login_session"};
    char value[PL_PROFILE_VALUE];

    if (profile == NULL ||
        pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, profile,
                        "credential_process", value, sizeof(value)))
        return 0;
    for (size_t i = 0; i < PL_COUNT(kinds); i++) {
        if (!pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, profile,
                             kinds[i], value, sizeof(value)) ||
            is_passed_over(aws, profile, kinds[i]))
            continue;
        pl_found_set(found, false, "sign-in", "profile '%s'", profile);
        return pl_fail(err, PL_CONFIG_INVALID,
                       "profile '%s' signs in through %s, which nobody is "
                       "here to do; add this line to it, and sign in with the "
                       "AWS CLI: credential_process = aws configure "
                       "export-credentials --profile %s --format process",
                       profile, kinds[i], profile);
    }
    return 0;
}
