#include "stages/sfn_task/keep.h"

#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/stream/small.h"

#define REPORT_BYTES_MAX ((size_t)32 << 20)

const char *sfn_task_name(const struct sfn_task_config *cfg)
{
    static const struct {
        const char *stage;
        const char *task;
    } tasks[] = {
        {"query-validate", "query"},   {"athena-exec", "query"},
        {"parts-split", "query"},      {"s3-fetch", "transform"},
        {"csv-validate", "transform"}, {"csv-validate-normalize", "transform"},
        {"s3-put", "transform"},       {"pinpoint-import", "import"},
        {"profiles-import", "import"}};
    const char *last = cfg->stages[cfg->stage_count - 1];

    for (size_t i = 0; i < PL_COUNT(tasks); i++)
        if (strcmp(last, tasks[i].stage) == 0)
            return tasks[i].task;
    return last;
}

int sfn_keep_uri(const struct sfn_task_config *cfg, const struct pl_manifest *m,
                 struct pl_buf *uri, struct pl_err *err)
{
    if (pl_manifest_work_uri(m, uri, err) != 0)
        return -1;
    return pl_buf_addf(uri, err, "manifests/%s.json", sfn_task_name(cfg));
}

/* The token is a secret; what stands for it here is not. */
static int mark(const struct sfn_task_config *cfg, const struct pl_manifest *m,
                struct pl_aws *aws, struct pl_err *err)
{
    static const struct pl_s3_put_options options = {
        .content_type = "application/json", .only_if_absent = true};
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    unsigned char hash[PL_SHA256_BYTES];
    char hex[PL_SHA256_BYTES * 2 + 1];

    pl_sha256(cfg->token, strlen(cfg->token), hash);
    pl_hex(hash, sizeof(hash), hex);
    if (pl_manifest_work_uri(m, &uri, err) != 0 ||
        pl_buf_addf(&uri, err, "manifests/%s.started", sfn_task_name(cfg)) !=
            0 ||
        pl_buf_addf(&text, err, "{\"try\":\"%s\"}\n", hex) != 0)
        return -1;
    return pl_small_store(uri.data, &text, &options, aws, err);
}

bool sfn_keep_is_again(const struct sfn_task_config *cfg,
                       const struct pl_manifest *m, struct pl_aws *aws)
{
    struct pl_err err = {0};

    if (mark(cfg, m, aws, &err) == 0)
        return false;
    if (strcmp(err.service, "PreconditionFailed") != 0)
        pl_warn("whether this task was begun before is not known: %s", err.msg);
    return true;
}

int sfn_keep_manifest(const struct pl_manifest *m, const char *uri,
                      struct pl_aws *aws, struct pl_err *err)
{
    static const struct pl_s3_put_options options = {.content_type =
                                                         "application/json"};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_manifest_print(m, &text, err) != 0)
        return -1;
    return pl_small_store(uri, &text, &options, aws, err);
}

void sfn_keep_history(const struct sfn_task_config *cfg,
                      const struct pl_manifest *m, struct pl_aws *aws)
{
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_err err = {0};
    const char *id = pl_manifest_str(m, "run.id");

    if (cfg->history_uri == NULL || id == NULL)
        return;
    if (pl_buf_addf(&uri, &err, "%s%s%s.json", cfg->history_uri,
                    pl_ends_with(cfg->history_uri, "/") ? "" : "/", id) != 0 ||
        sfn_keep_manifest(m, uri.data, aws, &err) != 0)
        pl_warn("no copy for the history: %s", err.msg);
}

static int make_report(const struct sfn_task_config *cfg,
                       const struct pl_manifest *m, struct sfn_beat *beat,
                       struct pl_buf *page, struct pl_err *err)
{
    static const char *const argv[] = {"lakeseg", "report", "-", NULL};
    struct sfn_pipe pipe = {.child = {{.argv = argv}}, .count = 1};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_manifest_print(m, &text, err) != 0 ||
        sfn_pipe_run(&pipe, cfg->bin_dir, &text, beat, page, err) != 0)
        return -1;
    if (sfn_pipe_blame(&pipe) != NULL || page->len == 0)
        return pl_fail(err, PL_INTERNAL_ERROR, "'lakeseg report' failed");
    return 0;
}

void sfn_keep_report(const struct sfn_task_config *cfg, struct pl_manifest *m,
                     struct pl_aws *aws, struct sfn_beat *beat)
{
    static const struct pl_s3_put_options options = {
        .content_type = "text/html; charset=utf-8"};
    PL_AUTO(pl_buf) page = PL_BUF_INIT_MAX(REPORT_BYTES_MAX);
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    struct pl_err err = {0};

    if (pl_stop_age_ms() >= 0) /* there is no time for it */
        return;
    if (pl_manifest_work_uri(m, &uri, &err) != 0 ||
        pl_buf_adds(&uri, "report/report.html", &err) != 0 ||
        make_report(cfg, m, beat, &page, &err) != 0 ||
        pl_small_store(uri.data, &page, &options, aws, &err) != 0 ||
        pl_manifest_set_str(m, "report.uri", uri.data, &err) != 0)
        pl_warn("no report: %s", err.msg);
}
