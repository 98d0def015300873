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

static int direct(void *ctx, const char *operand, struct pl_manifest *m,
                  struct pl_err *err)
{
    return s3_put_direct(ctx, operand, m, err);
}

int main(int argc, char **argv)
{
    struct s3_put_config cfg = {.transfer = PL_TRANSFER_OPTIONS};
    struct pl_transfer_options *t = &cfg.transfer;
    const struct pl_opt opts[] = {
        {"work-uri", PL_OPT_STR, &cfg.work_uri, "S3-URI",
         "the run's place in S3 (manifest: run.work_uri)", NULL},
        {"to", PL_OPT_STR, &cfg.to, "S3-URI",
         "with one file: where to; ending in /: into this folder", NULL},
        {"concurrency", PL_OPT_INT, &t->concurrency, "COUNT",
         "parts at once, default 8", "LAKESEG_CONCURRENCY"},
        {"memory", PL_OPT_SIZE, &t->memory, "BYTES",
         "that the process may use, default 64M, at least 32M",
         "LAKESEG_TRANSFER_MEMORY"},
        {"keep-partial", PL_OPT_FLAG, &t->keep_partial, NULL,
         "leave an unfinished upload when it fails, and say its id",
         "LAKESEG_KEEP_PARTIAL"},
        {"only-if-absent", PL_OPT_FLAG, &t->only_if_absent, NULL,
         "refuse to replace an object of other bytes", NULL},
        {"encryption", PL_OPT_STR, &t->encryption, "NAME",
         "AES256, aws:kms or aws:kms:dsse; default: the bucket's",
         "LAKESEG_S3_ENCRYPTION"},
        {"kms-key", PL_OPT_STR, &t->kms_key, "KEY",
         "id or ARN; default: the account's key for S3", "LAKESEG_S3_KMS_KEY"},
        {"kms-context", PL_OPT_STR, &t->kms_context, "JSON",
         "an object of names and texts", "LAKESEG_S3_KMS_CONTEXT"},
        {"bucket-key", PL_OPT_FLAG, &t->bucket_key, NULL,
         "use the bucket's key, for fewer calls to KMS",
         "LAKESEG_S3_BUCKET_KEY"},
        {"storage-class", PL_OPT_STR, &t->storage_class, "NAME",
         "STANDARD_IA, ...; default: STANDARD", "LAKESEG_S3_STORAGE_CLASS"},
        {"tags", PL_OPT_STR, &t->tags, "TAGS",
         "name=value&name=value, URI-encoded", "LAKESEG_S3_TAGS"},
        {"metadata", PL_OPT_STR, &t->metadata, "NAME=VALUE,...",
         "the object's own headers", "LAKESEG_S3_METADATA"},
        {"bucket-owner", PL_OPT_STR, &t->bucket_owner, "ACCOUNT",
         "refuse buckets of any other account", "LAKESEG_S3_BUCKET_OWNER"},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "s3-put",
        .summary = "carry the data of a manifest to S3",
        .operands = "[FILE]",
        .text =
            "Reads a manifest from standard input, uploads every local entry "
            "of data[] with role normalized to <work>/import/pNNNN/ and with "
            "role rejects to <work>/rejects/, and writes the manifest with "
            "their URIs to standard output. With FILE, or - for standard "
            "input, no manifest is read, and it goes to --to.\n\n"
            "The bytes read must have the CRC64NVME of the manifest, and S3 "
            "checks the same value for what it stored. Large files go in "
            "parallel parts; an upload that does not complete, by an error or "
            "a signal, is aborted, unless --keep-partial is given. Killed at "
            "any moment, the next try sends only the parts that S3 does not "
            "have: FILE.upload holds the upload's id.\n\n"
            "Standard input may be of any length: parts begin with 8 MiB and "
            "grow as far as the memory allows, to 280 GB with the default.",
        .examples = "s3-fetch < m.json | csv-validate-normalize | s3-put\n"
                    "s3-put people.csv --to s3://results/import/\n"
                    "zstd -c people.csv | s3-put - --to "
                    "s3://results/people.csv.zst",
        .see_also = "s3-fetch(1), csv-validate-normalize(1), "
                    "pinpoint-import(1)",
        .opts = opts};
    const struct pl_stage stage = {
        .cli = &cli, .ctx = &cfg, .run = run, .direct = direct};

    return pl_stage_main(&stage, argc, argv);
}
