/*
 * pinpoint.h - the Pinpoint service: applications with their endpoints,
 * import jobs and segments. One lock guards all of it; an import takes it
 * record by record.
 */
#ifndef LOCAL_PINPOINT_H
#define LOCAL_PINPOINT_H

#include "local/endpoints.h"
#include "local/local.h"

/* The endpoints that an import put into a segment. */
struct local_members {
    char segment[40];
    uint32_t *ids; /* texts of the application's pool */
    size_t count;
    size_t cap;
};

struct local_app {
    char *id;
    char *name;
    int64_t created_ms;
    struct local_endpoints endpoints;
    json_t *jobs;     /* ImportJobResponses */
    json_t *segments; /* SegmentResponses */
    json_t *versions; /* of segments by id: lists of SegmentResponses */
    json_t *exports;  /* ExportJobResponses */
    struct local_members *members;
    size_t member_count;
    bool is_changed; /* since it was saved */
};

struct local_pinpoint {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct local_app **apps;
    size_t app_count;
    unsigned threads;
    unsigned running; /* import jobs */
    bool is_closing;
};

int local_pinpoint_open(struct local *local, struct pl_err *err) PL_MUST_CHECK;
void local_pinpoint_close(struct local *local);
/* Makes an application unless it is there. Takes the lock. */
int local_pinpoint_app(struct local *local, const char *id, const char *name,
                       struct pl_err *err) PL_MUST_CHECK;
/* Both need the lock. */
int local_pinpoint_add_app(struct local_pinpoint *p, const char *id,
                           const char *name, struct pl_err *err) PL_MUST_CHECK;
struct local_app *local_pinpoint_find(struct local_pinpoint *p, const char *id);
/* The array's element with this Id, or NULL. */
json_t *local_by_id(const json_t *array, const char *id);

/* Checks the request and starts the job's thread. */
int local_pinpoint_create_job(struct local *local, struct local_request *req,
                              struct local_response *resp, const char *app,
                              struct pl_err *err) PL_MUST_CHECK;
/* The list of a segment's imported endpoints, made if it is not there. Needs
 * the lock. */
struct local_members *local_pinpoint_members(struct local_app *app,
                                             const char *segment, bool is_made);
/* Counts the segment's version up and keeps it. Needs the lock. */
void local_segment_changed(struct local_app *app, json_t *segment);

/* NULL, or what is wrong with a segment's definition. */
const char *local_segment_fault(const json_t *segment);
/* The ids of its endpoints now: a new array of strings, at most limit. Needs
 * the lock. */
json_t *local_segment_members(const struct local_app *app,
                              const json_t *segment, size_t limit,
                              struct pl_err *err);

/* State on disk. Both need the lock. */
int local_pinpoint_save(struct local *local, struct local_app *app,
                        struct pl_err *err) PL_MUST_CHECK;
int local_pinpoint_load(struct local *local, struct pl_err *err) PL_MUST_CHECK;

#endif
