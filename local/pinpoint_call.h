/*
 * pinpoint_call.h - one request to Pinpoint, and who answers it. Handlers hold
 * the lock.
 */
#ifndef LOCAL_PINPOINT_CALL_H
#define LOCAL_PINPOINT_CALL_H

#include "local/pinpoint.h"

#define LOCAL_PINPOINT_PARTS_MAX 8

/* A request: /v1/apps/{0}/{1}/{2}/..., decoded. */
struct local_pinpoint_call {
    struct local *local;
    struct local_request *req;
    struct local_response *resp;
    char *parts[LOCAL_PINPOINT_PARTS_MAX];
    size_t count;
    json_t *in;
    struct local_app *app;
};

int local_pinpoint_missing(const struct local_pinpoint_call *c,
                           const char *what);
int local_pinpoint_bad(const struct local_pinpoint_call *c, const char *why);
/* A page of an array, the newest first: page-size and token. */
int local_pinpoint_page(const struct local_pinpoint_call *c,
                        const json_t *items, struct pl_err *err);

int local_pinpoint_get_segments(struct local_pinpoint_call *c,
                                struct pl_err *err);
int local_pinpoint_get_segment_jobs(struct local_pinpoint_call *c,
                                    struct pl_err *err);
int local_pinpoint_get_segment(struct local_pinpoint_call *c,
                               struct pl_err *err);
int local_pinpoint_create_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err);
int local_pinpoint_update_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err);
int local_pinpoint_delete_segment(struct local_pinpoint_call *c,
                                  struct pl_err *err);
int local_pinpoint_get_endpoint(struct local_pinpoint_call *c,
                                struct pl_err *err);
int local_pinpoint_get_user(struct local_pinpoint_call *c, struct pl_err *err);
int local_pinpoint_update_endpoints(struct local_pinpoint_call *c,
                                    struct pl_err *err);
int local_pinpoint_get_segment_versions(struct local_pinpoint_call *c,
                                        struct pl_err *err);
int local_pinpoint_get_segment_version(struct local_pinpoint_call *c,
                                       struct pl_err *err);
int local_pinpoint_create_export(struct local_pinpoint_call *c,
                                 struct pl_err *err);
int local_pinpoint_get_exports(struct local_pinpoint_call *c,
                               struct pl_err *err);
int local_pinpoint_get_export(struct local_pinpoint_call *c,
                              struct pl_err *err);
int local_pinpoint_delete_endpoint(struct local_pinpoint_call *c,
                                   struct pl_err *err);

#endif
