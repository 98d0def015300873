/* athena-exec - run the query of a manifest; see stages/athena_exec. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/athena_exec/athena_exec.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return athena_exec_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct athena_exec_config cfg = ATHENA_EXEC_CONFIG_INIT;
    const struct pl_opt opts[] = {
        {"catalog", PL_OPT_STR, &cfg.catalog, "NAME",
         "data catalog (manifest: query.catalog)", "LAKESEG_CATALOG"},
        {"database", PL_OPT_STR, &cfg.database, "NAME",
         "database (manifest: query.database)", "LAKESEG_DATABASE"},
        {"workgroup", PL_OPT_STR, &cfg.workgroup, "NAME",
         "work group; default primary (manifest: query.workgroup)",
         "LAKESEG_WORKGROUP"},
        {"output-uri", PL_OPT_STR, &cfg.output_uri, "S3-URI",
         "folder for the result (manifest: query.output_uri)",
         "LAKESEG_OUTPUT_URI"},
        {"timeout", PL_OPT_INT, &cfg.timeout_s, "SECONDS",
         "stop the query after so long; default 1800 (manifest: "
         "query.timeout_s)",
         "LAKESEG_QUERY_TIMEOUT_S"},
        {"max-scanned", PL_OPT_SIZE, &cfg.max_scanned_bytes, "BYTES",
         "stop the query when it scans more (manifest: "
         "query.max_scanned_bytes)",
         NULL},
        {"poll-interval", PL_OPT_INT, &cfg.poll_ms, "MS",
         "longest wait between two looks; default 5000",
         "LAKESEG_POLL_INTERVAL_MS"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "athena-exec",
        .summary = "run the query of a manifest with Amazon Athena",
        .text =
            "Reads a manifest from standard input, judges its query (one "
            "read-only SELECT, an Id column, legal target columns), starts it "
            "with a token made from the run's id, waits for its end and "
            "writes the manifest with query.result, run.work_uri and the "
            "result's place in data[] to standard output.\n\n"
            "Interrupted, out of time or over its scan limit, it stops the "
            "query at the service. The same run started again finds the "
            "query of the first start.",
        .examples = "athena-exec < job.json | csv-validate | pinpoint-import "
                    "| sns-notify",
        .see_also = "query-validate(1), csv-validate-normalize(1), "
                    "pinpoint-import(1), sns-notify(1), lakeseg(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
