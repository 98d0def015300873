/*
 * credentials.h - where the keys come from (sources 8), in this order: the
 * environment, a profile's role, web identity, the profile's keys, its
 * credential_process, the container endpoint, the instance's metadata. The
 * first source that is configured is used; if it then fails, that is an error
 * which names it, never a reason to try the next.
 */
#ifndef PL_AWS_CREDENTIALS_H
#define PL_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

/* Wiped when released; never logged. */
struct pl_credentials {
    char access_key[160];
    char secret_key[256];
    char session_token[4096]; /* "" for long-lived keys */
    int64_t expires_at;       /* Unix seconds, 0: never */
};
void pl_credentials_release(struct pl_credentials *credentials);

struct pl_aws;

/* The chain with its cache: refreshed ahead of the end, or at once after
 * pl_credentials_expire(). While the old keys still hold, a refresh that fails
 * is a warning, and tried again a little later. */
struct pl_credentials_chain {
    struct pl_credentials cached;
    bool is_cached;
    bool can_refresh;    /* asking the source again may bring newer ones */
    const char *kind;    /* "environment", "assume-role", ... */
    char source[320];    /* "profile 'x', role ...", for messages */
    int64_t obtained_at; /* Unix seconds */
    int64_t retry_at;    /* not to be refreshed before */
};
/* *out is borrowed, until the next call. */
int pl_credentials_get(struct pl_aws *aws, const struct pl_credentials **out,
                       struct pl_err *err) PL_MUST_CHECK;
/* The same as a copy, for any number of threads. */
int pl_credentials_take(struct pl_aws *aws, struct pl_credentials *out,
                        struct pl_err *err) PL_MUST_CHECK;
/* A service said that these keys are over: they are asked for anew, unless
 * that was done meanwhile. false: asking again brings no others. */
bool pl_credentials_expire(struct pl_aws *aws,
                           const struct pl_credentials *refused);

#endif
