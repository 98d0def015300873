/*
 * ini.h - the shared files ~/.aws/config and ~/.aws/credentials
 * (sources 8.3): sections, "key = value", comments.
 */
#ifndef PL_AWS_INI_H
#define PL_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

/* Finds key (without case) in [section] of an ini text and copies its value,
 * cut to fit. Nested settings (indented) are passed over. False: not there. A
 * section's words are parted by any blanks and may be quoted. What follows a
 * blank and # or ; is a comment, except in credential_process: that is a
 * command line, and may mean it. */
bool pl_ini_find(const char *text, size_t len, const char *section,
                 const char *key, char *out, size_t cap);
/* Whether the section is there at all. */
bool pl_ini_has(const char *text, size_t len, const char *section);

/* A nested setting: indented lines under the key parent, which has no value
 * of its own. */
bool pl_ini_find_nested(const char *text, size_t len, const char *section,
                        const char *parent, const char *key, char *out,
                        size_t cap);

#endif
