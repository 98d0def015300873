/* csv-validate-normalize - the transformer; see stages/csv_validate. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/csv_validate/csv_validate.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (!csv_validate_needs_s3(m))
        return csv_validate_run(ctx, NULL, m, err);
    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return csv_validate_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct csv_validate_config cfg = CSV_VALIDATE_CONFIG_INIT;
    const struct pl_opt opts[] = {
        {"target", PL_OPT_STR, &cfg.target, "NAME",
         "pinpoint (default) or customer-profiles (manifest: "
         "validate.target)",
         NULL},
        {"max-reject-percent", PL_OPT_STR, &cfg.max_reject_percent, "PERCENT",
         "rejects allowed, of the rows read; default 1.0 (manifest: "
         "validate.limits)",
         NULL},
        {"max-rejects", PL_OPT_INT, &cfg.max_rejects, "ROWS",
         "rejects allowed (manifest: validate.limits)", NULL},
        {"min-rows", PL_OPT_INT, &cfg.min_rows, "ROWS",
         "rows that must come out; default 1 (manifest: validate.limits)",
         NULL},
        {"raw", PL_OPT_FLAG, &cfg.has_raw, NULL,
         "put the raw record into the reject file (manifest: "
         "validate.rules.raw)",
         NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "csv-validate-normalize",
        .summary = "check and normalize every row of a query's result",
        .text =
            "Reads a manifest from standard input and the file with role "
            "query-result that it names, from disk or S3, and writes exactly "
            "the file that the target takes: header and cells in their right "
            "spelling, UTF-8, minimal quoting. NULL and the empty string stay "
            "apart. Installed as csv-validate, too.\n\n"
            "A row that breaks a rule goes to the reject file, JSON Lines "
            "with record number, line, byte offset, key, column, rule and "
            "detail; its neighbours are not touched. When there are more "
            "rejects than the limits allow, or too few rows, the stage fails "
            "with DataInvalid and the normalized file does not appear; the "
            "reject file does.\n\n"
            "Where input is in S3 the output goes to the run's place in S3, "
            "else to <work>/<run id>/. The rules are in docs/rules.md.",
        .examples = "athena-exec < job.json | csv-validate | pinpoint-import "
                    "| sns-notify",
        .see_also = "athena-exec(1), s3-fetch(1), s3-put(1), "
                    "pinpoint-import(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
