/* lakeseg - supervise whole runs, and look at what they need; see
 * stages/lakeseg_run and stages/lakeseg_doctor. */
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "stages/lakeseg_doctor/lakeseg_doctor.h"
#include "stages/lakeseg_run/lakeseg_run.h"

struct options {
    const char *stages;
    const char *lake;
    const char *state;
    const char *receipt;
    const char *format;
    bool is_local;
    bool is_json;
    bool without_calls;
};

/* The folder of this program, ending in "/": the stages stand beside it. */
static int own_dir(struct pl_buf *dir, struct pl_err *err)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return pl_fail_errno(err, PL_HOST_ERROR, "cannot find the programs");
    path[n] = '\0';
    *(strrchr(path, '/') + 1) = '\0';
    return pl_buf_adds(dir, path, err);
}

static int read_job(const char *path, struct pl_manifest *job,
                    struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES);
    const int rc = strcmp(path, "-") == 0
                       ? pl_fd_read_all(STDIN_FILENO, path, &text, err)
                       : pl_file_read(path, &text, err);

    if (rc != 0)
        return -1;
    if (pl_manifest_parse(job, pl_buf_str(&text), text.len, err) != 0)
        return pl_context(err, "'%s'", path);
    return 0;
}

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
    struct lakeseg_run_config cfg = {.stages = NULL};

    if (o->stages != NULL)
        cfg.stages = o->stages;
    if (read_job(path, &job, err) != 0 || own_dir(&dir, err) != 0)
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

static int examine(const struct options *o, const char *path,
                   struct pl_err *err)
{
    const struct lakeseg_doctor_config cfg = {
        .is_json = o->is_json, .without_calls = o->without_calls};
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_buf) report = PL_BUF_INIT;
    struct pl_err first = {0};

    if (path != NULL && read_job(path, &job, err) != 0)
        return -1;
    pl_process_listen();
    if (lakeseg_doctor_run(&cfg, path != NULL ? &job : NULL, &report, &first,
                           err) != 0)
        return -1;
    (void)fputs(pl_buf_str(&report), stdout);
    if (pl_stdout_close(err) != 0)
        return -1;
    *err = first;
    return first.code == PL_OK ? 0 : -1;
}

static int check_format(struct options *o, struct pl_err *err)
{
    if (o->format == NULL || strcmp(o->format, "text") == 0)
        return 0;
    if (strcmp(o->format, "json") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--format '%s' is neither text nor json", o->format);
    o->is_json = true;
    return 0;
}

static int check_doctor(const struct options *o, int argc, struct pl_err *err)
{
    if (argc > 2)
        return pl_fail(err, PL_USAGE_INVALID, "doctor takes one JOB at most");
    if (o->is_local || o->lake != NULL || o->state != NULL ||
        o->stages != NULL || o->receipt != NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "doctor takes --format and --no-calls only");
    return 0;
}

static int check_usage(struct options *o, int argc, char **argv,
                       struct pl_err *err)
{
    if (check_format(o, err) != 0)
        return -1;
    if (argc == 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "a command is missing: run, doctor");
    if (strcmp(argv[0], "doctor") == 0)
        return check_doctor(o, argc, err);
    if (strcmp(argv[0], "run") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "unknown command '%s'; there are: run, doctor", argv[0]);
    if (argc != 2)
        return pl_fail(err, PL_USAGE_INVALID, "run takes one JOB file");
    if (o->without_calls)
        return pl_fail(err, PL_USAGE_INVALID, "--no-calls goes with doctor");
    if (!o->is_local && (o->lake != NULL || o->state != NULL))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--lake and --state go with --local");
    if (o->is_local && o->lake == NULL)
        return pl_fail(err, PL_USAGE_INVALID, "--local needs --lake FOLDER");
    return 0;
}

int main(int argc, char **argv)
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
        {"format", PL_OPT_STR, &o.format, "FORMAT",
         "text or json (the same as --json)", NULL},
        {"no-calls", PL_OPT_FLAG, &o.without_calls, NULL,
         "doctor: find the credentials, but ask no service", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg",
        .summary = "run a segmentation job from its query to its notification",
        .operands = "run JOB | doctor [JOB]",
        .text =
            "lakeseg run JOB starts the stage programs joined by pipes, as a "
            "shell would, waits for all of them, prints one line a stage and "
            "a summary, and exits with the run's status. JOB is a manifest, "
            "or - for standard input.\n\n"
            "With --local it brings up lakeseg-local by itself, with the "
            "bucket, application and topic that the job names, so that a job "
            "can be tried on a laptop without an account.\n\n"
            "Ctrl-C or TERM asks every stage to stop; the outcome is still "
            "published.\n\n"
            "lakeseg doctor says where credentials, region and endpoints come "
            "from (no secret), asks each service that JOB and the environment "
            "name one harmless question, says what permission is missing, and "
            "exits with the status of the first failure.",
        .examples = "lakeseg run job.json\n"
                    "lakeseg run --local --lake ./lake job.json\n"
                    "lakeseg doctor job.json",
        .see_also = "athena-exec(1), csv-validate-normalize(1), "
                    "pinpoint-import(1), sns-notify(1), lakeseg-local(1)",
        .opts = opts};
    struct pl_err err = {0};
    int status = 0;
    int first = 0;
    int rc;

    pl_process_init(cli.name);
    rc = pl_opts_parse(&cli, argc, argv, &first, &err);
    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = check_usage(&o, argc - first, argv + first, &err);
    if (rc == 0 && strcmp(argv[first], "doctor") == 0)
        rc = examine(&o, argc - first > 1 ? argv[first + 1] : NULL, &err);
    else if (rc == 0)
        rc = run_job(&o, argv[first + 1], &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
