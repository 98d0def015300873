/* lakeseg - supervise whole runs, and look at them: its commands are in
 * cmd/lakeseg/. */
#include <string.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"

/* In the order of --help; commands[] says what each does. */
static verb_main *const verbs[] = {
    verb_init, verb_check, verb_doctor, verb_preview, verb_run,
    verb_runs, verb_show,  verb_report, verb_restore, verb_local};
static const struct pl_command commands[] = {
    {"init", "write a job to begin with"},
    {"check", "judge a job without asking any service"},
    {"doctor", "say where keys come from, ask the services"},
    {"preview", "run a job up to its import, show what would change"},
    {"run", "run a job from its query to its notification"},
    {"runs", "list the runs"},
    {"show", "show what became of a run"},
    {"report", "make a page of a run, or of a job over time"},
    {"restore", "import the rows of an older run again"},
    {"local", "start lakeseg-local, the stand-in for the services"},
    {.name = NULL},
};

static int unknown(const char *name, struct pl_err *err)
{
    const struct pl_command *nearest = pl_command_nearest(commands, name);

    if (nearest != NULL)
        return pl_fail(err, PL_USAGE_INVALID,
                       "unknown command '%s'; did you mean '%s'?", name,
                       nearest->name);
    return pl_fail(err, PL_USAGE_INVALID,
                   "unknown command '%s'; 'lakeseg --help' names them", name);
}

int main(int argc, char **argv)
{
    const struct pl_opt opts[] = {{.name = NULL}};
    const struct pl_cli cli = {
        .name = "lakeseg",
        .summary = "run segmentation jobs, and look at their runs",
        .operands = "COMMAND [ARGUMENT]...",
        .commands = commands,
        .text = "Runs jobs from their query to their notification, with the "
                "stage programs beside it. Each command has a manual page of "
                "its own, lakeseg-run(1) and so on, and 'lakeseg COMMAND "
                "--help'.",
        .examples = "lakeseg run job.json\n"
                    "lakeseg run --local --lake ./lake job.json\n"
                    "lakeseg doctor job.json",
        .see_also = "lakeseg-run(1), athena-exec(1), "
                    "csv-validate-normalize(1), pinpoint-import(1), "
                    "sns-notify(1), lakeseg-local(1)",
        .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc;

    pl_process_init(cli.name);
    for (size_t i = 0; argc > 1 && i < PL_COUNT(verbs); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return verbs[i](argc - 1, argv + 1);
    rc = pl_opts_parse(&cli, argc, argv, &first, &err);
    if (rc > 0)
        return 0;
    if (rc == 0 && first == argc)
        (void)pl_fail(&err, PL_USAGE_INVALID,
                      "a command is missing; 'lakeseg --help' names them");
    else if (rc == 0)
        (void)unknown(argv[first], &err);
    return pl_process_exit(&err);
}
