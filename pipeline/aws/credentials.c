#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define AHEAD_S 900     /* as botocore; less of keys that live shorter */
#define RETRY_S 60      /* until a refresh in vain is tried again */
#define STALE_MIN_S 600 /* an instance's keys that are over: asked again */
#define STALE_MAX_S 900 /* after 10 to 15 minutes */
#define SECRET_MIN 16   /* words so long may be one */

void pl_credentials_release(struct pl_credentials *credentials)
{
    pl_wipe(credentials, sizeof(*credentials));
}

void pl_found_release(struct pl_found *found)
{
    pl_wipe(found, sizeof(*found));
}

void pl_found_set(struct pl_found *found, bool can_refresh, const char *kind,
                  const char *fmt, ...)
{
    va_list args;

    found->is_there = true;
    found->can_refresh = can_refresh;
    found->kind = kind;
    va_start(args, fmt);
    (void)vsnprintf(found->source, sizeof(found->source), fmt, args);
    va_end(args);
}

int pl_credentials_copy(char *to, size_t cap, const char *from,
                        const char *what, struct pl_err *err)
{
    if (strlen(from) >= cap)
        return pl_fail(err, PL_CONFIG_INVALID, "%s is too long", what);
    (void)snprintf(to, cap, "%s", from);
    return 0;
}

void pl_credentials_mask(const char *text, char *out, size_t cap)
{
    char plain[1024];
    size_t at = 0;

    pl_mask_literals(text, plain, sizeof(plain));
    for (const char *p = plain; *p != '\0' && at + 4 < cap;) {
        size_t len = 0;

        while (isalnum((unsigned char)p[len]) ||
               (p[len] != '\0' && strchr("+/=_-", p[len]) != NULL))
            len++;
        if (len >= SECRET_MIN) {
            (void)memcpy(out + at, "...", 3);
            at += 3;
            p += len;
        } else {
            out[at++] = (unsigned char)*p < ' ' ? ' ' : *p;
            p++;
        }
    }
    out[at] = '\0';
}

int pl_credentials_first(struct pl_aws *aws, const char *profile,
                         pl_credentials_source *const *sources, size_t count,
                         struct pl_found *found, struct pl_err *err)
{
    for (size_t i = 0; i < count && !found->is_there; i++)
        if (sources[i](aws, profile, found, err) != 0)
            return -1;
    return 0;
}

/* AWS_PROFILE that names nothing is a mistake, though others might do. */
static int check_profile(struct pl_aws *aws, const char *profile,
                         struct pl_found *found, struct pl_err *err)
{
    (void)found;
    if (!aws->is_profile_named || pl_profiles_has(&aws->profiles, profile))
        return 0;
    return pl_fail(err, PL_CONFIG_INVALID,
                   "AWS_PROFILE names profile '%s', which the shared files do "
                   "not have",
                   profile);
}

static pl_credentials_source *const chain_of_sources[] = {
    check_profile,
    pl_credentials_environment,
    pl_credentials_role,
    pl_credentials_web_identity,
    pl_credentials_sign_in,
    pl_credentials_keys_file,
    pl_credentials_process,
    pl_credentials_keys_config,
    pl_credentials_container,
    pl_credentials_imds};

static int64_t now_s(const struct pl_aws *aws)
{
    return (pl_now_ms(&aws->clock) + aws->skew_ms) / 1000;
}

/* Keys that are over are no keys; those of an instance are used all the same,
 * because the metadata service knows better than the clock what still works. */
static int check_end(struct pl_aws *aws, const struct pl_found *found,
                     struct pl_err *err)
{
    const int64_t now = now_s(aws);
    char until[PL_TIME_LEN];

    if (found->keys.expires_at == 0 || found->keys.expires_at > now)
        return 0;
    pl_time_iso(found->keys.expires_at * 1000, until);
    if (strcmp(found->kind, "instance-metadata") != 0)
        return pl_fail(err, PL_CREDENTIALS_EXPIRED,
                       "%s: these keys were good until %s", found->source,
                       until);
    aws->chain.retry_at = now + STALE_MIN_S +
                          (int64_t)((STALE_MAX_S - STALE_MIN_S) *
                                    aws->retry.random(aws->retry.random_ctx));
    pl_warn("%s gives keys that were good until %s; trying them", found->source,
            until);
    return 0;
}

