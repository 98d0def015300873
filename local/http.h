/*
 * http.h - a request as the services see it, and the answer they make.
 *
 * Nothing here knows the HTTP library; tests build requests by hand.
 */
#ifndef LOCAL_HTTP_H
#define LOCAL_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

struct local_pair {
    char *name;
    char *value;
};

/* Names and values in the order in which they came. */
struct local_pairs {
    struct local_pair *items;
    size_t count;
    size_t cap;
};

int local_pairs_add(struct local_pairs *pairs, const char *name,
                    const char *value, struct pl_err *err) PL_MUST_CHECK;
/* The first value of this exact name, or NULL. */
const char *local_pairs_get(const struct local_pairs *pairs, const char *name);
void local_pairs_release(struct local_pairs *pairs);
/* Reads "a=b&c"; plus signs are blanks. -1 on a broken escape or a NUL. */
int local_pairs_parse(struct local_pairs *pairs, const char *query, size_t len,
                      struct pl_err *err) PL_MUST_CHECK;

struct local_body;

struct local_request {
    char *method;
    char *raw_path;  /* as sent, without the query */
    char *raw_query; /* as sent, without '?'; "" when there is none */
    struct local_pairs headers; /* lower-case names */
    struct local_pairs query;   /* decoded */
    char request_id[40];
    const char *service;   /* "s3", "athena", "pinpoint", "sns", "sts", ... */
    const char *operation; /* "GetObject" */
    char access_key[132];
    struct pl_buf body;          /* unless it went to a file */
    struct local_body *bulk;     /* where a file's bytes went, or NULL */
    struct local_pairs trailers; /* of an aws-chunked body */
};

void local_request_release(struct local_request *req);
const char *local_header(const struct local_request *req, const char *name);
const char *local_query(const struct local_request *req, const char *name);

struct local_response {
    int status;
    struct local_pairs headers;
    struct pl_buf body;
    bool is_file; /* the body is file_bytes of fd from file_offset on */
    int fd;
    uint64_t file_offset;
    uint64_t file_bytes;
    uint64_t head_bytes; /* of a HEAD answer: the length that GET would have */
    bool has_head_bytes;
    char code[64]; /* the error's code, for the log */
};

void local_response_release(struct local_response *resp);
int local_set_header(struct local_response *resp, const char *name,
                     const char *value, struct pl_err *err) PL_MUST_CHECK;

/*
 * Answers with an error in the wire format of the request's service. Always
 * returns 0, so that a handler can return its call: being refused is an
 * answer.
 */
int local_refuse(const struct local_request *req, struct local_response *resp,
                 int status, const char *code, const char *fmt, ...)
    PL_PRINTF(5, 6);
/* Answers with a JSON document; takes the reference. */
int local_answer_json(struct local_response *resp, int status, json_t *take,
                      struct pl_err *err) PL_MUST_CHECK;

/* Whether a request is S3's: its own, or one to the URL of an upload. */
bool local_is_s3(const struct local_request *req);

/* "Mon, 23 Nov 2026 01:02:03 GMT" */
void local_http_date(int64_t unix_ms, char out[32]);
/* A random id in the form of a UUID, 36 characters. */
int local_uuid(char out[40], struct pl_err *err) PL_MUST_CHECK;

#endif
