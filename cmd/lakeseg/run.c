/* lakeseg run - see stages/lakeseg_run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/manifest/metrics.h"
#include "pipeline/stream/small.h"
#include "stages/lakeseg_run/jobs.h"
#include "stages/lakeseg_run/lakeseg_run.h"
#include "stages/lakeseg_run/view.h"

#define PARALLEL_MAX 64

struct options {
    struct lakeseg_run_config cfg;
    struct run_view view;
    struct pl_buf dir; /* of the programs */
    const char *resume;
    const char *lake;
    const char *state;
    const char *receipt;
    const char *color;
    const char *allow;
    int64_t parallel;
    bool is_json;
    bool is_quiet;
    bool is_one_of_many;
};

static void options_release(struct options *o)
{
    pl_buf_release(&o->dir);
}

/* Standard output is for people, or for the receipt. */
static int show_metrics(const struct pl_manifest *m, struct pl_err *err)
{
    const char *form = pl_env("LAKESEG_METRICS");
    PL_AUTO(pl_buf) line = PL_BUF_INIT;

    if (form == NULL)
        return 0;
    if (pl_metrics_print(m, pl_now_ms(&pl_clock_real), &line, err) != 0)
        return -1;
    return pl_fd_write_all(STDERR_FILENO, line.data, line.len, err);
}

/* A copy for the tables over all runs; the run is what it is without. */
static void keep_history(const struct pl_manifest *m)
{
    static const struct pl_s3_put_options options = {.content_type =
                                                         "application/json"};
    const char *folder = pl_env("LAKESEG_HISTORY_URI");
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_buf) uri = PL_BUF_INIT;
    PL_AUTO(pl_aws) aws = {0};
    struct pl_err err = {0};

    if (folder == NULL)
        return;
    pl_stop_hold(); /* what was stopped is history, too */
    if (pl_aws_open(&aws, NULL, &err) != 0 ||
        pl_buf_addf(&uri, &err, "%s%s%s.json", folder,
                    pl_ends_with(folder, "/") ? "" : "/",
                    pl_manifest_str(m, "run.id")) != 0 ||
        pl_manifest_print(m, &text, &err) != 0 ||
        pl_small_store(uri.data, &text, &options, &aws, &err) != 0)
        pl_warn("no copy for the history: %s", err.msg);
    pl_stop_unhold();
}

/* A run that died is in the figures and in the history as it ended, too. */
static void keep_closed(const struct pl_manifest *m, bool is_told)
{
    struct pl_err err = {0};

    keep_history(m);
    if (is_told && show_metrics(m, &err) != 0)
        pl_warn("no metrics of run %s: %s", pl_manifest_str(m, "run.id"),
                err.msg);
}

static int show(const struct options *o, const char *path,
                const struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    PL_AUTO(pl_buf) receipt = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);
    const bool has_stages = !(o->view.is_live && isatty(STDOUT_FILENO) == 1);

    if (show_metrics(m, err) != 0 || pl_manifest_print(m, &receipt, err) != 0 ||
        (o->receipt != NULL &&
         pl_file_write(o->receipt, receipt.data, receipt.len, err) != 0))
        return -1;
    if (o->is_one_of_many && pl_buf_addf(&text, err, "job %s\n", path) != 0)
        return -1;
    if (lakeseg_run_summary(m, has_stages, &text, err) != 0)
        return -1;
    if (o->is_json)
        (void)fputs(receipt.data, stdout);
    else if (!o->is_quiet)
        verb_print(text.data);
    return pl_stdout_close(err);
}

/* The job of the run that is resumed: --local needs to know its places. */
static int read_first(const struct options *o, const struct pl_runs *runs,
                      struct pl_manifest *job, struct pl_err *err)
{
    PL_AUTO(pl_run) run = {.saved = 0};

    if (!o->cfg.is_local)
        return 0;
    if (pl_runs_find(runs, o->resume, &run, err) != 0)
        return -1;
    return pl_run_first(&run, job, err);
}

static int run_job(const struct options *o, const char *path, int *status,
                   struct pl_err *err)
{
    PL_AUTO(pl_runs) runs = {.root = PL_BUF_INIT};
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(lakeseg_local) local = {0};
    PL_AUTO(lakeseg_outcome) outcome = {.status = 0};

