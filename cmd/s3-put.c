/* s3-put - carry a manifest's local data to S3; see stages/s3_put. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/s3_put/s3_put.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return s3_put_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct s3_put_config cfg = {0};
    const struct pl_opt opts[] = {
        {"work-uri", PL_OPT_STR, &cfg.work_uri, "S3-URI",
         "the run's place in S3 (manifest: run.work_uri)", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "s3-put",
        .summary = "carry the data of a manifest to S3",
        .text =
            "Reads a manifest from standard input, uploads every local entry "
            "of data[] with role normalized to <work>/import/p0000/ and with "
            "role rejects to <work>/rejects/, and writes the manifest with "
            "their URIs to standard output.\n\n"
            "The bytes read must have the CRC64NVME of the manifest, and S3 "
            "checks the same value for what it stored. Large files go in "
            "parts; an upload that does not complete, by an error or a "
            "signal, is aborted.",
        .examples = "s3-fetch < m.json | csv-validate-normalize | s3-put",
        .see_also = "s3-fetch(1), csv-validate-normalize(1), "
                    "pinpoint-import(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
