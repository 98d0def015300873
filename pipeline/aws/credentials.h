/*
 * credentials.h - where the keys come from (aws-facts 8): environment, web
 * identity, shared files, container endpoint, in that order. The first source
 * that is configured is used; if it then fails, that is an error which names
 * it, never a reason to try the next.
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

/* The chain with its cache: refreshed when less than 10 minutes remain, or at
 * once by pl_credentials_expire(). */
struct pl_credentials_chain {
    struct pl_credentials cached;
    bool is_cached;
    bool can_refresh; /* asking the source again may bring newer ones */
    char source[64];  /* "environment", "profile 'x'", ... for messages */
};
int pl_credentials_get(struct pl_aws *aws, const struct pl_credentials **out,
                       struct pl_err *err) PL_MUST_CHECK;
bool pl_credentials_can_refresh(const struct pl_aws *aws);
void pl_credentials_expire(struct pl_aws *aws);

#endif
