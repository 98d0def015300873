/*
 * manifest.h - the one document that travels through all programs
 * (docs/manifest.md, docs/manifest.schema.json).
 *
 * It is kept as a JSON tree, so that fields which nobody here knows pass
 * through untouched and in their order. A path names a field from the root,
 * "query.result.state"; keys of ours hold no dot.
 */
#ifndef PL_MANIFEST_MANIFEST_H
#define PL_MANIFEST_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

#define PL_MANIFEST_MAX_BYTES ((size_t)16 << 20)

struct pl_manifest {
    json_t *root;
};
void pl_manifest_release(struct pl_manifest *m);

/*
 * Reads one complete document: PL_MANIFEST_INVALID when it is empty, cut off,
 * followed by something, larger than PL_MANIFEST_MAX_BYTES, not of format 1 or
 * has a known field of a wrong type. {"Query": "SELECT ..."}, the historical
 * input, becomes {"lakeseg": 1, "query": {"sql": ...}}.
 */
int pl_manifest_parse(struct pl_manifest *m, const char *text, size_t len,
                      struct pl_err *err) PL_MUST_CHECK;
/* An empty manifest of format 1: what stands in for one that never came. */
int pl_manifest_init(struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;
/* The document on one line with a line end, appended. */
int pl_manifest_print(const struct pl_manifest *m, struct pl_buf *out,
                      struct pl_err *err) PL_MUST_CHECK;

/* Borrowed; NULL when it is missing, null or not of that type. */
json_t *pl_manifest_get(const struct pl_manifest *m, const char *path);
const char *pl_manifest_str(const struct pl_manifest *m, const char *path);
/* fallback when it is missing or null. */
int64_t pl_manifest_int(const struct pl_manifest *m, const char *path,
                        int64_t fallback);
double pl_manifest_real(const struct pl_manifest *m, const char *path,
                        double fallback);
bool pl_manifest_bool(const struct pl_manifest *m, const char *path,
                      bool fallback);

/* Sets a field, making the objects on the way. */
int pl_manifest_set_str(struct pl_manifest *m, const char *path,
                        const char *value, struct pl_err *err) PL_MUST_CHECK;
int pl_manifest_set_int(struct pl_manifest *m, const char *path, int64_t value,
                        struct pl_err *err) PL_MUST_CHECK;
/* Takes value over, also on failure; NULL: out of memory in the caller. */
int pl_manifest_set_new(struct pl_manifest *m, const char *path, json_t *value,
                        struct pl_err *err) PL_MUST_CHECK;

/* One entry of data[]. The strings are borrowed from the manifest. */
struct pl_data {
    const char *uri;         /* file://, a path, or s3:// */
    const char *role;        /* "query-result", "normalized", "rejects" */
    const char *format;      /* "csv", "jsonl" */
    const char *compression; /* "none" */
    int64_t bytes;           /* -1 unknown */
    int64_t rows;            /* data rows, without the header; -1 unknown */
    const char *crc64nvme;   /* base64; NULL unknown */
    const char *etag;        /* NULL unknown */
    const char *sha256;      /* lower-case hex; NULL: nobody asked for it */
};
size_t pl_manifest_data_count(const struct pl_manifest *m);
int pl_manifest_data_get(const struct pl_manifest *m, size_t i,
                         struct pl_data *data,
                         struct pl_err *err) PL_MUST_CHECK;
int pl_manifest_data_add(struct pl_manifest *m, const struct pl_data *data,
                         struct pl_err *err) PL_MUST_CHECK;
/* Rewrites entry i, keeping fields that are not in struct pl_data. */
int pl_manifest_data_set(struct pl_manifest *m, size_t i,
                         const struct pl_data *data,
                         struct pl_err *err) PL_MUST_CHECK;
/* Removes all entries with this role. */
void pl_manifest_data_drop(struct pl_manifest *m, const char *role);

/* Fills run.id, run.started_at and status where they are missing. */
int pl_manifest_begin(struct pl_manifest *m, int64_t now_ms,
                      struct pl_err *err) PL_MUST_CHECK;
/* Appends the place of this run, ending in "/": run.work_uri, else below
 * query.output_uri, else beside the first S3 data. PL_CONFIG_INVALID when
 * nothing tells. */
int pl_manifest_work_uri(const struct pl_manifest *m, struct pl_buf *out,
                         struct pl_err *err) PL_MUST_CHECK;
/* Appends the local place of this run, ending in "/": $LAKESEG_WORK or the
 * user's cache directory, and the run's id. */
int pl_manifest_work_dir(const struct pl_manifest *m, struct pl_buf *out,
                         struct pl_err *err) PL_MUST_CHECK;

/* Whether the manifest says that the run failed. */
bool pl_manifest_is_failed(const struct pl_manifest *m);
/* status, error: what a failed stage leaves. */
int pl_manifest_set_error(struct pl_manifest *m, const char *stage,
                          const struct pl_err *cause,
                          struct pl_err *err) PL_MUST_CHECK;
/* Adds a line to stages[]; status: "succeeded", "failed" or "skipped". */
int pl_manifest_add_stage(struct pl_manifest *m, const char *stage,
                          int64_t started_ms, int64_t ended_ms,
                          const char *status, struct pl_err *err) PL_MUST_CHECK;

/*
 * The outcome in the words of docs/manifest.md: the notification's subject.
 * "successful", "query invalid", "query failed", "import failed: nothing
 * imported", "import failed: partly imported", "incomplete".
 */
const char *pl_manifest_subject(const struct pl_manifest *m);

#endif
