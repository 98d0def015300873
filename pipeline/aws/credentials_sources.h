/*
 * credentials_sources.h - the sources of the chain, one file each. Each says
 * by found->is_there whether it is meant at all; if it is, failing is an error
 * that names it.
 */
#ifndef PL_AWS_CREDENTIALS_SOURCES_H
#define PL_AWS_CREDENTIALS_SOURCES_H

#include "pipeline/aws/client.h"

struct pl_found {
    bool is_there;
    bool can_refresh;
    const char *kind; /* as in struct pl_credentials_chain */
    char source[320];
    struct pl_credentials keys;
};
void pl_found_release(struct pl_found *found);
/* Fills all but the keys. */
void pl_found_set(struct pl_found *found, bool can_refresh, const char *kind,
                  const char *fmt, ...) PL_PRINTF(4, 5);

/* profile: where its settings are looked for; NULL: nowhere. */
typedef int pl_credentials_source(struct pl_aws *aws, const char *profile,
                                  struct pl_found *found, struct pl_err *err);

pl_credentials_source pl_credentials_environment;
pl_credentials_source pl_credentials_role; /* role_arn with a source */
/* AWS_WEB_IDENTITY_TOKEN_FILE, else the profile's. */
pl_credentials_source pl_credentials_web_identity;
/* The profile's, and no variable. */
pl_credentials_source pl_credentials_web_identity_of;
/* A profile that signs in by hand: always an error, with the way forward. */
pl_credentials_source pl_credentials_sign_in;
pl_credentials_source pl_credentials_keys_file;   /* credentials file */
pl_credentials_source pl_credentials_keys_config; /* config file */
pl_credentials_source pl_credentials_process;
pl_credentials_source pl_credentials_container;
pl_credentials_source pl_credentials_imds;

/* Asks count sources in their order until one is meant. */
int pl_credentials_first(struct pl_aws *aws, const char *profile,
                         pl_credentials_source *const *sources, size_t count,
                         struct pl_found *found,
                         struct pl_err *err) PL_MUST_CHECK;

/* Reads the JSON of the container endpoint, of the instance's metadata, and of
 * a credential_process. */
int pl_credentials_parse_container(const char *text, size_t len,
                                   struct pl_credentials *out,
                                   struct pl_err *err) PL_MUST_CHECK;
int pl_credentials_parse_imds(const char *text, size_t len,
                              struct pl_credentials *out,
                              struct pl_err *err) PL_MUST_CHECK;
int pl_credentials_parse_process(const char *text, size_t len,
                                 struct pl_credentials *out,
                                 struct pl_err *err) PL_MUST_CHECK;
/* Copies a secret; PL_CONFIG_INVALID, naming what, when it does not fit. */
int pl_credentials_copy(char *to, size_t cap, const char *from,
                        const char *what, struct pl_err *err) PL_MUST_CHECK;
/* For text that may hold keys, such as a program's complaints: literals in
 * quotes and words that are long enough to be a secret become "...". */
void pl_credentials_mask(const char *text, char *out, size_t cap);

#endif