    if (pl_runs_open(&runs, NULL, err) != 0 ||
        (o->resume != NULL ? read_first(o, &runs, &job, err)
                           : verb_read_job(path, &job, err)) != 0)
        return -1;
    pl_process_listen();
    if (o->cfg.is_local && lakeseg_local_start(&local, o->cfg.bin_dir, o->lake,
                                               o->state, &job, err) != 0)
        return -1;
    if ((o->resume != NULL
             ? lakeseg_resume(&o->cfg, &runs, o->resume, &outcome, err)
             : lakeseg_run(&o->cfg, &runs, &job, &outcome, err)) != 0)
        return -1;
    *status = outcome.status;
    keep_history(&outcome.m);
    return show(o, path, &outcome.m, err);
}

/* In a process of its own. */
static int run_one(void *ctx, const char *path)
{
    const struct options *o = ctx;
    struct pl_err err = {0};
    int status = 0;

    return run_job(o, path, &status, &err) == 0 ? status
                                                : pl_process_exit(&err);
}

static int run_all(struct options *o, int count, char **paths, int *status,
                   struct pl_err *err)
{
    PL_AUTO(run_jobs) jobs = {.count = 0};

    for (int i = 0; i < count; i++)
        if (run_jobs_add(&jobs, paths[i], err) != 0)
            return -1;
    if (jobs.count < 2)
        return run_job(o, jobs.count > 0 ? jobs.paths[0] : NULL, status, err);
    if (o->receipt != NULL)
        return pl_fail(err, PL_USAGE_INVALID, "--receipt goes with one job");
    if (o->state != NULL && o->parallel > 1)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--state goes with one job at a time");
    o->is_one_of_many = true;
    o->view.is_live = o->view.is_live && o->parallel <= 1;
    pl_process_listen();
    return run_jobs_each(&jobs, o->parallel > 1 ? (size_t)o->parallel : 1,
                         run_one, o, status, err);
}

static int check_numbers(const struct options *o, struct pl_err *err)
{
    const char *metrics = pl_env("LAKESEG_METRICS");

    if (metrics != NULL && strcmp(metrics, "emf") != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "LAKESEG_METRICS: '%s' is not emf", metrics);
    if (o->parallel != PL_UNSET &&
        (o->parallel < 1 || o->parallel > PARALLEL_MAX))
        return pl_fail(err, PL_USAGE_INVALID, "--parallel takes 1 to %d",
                       PARALLEL_MAX);
    if (o->cfg.timeout_s != PL_UNSET && o->cfg.timeout_s < 1)
        return pl_fail(err, PL_USAGE_INVALID, "--timeout takes seconds");
    return 0;
}