/* The files are read anew: someone may have renewed what stands in them. */
static int load(struct pl_aws *aws, struct pl_err *err)
{
    struct pl_credentials_chain *chain = &aws->chain;
    PL_AUTO(pl_found) found = {.is_there = false};

    if (pl_profiles_open(&aws->profiles, err) != 0 ||
        pl_credentials_first(aws, aws->profile, chain_of_sources,
                             PL_COUNT(chain_of_sources), &found, err) != 0)
        return pl_context(err, "cannot get credentials");
    if (!found.is_there)
        return pl_fail(err, PL_CREDENTIALS_MISSING,
                       "no credentials: looked at AWS_ACCESS_KEY_ID, "
                       "AWS_WEB_IDENTITY_TOKEN_FILE, profile '%s' of the "
                       "shared files, the container endpoint and the "
                       "instance's metadata",
                       aws->profile);
    chain->retry_at = now_s(aws) + RETRY_S;
    if (check_end(aws, &found, err) != 0)
        return pl_context(err, "cannot get credentials");
    chain->cached = found.keys;
    chain->is_cached = true;
    chain->can_refresh = found.can_refresh;
    chain->kind = found.kind;
    chain->obtained_at = now_s(aws);
    (void)snprintf(chain->source, sizeof(chain->source), "%s", found.source);
    pl_debug("credentials from %s", chain->source);
    return 0;
}

/* Keys that live for minutes are not asked for at every call. */
static bool is_due(const struct pl_credentials_chain *chain, int64_t now)
{
    const int64_t third = (chain->cached.expires_at - chain->obtained_at) / 3;
    const int64_t ahead = third < AHEAD_S ? third : AHEAD_S;

    return chain->can_refresh && chain->cached.expires_at != 0 &&
           now >= chain->retry_at && chain->cached.expires_at - now < ahead;
}

static int refresh(struct pl_aws *aws, struct pl_err *err)
{
    struct pl_credentials_chain *chain = &aws->chain;
    const int64_t left = chain->cached.expires_at - now_s(aws);
    struct pl_err cause = {0};

    if (load(aws, &cause) == 0)
        return 0;
    if (left <= 0 || cause.code == PL_INTERRUPTED) {
        *err = cause;
        return -1;
    }
    pl_warn("cannot refresh the credentials, which hold for another %" PRId64
            " s: %s",
            left, cause.msg);
    chain->retry_at = now_s(aws) + (left > RETRY_S ? RETRY_S : left);
    return 0;
}

int pl_credentials_get(struct pl_aws *aws, const struct pl_credentials **out,
                       struct pl_err *err)
{
    struct pl_credentials_chain *chain = &aws->chain;

    if (!chain->is_cached) {
        if (load(aws, err) != 0)
            return -1;
    } else if (is_due(chain, now_s(aws)) && refresh(aws, err) != 0) {
        return -1;
    }
    *out = &chain->cached;
    return 0;
}

int pl_credentials_take(struct pl_aws *aws, struct pl_credentials *out,
                        struct pl_err *err)
{
    const struct pl_credentials *keys = NULL;
    int rc;

    (void)pthread_mutex_lock(&aws->keys_lock);
    rc = pl_credentials_get(aws, &keys, err);
    if (rc == 0)
        *out = *keys;
    (void)pthread_mutex_unlock(&aws->keys_lock);
    return rc;
}

bool pl_credentials_expire(struct pl_aws *aws,
                           const struct pl_credentials *refused)
{
    struct pl_credentials_chain *chain = &aws->chain;
    bool can_refresh;

    (void)pthread_mutex_lock(&aws->keys_lock);
    can_refresh = chain->can_refresh;
    if (can_refresh &&
        strcmp(chain->cached.access_key, refused->access_key) == 0 &&
        strcmp(chain->cached.session_token, refused->session_token) == 0)
        chain->is_cached = false;
    (void)pthread_mutex_unlock(&aws->keys_lock);
    return can_refresh;
}
