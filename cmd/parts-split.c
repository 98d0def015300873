/* parts-split - one manifest for each partition of a result; see stages/parts_split. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/parts_split/parts_split.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    (void)ctx;
    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return parts_split_run(&aws, m, err);
}

int main(int argc, char **argv)
{
    const struct pl_opt opts[] = {{.name = NULL}};
    const struct pl_cli cli = {
        .name = "parts-split",
        .summary =
            "split a run into parts, one for each partition of its result",
        .text =
            "Reads the manifest of a query that athena-exec --partitions "
            "has run, and writes to S3, below run.work_uri, a manifest for "
            "each partition (parts/pNN/manifests/input.json) and their list "
            "(parts/items.json). The manifest with the section parts goes "
            "to standard output. Each part's manifest is the input of a "
            "csv-validate; parts-collect puts together what became of them.",
        .examples =
            "athena-exec --partitions 16 < job.json | parts-split > m.json",
        .see_also =
            "athena-exec(1), parts-collect(1), csv-validate-normalize(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
