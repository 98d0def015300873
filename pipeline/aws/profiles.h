/*
 * profiles.h - the shared config and credentials files (sources 8.3), read
 * once and looked up in memory. Wiped when released.
 */
#ifndef PL_AWS_PROFILES_H
#define PL_AWS_PROFILES_H

#include <stdbool.h>

#include "pipeline/base/buf.h"

#define PL_PROFILE_VALUE 8192 /* room for any value */

struct pl_profiles {
    struct pl_buf credentials; /* AWS_SHARED_CREDENTIALS_FILE */
    struct pl_buf config;      /* AWS_CONFIG_FILE */
};
void pl_profiles_release(struct pl_profiles *profiles);

/* Reads both anew; missing ones are empty, unreadable ones are
 * PL_CONFIG_INVALID and leave what was there. */
int pl_profiles_open(struct pl_profiles *profiles,
                     struct pl_err *err) PL_MUST_CHECK;

/* Whether either file knows the profile. */
bool pl_profiles_has(const struct pl_profiles *profiles, const char *profile);

enum pl_profile_file {
    PL_PROFILE_EITHER, /* the credentials file, else the config file */
    PL_PROFILE_CREDENTIALS,
    PL_PROFILE_CONFIG
};
/* A setting of a profile; false, and out "", when there is none or it is
 * empty. */
bool pl_profiles_get(const struct pl_profiles *profiles,
                     enum pl_profile_file file, const char *profile,
                     const char *key, char *out, size_t cap);
/* A setting of a service in the [services] section that the profile names. */
bool pl_profiles_get_service(const struct pl_profiles *profiles,
                             const char *profile, const char *service,
                             const char *key, char *out, size_t cap);

#endif
