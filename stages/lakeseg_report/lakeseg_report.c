#include "stages/lakeseg_report/lakeseg_report.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "stages/lakeseg_report/history.h"
#include "stages/lakeseg_report/place.h"
#include "stages/lakeseg_report/text.h"

/* What a report is made of; too large for a stack. */
struct report {
    struct pl_runs runs;
    struct report_aws aws;
    struct pl_manifest m;
    struct pl_manifest before;
    struct report_run run;
    struct report_run run_before;
    struct report_rejects rejects;
    struct report_view view;
};

static void report_free(struct report **report)
{
    struct report *r = *report;

    if (r == NULL)
        return;
    report_rejects_release(&r->rejects);
    pl_manifest_release(&r->before);
    pl_manifest_release(&r->m);
    report_aws_release(&r->aws);
    pl_runs_release(&r->runs);
    free(r);
}

/* A state folder there is none of is no reason to fail: a manifest may come
 * from anywhere. */
static int open_runs(struct report *r, const char *run, struct pl_err *err)
{
    struct pl_err trouble = {0};

    if (pl_runs_open(&r->runs, NULL, &trouble) == 0)
        return 0;
    if (strchr(run, '/') != NULL || pl_ends_with(run, ".json") ||
        strcmp(run, "-") == 0)
        return pl_buf_adds(&r->runs.root, "/nonexistent/", err);
    *err = trouble;
    return -1;
}

static int find_before(const struct lakeseg_report_config *cfg,
                       struct report *r, struct pl_err *err)
{
    int rc = 0;

    if (cfg->previous != NULL) {
        if (report_read(&r->runs, cfg->previous, &r->aws, &r->before, err) != 0)
            return pl_context(err, "cannot read the run to compare with");
        rc = 1;
    } else {
        rc = report_read_before(&r->runs, &r->m, &r->before);
    }
    if (rc == 1) {
        report_model(&r->before, cfg->price_per_tb, &r->run_before);
        r->view.before = &r->run_before;
    }
    return 0;
}

static void find_rejects(struct report *r)
{
    struct pl_err trouble = {0};
    struct pl_aws *aws = NULL;
    bool is_in_s3 = false;

    for (size_t i = 0; i < pl_manifest_data_count(&r->m); i++) {
        struct pl_data data;

        if (pl_manifest_data_get(&r->m, i, &data, &trouble) == 0 &&
            strcmp(data.role, "rejects") == 0 && data.rows != 0 &&
            pl_starts_with(data.uri, "s3://"))
            is_in_s3 = true;
    }
    if (is_in_s3)
        aws = report_aws(&r->aws, &trouble);
    report_rejects_read(&r->rejects, &r->m, aws);
    if (is_in_s3 && aws == NULL)
        (void)snprintf(r->rejects.trouble, sizeof(r->rejects.trouble), "%s",
                       trouble.msg);
}

/* Hands what was written over. */
static int give(struct pl_buf *from, struct pl_buf *out, struct pl_err *err)
{
    return pl_buf_add(out, pl_buf_str(from), from->len, err);
}

static size_t width_of(const struct lakeseg_report_config *cfg)
{
    return cfg->width > LAKESEG_REPORT_WIDTH_MIN ? cfg->width
                                                 : LAKESEG_REPORT_WIDTH_MIN;
}

static int write_run(const struct lakeseg_report_config *cfg,
                     const struct report_view *view, struct pl_buf *out,
                     struct pl_err *err)
{
    PL_AUTO(html)
    h = {.out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX),
         .show_values = cfg->show_values};
    PL_AUTO(text)
    t = {.out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX),
         .width = width_of(cfg),
         .is_utf8 = cfg->is_utf8,
         .show_values = cfg->show_values};

    if (cfg->is_text) {
        report_text(&t, view);
        return text_end(&t, err) == 0 ? give(&t.out, out, err) : -1;
    }
    report_page(&h, view);
    return html_end(&h, err) == 0 ? give(&h.out, out, err) : -1;
}

int lakeseg_report_run(const struct lakeseg_report_config *cfg, const char *run,
                       struct pl_buf *out, struct pl_err *err)
{
    __attribute__((cleanup(report_free))) struct report *r =
        calloc(1, sizeof(*r));

    if (r == NULL)
        return pl_fail_memory(err);
    if (open_runs(r, run, err) != 0 ||
        report_read(&r->runs, run, &r->aws, &r->m, err) != 0)
        return -1;
    report_model(&r->m, cfg->price_per_tb, &r->run);
    r->view.run = &r->run;
    r->view.rejects = &r->rejects;
    if (find_before(cfg, r, err) != 0)
        return -1;
    find_rejects(r);
    return write_run(cfg, &r->view, out, err);
}

static int add_run(void *ctx, const struct pl_manifest *m, struct pl_err *err)
{
    return history_add(ctx, m, err);
}

static int write_history(const struct lakeseg_report_config *cfg,
                         const struct history *history, struct pl_buf *out,
                         struct pl_err *err)
{
    PL_AUTO(html) h = {.out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX)};
    PL_AUTO(text)
    t = {.out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX),
         .width = width_of(cfg),
         .is_utf8 = cfg->is_utf8};

    if (cfg->is_text) {
        history_text(&t, history);
        return text_end(&t, err) == 0 ? give(&t.out, out, err) : -1;
    }
    history_page(&h, history);
    return html_end(&h, err) == 0 ? give(&h.out, out, err) : -1;
}

int lakeseg_report_job(const struct lakeseg_report_config *cfg, const char *job,
                       const char *folder, struct pl_buf *out,
                       struct pl_err *err)
{
    PL_AUTO(history) history = {.runs = NULL};
    PL_AUTO(report_aws) aws = {.is_open = false};
    PL_AUTO(pl_runs) runs = {.root = PL_BUF_INIT};
    size_t skipped = 0;

    if (history_open(&history, job, cfg->price_per_tb, err) != 0)
        return -1;
    if (folder != NULL) {
        if (report_each_of(folder, &aws, add_run, &history, &skipped, err) != 0)
            return -1;
    } else if (pl_runs_open(&runs, NULL, err) != 0 ||
               report_each_run(&runs, add_run, &history, &skipped, err) != 0) {
        return -1;
    }
    history.skipped = skipped;
    return write_history(cfg, &history, out, err);
}
