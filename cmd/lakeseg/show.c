/* lakeseg show - what became of one run. */
#include <stdio.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/runs/runs.h"
#include "stages/lakeseg_run/lakeseg_run.h"

static int add_places(const struct pl_manifest *m, struct pl_buf *text,
                      struct pl_err *err)
{
    static const struct {
        const char *what;
        const char *path;
    } places[] = {{"job", "run.name"},
                  {"begun", "run.started_at"},
                  {"query", "query.result.execution_id"},
                  {"data", "run.work_uri"},
                  {"report", "report.uri"}};

    for (size_t i = 0; i < PL_COUNT(places); i++) {
        const char *value = pl_manifest_str(m, places[i].path);

        if (value != NULL &&
            pl_buf_addf(text, err, "%-8s %s\n", places[i].what, value) != 0)
            return -1;
    }
    return pl_buf_adds(text, "\n", err);
}

static int show(const char *word, bool is_json, struct pl_err *err)
{
    PL_AUTO(pl_runs) runs = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_runs_open(&runs, NULL, err) != 0 ||
        pl_runs_read(&runs, word, &m, err) != 0)
        return -1;
    if (is_json ? pl_manifest_print(&m, &text, err) != 0
                : add_places(&m, &text, err) != 0 ||
                      lakeseg_run_summary(&m, true, &text, err) != 0)
        return -1;
    if (is_json)
        (void)fputs(pl_buf_str(&text), stdout);
    else
        verb_print(pl_buf_str(&text));
    return pl_stdout_close(err);
}

int verb_show(int argc, char **argv)
{
    bool is_json = false;
    const struct pl_opt opts[] = {
        {"json", PL_OPT_FLAG, &is_json, NULL, "print the manifest itself",
         NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg show",
        .summary = "show what became of a run",
        .operands = "RUN",
        .text = "RUN is a run's id or the beginning of one, last for the "
                "youngest, the path of a manifest, or - for standard input. "
                "Of a run that is not over the manifest after its last stage "
                "is shown.\n\nA run's whole story is in its report: lakeseg "
                "report.",
        .examples = "lakeseg show last\n"
                    "lakeseg show 01KB3 --json",
        .see_also = "lakeseg-runs(1), lakeseg-report(1), lakeseg-run(1)",
        .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0 && argc - first != 1)
        rc = pl_fail(&err, PL_USAGE_INVALID, "show takes one RUN");
    if (rc == 0)
        rc = show(argv[first], is_json, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
