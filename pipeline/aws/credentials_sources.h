/*
 * credentials_sources.h - the sources of the chain. Each says by *is_configured
 * whether it is meant at all; if it is, failing is an error that names it.
 */
#ifndef PL_AWS_CREDENTIALS_SOURCES_H
#define PL_AWS_CREDENTIALS_SOURCES_H

#include "pipeline/aws/client.h"

typedef int pl_credentials_source(struct pl_aws *aws, bool *is_configured,
                                  struct pl_credentials *out,
                                  struct pl_err *err);

pl_credentials_source pl_credentials_environment;
pl_credentials_source pl_credentials_files;
pl_credentials_source pl_credentials_web_identity;
pl_credentials_source pl_credentials_container;

/* Reads the JSON of the container endpoint. */
int pl_credentials_parse_container(const char *text, size_t len,
                                   struct pl_credentials *out,
                                   struct pl_err *err) PL_MUST_CHECK;
/* Copies a secret; PL_CONFIG_INVALID, naming what, when it does not fit. */
int pl_credentials_copy(char *to, size_t cap, const char *from,
                        const char *what, struct pl_err *err) PL_MUST_CHECK;

#endif
