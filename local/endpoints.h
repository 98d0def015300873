/*
 * endpoints.h - the endpoints of one application, packed for millions.
 *
 * All texts are kept once and named by number; an endpoint is a record of
 * numbers. One that is deleted keeps its place. The caller keeps a lock.
 */
#ifndef LOCAL_ENDPOINTS_H
#define LOCAL_ENDPOINTS_H

#include "local/import_file.h"

#define LOCAL_NO_TEXT UINT32_MAX
#define LOCAL_CUSTOM_MAX 250 /* in one application of Pinpoint */

/* A hash table of numbers; what they stand for is the user's business. */
struct local_index {
    uint32_t *slots; /* number + 1; 0: free */
    size_t cap;
    size_t used;
};

/* Every different text once. */
struct local_pool {
    char *bytes;
    size_t len;
    size_t cap;
    size_t *starts; /* of text i; each ends with a NUL */
    size_t count;
    size_t room;
    struct local_index index;
};

struct local_field {
    uint32_t name; /* the full column name */
    uint32_t value;
};

struct local_fields {
    struct local_field *items;
    uint32_t count;
};

struct local_endpoint {
    uint32_t id;
    uint32_t address;
    uint32_t user; /* number, or LOCAL_NO_TEXT */
    uint8_t channel;
    bool is_inactive;
    bool is_deleted;
    int64_t effective_ms;
    struct local_fields fields;
};

struct local_user {
    uint32_t id;
    struct local_fields fields;
    uint32_t *endpoints;
    uint32_t count;
};

struct local_endpoints {
    struct local_pool pool;
    struct local_endpoint *items;
    size_t count;
    size_t cap;
    struct local_index by_id;      /* without regard to case */
    struct local_index by_address; /* the last one with it */
    struct local_user *users;
    size_t user_count;
    size_t user_cap;
    struct local_index by_user;
    /* Attributes, metrics and user attributes that any endpoint has: texts. */
    uint32_t custom[LOCAL_CUSTOM_MAX];
    size_t custom_count;
};

void local_endpoints_release(struct local_endpoints *all);
/*
 * Takes one record in. *number gets the endpoint's. Returns 0; 1 with why
 * when the record is refused (nothing changed); -1 when memory is out.
 */
int local_endpoints_apply(struct local_endpoints *all,
                          const struct local_cell *cells, size_t count,
                          uint32_t *number, char why[160],
                          struct pl_err *err) PL_MUST_CHECK;
/* Only says whether the record could be taken in: 0 with the text of its id and
 * its channel, 1 with why, or -1. */
int local_endpoints_judge(struct local_endpoints *all,
                          const struct local_cell *cells, size_t count,
                          uint32_t *id, uint8_t *channel, char why[160],
                          struct pl_err *err) PL_MUST_CHECK;
void local_endpoints_delete(struct local_endpoints *all, uint32_t number);
/* The number of an endpoint or user, or LOCAL_NO_TEXT. */
uint32_t local_endpoints_find(const struct local_endpoints *all, const char *id,
                              size_t len);
uint32_t local_endpoints_find_user(const struct local_endpoints *all,
                                   const char *user, size_t len);
/* As GetEndpoint gives it. */
json_t *local_endpoints_json(const struct local_endpoints *all, const char *app,
                             uint32_t number);

const char *local_pool_text(const struct local_pool *pool, uint32_t number);
/* The text's number, or LOCAL_NO_TEXT when it is not there. */
uint32_t local_pool_find(const struct local_pool *pool, const char *text,
                         size_t len);

#endif
