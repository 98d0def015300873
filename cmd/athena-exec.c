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
        {"run-id", PL_OPT_STR, &cfg.run_id, "ID",
         "the run to start or to go on with (manifest: run.id); without one "
         "every start is a new run",
         NULL},
        {"explain", PL_OPT_FLAG, &cfg.has_explain, NULL,
         "have Athena check tables and columns first (manifest: "
         "query.explain)",
         NULL},
        {"unload", PL_OPT_FLAG, &cfg.is_unload, NULL,
         "many objects of JSON lines in place of one of CSV (manifest: "
         "query.mode)",
         NULL},
        {"partitions", PL_OPT_INT, &cfg.partitions, "COUNT",
         "the same, in 2 to 100 partitions by a hash of the Id, for a "
         "transformer each (manifest: query.partitions)",
         "LAKESEG_PARTITIONS"},
        {"start", PL_OPT_FLAG, &cfg.is_start_only, NULL,
         "start the query and end", NULL},
        {"wait", PL_OPT_STR, &cfg.wait_id, "ID",
         "start nothing: follow this execution of the query", NULL},
        {"no-wait", PL_OPT_FLAG, &cfg.is_once, NULL,
         "look once: end with the result if there is one, else without", NULL},
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
        {"encryption", PL_OPT_STR, &cfg.encryption, "KIND",
         "of the result: SSE_S3, SSE_KMS, CSE_KMS (manifest: "
         "query.encryption)",
         "LAKESEG_QUERY_ENCRYPTION"},
        {"kms-key", PL_OPT_STR, &cfg.kms_key, "ARN",
         "its key (manifest: query.kms_key)", "LAKESEG_QUERY_KMS_KEY"},
        {"bucket-owner", PL_OPT_STR, &cfg.bucket_owner, "ACCOUNT",
         "whose bucket the result's must be (manifest: query.bucket_owner)",
         "LAKESEG_S3_BUCKET_OWNER"},
        {"reuse-minutes", PL_OPT_INT, &cfg.reuse_minutes, "MINUTES",
         "take an earlier result that is no older (manifest: "
         "query.reuse_minutes)",
         NULL},
        {"timeout", PL_OPT_INT, &cfg.timeout_s, "SECONDS",
         "stop the query after so long; default 1800 (manifest: "
         "query.timeout_s)",
         "LAKESEG_QUERY_TIMEOUT_S"},
        {"max-scanned", PL_OPT_SIZE, &cfg.max_scanned_bytes, "BYTES",
         "start only in a work group whose cut-off is no higher (manifest: "
         "query.max_scanned_bytes)",
         "LAKESEG_MAX_SCANNED_BYTES"},
        {"price-per-tb", PL_OPT_STR, &cfg.price_per_tb, "PRICE",
         "estimate the cost by it (manifest: query.price_per_tb)",
         "LAKESEG_PRICE_PER_TB"},
        {"min-billed", PL_OPT_SIZE, &cfg.min_billed_bytes, "BYTES",
         "least that a query is billed for; default 10000000 (manifest: "
         "query.min_billed_bytes)",
         "LAKESEG_MIN_BILLED_BYTES"},
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
            "with a token made from the run's id and all that is sent, waits "
            "for its end and writes the manifest with query.result, "
            "run.work_uri and the result's place in data[] to standard "
            "output.\n\n"
            "Interrupted, out of time or over its scan limit, it stops the "
            "query at the service. Killed, and started again with the same "
            "run id (--run-id or run.id of the job), it finds the query of "
            "the first start; without one that is a new query.",
        .examples = "athena-exec < job.json | csv-validate | pinpoint-import "
                    "| sns-notify\n"
                    "athena-exec --run-id monday < job.json > result.json",
        .see_also = "query-validate(1), csv-validate-normalize(1), "
                    "pinpoint-import(1), sns-notify(1), lakeseg(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
