/* s3-fetch - bring a manifest's data to local files; see stages/s3_fetch. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/s3_fetch/s3_fetch.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return s3_fetch_run(ctx, &aws, m, err);
}

int main(int argc, char **argv)
{
    struct s3_fetch_config cfg = {0};
    const struct pl_opt opts[] = {
        {"dir", PL_OPT_STR, &cfg.dir, "FOLDER",
         "where to; default <work>/<run id>/fetched", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "s3-fetch",
        .summary = "bring the data of a manifest from S3 to local files",
        .text =
            "Reads a manifest from standard input, copies every entry of "
            "data[] that is in S3 to a local file, and writes the manifest "
            "with the files' names, sizes and CRC64NVME to standard output.\n\n"
            "Objects are read in ranges pinned by their ETag; a broken "
            "connection costs one range. Length and checksum are compared "
            "before a file appears under its name. The local place is "
            "LAKESEG_WORK, or the user's cache folder.",
        .examples = "athena-exec < job.json | s3-fetch | "
                    "csv-validate-normalize | s3-put | pinpoint-import",
        .see_also = "athena-exec(1), csv-validate-normalize(1), s3-put(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &cfg, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
