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

static int direct(void *ctx, const char *operand, struct pl_manifest *m,
                  struct pl_err *err)
{
    return s3_fetch_direct(ctx, operand, m, err);
}

int main(int argc, char **argv)
{
    struct s3_fetch_config cfg = {.transfer = PL_TRANSFER_OPTIONS};
    const struct pl_opt opts[] = {
        {"dir", PL_OPT_STR, &cfg.dir, "FOLDER",
         "where to; default <work>/<run id>/fetched", NULL},
        {"output", PL_OPT_STR, &cfg.output, "FILE",
         "with one URI: where to; default -, standard output", NULL},
        {"compress", PL_OPT_STR, &cfg.compress, "NAME",
         "none (default) or zstd: how the files are kept here",
         "LAKESEG_SPOOL_COMPRESSION"},
        {"concurrency", PL_OPT_INT, &cfg.transfer.concurrency, "COUNT",
         "ranges at once, default 8", "LAKESEG_CONCURRENCY"},
        {"memory", PL_OPT_SIZE, &cfg.transfer.memory, "BYTES",
         "that the process may use, default 64M, at least 32M",
         "LAKESEG_TRANSFER_MEMORY"},
        {"keep-partial", PL_OPT_FLAG, &cfg.transfer.keep_partial, NULL,
         "leave what was fetched when it fails, for the next try to go on "
         "with",
         "LAKESEG_KEEP_PARTIAL"},
        {"bucket-owner", PL_OPT_STR, &cfg.transfer.bucket_owner, "ACCOUNT",
         "refuse buckets of any other account", "LAKESEG_S3_BUCKET_OWNER"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "s3-fetch",
        .summary = "bring the data of a manifest from S3 to local files",
        .operands = "[S3-URI]",
        .text =
            "Reads a manifest from standard input, copies every entry of "
            "data[] that is in S3 to a local file, and writes the manifest "
            "with the files' names, sizes and CRC64NVME to standard output. "
            "With an s3:// URI no manifest is read, and one object goes to "
            "--output.\n\n"
            "Objects are read in parallel ranges pinned by their ETag; a "
            "broken connection costs the rest of one range. Length and "
            "checksum are compared before a file appears under its name. The "
            "local place is LAKESEG_WORK, or the user's cache folder.\n\n"
            "Killed at any moment, the next try fetches only what is not there "
            "with the right checksum: FILE.part and FILE.part.journal hold it. "
            "After an error or a signal they are removed, unless "
            "--keep-partial is given.",
        .examples = "athena-exec < job.json | s3-fetch | "
                    "csv-validate-normalize | s3-put | pinpoint-import\n"
                    "s3-fetch s3://results/people.csv --output people.csv\n"
                    "s3-fetch s3://results/people.csv | csv-validate - "
                    "--check",
        .see_also = "athena-exec(1), csv-validate-normalize(1), s3-put(1)",
        .opts = opts};
    const struct pl_stage stage = {
        .cli = &cli, .ctx = &cfg, .run = run, .direct = direct};

    return pl_stage_main(&stage, argc, argv);
}
