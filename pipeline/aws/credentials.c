#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/sts.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"

#define REFRESH_AHEAD_S 600 /* as botocore: less than ten minutes left */

void pl_credentials_release(struct pl_credentials *credentials)
{
    pl_wipe(credentials, sizeof(*credentials));
}

int pl_credentials_copy(char *to, size_t cap, const char *from,
                        const char *what, struct pl_err *err)
{
    if (strlen(from) >= cap)
        return pl_fail(err, PL_CONFIG_INVALID, "%s is too long", what);
    (void)snprintf(to, cap, "%s", from);
    return 0;
}

int pl_credentials_environment(struct pl_aws *aws, bool *is_configured,
                               struct pl_credentials *out, struct pl_err *err)
{
    const char *key = pl_env("AWS_ACCESS_KEY_ID");
    const char *secret = pl_env("AWS_SECRET_ACCESS_KEY");
    const char *token = pl_env("AWS_SESSION_TOKEN");

    (void)aws;
    *is_configured = key != NULL;
    if (key == NULL)
        return 0;
    if (secret == NULL)
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is "
                       "not");
    if (pl_credentials_copy(out->access_key, sizeof(out->access_key), key,
                            "AWS_ACCESS_KEY_ID", err) != 0 ||
        pl_credentials_copy(out->secret_key, sizeof(out->secret_key), secret,
                            "AWS_SECRET_ACCESS_KEY", err) != 0)
        return -1;
    return pl_credentials_copy(out->session_token, sizeof(out->session_token),
                               token != NULL ? token : "", "AWS_SESSION_TOKEN",
                               err);
}

int pl_credentials_web_identity(struct pl_aws *aws, bool *is_configured,
                                struct pl_credentials *out, struct pl_err *err)
{
    const char *path = pl_env("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role = pl_env("AWS_ROLE_ARN");
    const char *session = pl_env("AWS_ROLE_SESSION_NAME");
    PL_AUTO(pl_buf) token = PL_BUF_INIT_MAX(32768);
    int rc;

    *is_configured = path != NULL;
    if (path == NULL)
        return 0;
    if (role == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is "
                       "not");
    rc = pl_file_read(path, &token, err); /* anew each time: it is rotated */
    while (rc == 0 && token.len > 0 &&
           (unsigned char)token.data[token.len - 1] <= ' ')
        token.data[--token.len] = '\0';
    if (rc == 0)
        rc = pl_sts_assume_role_with_web_identity(
            aws, role, session != NULL ? session : "lakeseg",
            pl_buf_str(&token), out, err);
    if (token.data != NULL)
        pl_wipe(token.data, token.cap);
    return rc == 0 ? 0 : pl_context(err, "web identity");
}

static const struct {
    const char *name;
    pl_credentials_source *get;
    bool can_refresh;
} sources[] = {
    {"environment", pl_credentials_environment, false},
    {"web identity", pl_credentials_web_identity, true},
    {"shared files", pl_credentials_files, false},
    {"container", pl_credentials_container, true},
};

static int load(struct pl_aws *aws, struct pl_err *err)
{
    struct pl_credentials_chain *chain = &aws->chain;

    for (size_t i = 0; i < PL_COUNT(sources); i++) {
        PL_AUTO(pl_credentials) fresh = {.expires_at = 0};
        bool is_configured = false;

        if (sources[i].get(aws, &is_configured, &fresh, err) != 0)
            return pl_context(err, "cannot get credentials");
        if (!is_configured)
            continue;
        chain->cached = fresh;
        chain->is_cached = true;
        chain->can_refresh = sources[i].can_refresh;
        (void)snprintf(chain->source, sizeof(chain->source), "%s",
                       sources[i].name);
        pl_debug("credentials from %s", chain->source);
        return 0;
    }
    return pl_fail(err, PL_CREDENTIALS_MISSING,
                   "no credentials: looked at AWS_ACCESS_KEY_ID, "
                   "AWS_WEB_IDENTITY_TOKEN_FILE, profile '%s' of the shared "
                   "files and the container endpoint",
                   aws->profile);
}

int pl_credentials_get(struct pl_aws *aws, const struct pl_credentials **out,
                       struct pl_err *err)
{
    struct pl_credentials_chain *chain = &aws->chain;
    const int64_t now = pl_now_ms(&aws->clock) / 1000;

    if (!chain->is_cached ||
        (chain->cached.expires_at != 0 && chain->can_refresh &&
         chain->cached.expires_at - now < REFRESH_AHEAD_S)) {
        if (load(aws, err) != 0)
            return -1;
    }
    *out = &chain->cached;
    return 0;
}

bool pl_credentials_can_refresh(const struct pl_aws *aws)
{
    return aws->chain.can_refresh;
}

void pl_credentials_expire(struct pl_aws *aws)
{
    aws->chain.is_cached = false;
}
