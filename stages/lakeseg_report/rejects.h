/*
 * rejects.h - the first lines of a run's reject file, JSON Lines or CSV,
 * compressed or not, from a file or from S3. What cannot be read is told, and
 * no failure: the report goes without.
 */
#ifndef LAKESEG_REPORT_REJECTS_H
#define LAKESEG_REPORT_REJECTS_H

#include "pipeline/aws/client.h"
#include "pipeline/base/io.h"
#include "pipeline/manifest/manifest.h"

#define REPORT_REJECTS_MAX 100
#define REPORT_REJECTS_BYTES ((size_t)1 << 20)

/* Text of anybody; NULL: none. */
struct report_text {
    const char *data;
    size_t len;
};

struct report_reject {
    int64_t record; /* -1: unknown */
    int64_t line;
    struct report_text rule;
    struct report_text column;
    struct report_text key;
    struct report_text detail;
    struct report_text raw;
};

struct report_rejects {
    struct report_reject list[REPORT_REJECTS_MAX];
    size_t count;
    size_t unread;      /* lines that are no rejects */
    const char *uri;    /* of the manifest; NULL: it names no file */
    char trouble[1024]; /* why there are none; "": nothing is wrong */
    json_t *lines;      /* what the texts are borrowed from */
};

/* aws NULL: nothing is read from S3. */
void report_rejects_read(struct report_rejects *rejects,
                         const struct pl_manifest *m, struct pl_aws *aws);
/* The same from a source; is_csv: with a header line. */
int report_rejects_parse(struct report_rejects *rejects,
                         const struct pl_source *source, bool is_csv,
                         struct pl_err *err) PL_MUST_CHECK;
void report_rejects_release(struct report_rejects *rejects);

#endif
