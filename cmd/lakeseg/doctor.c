/* lakeseg doctor - see stages/lakeseg_doctor. */
#include <string.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "stages/lakeseg_doctor/lakeseg_doctor.h"

struct options {
    const char *format;
    bool is_json;
    bool without_calls;
};

static int check_usage(const struct options *o, int operands,
                       struct pl_err *err)
{
    if (o->format != NULL && strcmp(o->format, "text") != 0 &&
        strcmp(o->format, "json") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--format '%s' is neither text nor json", o->format);
    if (operands > 1)
        return pl_fail(err, PL_USAGE_INVALID, "doctor takes one JOB at most");
    return 0;
}

/* Fails with the first thing that the report found wrong. */
static int examine(const struct options *o, const char *path,
                   struct pl_err *err)
{
    const struct lakeseg_doctor_config cfg = {
        .is_json =
            o->is_json || (o->format != NULL && strcmp(o->format, "json") == 0),
        .without_calls = o->without_calls};
    PL_AUTO(pl_manifest) job = {0};
    PL_AUTO(pl_buf) report = PL_BUF_INIT;
    struct pl_err first = {0};

    if (path != NULL && verb_read_job(path, &job, err) != 0)
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

int verb_doctor(int argc, char **argv)
{
    struct options o = {0};
    const struct pl_opt opts[] = {
        {"format", PL_OPT_STR, &o.format, "FORMAT", "text (default) or json",
         NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL, "the same as --format json",
         NULL},
        {"no-calls", PL_OPT_FLAG, &o.without_calls, NULL,
         "find the credentials, but ask no service", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg doctor",
        .summary = "say where keys and endpoints come from, and ask each "
                   "service one harmless question",
        .operands = "[JOB]",
        .text =
            "Says where credentials, region and endpoints come from (no "
            "secret), asks each service that JOB and the environment name one "
            "harmless question, says what permission is missing, and exits "
            "with the status of the first failure.",
        .examples = "lakeseg doctor job.json\nlakeseg doctor --no-calls",
        .see_also = "lakeseg(1), lakeseg-check(1)",
        .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = check_usage(&o, argc - first, &err);
    if (rc == 0)
        rc = examine(&o, first < argc ? argv[first] : NULL, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
