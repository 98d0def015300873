/* pinpoint-import - import a run's file; see stages/pinpoint_import. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/pinpoint_import/pinpoint_import.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return pinpoint_import_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct pinpoint_import_config cfg = PINPOINT_IMPORT_CONFIG_INIT;
    const struct pl_opt opts[] = {
        {"application-id", PL_OPT_STR, &cfg.application_id, "ID",
         "project to import into (manifest: import.application_id)",
         "LAKESEG_APPLICATION_ID"},
        {"role-arn", PL_OPT_STR, &cfg.role_arn, "ARN",
         "role by which the service reads S3 (manifest: import.role_arn)",
         "LAKESEG_ROLE_ARN"},
        {"region", PL_OPT_STR, &cfg.region, "NAME",
         "region of the project; default the run's (manifest: import.region)",
         "LAKESEG_IMPORT_REGION"},
        {"timeout", PL_OPT_INT, &cfg.timeout_s, "SECONDS",
         "stop following the job after so long; default 7200 (manifest: "
         "import.timeout_s)",
         "LAKESEG_IMPORT_TIMEOUT_S"},
        {"max-jobs", PL_OPT_INT, &cfg.max_jobs, "N",
         "import jobs at once, 1 to 10; default 2 (manifest: import.max_jobs)",
         "LAKESEG_IMPORT_MAX_JOBS"},
        {"poll-interval", PL_OPT_INT, &cfg.poll_ms, "MS",
         "longest wait between two looks; default 5000",
         "LAKESEG_POLL_INTERVAL_MS"},
        {"retired-check", PL_OPT_STR, &cfg.retired_check, "WHEN",
         "auto (default), always or never: when an answer means that the "
         "service is gone (manifest: import.retired_check)",
         "LAKESEG_RETIRED_CHECK"},
        {"again", PL_OPT_FLAG, &cfg.is_again, NULL,
         "this run's last process may just have been killed: before a start, "
         "wait for one that it had sent",
         "LAKESEG_AGAIN"},
        {"dry-run", PL_OPT_FLAG, &cfg.is_dry_run, NULL,
         "do everything but the start, and say what would be sent", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "pinpoint-import",
        .summary = "import the normalized file of a manifest into Pinpoint",
        .text =
            "Reads a manifest from standard input, starts import jobs over "
            "the run's own prefixes, follows them to their end and writes the "
            "manifest with import.result and status succeeded to standard "
            "output. A run without rows succeeds without a job.\n\n"
            "Nothing is imported twice: the service's jobs are searched for "
            "the prefix before a start, and a restarted run follows the jobs "
            "that it finds. The prefix is listed before: what the run did not "
            "write is refused, for it would be imported. A job that completes "
            "with failures is ImportPartial, unless "
            "import.max_failed_percent allows them.\n\n"
            "With import.define_segment the segment import.segment_name is "
            "made, or updated where it is there, and read back.\n\n"
            "Amazon Pinpoint itself ended on 2026-10-30; the API lives on in "
            "compatible endpoints and lakeseg-local. Where AWS's own host "
            "gives an answer that is none of the API's, this is Retired.",
        .examples = "csv-validate < m.json | pinpoint-import | sns-notify\n"
                    "pinpoint-import --dry-run < m.json",
        .see_also = "csv-validate-normalize(1), s3-put(1), sns-notify(1), "
                    "lakeseg-local(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
