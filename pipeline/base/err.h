/*
 * err.h - the one error type of the project, and the one table of its names.
 *
 * The caller owns a struct pl_err (usually main's, zeroed) and passes it down
 * as the last argument. A function that fails fills it once and returns -1; a
 * function that succeeds does not touch it. The first failure wins: a later
 * pl_fail() on a filled error is ignored, so cleanup code cannot hide the
 * cause.
 */
#ifndef PL_BASE_ERR_H
#define PL_BASE_ERR_H

#include <stdbool.h>

#include "pipeline/base/attr.h"

/* What went wrong. Each code has a name (what a state machine catches), and
 * an exit status that says who can mend it: see pl_code_info(). */
enum pl_code {
    PL_OK = 0,
    PL_USAGE_INVALID,       /* 64 the caller */
    PL_QUERY_INVALID,       /* 65 the analyst */
    PL_DATA_INVALID,        /* 65 */
    PL_MANIFEST_INVALID,    /* 66 the stage before */
    PL_QUERY_FAILED,        /* 69 the service said no */
    PL_QUERY_CANCELLED,     /* 69 */
    PL_QUERY_TIMED_OUT,     /* 69 */
    PL_IMPORT_FAILED,       /* 69 */
    PL_IMPORT_PARTIAL,      /* 69 */
    PL_IMPORT_TIMED_OUT,    /* 69 */
    PL_SERVICE_REFUSED,     /* 69 */
    PL_INTERNAL_ERROR,      /* 70 us */
    PL_HOST_ERROR,          /* 71 the host: memory, processes */
    PL_FILE_ERROR,          /* 74 the host: files, pipes */
    PL_SERVICE_UNAVAILABLE, /* 75 nobody: try later */
    PL_THROTTLED,           /* 75 */
    PL_INTERRUPTED,         /* 75 a signal asked us to stop */
    PL_ALREADY_RUNNING,     /* 75 another run of the job is not over */
    PL_TASK_LOST,           /* 75 a task never came up, or was killed whole */
    PL_ACCESS_DENIED,       /* 77 the operator */
    PL_CREDENTIALS_MISSING, /* 77 */
    PL_CREDENTIALS_EXPIRED, /* 77 */
    PL_SIGNATURE_REFUSED,   /* 77 */
    PL_CONFIG_INVALID,      /* 78 the operator */
    PL_RETIRED,             /* 78 the service no longer exists */
    PL_CODE_COUNT
};

struct pl_code_info {
    const char *name; /* "QueryFailed" */
    int exit;         /* of sysexits(3) */
    bool is_retryable;
    /* The message may hold a service's words, and those people's data: what
     * stands in quotes is masked in logs and notifications. */
    bool may_quote_data;
};

/* The table's line for a code; never NULL (unknown codes: InternalError). */
const struct pl_code_info *pl_code_info(enum pl_code code);

/* The code with this name, or PL_INTERNAL_ERROR. */
enum pl_code pl_code_by_name(const char *name);

struct pl_err {
    enum pl_code code;
    int sys;          /* errno at the point of failure, else 0 */
    int http_status;  /* of a service's answer, else 0 */
    char service[64]; /* the service's own error code: "NoSuchKey", or "" */
    char msg[1024];   /* one line, lower case, no full stop, no secrets */
};

/* Record a failure. Always returns -1, so a function can return its call. */
int pl_fail(struct pl_err *err, enum pl_code code, const char *fmt, ...)
    PL_PRINTF(3, 4);

/* The same with ": " and the text of errno added. */
int pl_fail_errno(struct pl_err *err, enum pl_code code, const char *fmt, ...)
    PL_PRINTF(3, 4);

/* Out of memory: HostError. Always returns -1. */
int pl_fail_memory(struct pl_err *err);

/* Put "context: " before the message recorded so far. Always returns -1. */
int pl_context(struct pl_err *err, const char *fmt, ...) PL_PRINTF(2, 3);

/* Forget a failure that was survived. */
void pl_err_clear(struct pl_err *err);

#endif
