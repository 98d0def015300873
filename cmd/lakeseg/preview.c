/* lakeseg preview - see stages/lakeseg_preview. */
#include <stdio.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "stages/lakeseg_preview/lakeseg_preview.h"
#include "stages/lakeseg_run/lakeseg_run.h"

struct options {
    const char *lake;
    const char *state;
    bool is_local;
    bool is_json;
    bool has_values;
};

static int show(const struct options *o, const struct pl_manifest *m,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if ((o->is_json ? pl_manifest_print(m, &text, err)
                    : lakeseg_preview_text(m, &text, err)) != 0)
        return -1;
    if (o->is_json)
        (void)fputs(pl_buf_str(&text), stdout);
    else
        verb_print(pl_buf_str(&text));
    return pl_stdout_close(err);
}

static int preview(const struct options *o, const char *path, int *status,
                   struct pl_err *err)
{
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(lakeseg_local) local = {0};
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    struct lakeseg_preview_config cfg = {.has_values = o->has_values};

    if (verb_read_job(path, &job, err) != 0 || verb_own_dir(&dir, err) != 0)
        return -1;
    cfg.bin_dir = dir.data;
    pl_process_listen();
    if (o->is_local && lakeseg_local_start(&local, cfg.bin_dir, o->lake,
                                           o->state, &job, err) != 0)
        return -1;
    if (lakeseg_preview(&cfg, &job, &m, status, err) != 0)
        return -1;
    return show(o, &m, err);
}

static int check_usage(const struct options *o, int operands,
                       struct pl_err *err)
{
    if (operands != 1)
        return pl_fail(err, PL_USAGE_INVALID, "preview takes one JOB file");
    if (o->is_local == (o->lake != NULL) && (o->is_local || o->state == NULL))
        return 0;
    return pl_fail(err, PL_USAGE_INVALID,
                   "--local needs --lake FOLDER; --lake and --state go with "
                   "--local");
}

int verb_preview(int argc, char **argv)
{
    struct options o = {0};
    const struct pl_opt opts[] = {
        {"show-values", PL_OPT_FLAG, &o.has_values, NULL,
         "show the values of the sample rows; without it letters and digits "
         "are masked",
         NULL},
        {"local", PL_OPT_FLAG, &o.is_local, NULL,
         "against a lakeseg-local started for the purpose", NULL},
        {"lake", PL_OPT_STR, &o.lake, "FOLDER",
         "with --local: the data lake, a folder per table", NULL},
        {"state", PL_OPT_STR, &o.state, "FOLDER",
         "with --local: its objects and endpoints are here", NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL,
         "print the manifest, with validate.result.delta and .preview", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg preview",
        .summary = "run a job up to its import, and show what would change",
        .operands = "JOB",
        .text =
            "Runs the query and judges every row, and imports nothing. Shows "
            "how many rows are new, changed, unchanged and gone against the "
            "last successful run of the job, in how many of the changed rows "
            "each column differs, and some rows of each kind. The limits are "
            "judged: a run that would stop is said, with its exit status.\n\n"
            "The comparison needs the fingerprints that runs with import.mode "
            "keep (docs/changed.md). The query runs, and costs what it "
            "costs.",
        .examples = "lakeseg preview job.json\n"
                    "lakeseg preview job.json --show-values",
        .see_also = "lakeseg-run(1), lakeseg-check(1), lakeseg-restore(1), "
                    "csv-validate-normalize(1)",
        .opts = opts};
    struct pl_err err = {0};
    int status = 0;
    int first = 0;
    int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = check_usage(&o, argc - first, &err);
    if (rc == 0)
        rc = preview(&o, argv[first], &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
