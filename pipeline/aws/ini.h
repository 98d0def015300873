/*
 * ini.h - the shared files ~/.aws/config and ~/.aws/credentials
 * (aws-facts 8.3): sections, "key = value", comments.
 */
#ifndef PL_AWS_INI_H
#define PL_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

/* Finds key (without case) in [section] of an ini text and copies its value,
 * cut to fit. Nested settings (indented) are passed over. False: not there. */
bool pl_ini_find(const char *text, size_t len, const char *section,
                 const char *key, char *out, size_t cap);
/* Whether the section is there at all. */
bool pl_ini_has(const char *text, size_t len, const char *section);

/* A setting of a profile: of the credentials file, else of the config file.
 * "" when there is none; files that are missing are no error, unreadable ones
 * are PL_CONFIG_INVALID. */
int pl_profile_setting(const char *profile, const char *key, char *out,
                       size_t cap, struct pl_err *err) PL_MUST_CHECK;
/* Whether either file knows the profile. */
int pl_profile_exists(const char *profile, bool *exists,
                      struct pl_err *err) PL_MUST_CHECK;

#endif
