#include "pipeline/aws/profiles.h"

#include <unistd.h>

#include "pipeline/aws/ini.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/text.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define SECTION 256

static void wipe(struct pl_buf *buf)
{
    if (buf->data != NULL)
        pl_wipe(buf->data, buf->cap);
    pl_buf_release(buf);
}

void pl_profiles_release(struct pl_profiles *profiles)
{
    wipe(&profiles->credentials);
    wipe(&profiles->config);
}

/* A missing file is empty. */
static int read_file(const char *env, const char *name, struct pl_buf *text,
                     struct pl_err *err)
{
    PL_AUTO(pl_buf) path = PL_BUF_INIT;
    const char *given = pl_env(env);
    const char *home = pl_env("HOME");
    int rc = 0;

    text->max_bytes = FILE_BYTES_MAX;
    if (given != NULL && (!pl_starts_with(given, "~/") || home == NULL))
        rc = pl_buf_adds(&path, given, err);
    else if (home == NULL)
        return 0;
    else if (given != NULL)
        rc = pl_buf_addf(&path, err, "%s%s", home, given + 1);
    else
        rc = pl_buf_addf(&path, err, "%s/.aws/%s", home, name);
    if (rc != 0)
        return -1;
    if (access(path.data, F_OK) != 0)
        return 0;
    if (pl_file_read(path.data, text, err) != 0) {
        err->code = PL_CONFIG_INVALID;
        return -1;
    }
    return 0;
}

int pl_profiles_open(struct pl_profiles *profiles, struct pl_err *err)
{
    struct pl_profiles fresh = {{0}, {0}};

    if (read_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
                  &fresh.credentials, err) != 0 ||
        read_file("AWS_CONFIG_FILE", "config", &fresh.config, err) != 0) {
        pl_profiles_release(&fresh);
        return -1;
    }
    pl_profiles_release(profiles);
    *profiles = fresh;
    return 0;
}

/* In the config file: [profile NAME], and plainly [default] for that one. */
static bool has_in_config(const struct pl_profiles *profiles,
                          const char *profile, char section[SECTION])
{
    const char *text = pl_buf_str(&profiles->config);
    const size_t len = profiles->config.len;

    (void)snprintf(section, SECTION, "profile %s", profile);
    if (pl_ini_has(text, len, section))
        return true;
    (void)snprintf(section, SECTION, "%s", profile);
    return strcmp(profile, "default") == 0 && pl_ini_has(text, len, section);
}

bool pl_profiles_has(const struct pl_profiles *profiles, const char *profile)
{
    char section[SECTION];

    return pl_ini_has(pl_buf_str(&profiles->credentials),
                      profiles->credentials.len, profile) ||
           has_in_config(profiles, profile, section);
}

bool pl_profiles_get(const struct pl_profiles *profiles,
                     enum pl_profile_file file, const char *profile,
                     const char *key, char *out, size_t cap)
{
    char section[SECTION];

    out[0] = '\0';
    if (file != PL_PROFILE_CONFIG &&
        pl_ini_find(pl_buf_str(&profiles->credentials),
                    profiles->credentials.len, profile, key, out, cap))
        return out[0] != '\0';
    if (file != PL_PROFILE_CREDENTIALS &&
        has_in_config(profiles, profile, section))
        (void)pl_ini_find(pl_buf_str(&profiles->config), profiles->config.len,
                          section, key, out, cap);
    return out[0] != '\0';
}

bool pl_profiles_get_service(const struct pl_profiles *profiles,
                             const char *profile, const char *service,
                             const char *key, char *out, size_t cap)
{
    char name[SECTION - 16];
    char section[SECTION];

    out[0] = '\0';
    if (!pl_profiles_get(profiles, PL_PROFILE_EITHER, profile, "services", name,
                         sizeof(name)))
        return false;
    (void)snprintf(section, sizeof(section), "services %s", name);
    (void)pl_ini_find_nested(pl_buf_str(&profiles->config),
                             profiles->config.len, section, service, key, out,
                             cap);
    return out[0] != '\0';
}
