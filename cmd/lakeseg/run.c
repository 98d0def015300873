/* lakeseg run - see stages/lakeseg_run. */
#include <stdio.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/runs/job.h"
#include "stages/lakeseg_run/lakeseg_run.h"

struct options {
    const char *stages;
    const char *lake;
    const char *state;
    const char *receipt;
    bool is_local;
    bool is_json;
};

static int show(const struct options *o, const struct pl_manifest *m,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_buf) receipt = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (pl_manifest_print(m, &receipt, err) != 0 ||
        (o->receipt != NULL &&
         pl_file_write(o->receipt, receipt.data, receipt.len, err) != 0) ||
        (!o->is_json && lakeseg_run_summary(m, &text, err) != 0))
        return -1;
    (void)fputs(o->is_json ? receipt.data : text.data, stdout);
    return pl_stdout_close(err);
}

static int run_job(const struct options *o, const char *path, int *status,
                   struct pl_err *err)
{
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(lakeseg_local) local = {0};
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    struct lakeseg_run_config cfg = {.stages = o->stages};

    if (pl_job_read(path, &job, err) != 0 || verb_own_dir(&dir, err) != 0)
        return -1;
    cfg.bin_dir = dir.data;
    pl_process_listen();
    if (o->is_local && lakeseg_local_start(&local, cfg.bin_dir, o->lake,
                                           o->state, &job, err) != 0)
        return -1;
    if (lakeseg_run(&cfg, &job, &m, status, err) != 0)
        return -1;
    return show(o, &m, err);
}

static int check_usage(const struct options *o, int operands,
                       struct pl_err *err)
{
    if (operands != 1)
        return pl_fail(err, PL_USAGE_INVALID, "run takes one JOB file");
    if (!o->is_local && (o->lake != NULL || o->state != NULL))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--lake and --state go with --local");
    if (o->is_local && o->lake == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "--local needs --lake FOLDER");
    return 0;
}

int verb_run(int argc, char **argv)
{
    struct options o = {0};
    const struct pl_opt opts[] = {
        {"local", PL_OPT_FLAG, &o.is_local, NULL,
         "run against a lakeseg-local started for the purpose", NULL},
        {"lake", PL_OPT_STR, &o.lake, "FOLDER",
         "with --local: the data lake, a folder per table", NULL},
        {"state", PL_OPT_STR, &o.state, "FOLDER",
         "with --local: keep objects and endpoints here", NULL},
        {"stages", PL_OPT_STR, &o.stages, "LIST",
         "programs to join, parted by commas; default " LAKESEG_RUN_STAGES
         ", or profiles-import, as import.destination says",
         NULL},
        {"receipt", PL_OPT_STR, &o.receipt, "FILE",
         "write the last manifest here", NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL,
         "print the last manifest instead of the summary", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg run",
        .summary = "run a segmentation job from its query to its notification",
        .operands = "JOB",
        .text =
            "Starts the stage programs joined by pipes, as a shell would, "
            "waits for all of them, prints one line a stage and a summary, "
            "and exits with the run's status. JOB is a manifest, or - for "
            "standard input.\n\n"
            "With --local it brings up lakeseg-local by itself, with the "
            "bucket, application and topic that the job names, so that a job "
            "can be tried on a laptop without an account.\n\n"
            "Ctrl-C or TERM asks every stage to stop; the outcome is still "
            "published.",
        .examples = "lakeseg run job.json\n"
                    "lakeseg run --local --lake ./lake job.json",
        .see_also = "lakeseg(1), athena-exec(1), csv-validate-normalize(1), "
                    "pinpoint-import(1), sns-notify(1), lakeseg-local(1)",
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
        rc = run_job(&o, argv[first], &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
