/* A role by the token in a file: EKS service accounts, GitHub and the like
 * (sources 8.5). */
#include <inttypes.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/aws/sts.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"

struct identity {
    char path[4096];
    char role[PL_STS_ROLE_ARN];
    char session[PL_STS_SESSION];
};

static int assume(struct pl_aws *aws, const struct identity *id,
                  struct pl_credentials *out, struct pl_err *err)
{
    PL_AUTO(pl_buf) token = PL_BUF_INIT_MAX(32768);
    int rc = pl_file_read(id->path, &token, err); /* anew: it is rotated */

    while (rc == 0 && token.len > 0 &&
           (unsigned char)token.data[token.len - 1] <= ' ')
        token.data[--token.len] = '\0';
    if (rc == 0)
        rc = pl_sts_assume_role_with_web_identity(aws, id->role, id->session,
                                                  pl_buf_str(&token), out, err);
    if (token.data != NULL)
        pl_wipe(token.data, token.cap);
    return rc;
}

/* The variable, else the profile's setting. */
static void get(const struct pl_aws *aws, const char *env, const char *profile,
                const char *key, char *out, size_t cap)
{
    const char *value = env != NULL ? pl_env(env) : NULL;

    out[0] = '\0';
    if (value != NULL)
        (void)snprintf(out, cap, "%s", value);
    else if (profile != NULL)
        (void)pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, profile, key,
                              out, cap);
}

static int find(struct pl_aws *aws, bool with_env, const char *profile,
                struct pl_found *found, struct pl_err *err)
{
    struct identity id = {.path = ""};

    get(aws, with_env ? "AWS_WEB_IDENTITY_TOKEN_FILE" : NULL, profile,
        "web_identity_token_file", id.path, sizeof(id.path));
    if (id.path[0] == '\0')
        return 0;
    get(aws, with_env ? "AWS_ROLE_ARN" : NULL, profile, "role_arn", id.role,
        sizeof(id.role));
    get(aws, with_env ? "AWS_ROLE_SESSION_NAME" : NULL, profile,
        "role_session_name", id.session, sizeof(id.session));
    if (id.role[0] == '\0')
        return pl_fail(err, PL_CONFIG_INVALID,
                       "web identity: AWS_WEB_IDENTITY_TOKEN_FILE (or "
                       "web_identity_token_file) is set, AWS_ROLE_ARN (or "
                       "role_arn) is not");
    if (id.session[0] == '\0')
        pl_sts_session_name(aws, id.session);
    pl_found_set(found, true, "web-identity", "web identity, role %.200s",
                 id.role);
    if (assume(aws, &id, &found->keys, err) != 0)
        return pl_context(err, "web identity");
    return 0;
}

int pl_credentials_web_identity(struct pl_aws *aws, const char *profile,
                                struct pl_found *found, struct pl_err *err)
{
    return find(aws, true, profile, found, err);
}

int pl_credentials_web_identity_of(struct pl_aws *aws, const char *profile,
                                   struct pl_found *found, struct pl_err *err)
{
    return find(aws, false, profile, found, err);
}
