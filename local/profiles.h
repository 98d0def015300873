/*
 * profiles.h - Amazon Connect Customer Profiles of lakeseg-local (sources 9):
 * domains, upload jobs, profiles with their indexes, objects and their types,
 * segments. Private to the files profiles*.c.
 */
#ifndef LOCAL_PROFILES_H
#define LOCAL_PROFILES_H

#include "local/local.h"

#define LOCAL_PROFILES_PARTS 8
#define LOCAL_DAY_S 86400
#define LOCAL_EXPIRY_DAYS_MAX 1098

struct local_domain {
    char name[65];
    json_t *about;     /* as GetDomain shows it, without Stats */
    json_t *types;     /* name: as GetProfileObjectType shows it */
    json_t *jobs;      /* id: {shown, token, file, rows} */
    json_t *segments;  /* name: as GetSegmentDefinition shows it */
    json_t *estimates; /* id: as GetSegmentEstimate shows it, and ready_ms */
    json_t *snapshots; /* id: as GetSegmentSnapshot shows it */
    /* id: {shown, expires_s, keys: {name: [values]}, objects: {type: {unique
     * key: text}}, indexed: [[name, value]...]} */
    json_t *profiles;
    json_t *index; /* key's name: {value as it is compared: {id: true}} */
    int64_t next_expiry_s; /* no profile expires before */
    bool is_changed;
};

struct local_profiles {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_closing;
    unsigned threads;
    unsigned char secret[32]; /* signs the URLs of uploads */
    struct local_domain **domains;
    size_t domain_count;
};

/* A request: /domains/{0}/{1}/..., decoded; domain while the lock is held. */
struct profiles_call {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    char *parts[LOCAL_PROFILES_PARTS];
    size_t count;
    json_t *in;
    struct local_domain *domain;
    int64_t now_s;
};

int local_profiles_open(struct local *local, struct pl_err *err) PL_MUST_CHECK;
void local_profiles_close(struct local *local);
/* Makes a domain; nothing happens when it is there. */
int local_profiles_domain(struct local *local, const char *name,
                          struct pl_err *err) PL_MUST_CHECK;
/* Needs the lock. */
struct local_domain *local_profiles_find(struct local_profiles *p,
                                         const char *name);
/* For the admin path: a new reference, NULL when there is no such domain.
 * what: "profiles" or "upload-jobs". */
json_t *local_profiles_show(struct local *local, const char *domain,
                            const char *what);
/* The time of this service, which the admin path moves. */
int64_t local_profiles_now_ms(struct local *local);

/* profiles.c: what handlers share. All answer with 0 or -1. */
int profiles_bad(const struct profiles_call *c, const char *fmt, ...)
    PL_PRINTF(2, 3);
int profiles_missing(const struct profiles_call *c, const char *what);
int profiles_answer(const struct profiles_call *c, json_t *take,
                    struct pl_err *err) PL_MUST_CHECK;
const char *profiles_text(const struct profiles_call *c, const char *name);
/* Whether a text has min to max characters. */
/* A number of days that profiles or objects may live. */
bool profiles_are_days(const json_t *days);
bool profiles_has_length(const json_t *text, size_t min, size_t max);
/* 1 to 64 letters, digits, '-' and '_', and what extra allows. */
bool profiles_is_name(const char *text, const char *extra);
/* A page of list by max-results and next-token, as {Items, NextToken}. Takes
 * list. max: of max-results. */
int profiles_page(const struct profiles_call *c, json_t *list, size_t max,
                  struct pl_err *err) PL_MUST_CHECK;
int profiles_id(char id[33], struct pl_err *err) PL_MUST_CHECK;

/* profiles_domains.c. Both need the lock. */
int profiles_domain_add(struct local *local, const char *name, json_int_t days,
                        struct pl_err *err) PL_MUST_CHECK;
void profiles_domain_free(struct local_domain *d);

/* profiles_store.c: profiles and how they are found. All need the lock. */
/* NULL, or why "_profile.<field>" cannot be set to value ("": taken out). */
const char *profiles_set(json_t *shown, const char *target, const char *value);
bool profiles_is_target(const char *target);
/* NULL, or what is wrong with the fields of a request; else they are merged
 * into shown. Empty values take fields out if may_clear. */
const char *profiles_merge(json_t *shown, const json_t *in, bool may_clear);
int profiles_add(struct local_domain *d, int64_t expires_s, char id[33],
                 json_t **profile, struct pl_err *err) PL_MUST_CHECK;
/* Brings the index up to what the profile holds now. */
void profiles_index(struct local_domain *d, const char *id, json_t *profile);
void profiles_drop(struct local_domain *d, const char *id);
/* Lets expired profiles go. */
void profiles_sweep(struct local_domain *d, int64_t now_s);
/* Never shortens. */
void profiles_keep_until(struct local_domain *d, json_t *profile,
                         int64_t expires_s);
/* The ids that a key finds, {id: true}, borrowed; NULL: none. */
json_t *profiles_by_key(const struct local_domain *d, const char *key,
                        const char *value);
/* The standard key that finds this target, or the target itself. */
const char *profiles_key_of(const char *target);

/* profiles_jobs.c, profiles_run.c: uploads. */
json_t *profiles_job(const struct local_domain *d, const char *id);
/* NULL, or what is wrong with a map of ObjectTypeField. */
const char *profiles_fields_fault(const json_t *fields, size_t max);
/* Starts it, and answers. */
int profiles_start(struct profiles_call *c, json_t *job,
                   struct pl_err *err) PL_MUST_CHECK;

/* profiles_segments.c: {id: true} of the profiles in groups, a new reference;
 * NULL with *why, which is static. */
json_t *profiles_evaluate(const struct local_domain *d, const json_t *groups,
                          unsigned depth, const char **why);

/* profiles_save.c: the state on disk. Both need the lock. */
int profiles_save(struct local *local, struct local_domain *d,
                  struct pl_err *err) PL_MUST_CHECK;
int profiles_load(struct local *local, struct pl_err *err) PL_MUST_CHECK;

/* The operations. */
typedef int profiles_handler(struct profiles_call *c, struct pl_err *err);
profiles_handler profiles_create_domain, profiles_get_domain,
    profiles_update_domain, profiles_list_domains, profiles_delete_domain;
profiles_handler profiles_create_upload_job, profiles_get_upload_job_path,
    profiles_start_upload_job, profiles_get_upload_job,
    profiles_stop_upload_job, profiles_list_upload_jobs;
profiles_handler profiles_search, profiles_batch_get, profiles_create_profile,
    profiles_update_profile, profiles_delete_profile, profiles_add_key;
profiles_handler profiles_put_object, profiles_batch_put_object,
    profiles_list_objects, profiles_put_type, profiles_get_type,
    profiles_list_types, profiles_delete_type;
profiles_handler profiles_create_segment, profiles_get_segment,
    profiles_list_segments, profiles_delete_segment, profiles_create_estimate,
    profiles_get_estimate, profiles_membership, profiles_create_snapshot,
    profiles_get_snapshot;

#endif
