/* A profile that assumes a role (sources 8.4) with the keys of another
 * profile, which may do the same, or with those of this machine. */
#include <string.h>

#include "pipeline/aws/credentials_sources.h"
#include "pipeline/aws/profiles.h"
#include "pipeline/aws/sts.h"
#include "pipeline/base/log.h"
#include "pipeline/base/text.h"

#define CHAIN_MAX 8

/* The profiles on the way, the first one first. */
struct way {
    char profiles[CHAIN_MAX][128];
    size_t count;
};

static bool setting(const struct pl_aws *aws, const char *profile,
                    const char *key, char *out, size_t cap)
{
    return pl_profiles_get(&aws->profiles, PL_PROFILE_EITHER, profile, key, out,
                           cap);
}

static bool has(const struct pl_aws *aws, const char *profile, const char *key)
{
    char value[8];

    return setting(aws, profile, key, value, sizeof(value));
}

static bool has_keys(const struct pl_aws *aws, const char *profile)
{
    return has(aws, profile, "aws_access_key_id") ||
           has(aws, profile, "aws_secret_access_key");
}

static bool has_role(const struct pl_aws *aws, const char *profile)
{
    return has(aws, profile, "role_arn") &&
           !has(aws, profile, "web_identity_token_file");
}

static int source_of_machine(struct pl_aws *aws, const char *name,
                             struct pl_found *found, struct pl_err *err)
{
    static const struct {
        const char *name;
        pl_credentials_source *get;
    } known[] = {{"Environment", pl_credentials_environment},
                 {"EcsContainer", pl_credentials_container},
                 {"Ec2InstanceMetadata", pl_credentials_imds}};

    for (size_t i = 0; i < PL_COUNT(known); i++) {
        if (!pl_ieq(known[i].name, name))
            continue;
        if (known[i].get(aws, NULL, found, err) != 0)
            return -1;
        return found->is_there
                   ? 0
                   : pl_fail(err, PL_CREDENTIALS_MISSING,
                             "credential_source %s has no credentials",
                             known[i].name);
    }
    return pl_fail(err, PL_CONFIG_INVALID,
                   "credential_source '%.64s' is none of Environment, "
                   "EcsContainer, Ec2InstanceMetadata",
                   name);
}

/* Whether profile may be the next on the way. It may name itself when it has
 * keys: those are then the source. */
static int check_way(const struct pl_aws *aws, const struct way *way,
                     const char *profile, struct pl_err *err)
{
    if (!pl_profiles_has(&aws->profiles, profile))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "source_profile '%.128s' is not in the shared files",
                       profile);
    for (size_t i = 0; i < way->count; i++)
        if (strcmp(way->profiles[i], profile) == 0 &&
            (i + 1 < way->count || !has_keys(aws, profile)))
            return pl_fail(err, PL_CONFIG_INVALID,
                           "the source profiles go in a circle, back to "
                           "'%.128s'",
                           profile);
    if (way->count == CHAIN_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "more than %d profiles in a row by source_profile",
                       CHAIN_MAX);
    return 0;
}

static int assume(struct pl_aws *aws, const char *profile, struct way *way,
                  struct pl_found *found, struct pl_err *err);

static int source_of_profile(struct pl_aws *aws, const char *profile,
                             struct way *way, struct pl_found *found,
                             struct pl_err *err)
{
    static pl_credentials_source *const others[] = {
        pl_credentials_web_identity_of, pl_credentials_sign_in,
        pl_credentials_keys_file, pl_credentials_process,
        pl_credentials_keys_config};

    if (check_way(aws, way, profile, err) != 0)
        return -1;
    if (!has_keys(aws, profile) && has_role(aws, profile))
        return assume(aws, profile, way, found, err);
    if (pl_credentials_first(aws, profile, others, PL_COUNT(others), found,
                             err) != 0)
        return -1;
    return found->is_there ? 0
                           : pl_fail(err, PL_CREDENTIALS_MISSING,
                                     "source profile '%.128s' has no "
                                     "credentials",
                                     profile);
}

static int get_source(struct pl_aws *aws, const char *profile, struct way *way,
                      struct pl_found *found, struct pl_err *err)
{
    char from_profile[128];
    char from_machine[64];
    const bool has_profile = setting(aws, profile, "source_profile",
                                     from_profile, sizeof(from_profile));
    const bool has_machine = setting(aws, profile, "credential_source",
                                     from_machine, sizeof(from_machine));

    if (has_profile == has_machine)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "role_arn needs %s source_profile or "
                       "credential_source",
                       has_profile ? "only one of" : "a");
    return has_profile ? source_of_profile(aws, from_profile, way, found, err)
                       : source_of_machine(aws, from_machine, found, err);
}

static int read_role(const struct pl_aws *aws, const char *profile,
                     struct pl_sts_role *role, struct pl_err *err)
{
    char text[32];
    uint64_t seconds = 0;

    if (has(aws, profile, "mfa_serial"))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "mfa_serial asks for a code, which nobody is here to "
                       "type; use a role without MFA, or let another program "
                       "ask: credential_process");
    (void)setting(aws, profile, "role_arn", role->arn, sizeof(role->arn));
    (void)setting(aws, profile, "external_id", role->external_id,
                  sizeof(role->external_id));
    if (!setting(aws, profile, "role_session_name", role->session,
                 sizeof(role->session)))
        pl_sts_session_name(aws, role->session);
    if (!setting(aws, profile, "duration_seconds", text, sizeof(text)))
        return 0;
    if (pl_parse_u64(text, &seconds) != 0 || seconds < 900 || seconds > 43200)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "duration_seconds '%s' must be 900 to 43200", text);
    role->duration_s = (int)seconds;
    return 0;
}

static int assume(struct pl_aws *aws, const char *profile, struct way *way,
                  struct pl_found *found, struct pl_err *err)
{
    PL_AUTO(pl_found) source = {.is_there = false};
    struct pl_sts_role role = {.duration_s = 0};

    (void)snprintf(way->profiles[way->count++], sizeof(way->profiles[0]), "%s",
                   profile);
    if (read_role(aws, profile, &role, err) != 0 ||
        get_source(aws, profile, way, &source, err) != 0 ||
        pl_sts_assume_role(aws, &role, &source.keys, &found->keys, err) != 0)
        return pl_context(err, "profile '%s'", profile);
    pl_found_set(found, true, "assume-role", "profile '%s', role %.120s, by %s",
                 profile, role.arn, source.source);
    pl_debug("assumed %s", role.arn);
    return 0;
}

int pl_credentials_role(struct pl_aws *aws, const char *profile,
                        struct pl_found *found, struct pl_err *err)
{
    struct way way = {.count = 0};

    if (profile == NULL || !has_role(aws, profile))
        return 0;
    return assume(aws, profile, &way, found, err);
}
