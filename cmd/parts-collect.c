/* parts-collect - what became of the parts of a run; see stages/parts_collect. */
#include "pipeline/aws/client.h"
#include "pipeline/manifest/stage.h"
#include "stages/parts_collect/parts_collect.h"

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_aws) aws = {0};

    (void)ctx;
    if (pl_aws_open(&aws, NULL, err) != 0)
        return -1;
    return parts_collect_run(&aws, m, err);
}

int main(int argc, char **argv)
{
    const struct pl_opt opts[] = {{.name = NULL}};
    const struct pl_cli cli = {
        .name = "parts-collect",
        .summary = "put together what became of the parts of a run",
        .text =
            "Reads the manifest that parts-split wrote, and from S3 that of "
            "each part's transformer (parts/pNN/manifests/transform.json). "
            "It adds up the counts, judges the limits by the sum, and names "
            "the files of all parts for one import. A part that failed, or "
            "left no word, fails the run before anything is imported.",
        .examples = "parts-collect < m.json | pinpoint-import | sns-notify",
        .see_also =
            "parts-split(1), csv-validate-normalize(1), pinpoint-import(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .run = run};

    return pl_stage_main(&stage, argc, argv);
}
