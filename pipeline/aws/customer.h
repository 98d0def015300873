/*
 * customer.h - Amazon Connect Customer Profiles (sources 9): REST JSON, bare
 * bodies, signing name profile. (profiles.h is about the shared files.)
 *
 * CreateUploadJob is not idempotent: after an unclear answer look for the job
 * with pl_customer_find_upload() before making another. A job that nobody
 * started imports nothing.
 */
#ifndef PL_AWS_CUSTOMER_H
#define PL_AWS_CUSTOMER_H

#include <jansson.h>

#include "pipeline/aws/client.h"

#define PL_CUSTOMER_FIELDS_MAX 25     /* mapped in one upload (9.1) */
#define PL_CUSTOMER_VALUE_MAX 255     /* characters (9.8) */
#define PL_CUSTOMER_BATCH_MAX 10      /* objects in one call (9.7) */
#define PL_CUSTOMER_OBJECT_MAX 256000 /* bytes of one (9.7) */
#define PL_CUSTOMER_EXPIRY_MAX 1098   /* days (9.5) */
/* Bytes of an uploaded file (9.4). */
#define PL_CUSTOMER_FILE_MAX (INT64_C(1000) * 1000 * 1000)

/* Where the calls go. */
struct pl_customer {
    struct pl_aws *aws;
    const char *region; /* NULL: the client's */
    const char *domain;
};

/* One column of a file and the field of a profile that takes it. */
struct pl_customer_field {
    const char *header;       /* letters, digits, '_', '-': its name, too */
    const char *target;       /* "_profile.Address.City" */
    const char *content_type; /* NULL: STRING */
};

struct pl_customer_upload {
    const char *display_name;
    const struct pl_customer_field *fields;
    size_t field_count;
    const char *unique_key;
    int64_t expiry_days;
};

/* -1 where the service did not say. */
struct pl_customer_job {
    char id[65];
    char status[40]; /* as the service words it */
    char reason[40]; /* StatusReason, or "" */
    bool is_created; /* waits for its file and its start */
    bool is_final;   /* four words are; unknown words: go on */
    bool is_good;    /* SUCCEEDED or PARTIALLY_SUCCEEDED */
    int64_t created;
    int64_t updated;
    int64_t failed;
    double created_at;   /* Unix seconds */
    int64_t expiry_days; /* -1: the service did not say */
};

int pl_customer_create_upload(const struct pl_customer *c,
                              const struct pl_customer_upload *upload,
                              char id[65], struct pl_err *err) PL_MUST_CHECK;
/*
 * Looks through ListUploadJobs (all pages) for the job with this DisplayName:
 * of several one that was started, else the oldest, so that two who look at
 * once take the same. *found tells; job is filled only then, without counts.
 */
int pl_customer_find_upload(const struct pl_customer *c,
                            const char *display_name, bool *found,
                            struct pl_customer_job *job,
                            struct pl_err *err) PL_MUST_CHECK;
int pl_customer_get_upload(const struct pl_customer *c, const char *id,
                           struct pl_customer_job *job,
                           struct pl_err *err) PL_MUST_CHECK;
/* Safe to repeat: a job runs once. */
int pl_customer_start_upload(const struct pl_customer *c, const char *id,
                             struct pl_err *err) PL_MUST_CHECK;

/* Where a file goes, and the key it is encrypted with: both are secrets, and
 * release wipes them. */
struct pl_customer_place {
    struct pl_buf url;
    struct pl_buf token;
    int64_t valid_until_s; /* 0: the service did not say */
};
int pl_customer_upload_place(const struct pl_customer *c, const char *id,
                             struct pl_customer_place *place,
                             struct pl_err *err) PL_MUST_CHECK;
void pl_customer_place_release(struct pl_customer_place *place);

/* How ClientToken becomes the key of SSE-C (9.3). */
enum pl_customer_key {
    PL_CUSTOMER_KEY_BASE64, /* it is base64 of 32 bytes, or an error */
    PL_CUSTOMER_KEY_TEXT    /* sent as it is; the MD5 is that of its text */
};
/*
 * Puts the file there: one PUT of file->len bytes with the headers of SSE-C,
 * repeated as other calls are. PL_ACCESS_DENIED: the URL is over, or the store
 * refuses (err->service says which, as far as it said).
 */
