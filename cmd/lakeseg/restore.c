/* lakeseg restore - see stages/lakeseg_restore. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "stages/lakeseg_restore/lakeseg_restore.h"
#include "stages/lakeseg_run/lakeseg_run.h"

struct options {
    bool is_yes;
    bool is_json;
    const char *word;
};

/* What is asked is shown, whoever answers. */
static int ask(const struct options *o, const struct pl_manifest *m,
               struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    char answer[16] = "";

    if (lakeseg_restore_text(m, &text, err) != 0)
        return -1;
    (void)fputs(pl_buf_str(&text), stderr);
    if (o->is_yes)
        return 0;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return pl_fail(err, PL_USAGE_INVALID,
                       "there is nobody to ask: --yes says yes to this");
    (void)fputs("go on? [y/N] ", stderr);
    if (fgets(answer, sizeof(answer), stdin) != NULL &&
        (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
        return 0;
    return pl_fail(err, PL_USAGE_INVALID, "nothing was done");
}

static int show(const struct options *o, const struct pl_manifest *m,
                struct pl_err *err)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX(PL_MANIFEST_MAX_BYTES * 2);

    if (o->is_json ? pl_manifest_print(m, &text, err) != 0
                   : lakeseg_run_summary(m, true, &text, err) != 0)
        return -1;
    (void)fputs(pl_buf_str(&text), stdout);
    return pl_stdout_close(err);
}

static int restore(const struct options *o, int *status, struct pl_err *err)
{
    PL_AUTO(pl_runs) runs = {.root = PL_BUF_INIT};
    PL_AUTO(pl_manifest) m = {0};
    PL_AUTO(pl_aws) aws = {0};
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(lakeseg_outcome) outcome = {.status = 0};
    struct lakeseg_run_config cfg = {.timeout_s = PL_UNSET};

    if (pl_runs_open(&runs, NULL, err) != 0 ||
        pl_runs_read(&runs, o->word, &m, err) != 0 ||
        lakeseg_restore_check(&m, err) != 0 || ask(o, &m, err) != 0 ||
        pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    pl_process_listen();
    if (lakeseg_restore_prepare(&m, &aws, &cfg.from, err) != 0 ||
        verb_own_dir(&dir, err) != 0)
        return -1;
    cfg.bin_dir = dir.data;
    if (lakeseg_run(&cfg, &runs, &m, &outcome, err) != 0)
        return -1;
    *status = outcome.status;
    return show(o, &outcome.m, err);
}

int verb_restore(int argc, char **argv)
{
    struct options o = {0};
    const struct pl_opt opts[] = {
        {"yes", PL_OPT_FLAG, &o.is_yes, NULL,
         "do not ask; without it nothing is done where there is no terminal",
         NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL,
         "print the last manifest instead of the summary", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg restore",
        .summary = "import the rows of an older run again, as it sent them",
        .operands = "RUN",
        .text =
            "A new run that begins with its import: the normalized files that "
            "RUN left are imported once more, and the outcome is told. RUN is "
            "a run's id or the beginning of one, last for the youngest, or the "
            "path of a manifest.\n\n"
            "An import sets values and takes none away. What restore cannot "
            "take back, endpoints that came later and values that others "
            "wrote, is listed before it asks.\n\n"
            "A job that imports what changed sends all its rows in its next "
            "run: after this nobody knows what the service has.",
        .examples = "lakeseg restore 01KB3\n"
                    "lakeseg restore receipt.json --yes",
        .see_also = "lakeseg-runs(1), lakeseg-show(1), lakeseg-preview(1), "
                    "lakeseg-run(1)",
        .opts = opts};
    struct pl_err err = {0};
    int status = 0;
    int first = 0;
    int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0 && argc - first != 1)
        rc = pl_fail(&err, PL_USAGE_INVALID, "restore takes one RUN");
    o.word = argv[first];
    if (rc == 0)
        rc = restore(&o, &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