static int check_usage(const struct options *o, int operands,
                       struct pl_err *err)
{
    if (o->resume != NULL && operands > 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--resume takes a run, and no JOB beside it");
    if (o->resume != NULL &&
        (o->cfg.stages != NULL || o->cfg.from != NULL || o->cfg.has_report))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--resume goes on with the stages of the run");
    if (o->resume == NULL && operands == 0)
        return pl_fail(err, PL_USAGE_INVALID, "run takes a JOB file");
    if (!o->cfg.is_local && (o->lake != NULL || o->state != NULL))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--lake and --state go with --local");
    if (o->cfg.is_local && o->lake == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "--local needs --lake FOLDER");
    return check_numbers(o, err);
}

/* Programs draw on no terminal of ours, and say less if they are to. */
static int prepare(struct options *o, struct pl_err *err)
{
    if (run_view_open(&o->view, o->color, o->is_quiet, err) != 0 ||
        verb_own_dir(&o->dir, err) != 0)
        return -1;
    if (o->allow != NULL && setenv("LAKESEG_ALLOW_ONCE", o->allow, 1) != 0)
        return pl_fail_memory(err);
    o->cfg.bin_dir = o->dir.data;
    o->cfg.view = &o->view;
    o->cfg.closed = keep_closed;
    o->cfg.tells_stop =
        o->cfg.tells_stop || pl_env("LAKESEG_TELL_STOP") != NULL;
    if (o->view.is_live && setenv("LAKESEG_PROGRESS", "json", 1) != 0)
        return pl_fail_memory(err);
    if (!o->is_quiet)
        return 0;
    pl_log_set_level(PL_LOG_ERROR);
    return setenv("LAKESEG_LOG", "error", 1) == 0 ? 0 : pl_fail_memory(err);
}

static const char text[] =
    "Runs the stage programs one after another, keeps the manifest after each "
    "in a folder of the run, prints one line a stage and a summary, and exits "
    "with the run's status. JOB is a manifest, a URI in S3, - for standard "
    "input, "
    "or a folder, whose *.json are run in the order of their names. Its query "
    "may "
    "stand in a file beside it (query.sql_file), and some of its values may "
    "name variables, ${NAME}.\n\n"
    "Whatever dies, --resume RUN goes on: stages that have ended are not "
    "repeated, one that was cut short is entered again by its own rules, and "
    "the end is as if nothing had happened. A run has one outcome, which is "
    "published; a run that died and was not resumed is told by the next start "
    "of its job. A job runs once at a time: AlreadyRunning.\n\n"
    "Ctrl-C or TERM stops the stage cleanly, and the run can be resumed "
    "(--tell-stop ends and publishes it instead); a second one ends at "
    "once.\n\n"
    "A stage that is killed, or says that later may help (exit status 75), is "
    "entered up to three times. State: $LAKESEG_STATE, else "
    "$XDG_STATE_HOME/lakeseg, else ~/.local/state/lakeseg.\n\n"
    "With --local it brings up lakeseg-local by itself, with the bucket, "
    "application and topic that the job names, so that a job can be tried on "
    "a laptop without an account.";

int verb_run(int argc, char **argv)
{
    PL_AUTO(options)
    o = {.cfg = {.timeout_s = PL_UNSET}, .parallel = PL_UNSET};
    const struct pl_opt opts[] = {
        {"resume", PL_OPT_STR, &o.resume, "RUN",
         "go on with this run: its id, the beginning of it, or last", NULL},
        {"stages", PL_OPT_STR, &o.cfg.stages, "LIST",
         "programs to run, parted by commas (manifest: run.stages); "
         "default " LAKESEG_RUN_STAGES
         ", or profiles-import, as import.destination says",
         NULL},
        {"from", PL_OPT_STR, &o.cfg.from, "STAGE",
         "begin here: JOB is a manifest that has what came before", NULL},
        {"until", PL_OPT_STR, &o.cfg.until, "STAGE",
         "pause when this one has ended; --resume goes on", NULL},
        {"timeout", PL_OPT_INT, &o.cfg.timeout_s, "SECONDS",
         "stop the run after so long, counted from this start (manifest: "
         "run.timeout_s; run.stage_timeout_s has budgets of stages)",
         NULL},
        {"parallel", PL_OPT_INT, &o.parallel, "N",
         "with several jobs: so many at once; default 1", NULL},
        {"report", PL_OPT_FLAG, &o.cfg.has_report, NULL,
         "make report.html before the notification, which names it", NULL},
        {"tell-stop", PL_OPT_FLAG, &o.cfg.tells_stop, NULL,
         "a signal ends the run, and that is published", "LAKESEG_TELL_STOP"},
        {"local", PL_OPT_FLAG, &o.cfg.is_local, NULL,
         "run against a lakeseg-local started for the purpose", NULL},
        {"lake", PL_OPT_STR, &o.lake, "FOLDER",
         "with --local: the data lake, a folder per table", NULL},
        {"state", PL_OPT_STR, &o.state, "FOLDER",
         "with --local: keep objects and endpoints here", NULL},
        {"allow", PL_OPT_STR, &o.allow, "WORD,...",
         "limits that need not hold this time: max_change, max_gone, min_rows, "
         "empty, unnamed (csv-validate-normalize --allow)",
         "LAKESEG_ALLOW_ONCE"},
        {"receipt", PL_OPT_STR, &o.receipt, "FILE",
         "write the last manifest here", NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL,
         "print the last manifest instead of the summary", NULL},
        {"quiet", PL_OPT_FLAG, &o.is_quiet, NULL,
         "print no summary, and of messages errors only", NULL},
        {"color", PL_OPT_STR, &o.color, "WHEN",
         "auto (default: on a terminal, without NO_COLOR), always or never",
         NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg run",
        .summary = "run a segmentation job from its query to its notification",
        .operands = "JOB... | --resume RUN",
        .text = text,
        .examples = "lakeseg run job.json\n"
                    "lakeseg run --resume last\n"
                    "lakeseg run --parallel 4 jobs/\n"
                    "lakeseg run --until csv-validate-normalize job.json\n"
                    "lakeseg run --local --lake ./lake job.json",
        .see_also = "lakeseg(1), lakeseg-runs(1), lakeseg-show(1), "
                    "athena-exec(1), csv-validate-normalize(1), "
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
        rc = prepare(&o, &err);
    if (rc == 0)
        rc = run_all(&o, argc - first, argv + first, &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
