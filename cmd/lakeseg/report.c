/* lakeseg report - see stages/lakeseg_report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/file.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "stages/lakeseg_report/lakeseg_report.h"

#define WIDTH 80 /* where nothing says how wide the terminal is */

struct options {
    const char *job;
    const char *previous;
    const char *output;
    bool is_text;
    bool show_values;
};

static bool holds(const char *text, const char *word)
{
    return text != NULL && (strstr(text, word) != NULL);
}

/* By the same variables, in the same order, as the C library. */
static bool is_utf8(void)
{
    const char *locale = pl_env("LC_ALL");

    if (locale == NULL)
        locale = pl_env("LC_CTYPE");
    if (locale == NULL)
        locale = pl_env("LANG");
    return holds(locale, "UTF-8") || holds(locale, "utf8");
}

static size_t width(void)
{
    struct winsize size = {0};
    const char *columns = pl_env("COLUMNS");
    uint64_t n = WIDTH;

    if ((columns == NULL || pl_parse_u64(columns, &n) != 0) &&
        isatty(STDOUT_FILENO) == 1 &&
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        n = size.ws_col;
    return n < LAKESEG_REPORT_WIDTH_MAX ? (size_t)n : LAKESEG_REPORT_WIDTH_MAX;
}

/* As athena-exec reads it. */
static int read_price(double *price, struct pl_err *err)
{
    const char *text = pl_env("LAKESEG_PRICE_PER_TB");
    char *end;

    *price = -1;
    if (text == NULL)
        return 0;
    *price = strtod(text, &end);
    if (end == text || *end != '\0' || !(*price >= 0) || *price > 1e9)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "LAKESEG_PRICE_PER_TB '%s' is no price of a TB", text);
    return 0;
}

static int check_usage(const struct options *o, int operands,
                       struct pl_err *err)
{
    if (o->job == NULL && operands != 1)
        return pl_fail(err, PL_USAGE_INVALID,
                       "report takes one RUN, or --job JOB");
    if (o->job != NULL && operands > 1)
        return pl_fail(err, PL_USAGE_INVALID,
                       "report --job takes one FOLDER at most");
    if (o->job != NULL && (o->show_values || o->previous != NULL))
        return pl_fail(err, PL_USAGE_INVALID,
                       "--show-values and --previous go with a RUN");
    return 0;
}

static int report(const struct options *o, const char *operand,
                  struct pl_err *err)
{
    PL_AUTO(pl_buf) out = PL_BUF_INIT_MAX(LAKESEG_REPORT_MAX);
    struct lakeseg_report_config cfg = {.previous = o->previous,
                                        .is_text = o->is_text,
                                        .is_utf8 = is_utf8(),
                                        .width = width(),
                                        .show_values = o->show_values};

    if (read_price(&cfg.price_per_tb, err) != 0)
        return -1;
    pl_process_listen();
    if (o->job != NULL
            ? lakeseg_report_job(&cfg, o->job, operand, &out, err) != 0
            : lakeseg_report_run(&cfg, operand, &out, err) != 0)
        return -1;
    if (o->output != NULL)
        return pl_file_write(o->output, out.data, out.len, err);
    (void)fwrite(out.data, 1, out.len, stdout);
    return pl_stdout_close(err);
}

int verb_report(int argc, char **argv)
{
    struct options o = {.job = NULL};
    const struct pl_opt opts[] = {
        {"text", PL_OPT_FLAG, &o.is_text, NULL,
         "for a terminal, in place of a page", NULL},
        {"output", PL_OPT_STR, &o.output, "FILE",
         "write it here, not to standard output", NULL},
        {"show-values", PL_OPT_FLAG, &o.show_values, NULL,
         "show people's values, which are masked otherwise", NULL},
        {"previous", PL_OPT_STR, &o.previous, "RUN",
         "the run to compare with; the job's last successful one before", NULL},
        {"job", PL_OPT_STR, &o.job, "JOB", "the history of a job, not one run",
         NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg report",
        .summary = "tell what became of a run, or of a job over time, as one "
                   "self-contained page",
        .operands = "RUN | --job JOB [FOLDER]",
        .text =
            "Writes a page that needs nothing else, no network and no script: "
            "the outcome in a sentence; of a failed run whose it is to mend "
            "and what to do next; how the counts add up, how long the stages "
            "took, why rows were rejected, what the columns hold, what changed "
            "since the last successful run, what it cost, the query and the "
            "manifest.\n\n"
            "RUN is a run's id or the beginning of one, last for the youngest, "
            "the path or the S3 URI of a manifest, or - for standard input. "
            "With --job the history of a job is told, from the state folder, "
            "or from a FOLDER of manifests, which may be an S3 URI.\n\n"
            "The data are never read again: only manifests, and the first 100 "
            "lines of the reject file. People's values are masked.",
        .examples = "lakeseg report last > report.html\n"
                    "lakeseg report last --text\n"
                    "lakeseg report --job renewal-30d > history.html",
        .see_also = "lakeseg(1), lakeseg-runs(1), lakeseg-show(1)",
        .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = check_usage(&o, argc - first, &err);
    if (rc == 0)
        rc = report(&o, first < argc ? argv[first] : NULL, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
