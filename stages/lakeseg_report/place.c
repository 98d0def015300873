#include "stages/lakeseg_report/place.h"

#include <dirent.h>
#include <string.h>

#include "pipeline/aws/s3.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/uri.h"

/* How many runs are looked at for the last good one. */
#define LOOKS 200

void report_aws_release(struct report_aws *aws)
{
    if (aws->is_open)
        pl_aws_release(&aws->aws);
    aws->is_open = false;
}

struct pl_aws *report_aws(struct report_aws *aws, struct pl_err *err)
{
    if (!aws->is_open && pl_aws_open(&aws->aws, NULL, err) != 0)
        return NULL;
    aws->is_open = true;
    return &aws->aws;
}

static int read_object(const char *bucket, const char *key,
                       struct report_aws *aws, struct pl_manifest *m,
                       struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    const struct pl_sink sink = pl_buf_sink(&text);
    struct pl_aws *s3 = report_aws(aws, err);

    if (s3 == NULL ||
        pl_s3_get(s3, bucket, key, -1, -1, NULL, &sink, NULL, err) != 0 ||
        pl_manifest_parse(m, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'s3://%s/%s'", bucket, key);
    return 0;
}

int report_read(const struct pl_runs *runs, const char *run,
                struct report_aws *aws, struct pl_manifest *m,
                struct pl_err *err)
{
    struct pl_uri uri;

    if (!pl_starts_with(run, "s3://"))
        return pl_runs_read(runs, run, m, err);
    if (pl_uri_parse(run, &uri, err) != 0)
        return -1;
    return read_object(uri.bucket, uri.path, aws, m, err);
}

static bool is_good_before(const struct pl_manifest *m, const char *name,
                           const char *id, int64_t before_ms)
{
    const char *status = pl_manifest_str(m, "status");
    const char *started = pl_manifest_str(m, "run.started_at");
    const char *its_name = pl_manifest_str(m, "run.name");
    const char *its_id = pl_manifest_str(m, "run.id");
    int64_t ms;

    return status != NULL && strcmp(status, "succeeded") == 0 &&
           its_name != NULL && strcmp(its_name, name) == 0 && its_id != NULL &&
           strcmp(its_id, id) != 0 && started != NULL &&
           pl_time_parse_iso(started, &ms) == 0 && ms <= before_ms;
}

/* 1: it is one, and stays in m. */
static int try_run(const struct pl_runs *runs, const char *id, const char *name,
                   const char *own_id, int64_t before_ms, struct pl_manifest *m)
{
    PL_AUTO(pl_run) run = {.saved = 0};
    struct pl_err ignored = {0};

    if (pl_run_open(runs, id, &run, &ignored) == 0 && run.is_over &&
        pl_run_last(&run, m, &ignored) == 0 &&
        is_good_before(m, name, own_id, before_ms))
        return 1;
    pl_manifest_release(m);
    return 0;
}

int report_read_before(const struct pl_runs *runs, const struct pl_manifest *m,
                       struct pl_manifest *before)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};
    PL_AUTO(pl_buf) folder = PL_BUF_INIT;
    const char *name = pl_manifest_str(m, "run.name");
    const char *id = pl_manifest_str(m, "run.id");
    const char *started = pl_manifest_str(m, "run.started_at");
    struct pl_err ignored = {0};
    char last[PL_RUN_ID_MAX + 1];
    int64_t ms;

    if (name == NULL || id == NULL || started == NULL ||
        pl_time_parse_iso(started, &ms) != 0)
        return 0;
    if (pl_job_folder(m, &folder, &ignored) == 0 &&
        pl_job_last(runs, folder.data, last, &ignored) == 0 && *last != '\0' &&
        try_run(runs, last, name, id, ms, before) == 1)
        return 1;
    if (pl_runs_list(runs, &list, &ignored) != 0)
        return 0;
    for (size_t i = 0; i < list.count && i < LOOKS; i++)
        if (list.entries[i].is_over &&
            try_run(runs, list.entries[i].id, name, id, ms, before) == 1)
            return 1;
    return 0;
}

struct walk {
    const char *bucket;
    struct report_aws *aws;
    report_each *each;
    void *ctx;
    size_t *skipped;
};

static int hand_on(const struct walk *w, int rc, const struct pl_manifest *m,
                   struct pl_err *err)
{
    if (rc == 0)
        return w->each(w->ctx, m, err);
    ++*w->skipped;
    return 0;
}

static int each_object(void *ctx, const char *key, int64_t bytes,
                       const char *etag, struct pl_err *err)
{
    const struct walk *w = ctx;
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err trouble = {0};
    int rc;

    (void)etag;
    if (!pl_ends_with(key, ".json") || bytes > (int64_t)PL_MANIFEST_MAX_BYTES)
        return 0;
    rc = read_object(w->bucket, key, w->aws, &m, &trouble);
    if (rc != 0 && trouble.code != PL_MANIFEST_INVALID) {
        *err = trouble; /* S3 is out of reach: so are the others */
        return -1;
    }
    return hand_on(w, rc, &m, err);
}

static int each_file(const struct walk *w, const char *folder,
                     struct pl_err *err)
{
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    int rc = 0;

    if (dir == NULL)
        return pl_fail_errno(err, PL_FILE_ERROR, "cannot read '%s'", folder);
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        PL_AUTO(pl_buf) path = PL_BUF_INIT;
        PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
        PL_AUTO(pl_manifest) m = {0};
        struct pl_err ignored = {0};

        if (!pl_ends_with(entry->d_name, ".json"))
            continue;
        rc = pl_buf_addf(&path, err, "%s/%s", folder, entry->d_name);
        if (rc == 0)
            rc = hand_on(w,
                         pl_file_read(path.data, &text, &ignored) == 0
                             ? pl_manifest_parse(&m, pl_buf_str(&text),
                                                 text.len, &ignored)
                             : -1,
                         &m, err);
    }
    (void)closedir(dir);
    return rc;
}

int report_each_of(const char *folder, struct report_aws *aws,
                   report_each *each, void *ctx, size_t *skipped,
                   struct pl_err *err)
{
    struct pl_uri uri;
    struct walk w = {NULL, aws, each, ctx, skipped};
    struct pl_aws *s3;

    if (pl_uri_parse(folder, &uri, err) != 0)
        return -1;
    if (!uri.is_s3)
        return each_file(&w, uri.path, err);
    w.bucket = uri.bucket;
    s3 = report_aws(aws, err);
    return s3 != NULL
               ? pl_s3_list(s3, uri.bucket, uri.path, each_object, &w, err)
               : -1;
}

int report_each_run(const struct pl_runs *runs, report_each *each, void *ctx,
                    size_t *skipped, struct pl_err *err)
{
    PL_AUTO(pl_runs_list) list = {.count = 0};
    const struct walk w = {NULL, NULL, each, ctx, skipped};

    if (pl_runs_list(runs, &list, err) != 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        PL_AUTO(pl_run) run = {.saved = 0};
        PL_AUTO(pl_manifest) m = {0};
        struct pl_err ignored = {0};
        const int rc =
            pl_run_open(runs, list.entries[i].id, &run, &ignored) == 0
                ? pl_run_last(&run, &m, &ignored)
                : -1;

        if (hand_on(&w, rc, &m, err) != 0)
            return -1;
    }
    return 0;
}
