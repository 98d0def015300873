/* sfn-task - run stages as a task of Step Functions; see stages/sfn_task. */
#include "pipeline/aws/client.h"
#include "pipeline/base/child.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "stages/sfn_task/sfn_task.h"

#define HEARTBEAT_S 60
#define HEARTBEAT_S_MAX 3600

static int read_settings(struct sfn_task_config *cfg, struct pl_err *err)
{
    cfg->token = pl_env("LAKESEG_TASK_TOKEN");
    cfg->input_uri = pl_env("LAKESEG_INPUT_URI");
    cfg->manifest = pl_env("LAKESEG_MANIFEST");
    cfg->execution_arn = pl_env("LAKESEG_EXECUTION_ARN");
    cfg->run_id = pl_env("LAKESEG_RUN_ID");
    cfg->output_uri = pl_env("LAKESEG_OUTPUT_URI");
    cfg->destination = pl_env("LAKESEG_DESTINATION");
    cfg->job_name = pl_env("LAKESEG_JOB_NAME");
    cfg->scheduled_time = pl_env("LAKESEG_SCHEDULED_TIME");
    cfg->locks_uri = pl_env("LAKESEG_LOCKS_URI");
    cfg->history_uri = pl_env("LAKESEG_HISTORY_URI");
    if (cfg->token == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "LAKESEG_TASK_TOKEN is missing: the state machine "
                       "passes $$.Task.Token");
    if (pl_setting_int(PL_UNSET, "LAKESEG_HEARTBEAT_S", HEARTBEAT_S,
                       &cfg->heartbeat_s, err) != 0)
        return -1;
    if (cfg->heartbeat_s < 1 || cfg->heartbeat_s > HEARTBEAT_S_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "LAKESEG_HEARTBEAT_S must be 1 to %d", HEARTBEAT_S_MAX);
    return 0;
}

/* The token is for us alone, and an inline manifest of no use to a stage: what
 * the variables held is kept, and they are not passed on. */
static int hide(const char *name, const char **value, struct pl_buf *kept,
                struct pl_err *err)
{
    if (*value == NULL)
        return 0;
    if (pl_buf_adds(kept, *value, err) != 0)
        return -1;
    *value = kept->data;
    (void)unsetenv(name);
    return 0;
}

static int run(struct sfn_task_config *cfg, int *status, struct pl_err *err)
{
    PL_AUTO(pl_buf) dir = PL_BUF_INIT;
    PL_AUTO(pl_buf) token = PL_BUF_INIT;
    PL_AUTO(pl_buf) manifest = PL_BUF_INIT;
    PL_AUTO(pl_aws) aws = {0};

    if (read_settings(cfg, err) != 0 ||
        hide("LAKESEG_TASK_TOKEN", &cfg->token, &token, err) != 0 ||
        hide("LAKESEG_MANIFEST", &cfg->manifest, &manifest, err) != 0 ||
        pl_child_dir(&dir, err) != 0 || pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    cfg->bin_dir = dir.data;
    aws.bucket_owner = pl_env("LAKESEG_S3_BUCKET_OWNER");
    return sfn_task_run(cfg, &aws, status, err);
}

static int take_stages(int argc, char **argv, const char **stages,
                       struct sfn_task_config *cfg, struct pl_err *err)
{
    if (argc < 1 || argc > SFN_TASK_STAGES_MAX)
        return pl_fail(err, PL_USAGE_INVALID, "a task has 1 to %d stages",
                       SFN_TASK_STAGES_MAX);
    for (int i = 0; i < argc; i++)
        stages[i] = argv[i];
    cfg->stages = stages;
    cfg->stage_count = (size_t)argc;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct pl_opt opts[] = {{.name = NULL}};
    const struct pl_cli cli = {
        .name = "sfn-task",
        .summary = "run stages as one task of a Step Functions state machine",
        .operands = "STAGE...",
        .text =
            "Reads the manifest that LAKESEG_INPUT_URI names (or "
            "LAKESEG_MANIFEST holds), runs the stages joined by pipes, writes "
            "the new manifest to <work_uri>manifests/<task>.json (task: query, "
            "transform, import) and tells the state machine by "
            "LAKESEG_TASK_TOKEN: SendTaskSuccess with its URI and the figures, "
            "or SendTaskFailure with the error's name. Meanwhile it sends a "
            "sign of life every LAKESEG_HEARTBEAT_S seconds.\n\n"
            "The input may be {\"Query\": \"SELECT ...\"}, {\"JobUri\": "
            "\"s3://...\"}, a whole job, or the manifest of the task "
            "before. LAKESEG_RUN_ID becomes run.id; settings that the job "
            "does not name come from the LAKESEG_* variables of the stages.\n\n"
            "With LAKESEG_LOCKS_URI, LAKESEG_JOB_NAME and "
            "LAKESEG_EXECUTION_ARN one execution of a job runs at a time "
            "(AlreadyRunning), and a LAKESEG_SCHEDULED_TIME that another "
            "execution has claimed ends as \"duplicate\". A copy of the "
            "manifest goes to LAKESEG_HISTORY_URI, a report beside the run's "
            "results, and a line of metrics to standard output.\n\n"
            "TERM stops the stages, and the outcome is told within 120 s. A "
            "token that is no longer valid stops them, too, and nothing is "
            "written then. Exit status: that of the run; 75 when nobody waits "
            "for it any more.",
        .examples = "sfn-task query-validate athena-exec\n"
                    "sfn-task csv-validate-normalize\n"
                    "sfn-task pinpoint-import",
        .see_also = "lakeseg(1), athena-exec(1), pinpoint-import(1)",
        .opts = opts};
    struct sfn_task_config cfg = {.bin_dir = NULL};
    const char *stages[SFN_TASK_STAGES_MAX];
    struct pl_err err = {0};
    int status = 0;
    int first = 0;
    int rc;

    pl_process_init(cli.name);
    rc = pl_opts_parse(&cli, argc, argv, &first, &err);
    if (rc > 0)
        return 0;
    pl_process_listen();
    if (rc == 0)
        rc = take_stages(argc - first, argv + first, stages, &cfg, &err);
    if (rc == 0)
        rc = run(&cfg, &status, &err);
    return rc == 0 ? status : pl_process_exit(&err);
}