int pl_customer_put_file(const struct pl_customer *c,
                         const struct pl_customer_place *place,
                         enum pl_customer_key key, const struct pl_blob *file,
                         struct pl_err *err) PL_MUST_CHECK;

/* GetDomain: whether it is there. */
int pl_customer_probe(const struct pl_customer *c,
                      struct pl_err *err) PL_MUST_CHECK;
/* Whether one of the profiles has value under key ("_account"). */
int pl_customer_has_profile(const struct pl_customer *c, const char *key,
                            const char *value, bool *found,
                            struct pl_err *err) PL_MUST_CHECK;
/* An object type, as far as an import looks at it. */
struct pl_customer_type {
    json_t *shape; /* the answer of GetProfileObjectType */
};
void pl_customer_type_release(struct pl_customer_type *type);
int pl_customer_get_type(const struct pl_customer *c, const char *name,
                         bool *found, struct pl_customer_type *type,
                         struct pl_err *err) PL_MUST_CHECK;
/* NULL, or what keeps the type from taking these fields with this key. The
 * text is that of a static string, *header then the column that it is about. */
const char *pl_customer_type_fault(const struct pl_customer_type *type,
                                   const struct pl_customer_field *fields,
                                   size_t count, const char *key,
                                   const char **header);
bool pl_customer_type_creates(const struct pl_customer_type *type);
/* What an object type is made of. */
struct pl_customer_new_type {
    const char *name;
    const struct pl_customer_field *fields;
    size_t field_count;
    const char *key_name; /* "_account": profiles are found by it */
    const char *key;      /* the header whose values are unique */
    int64_t expiry_days;
};
/* Makes a type whose objects join profiles by the key, or make new ones. */
int pl_customer_put_type(const struct pl_customer *c,
                         const struct pl_customer_new_type *type,
                         struct pl_err *err) PL_MUST_CHECK;

struct pl_customer_object {
    char id[24];
    const char *text; /* a JSON object */
    int code;         /* after the call: 0 taken, else its HTTP-like code */
    char why[300];    /* the service's words, when it was not taken */
};
/* BatchPutProfileObject of 1 to PL_CUSTOMER_BATCH_MAX objects. An object that
 * the answer does not mention is PL_SERVICE_UNAVAILABLE. Safe to repeat: an
 * object with the same unique key replaces the one before. */
int pl_customer_put_objects(const struct pl_customer *c, const char *type,
                            struct pl_customer_object *objects, size_t count,
                            struct pl_err *err) PL_MUST_CHECK;

/* A segment: all profiles whose attribute tag has this value. */
struct pl_customer_segment {
    const char *name;
    const char *tag;
    const char *value;
};
/* What stands under a segment's name. */
enum pl_customer_there {
    PL_CUSTOMER_NOTHING,
    PL_CUSTOMER_SAME,        /* this tag and value */
    PL_CUSTOMER_OTHER_VALUE, /* this tag with another value */
    PL_CUSTOMER_FOREIGN      /* something else */
};
int pl_customer_look_at_segment(const struct pl_customer *c,
                                const struct pl_customer_segment *segment,
                                enum pl_customer_there *there,
                                struct pl_err *err) PL_MUST_CHECK;
/* Not idempotent: after an unclear answer look. */
int pl_customer_create_segment(const struct pl_customer *c,
                               const struct pl_customer_segment *segment,
                               struct pl_err *err) PL_MUST_CHECK;
int pl_customer_delete_segment(const struct pl_customer *c, const char *name,
                               struct pl_err *err) PL_MUST_CHECK;
int pl_customer_start_estimate(const struct pl_customer *c,
                               const struct pl_customer_segment *segment,
                               char id[256], struct pl_err *err) PL_MUST_CHECK;
/* *size: -1 while it is being made. PL_SERVICE_REFUSED when it failed. */
int pl_customer_get_estimate(const struct pl_customer *c, const char *id,
                             int64_t *size, struct pl_err *err) PL_MUST_CHECK;

/* Whether the region is one that is known to have the service. The list may
 * lag behind (8.11): for hints. */
bool pl_customer_is_region(const char *region);

#endif
