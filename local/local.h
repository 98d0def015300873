/*
 * local.h - what all services of lakeseg-local share.
 */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include <pthread.h>

#include "local/auth.h"
#include "local/faults.h"
#include "local/http.h"
#include "local/s3_store.h"

#define LOCAL_ACCOUNT "123456789012"
#define LOCAL_BODY_MAX ((size_t)16 << 20) /* of what is no object */

struct local_athena;
struct local_pinpoint;
struct local_profiles;
struct local_sns;

struct local_keys {
    pthread_mutex_t lock;
    struct local_key *items;
    size_t count;
};

struct local {
    const char *region;
    const char *lake; /* NULL: no tables */
    char *state;      /* the folder; ours to remove if is_temporary */
    bool is_temporary;
    int64_t query_delay_ms;
    int64_t job_delay_ms;
    int64_t import_jobs; /* of Pinpoint, running at once */
    struct local_keys keys;
    struct local_faults faults;
    struct local_s3 s3;
    struct local_athena *athena;
    struct local_pinpoint *pinpoint;
    struct local_profiles *profiles;
    _Atomic int64_t profiles_ahead_ms; /* its clock, before the real one */
    struct local_sns *sns;
};

struct local_config {
    const char *region;
    const char *lake;
    const char *state;   /* NULL: a temporary folder */
    const char *buckets; /* comma-separated lists, or NULL; "name@region" */
    const char *apps;
    const char *domains; /* of Customer Profiles */
    const char *topics;
    const char *keys;       /* "AK:SK[:TOKEN[:EXPIRES]],..." */
    const char *faults;     /* rules parted by ';' */
    const char *workgroups; /* "NAME,cutoff=N;...", or NULL */
    int64_t query_delay_ms;
    int64_t job_delay_ms;
    int64_t import_jobs;
    bool has_opaque_etags;
};

int local_open(struct local *local, const struct local_config *cfg,
               struct pl_err *err) PL_MUST_CHECK;
/* Stops queries and jobs, saves, removes a temporary folder. */
void local_release(struct local *local);

/* Adds or replaces a key. */
int local_keys_add(struct local_keys *keys, const struct local_key *key,
                   struct pl_err *err) PL_MUST_CHECK;
bool local_keys_find(void *keys, const char *access, struct local_key *key);

/* Every service: name the operation from the request's line and headers, then
 * (with the body there) answer it. 0: answered, refusals too; -1: our own
 * trouble, which becomes a 500. */
const char *local_s3_operation(const struct local_request *req);
int local_s3_handle(struct local *local, struct local_request *req,
                    struct local_response *resp,
                    struct pl_err *err) PL_MUST_CHECK;
int local_athena_handle(struct local *local, struct local_request *req,
                        struct local_response *resp,
                        struct pl_err *err) PL_MUST_CHECK;
const char *local_pinpoint_operation(const struct local_request *req);
int local_pinpoint_handle(struct local *local, struct local_request *req,
                          struct local_response *resp,
                          struct pl_err *err) PL_MUST_CHECK;
const char *local_profiles_operation(const struct local_request *req);
int local_profiles_handle(struct local *local, struct local_request *req,
                          struct local_response *resp,
                          struct pl_err *err) PL_MUST_CHECK;
/* The files of upload jobs, which clients send where a URL of ours points. */
bool local_upload_is_place(const struct local_request *req);
int local_upload_handle(struct local *local, struct local_request *req,
                        struct local_response *resp,
                        struct pl_err *err) PL_MUST_CHECK;
int local_sns_handle(struct local *local, struct local_request *req,
                     struct local_response *resp,
                     struct pl_err *err) PL_MUST_CHECK;
int local_sts_handle(struct local *local, struct local_request *req,
                     struct local_response *resp,
                     struct pl_err *err) PL_MUST_CHECK;
int local_admin_handle(struct local *local, struct local_request *req,
                       struct local_response *resp,
                       struct pl_err *err) PL_MUST_CHECK;

int local_sns_open(struct local *local, struct pl_err *err) PL_MUST_CHECK;
void local_sns_close(struct local *local);
int local_sns_topic(struct local *local, const char *name,
                    struct pl_err *err) PL_MUST_CHECK;
/* New references. */
json_t *local_sns_messages(struct local *local);

#endif
